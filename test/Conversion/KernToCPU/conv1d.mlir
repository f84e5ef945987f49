// The shape of convolutions: the rows before the current one are carried in
// registers, so that each input row is loaded once.
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v4 --convert-kern-to-cpu=cpu=x86-64-v4 | FileCheck %s

// CHECK: #[[GRID:.*]] = affine_map<()[s0, s1] -> (s0 * (s1 ceildiv 64))>

module @kernels {
  // 40 channels: one block of three vectors, the last one of 8 channels. Four taps
  // carry three rows of each.
  // CHECK-LABEL: func.func @conv
  // CHECK-SAME: %[[BATCH:[^:]*]]: index, %[[MAX:[^:]*]]: index, %[[IN:[^:]*]]: memref<?x40xf32>
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK: scf.if
  // CHECK: scf.for {{.*}} iter_args(%{{[^)]*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  // CHECK: vector.load %[[IN]]
  // CHECK-COUNT-4: math.fma
  // CHECK: vector.store
  // CHECK: vector.load %[[IN]]
  // CHECK-COUNT-4: math.fma
  // CHECK: vector.store
  // CHECK: vector.maskedload %[[IN]]
  // CHECK-COUNT-4: math.fma
  // CHECK: vector.maskedstore
  // CHECK-NOT: math.fma
  func.func @conv(%batch: index, %max: index, %in: memref<?x40xf32>, %weight: memref<4x40xf32>, %offsets: memref<?xi32>, %out: memref<?x40xf32>) attributes {kern.kernel} {
    kern.conv1d batch(%batch, %max) %in, %weight offsets(%offsets) -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {accesses = [], extra_columns = array<i64>} : (index, index, memref<?x40xf32>, memref<4x40xf32>, memref<?xi32>, memref<?x40xf32>) -> ()
    return
  }
}
