// Kernels are chosen for calls that are divided as the model divides them: those of a group for at most 608 rows for 1024 tokens,
// of which the branches have 563 and 461, or where each has all, for shorter calls.
// RUN: flowhn-opt %s --split-input-file --kern-choose-gpu-configs | FileCheck %s

// CHECK: config = {cluster = 2 : i64, shared_products = 1 : i64, stages = 6 : i64, tile_columns = 128 : i64, tile_rows = 128 : i64}
module @kernels attributes {kern.branch_shares = array<f64: 0.55, 0.45>} {
  func.func @out(%r: index, %a: memref<?x1024xbf16>, %b: memref<1024x1024xbf16>, %x: memref<?x1024xf32>,
                 %s: index, %c: memref<?x2048xbf16>, %d: memref<1024x2048xbf16>, %y: memref<?x1024xf32>) attributes {kern.kernel} {
    kern.grouped_matmul(%r, %a, %b, %x, %s, %c, %d, %y) {
    ^bb0(%r0: index, %a0: memref<?x1024xbf16>, %b0: memref<1024x1024xbf16>, %x0: memref<?x1024xf32>,
         %r1: index, %a1: memref<?x2048xbf16>, %b1: memref<1024x2048xbf16>, %x1: memref<?x1024xf32>):
      kern.matmul rows(%r0) %a0, %b0 -> %x0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 1024, k = 1024, max_rows = 608, accesses = [], extra_columns = array<i64>} : (index, memref<?x1024xbf16>, memref<1024x1024xbf16>, memref<?x1024xf32>) -> ()
      kern.matmul rows(%r1) %a1, %b1 -> %x1 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 1024, k = 2048, max_rows = 608, accesses = [], extra_columns = array<i64>} : (index, memref<?x2048xbf16>, memref<1024x2048xbf16>, memref<?x1024xf32>) -> ()
    } : (index, memref<?x1024xbf16>, memref<1024x1024xbf16>, memref<?x1024xf32>, index, memref<?x2048xbf16>, memref<1024x2048xbf16>, memref<?x1024xf32>) -> ()
    return
  }
}

// -----

// CHECK: config = {stages = 6 : i64, tile_columns = 128 : i64, tile_rows = 128 : i64}
module @kernels attributes {kern.branch_shares = array<f64: 1.0, 1.0>} {
  func.func @out(%r: index, %a: memref<?x1024xbf16>, %b: memref<1024x1024xbf16>, %x: memref<?x1024xf32>,
                 %s: index, %c: memref<?x2048xbf16>, %d: memref<1024x2048xbf16>, %y: memref<?x1024xf32>) attributes {kern.kernel} {
    kern.grouped_matmul(%r, %a, %b, %x, %s, %c, %d, %y) {
    ^bb0(%r0: index, %a0: memref<?x1024xbf16>, %b0: memref<1024x1024xbf16>, %x0: memref<?x1024xf32>,
         %r1: index, %a1: memref<?x2048xbf16>, %b1: memref<1024x2048xbf16>, %x1: memref<?x1024xf32>):
      kern.matmul rows(%r0) %a0, %b0 -> %x0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 1024, k = 1024, max_rows = 608, accesses = [], extra_columns = array<i64>} : (index, memref<?x1024xbf16>, memref<1024x1024xbf16>, memref<?x1024xf32>) -> ()
      kern.matmul rows(%r1) %a1, %b1 -> %x1 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 1024, k = 2048, max_rows = 608, accesses = [], extra_columns = array<i64>} : (index, memref<?x2048xbf16>, memref<1024x2048xbf16>, memref<?x1024xf32>) -> ()
    } : (index, memref<?x1024xbf16>, memref<1024x1024xbf16>, memref<?x1024xf32>, index, memref<?x2048xbf16>, memref<1024x2048xbf16>, memref<?x1024xf32>) -> ()
    return
  }
}


// -----

// A product by itself is chosen for the parts of those calls that it is launched for: 4616 rows, and not 8192, of 8192 tokens.
// CHECK: config = {narrow_columns = 176 : i64, stages = 4 : i64, tile_columns = 192 : i64, tile_rows = 128 : i64}
// CHECK: config = {stages = 4 : i64, tile_columns = 192 : i64, tile_rows = 128 : i64}
module @kernels attributes {kern.branch_shares = array<f64: 0.563, 0.437>} {
  func.func @of_branch(%rows: index, %a: memref<?x768xbf16>, %b: memref<1152x768xbf16>, %out: memref<?x1152xbf16>) attributes {kern.kernel, kern.token_shares = array<f64: 0.563>} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 1152, k = 768, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xbf16>, memref<1152x768xbf16>, memref<?x1152xbf16>) -> ()
    return
  }

  func.func @of_all(%rows: index, %a: memref<?x768xbf16>, %b: memref<1152x768xbf16>, %out: memref<?x1152xbf16>) attributes {kern.kernel, kern.token_shares = array<f64: 1.0>} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 1152, k = 768, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xbf16>, memref<1152x768xbf16>, memref<?x1152xbf16>) -> ()
    return
  }
}
