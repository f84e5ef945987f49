// Which groups of products have no code.
// RUN: flowhn-opt %s --split-input-file --verify-diagnostics --kern-choose-gpu-configs --convert-kern-to-gpu
// RUN: not flowhn-opt %s --split-input-file --kern-choose-gpu-configs=chip=sm_80 --convert-kern-to-gpu=chip=sm_80 2>&1 | FileCheck %s
// CHECK: error: 'kern.grouped_matmul' op needs warpgroup products of bf16 or f16, got 'bf16' on sm_80

module @kernels {
  func.func @group(%r: index, %a: memref<?x64xf32>, %b: memref<64x64xf32>, %out: memref<?x64xf32>, %to: memref<?x64xf32>) attributes {kern.kernel} {
    // expected-error@+1 {{needs warpgroup products of bf16 or f16, got 'f32' on sm_90a}}
    kern.grouped_matmul(%r, %a, %b, %out, %to) {
    ^bb0(%r0: index, %a0: memref<?x64xf32>, %b0: memref<64x64xf32>, %out0: memref<?x64xf32>, %to0: memref<?x64xf32>):
      kern.matmul rows(%r0) %a0, %b0 -> %out0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 64, k = 64, accesses = [], extra_columns = array<i64>} : (index, memref<?x64xf32>, memref<64x64xf32>, memref<?x64xf32>) -> ()
      kern.matmul rows(%r0) %a0, %b0 -> %to0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 64, k = 64, accesses = [], extra_columns = array<i64>} : (index, memref<?x64xf32>, memref<64x64xf32>, memref<?x64xf32>) -> ()
    } : (index, memref<?x64xf32>, memref<64x64xf32>, memref<?x64xf32>, memref<?x64xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @group(%r: index, %a: memref<?x64xbf16>, %b: memref<64x64xbf16>, %out: memref<?x64xbf16>, %to: memref<?x64xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{has no tile of 100 by 64 on sm_90a}}
    kern.grouped_matmul(%r, %a, %b, %out, %to) {
    ^bb0(%r0: index, %a0: memref<?x64xbf16>, %b0: memref<64x64xbf16>, %out0: memref<?x64xbf16>, %to0: memref<?x64xbf16>):
      kern.matmul rows(%r0) %a0, %b0 -> %out0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 64, k = 64, accesses = [], extra_columns = array<i64>} : (index, memref<?x64xbf16>, memref<64x64xbf16>, memref<?x64xbf16>) -> ()
      kern.matmul rows(%r0) %a0, %b0 -> %to0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 64, k = 64, accesses = [], extra_columns = array<i64>} : (index, memref<?x64xbf16>, memref<64x64xbf16>, memref<?x64xbf16>) -> ()
    } {config = {tile_rows = 100, tile_columns = 64, stages = 2}} : (index, memref<?x64xbf16>, memref<64x64xbf16>, memref<?x64xbf16>, memref<?x64xbf16>) -> ()
    return
  }
}
