// Tiles of a last round, by clusters of two: quarters and halves of a tile's columns, each by two blocks with half
// of k, where there are blocks enough, and halves by a block each where there are not.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX

// CHECK-DAG: #[[GRID:.*]] = affine_map<()[s0] -> ((s0 ceildiv 128) * 32)>

module @kernels {
  // CHECK-LABEL: func.func @parts
  // CHECK-SAME: kern.cluster_blocks = 2 : i64
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: kern.max_blocks = 132 : i64
  // CHECK: nvvm.setmaxregister increase 232
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n256k16
  // CHECK-COUNT-16: wgmma.mma_async.sync.aligned.m64n64k16
  // CHECK: nvvm.mapa
  // CHECK: nvvm.cluster.arrive
  // CHECK: nvvm.cluster.wait
  // CHECK: } else {
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16
  // CHECK: nvvm.mapa
  // CHECK: } else {
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16
  // CHECK-NOT: nvvm.mapa
  // PTX-LABEL: .entry parts(
  // PTX: .reqnctapercluster 2, 1, 1
  func.func @parts(%rows: index, %a: memref<?x4096xbf16>, %b: memref<1024x4096xbf16>, %out: memref<?x1024xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 1024, k = 4096, accesses = [], extra_columns = array<i64>,
       config = {cluster = 2, stages = 4, tile_columns = 256, tile_rows = 128}} : (index, memref<?x4096xbf16>, memref<1024x4096xbf16>, memref<?x1024xbf16>) -> ()
    return
  }

  // CHECK-LABEL: func.func @long
  // CONFIG-LABEL: func.func @long
  // CONFIG: config = {cluster = 2 : i64, {{.*}}tile_columns = 256 : i64
  func.func @long(%rows: index, %a: memref<?x4096xbf16>, %b: memref<1024x4096xbf16>, %out: memref<?x1024xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 1024, k = 4096, accesses = [], extra_columns = array<i64>} : (index, memref<?x4096xbf16>, memref<1024x4096xbf16>, memref<?x1024xbf16>) -> ()
    return
  }

  // The exchange takes longer than a short k does.
  // CONFIG-LABEL: func.func @short
  // CONFIG-NOT: cluster
  func.func @short(%rows: index, %a: memref<?x256xbf16>, %b: memref<1024x256xbf16>, %out: memref<?x1024xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 1024, k = 256, accesses = [], extra_columns = array<i64>} : (index, memref<?x256xbf16>, memref<1024x256xbf16>, memref<?x1024xbf16>) -> ()
    return
  }

  // Where one tile has all columns there are few of them: they have 64 rows.
  // CONFIG-LABEL: func.func @narrow
  // CONFIG: config = {cluster = 2 : i64, {{.*}}tile_columns = 160 : i64, tile_rows = 64 : i64}
  func.func @narrow(%rows: index, %a: memref<?x4096xbf16>, %b: memref<160x4096xbf16>, %out: memref<?x160xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 160, k = 4096, accesses = [], extra_columns = array<i64>} : (index, memref<?x4096xbf16>, memref<160x4096xbf16>, memref<?x160xbf16>) -> ()
    return
  }
}
