// The shape of scans: states are carried in registers over the rows of a chunk, and
// more states than the registers hold go in groups.
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v4 --convert-kern-to-cpu=cpu=x86-64-v4 | FileCheck %s

// CHECK: #[[GRID:.*]] = affine_map<()[s0, s1] -> (s0 * 4)>

module @kernels {
  // 3 states, one group: the loop over rows carries them. The exponential is the
  // short one: no division, no clamp from above.
  // CHECK-LABEL: func.func @few_states
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK: scf.for %{{.*}} iter_args(%[[H0:.*]] = %{{.*}}, %[[H1:.*]] = %{{.*}}, %[[H2:.*]] = %{{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  // CHECK-NOT: arith.divf
  // CHECK: %[[N0:.*]] = math.fma %{{.*}}, %[[H0]], %{{.*}}
  // CHECK: %[[N1:.*]] = math.fma %{{.*}}, %[[H1]], %{{.*}}
  // CHECK: %[[N2:.*]] = math.fma %{{.*}}, %[[H2]], %{{.*}}
  // CHECK: scf.yield %[[N0]], %[[N1]], %[[N2]]
  func.func @few_states(%batch: index, %max: index, %u: memref<?x128xf32>, %a: memref<3x128xf32>, %bc: memref<?x6xf32>, %offsets: memref<?xi32>, %out: memref<?x128xf32>) attributes {kern.kernel} {
    kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {c_column = 3, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x128xf32>, memref<?x128xf32>, memref<3x128xf32>, memref<?x6xf32>, memref<?x6xf32>, memref<?xi32>, memref<?x128xf32>) -> ()
    return
  }

  // 33 states: a loop over two groups of 16, then a group of one.
  // Scratch: 2 vectors of channels × (2 · 33 states + 3 · 32 rows) × 64 bytes.
  // CHECK-LABEL: func.func @many_states
  // CHECK-SAME: kern.scratch_bytes = 20736 : i64
  // CHECK-DAG: %[[ALL:.*]] = arith.constant 32 : index
  // CHECK-DAG: %[[GROUP:.*]] = arith.constant 16 : index
  // CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} {
  // CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  // CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>) {
  // CHECK-NOT: iter_args
  func.func @many_states(%batch: index, %max: index, %u: memref<?x128xf32>, %a: memref<33x128xf32>, %bc: memref<?x66xf32>, %offsets: memref<?xi32>, %out: memref<?x128xf32>) attributes {kern.kernel} {
    kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {c_column = 33, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x128xf32>, memref<?x128xf32>, memref<33x128xf32>, memref<?x66xf32>, memref<?x66xf32>, memref<?xi32>, memref<?x128xf32>) -> ()
    return
  }
}
