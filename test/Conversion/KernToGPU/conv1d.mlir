// The shape of convolutions: as many channels per thread as every buffer's rows are
// aligned for, one access for all of them.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX

module @kernels {
  // 4 channels of 8 rows are in flight, and enough threads fit beside each other.
  // CONFIG-LABEL: @aligned
  // CONFIG: config = {rows = 16 : i64, threads = 64 : i64, vector = 4 : i64}
  // PTX-LABEL: .entry aligned(
  // PTX: ld.global.v4.b16
  // PTX-NOT: ld.global.b16
  // PTX: st.global.v
  // PTX-NOT: st.global.b16
  func.func @aligned(%batch: index, %max: index, %in: memref<?x264xbf16>, %w: memref<4x256xbf16>, %offsets: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.conv1d batch(%batch, %max) %in, %w offsets(%offsets) -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {in_column = 8, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x264xbf16>, memref<4x256xbf16>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }

  // Rows of 37 elements start anywhere.
  // CONFIG-LABEL: @odd
  // CONFIG: config = {rows = 16 : i64, threads = 32 : i64, vector = 1 : i64}
  // PTX-LABEL: .entry odd(
  // PTX: ld.global.b16
  // PTX: st.global.b16
  func.func @odd(%batch: index, %max: index, %in: memref<?x37xbf16>, %w: memref<3x21xbf16>, %offsets: memref<?xi32>, %out: memref<?x24xbf16>) attributes {kern.kernel} {
    kern.conv1d batch(%batch, %max) %in, %w offsets(%offsets) -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {in_column = 5, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x37xbf16>, memref<3x21xbf16>, memref<?xi32>, memref<?x24xbf16>) -> ()
    return
  }
}
