// A matmul that promises few rows reads its weights and little else: they are the left factor,
// 64 rows of them, and the rows the columns of the product, 8 or as many as there may be. The
// blocks of a cluster share k, and add from each other's shared memory. The weights are on their
// way before the kernels in front have ended; nothing else is touched before that.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX
// RUN: flowhn-opt %s --kern-choose-gpu-configs=chip=sm_80 --convert-kern-to-gpu=chip=sm_80 | FileCheck %s --check-prefix=OTHER
// OTHER-NOT: kern.cluster_blocks

// CHECK-DAG: #[[GRID:.*]] = affine_map<()[s0] -> ((s0 ceildiv 64) * 128)>
// CHECK-DAG: #[[NARROW:.*]] = affine_map<()[s0] -> ((s0 ceildiv 64) * 16)>
// CHECK-DAG: #[[ROWS:.*]] = affine_map<()[s0] -> (s0)>
// CHECK-DAG: #[[WEIGHTS:.*]] = affine_map<()[s0] -> (2048)>

module @kernels {
  // CHECK-LABEL: func.func @split
  // CHECK-SAME: kern.cluster_blocks = 4 : i64
  // CHECK-SAME: kern.config = {cluster = 4 : i64, stages = 7 : i64}
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: box = [64, 8], columns = 2048 : i64, row_bytes = 4096 : i64, rows = #[[ROWS]]
  // CHECK-SAME: box = [64, 64], columns = 2048 : i64, row_bytes = 4096 : i64, rows = #[[ROWS]]
  // CHECK-SAME: box = [64, 64], columns = 2048 : i64, row_bytes = 4096 : i64, rows = #[[WEIGHTS]]
  // CHECK-SAME: kern.threads = 160 : i64
  // CHECK: nvvm.griddepcontrol launch_dependents
  // CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.griddepcontrol wait
  // CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK-NOT: nvvm.wgmma
  // CHECK: nvvm.griddepcontrol wait
  // CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 8, k = 16>
  // CHECK: nvvm.cluster.arrive
  // CHECK-NEXT: nvvm.cluster.wait
  // CHECK-COUNT-4: nvvm.mapa
  // CHECK: nvvm.cluster.arrive.relaxed
  // CHECK-NEXT: nvvm.cluster.wait
  // CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 64, k = 16>
  // PTX-LABEL: .entry split(
  // PTX: .reqnctapercluster 4, 1, 1
  // PTX: ld.shared::cluster.v4
  // PTX-NOT: .extern .func
  func.func @split(%rows: index, %a: memref<?x2048xbf16>, %b: memref<2048x2048xbf16>, %out: memref<?x2048xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 2048, k = 2048, max_rows = 64, accesses = [], extra_columns = array<i64>} : (index, memref<?x2048xbf16>, memref<2048x2048xbf16>, memref<?x2048xbf16>) -> ()
    return
  }

  // Enough columns for every multiprocessor: no cluster. Gate and up meet in a block.
  // CHECK-LABEL: func.func @gate
  // CHECK-NOT: kern.cluster_blocks
  // CHECK-SAME: kern.config = {cluster = 1 : i64
  // CHECK-COUNT-16: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 8, k = 16>
  // CHECK-NOT: nvvm.mapa
  func.func @gate(%rows: index, %a: memref<?x256xbf16>, %b: memref<40000x256xbf16>, %out: memref<?x20000xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%gate: f32, %up: f32):
      %y = arith.mulf %gate, %up : f32
      kern.yield %y
    } {n = 20000, k = 256, groups = 2, max_rows = 64, accesses = [], extra_columns = array<i64>} : (index, memref<?x256xbf16>, memref<40000x256xbf16>, memref<?x20000xbf16>) -> ()
    return
  }

  // Of few columns, middling rows are several tiles: what follows the block's number is the row of
  // its tile, the column, and the part of k.
  // CHECK-LABEL: func.func @narrow
  // CHECK-SAME: kern.cluster_blocks = 8 : i64
  // CHECK-SAME: kern.config = {cluster = 8 : i64, stages = 4 : i64, tile_rows = 64 : i64}
  // CHECK-SAME: kern.grid = #[[NARROW]]
  // CHECK-NOT: <m = 64, n = 8, k = 16>
  // CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 64, k = 16>
  // CHECK: return
  func.func @narrow(%rows: index, %a: memref<?x2048xbf16>, %b: memref<96x2048xbf16>, %out: memref<?x96xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 96, k = 2048, max_rows = 608, accesses = [], extra_columns = array<i64>} : (index, memref<?x2048xbf16>, memref<96x2048xbf16>, memref<?x96xf32>) -> ()
    return
  }
}
