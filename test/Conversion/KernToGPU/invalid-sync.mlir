// What the matmul of single warps refuses, and why.
// RUN: flowhn-opt %s --split-input-file --verify-diagnostics --kern-choose-gpu-configs=chip=sm_80 --convert-kern-to-gpu=chip=sm_80

module @kernels {
  func.func @float_tile(%rows: index, %a: memref<?x8xf32>, %b: memref<16x8xf32>, %out: memref<?x16xf32>) attributes {kern.kernel} {
    // expected-error@+1 {{has no warp tile of 64 by 64 on sm_80}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 8, accesses = [], extra_columns = array<i64>, config = {warp_rows = 64, warp_columns = 64, row_warps = 1, column_warps = 1, stages = 2}} : (index, memref<?x8xf32>, memref<16x8xf32>, memref<?x16xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @warps(%rows: index, %a: memref<?x8xbf16>, %b: memref<16x8xbf16>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs at most 8 warps and at least 2 stages on sm_80, got 9 and 1}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 8, accesses = [], extra_columns = array<i64>, config = {warp_rows = 16, warp_columns = 16, row_warps = 3, column_warps = 3, stages = 1}} : (index, memref<?x8xbf16>, memref<16x8xbf16>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @shared(%rows: index, %a: memref<?x8xbf16>, %b: memref<16x8xbf16>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs 196608 bytes of shared memory, and a block of sm_80 has 166912}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 8, accesses = [], extra_columns = array<i64>, config = {warp_rows = 64, warp_columns = 64, row_warps = 2, column_warps = 4, stages = 4}} : (index, memref<?x8xbf16>, memref<16x8xbf16>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @mixed(%rows: index, %a: memref<?x8xf16>, %b: memref<16x8xbf16>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs 'a' and 'b' of one type on the GPU, got 'f16' and 'bf16'}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 8, accesses = [], extra_columns = array<i64>} : (index, memref<?x8xf16>, memref<16x8xbf16>, memref<?x16xbf16>) -> ()
    return
  }
}
