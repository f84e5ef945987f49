// Of a wide norm few rows get the configuration of more of them, and are computed by its kernel; of a
// narrow one each has its own.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s

module @kernels {
  // CHECK-NOT: @wide_few
  func.func @wide_few(%rows: index, %x: memref<?x2048xf32>, %out: memref<?x2048xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32, %mean: f32):
      kern.yield %mean
    } {sections = array<i64: 0, 2048>, max_rows = 1536, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x2048xf32>, memref<?x2048xbf16>) -> ()
    return
  }
  // CHECK: func.func @wide(
  func.func @wide(%rows: index, %x: memref<?x2048xf32>, %out: memref<?x2048xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32, %mean: f32):
      kern.yield %mean
    } {sections = array<i64: 0, 2048>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x2048xf32>, memref<?x2048xbf16>) -> ()
    return
  }
  // CHECK: func.func @narrow_few
  func.func @narrow_few(%rows: index, %x: memref<?x256xf32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32, %mean: f32):
      kern.yield %mean
    } {sections = array<i64: 0, 256>, max_rows = 1536, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x256xf32>, memref<?x256xbf16>) -> ()
    return
  }
  // CHECK: func.func @narrow(
  func.func @narrow(%rows: index, %x: memref<?x256xf32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32, %mean: f32):
      kern.yield %mean
    } {sections = array<i64: 0, 256>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x256xf32>, memref<?x256xbf16>) -> ()
    return
  }
}
