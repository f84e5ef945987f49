// In long calls blocks form clusters of two that have tiles one below the other and copy b for each other,
// half of it each. Who launches them says so: the code runs either way.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX

module @kernels {
  // CONFIG-LABEL: func.func @wide
  // CONFIG: config = {multicast = 2 : i64, stages = 4 : i64, tile_columns = 256 : i64, tile_rows = 128 : i64}
  // With 3073 rows: 25 rows of 16 tiles, in 4 pieces each where they are a last round.
  // CHECK-LABEL: func.func @wide
  // CHECK-SAME: kern.cluster_blocks = 2 : i64
  // CHECK-SAME: kern.cluster_grid = 1600 : i64
  // CHECK-SAME: kern.max_blocks = 132 : i64
  // Boxes of b: half of a tile, and a piece.
  // CHECK-SAME: argument = 2 : i64, box = [64, 128]
  // CHECK-SAME: argument = 2 : i64, box = [64, 64]
  // CHECK: nvvm.read.ptx.sreg.cluster.nctaid.x
  // CHECK: nvvm.cluster.wait
  // PTX-LABEL: .entry wide(
  // PTX-NOT: .reqnctapercluster
  // A release for the cluster would wait for all of a thread's accesses to global memory.
  // PTX: mbarrier.arrive.shared::cluster.b64
  // PTX-NOT: release.cluster.shared
  // PTX: multicast::cluster
  // PTX: barrier.cluster.arrive.relaxed
  func.func @wide(%rows: index, %a: memref<?x1024xbf16>, %b: memref<4096x1024xbf16>, %out: memref<?x4096xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 4096, k = 1024, accesses = [], extra_columns = array<i64>} : (index, memref<?x1024xbf16>, memref<4096x1024xbf16>, memref<?x4096xbf16>) -> ()
    return
  }

  // Where clusters share pieces as well they are the code's own, and the rows tell whether b is copied for all.
  // CHECK-LABEL: func.func @shared
  // CHECK-SAME: kern.cluster_blocks = 2 : i64
  // CHECK-NOT: kern.cluster_grid
  // CHECK: arith.cmpi sgt, %{{.*}}, %c3072_i32
  // PTX-LABEL: .entry shared(
  // PTX: .reqnctapercluster 2, 1, 1
  // PTX: multicast::cluster
  func.func @shared(%rows: index, %a: memref<?x4096xbf16>, %b: memref<1024x4096xbf16>, %out: memref<?x1024xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 1024, k = 4096, accesses = [], extra_columns = array<i64>,
       config = {cluster = 2, multicast = 2, stages = 4, tile_columns = 256, tile_rows = 128}} : (index, memref<?x4096xbf16>, memref<1024x4096xbf16>, memref<?x1024xbf16>) -> ()
    return
  }

  // Each block copies the columns of one group.
  // CHECK-LABEL: func.func @gate
  // CHECK-SAME: argument = 2 : i64, box = [64, 128]
  func.func @gate(%rows: index, %a: memref<?x1024xbf16>, %b: memref<8192x1024xbf16>, %out: memref<?x4096xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%gate: f32, %up: f32):
      %product = arith.mulf %gate, %up : f32
      kern.yield %product
    } {n = 4096, k = 1024, groups = 2, accesses = [], extra_columns = array<i64>} : (index, memref<?x1024xbf16>, memref<8192x1024xbf16>, memref<?x4096xbf16>) -> ()
    return
  }

  // What one tile has all columns of is shared otherwise.
  // CONFIG-LABEL: func.func @narrow
  // CONFIG-NOT: multicast
  func.func @narrow(%rows: index, %a: memref<?x2048xbf16>, %b: memref<96x2048xbf16>, %out: memref<?x96xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 96, k = 2048, accesses = [], extra_columns = array<i64>} : (index, memref<?x2048xbf16>, memref<96x2048xbf16>, memref<?x96xbf16>) -> ()
    return
  }
}
