// Where tiles of 192 columns take fewer rounds than those of 256 for some rows and more for others, a
// kernel has code for both, and each call the one that is predicted to take less.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s

module @kernels {
  // CONFIG-LABEL: func.func @both
  // CONFIG: config = {narrow_columns = 192 : i64, stages = 4 : i64, tile_columns = 256 : i64, tile_rows = 128 : i64}
  // CHECK-LABEL: func.func @both
  // Boxes of b: a tile's of either width, and a piece's of both; the stages are those of the wide tiles.
  // CHECK-SAME: kern.max_blocks = 132 : i64
  // CHECK-SAME: kern.shared_bytes = 229440 : i64
  // CHECK-SAME: box = [64, 128]
  // CHECK-SAME: argument = 2 : i64, box = [64, 256]
  // CHECK-SAME: argument = 2 : i64, box = [64, 192]
  // CHECK-SAME: argument = 2 : i64, box = [64, 64]
  // CHECK: nvvm.setmaxregister increase 232
  // CHECK: wgmma.mma_async.sync.aligned.m64n192k16
  // CHECK: } else {
  // CHECK: wgmma.mma_async.sync.aligned.m64n256k16
  func.func @both(%rows: index, %a: memref<?x1536xbf16>, %b: memref<768x1536xbf16>, %out: memref<?x768xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 768, k = 1536, accesses = [], extra_columns = array<i64>} : (index, memref<?x1536xbf16>, memref<768x1536xbf16>, memref<?x768xbf16>) -> ()
    return
  }

  // Where one width is best for all of a kernel's rows there is no other.
  // CONFIG-LABEL: func.func @few
  // CONFIG: config = {stages = 8 : i64, tile_columns = 128 : i64, tile_rows = 64 : i64}
  func.func @few(%rows: index, %a: memref<?x1536xbf16>, %b: memref<768x1536xbf16>, %out: memref<?x768xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 768, k = 1536, max_rows = 1536, accesses = [], extra_columns = array<i64>} : (index, memref<?x1536xbf16>, memref<768x1536xbf16>, memref<?x768xbf16>) -> ()
    return
  }
}
