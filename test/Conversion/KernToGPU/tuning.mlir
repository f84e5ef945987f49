// Configurations that a calibration has times of: each kernel of a product takes what was fastest
// with as many rows as it is for, attention what was fastest in all calls, against the least of
// each; what was not timed is predicted. Kernels say what a calibration knows them by.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefixes=CHECK,PREDICTED
// RUN: flowhn-opt %s --kern-choose-gpu-configs=calibration=%S/Inputs/tuned.json | FileCheck %s --check-prefixes=CHECK,MEASURED
// RUN: flowhn-opt %s --kern-choose-gpu-configs="calibration=%S/Inputs/tuned.json candidate=0" | FileCheck %s --check-prefixes=CHECK,PREDICTED
// RUN: flowhn-opt %s --kern-choose-gpu-configs=candidate=1 | FileCheck %s --check-prefixes=CHECK,SECOND
// RUN: flowhn-opt %s --kern-choose-gpu-configs=candidate=99 | FileCheck %s --check-prefixes=CHECK,PREDICTED
// RUN: flowhn-opt %s --kern-choose-gpu-configs=chip=sm_80 | FileCheck %s --check-prefix=OTHER
// RUN: sed 's/tile_columns=192/tile_columns=200/' %S/Inputs/tuned.json > %t.bad.json
// RUN: not flowhn-opt %s --kern-choose-gpu-configs=calibration=%t.bad.json 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not flowhn-opt %s --kern-choose-gpu-configs=calibration=%t.none.json 2>&1 | FileCheck %s --check-prefix=NONE
// BAD: error: {{.*}}.bad.json: a configuration of 'matmul 2048x8192 bf16 + row f32 -> f32' must be '{{.*}}stages={{.*}}' or '{{.*}}', got 'stages=5 tile_columns=200 tile_rows=128'
// NONE: error: {{.*}}.none.json
// OTHER: func.func @more
// OTHER-NOT: kern.tuning_key
// OTHER: func.func @pair

