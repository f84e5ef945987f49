// The configuration of a kernel is chosen per level, kept on the op, and left alone
// where it was pinned: panels of a matmul fit half the second-level cache, blocks of
// k are even, and the tile fills the registers.
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v4 | FileCheck %s --check-prefixes=CHECK,V4
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,V3
// RUN: not flowhn-opt %s --kern-choose-cpu-configs=cpu=pentium 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown cpu 'pentium': expected x86-64-v2, x86-64-v3, x86-64-v4, or host

module @kernels {
  // CHECK-LABEL: func.func @short
  // V4: config = {k_block = 768 : i64, panels_per_item = {{[0-9]+}} : i64, row_block = {{[0-9]+}} : i64, tile_rows = 8 : i64}
  // V3: config = {k_block = 768 : i64, panels_per_item = {{[0-9]+}} : i64, row_block = {{[0-9]+}} : i64, tile_rows = 6 : i64}
  func.func @short(%rows: index, %a: memref<?x768xf32>, %b: memref<16x768x48xf32>, %out: memref<?x768xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 768, k = 768, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xf32>, memref<16x768x48xf32>, memref<?x768xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @deep
  // V4: k_block = 2048
  // V3: k_block = 4096
  func.func @deep(%rows: index, %a: memref<?x8192xf32>, %b: memref<16x8192x48xf32>, %out: memref<?x768xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 768, k = 8192, accesses = [], extra_columns = array<i64>} : (index, memref<?x8192xf32>, memref<16x8192x48xf32>, memref<?x768xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @two_groups
  // V4: tile_rows = 6
  func.func @two_groups(%rows: index, %a: memref<?x768xf32>, %b: memref<64x768x64xf32>, %out: memref<?x2048xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%gate: f32, %up: f32):
      %0 = arith.mulf %gate, %up : f32
      kern.yield %0
    } {n = 2048, k = 768, groups = 2, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xf32>, memref<64x768x64xf32>, memref<?x2048xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @pinned
  // CHECK: config = {k_block = 1 : i64}
  func.func @pinned(%rows: index, %a: memref<?x768xf32>, %b: memref<16x768x48xf32>, %out: memref<?x768xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 768, k = 768, accesses = [], extra_columns = array<i64>, config = {k_block = 1}} : (index, memref<?x768xf32>, memref<16x768x48xf32>, memref<?x768xf32>) -> ()
    return
  }
}
