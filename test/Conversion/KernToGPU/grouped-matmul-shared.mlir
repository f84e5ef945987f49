// Of two products with few tiles the blocks of clusters share those of the one with more in k, half each, where a tile by itself
// would take as long as both halves of the launch. Tiles of the other one are whole: two codes of one form.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s

module @kernels attributes {kern.branch_shares = array<f64: 0.55, 0.45>} {
  // CONFIG-LABEL: func.func @out
  // CONFIG: config = {cluster = 2 : i64, shared_products = 1 : i64, stages = 6 : i64, tile_columns = 128 : i64, tile_rows = 128 : i64}
  // 16 parts of each 128 rows of the second product, 8 tiles of those of the first, whole clusters of them.
  // CHECK: #[[GRID:.*]] = affine_map<()[s0, s1] -> ((((s1 ceildiv 128) * 16 + (s0 ceildiv 128) * 8) ceildiv 2) * 2)>
  // CHECK: func.func @out({{.*}}kern.cluster_blocks = 2 : i64, {{.*}}kern.grid = #[[GRID]]
  // CHECK: nvvm.griddepcontrol{{ +}}launch_dependents
  // What copies waits for the kernel before with weights on their way, what multiplies before all else.
  // CHECK: nvvm.griddepcontrol{{ +}}wait
  // CHECK: nvvm.setmaxregister increase
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16
  // CHECK: nvvm.cluster.arrive
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16
  // CHECK-NOT: wgmma.mma_async
  func.func @out(%r: index, %a: memref<?x1024xbf16>, %b: memref<1024x1024xbf16>, %to: memref<?x1024xf32>, %from: memref<?x1024xf32>,
                 %s: index, %c: memref<?x2048xbf16>, %d: memref<1024x2048xbf16>, %other: memref<?x1024xf32>, %others: memref<?x1024xf32>) attributes {kern.kernel} {
    kern.grouped_matmul(%r, %a, %b, %to, %from, %s, %c, %d, %other, %others) {
    ^bb0(%r0: index, %a0: memref<?x1024xbf16>, %b0: memref<1024x1024xbf16>, %to0: memref<?x1024xf32>, %from0: memref<?x1024xf32>,
         %r1: index, %a1: memref<?x2048xbf16>, %b1: memref<1024x2048xbf16>, %to1: memref<?x1024xf32>, %from1: memref<?x1024xf32>):
      kern.matmul rows(%r0) %a0, %b0 -> %to0 extras(%from0) {
      ^bb0(%sum: f32, %value: f32):
        %result = arith.addf %sum, %value : f32
        kern.yield %result
      } {n = 1024, k = 1024, max_rows = 608, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x1024xbf16>, memref<1024x1024xbf16>, memref<?x1024xf32>, memref<?x1024xf32>) -> ()
      kern.matmul rows(%r1) %a1, %b1 -> %to1 extras(%from1) {
      ^bb0(%sum: f32, %value: f32):
        %result = arith.addf %sum, %value : f32
        kern.yield %result
      } {n = 1024, k = 2048, max_rows = 608, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x2048xbf16>, memref<1024x2048xbf16>, memref<?x1024xf32>, memref<?x1024xf32>) -> ()
    } : (index, memref<?x1024xbf16>, memref<1024x1024xbf16>, memref<?x1024xf32>, memref<?x1024xf32>, index, memref<?x2048xbf16>, memref<1024x2048xbf16>, memref<?x1024xf32>, memref<?x1024xf32>) -> ()
    return
  }
}