module @kernels {
  // CHECK-LABEL: func.func @more
  //  CHECK-SAME: kern.tuning_key = "matmul 2048x8192 bf16 + row f32 -> f32"
  //   PREDICTED: tile_columns = 256
  //    MEASURED: tile_columns = 192
  //      SECOND: cluster = 2
  func.func @more(%rows: index, %a: memref<?x8192xbf16>, %b: memref<2048x8192xbf16>, %x: memref<?x2048xf32>, %out: memref<?x2048xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
    ^bb0(%sum: f32, %residual: f32):
      %y = arith.addf %sum, %residual : f32
      kern.yield %y
    } {n = 2048, k = 8192, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x8192xbf16>, memref<2048x8192xbf16>, memref<?x2048xf32>, memref<?x2048xf32>) -> ()
    return
  }
  // The same product, of other columns, in calls of 609 to 1536 rows: 192 columns are 1 % faster with 1000, and 10 %
  // slower with 1500.
  // CHECK-LABEL: func.func @middling
  //  CHECK-SAME: kern.tuning_key = "matmul 2048x8192 bf16 + row f32 -> f32"
  //    MEASURED: tile_columns = 256
  func.func @middling(%rows: index, %a: memref<?x8200xbf16>, %b: memref<2048x8192xbf16>, %x: memref<?x2048xf32>, %out: memref<?x2048xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
    ^bb0(%sum: f32, %residual: f32):
      %y = arith.addf %sum, %residual : f32
      kern.yield %y
    } {n = 2048, k = 8192, a_column = 8, max_rows = 1536, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x8200xbf16>, memref<2048x8192xbf16>, memref<?x2048xf32>, memref<?x2048xf32>) -> ()
    return
  }
  // Nothing was measured with 65 to 512 rows.
  // CHECK-LABEL: func.func @fewer
  //   PREDICTED: tile_columns = 256
  //    MEASURED: tile_columns = 256
  func.func @fewer(%rows: index, %a: memref<?x8208xbf16>, %b: memref<2048x8192xbf16>, %x: memref<?x2048xf32>, %out: memref<?x2048xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
    ^bb0(%sum: f32, %residual: f32):
      %y = arith.addf %sum, %residual : f32
      kern.yield %y
    } {n = 2048, k = 8192, a_column = 16, max_rows = 512, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x8208xbf16>, memref<2048x8192xbf16>, memref<?x2048xf32>, memref<?x2048xf32>) -> ()
    return
  }
  // At most 64 rows have one configuration.
  // CHECK-LABEL: func.func @few
  //   CHECK-NOT: kern.tuning_key
  //       CHECK: cluster
  func.func @few(%rows: index, %a: memref<?x8192xbf16>, %b: memref<2048x8192xbf16>, %x: memref<?x2048xf32>, %out: memref<?x2048xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
    ^bb0(%sum: f32, %residual: f32):
      %y = arith.addf %sum, %residual : f32
      kern.yield %y
    } {n = 2048, k = 8192, max_rows = 64, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x8192xbf16>, memref<2048x8192xbf16>, memref<?x2048xf32>, memref<?x2048xf32>) -> ()
    return
  }
  // 1.5 % faster is as fast.
  // CHECK-LABEL: func.func @pair
  //  CHECK-SAME: kern.tuning_key = "grouped_matmul 512x256 bf16 -> bf16 | 1024x256 bf16 -> bf16"
  //   PREDICTED: tile_columns = 256
  //    MEASURED: tile_columns = 256
  func.func @pair(%rows: index, %others: index, %a: memref<?x256xbf16>, %b: memref<512x256xbf16>, %c: memref<1024x256xbf16>, %x: memref<?x512xbf16>, %y: memref<?x1024xbf16>) attributes {kern.kernel} {
    kern.grouped_matmul(%rows, %others, %a, %b, %c, %x, %y) {
    ^bb0(%r: index, %o: index, %a0: memref<?x256xbf16>, %b0: memref<512x256xbf16>, %c0: memref<1024x256xbf16>, %x0: memref<?x512xbf16>, %y0: memref<?x1024xbf16>):
      kern.matmul rows(%r) %a0, %b0 -> %x0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 512, k = 256, accesses = [], extra_columns = array<i64>} : (index, memref<?x256xbf16>, memref<512x256xbf16>, memref<?x512xbf16>) -> ()
      kern.matmul rows(%o) %a0, %c0 -> %y0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 1024, k = 256, accesses = [], extra_columns = array<i64>} : (index, memref<?x256xbf16>, memref<1024x256xbf16>, memref<?x1024xbf16>) -> ()
    } : (index, index, memref<?x256xbf16>, memref<512x256xbf16>, memref<1024x256xbf16>, memref<?x512xbf16>, memref<?x1024xbf16>) -> ()
    return
  }
  // CHECK-LABEL: func.func @heads
  //  CHECK-SAME: kern.tuning_key = "attention 4x2x64 bf16"
  //   PREDICTED: config = {keys = 96 : i64, stages = 2 : i64, warpgroups = 3 : i64}
  //    MEASURED: config = {keys = 128 : i64, stages = 2 : i64, warpgroups = 2 : i64}
  //      SECOND: config = {keys = 128 : i64, stages = 2 : i64, warpgroups = 3 : i64}
  func.func @heads(%batch: index, %max: index, %rows: index, %qkv: memref<?x512xbf16>, %offsets: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 4, kv_heads = 2, head_size = 64, scale = 0.125 : f32, k_column = 256, v_column = 384} : (index, index, index, memref<?x512xbf16>, memref<?x512xbf16>, memref<?x512xbf16>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }
  // A configuration that was pinned stays.
  // CHECK-LABEL: func.func @pinned
  //       CHECK: config = {keys = 64 : i64, stages = 2 : i64, warpgroups = 2 : i64}
  func.func @pinned(%batch: index, %max: index, %rows: index, %qkv: memref<?x512xbf16>, %offsets: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 4, kv_heads = 2, head_size = 64, scale = 0.125 : f32, k_column = 256, v_column = 384, config = {keys = 64 : i64, stages = 2 : i64, warpgroups = 2 : i64}} : (index, index, index, memref<?x512xbf16>, memref<?x512xbf16>, memref<?x512xbf16>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }
}
