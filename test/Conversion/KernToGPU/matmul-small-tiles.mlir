// Products of few rows may have tiles of 64 of them, whose blocks have one warpgroup that multiplies:
// there are so few tiles that small ones leave fewer blocks without one. Others keep wide tiles.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s

module @kernels {
  // CONFIG-LABEL: func.func @few
  // CONFIG: config = {stages = 9 : i64, tile_columns = 128 : i64, tile_rows = 64 : i64}
  // CHECK-LABEL: func.func @few
  // CHECK-SAME: kern.threads = 256 : i64
  // CHECK-NOT: nvvm.setmaxregister
  // CHECK: wgmma.mma_async.sync.aligned.m64n128k16
  func.func @few(%rows: index, %a: memref<?x1536xbf16>, %b: memref<768x1536xbf16>, %out: memref<?x768xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 768, k = 1536, max_rows = 512, accesses = [], extra_columns = array<i64>} : (index, memref<?x1536xbf16>, memref<768x1536xbf16>, memref<?x768xf32>) -> ()
    return
  }

  // CONFIG-LABEL: func.func @any
  // CONFIG: tile_columns = {{192|256}} : i64, tile_rows = 128 : i64}
  // CHECK-LABEL: func.func @any
  // CHECK-SAME: kern.threads = 384 : i64
  func.func @any(%rows: index, %a: memref<?x1536xbf16>, %b: memref<768x1536xbf16>, %out: memref<?x768xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 768, k = 1536, accesses = [], extra_columns = array<i64>} : (index, memref<?x1536xbf16>, memref<768x1536xbf16>, memref<?x768xf32>) -> ()
    return
  }
}
