// What changes in kernels that go on with sequences: where attention finds its keys, that a
// convolution's first item replaces its state from the inputs, and that scans in place have no
// items where no sequence has rows.
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v4 --convert-kern-to-cpu=cpu=x86-64-v4 | FileCheck %s

// CHECK-DAG: #[[IN_PLACE:.*]] = affine_map<()[s0, s1] -> ((s0 * (s1 ceildiv 2147483647)) * 4)>
// CHECK-DAG: #[[ALWAYS:.*]] = affine_map<()[s0, s1] -> (s0 * 4)>

module @kernels {
  // The keys of a sequence are those before, and one for each query.
  // CHECK-LABEL: func.func @attention
  // CHECK-SAME: %{{[^:]*}}: index, %{{[^:]*}}: index, %[[Q:[^:]*]]: memref<?x64xf32>, %[[CACHE:[^:]*]]: memref<?x32xf32>, %[[OFFSETS:[^:]*]]: memref<?xi32>, %[[FIRST:[^:]*]]: memref<?xi32>, %[[BEFORE:[^:]*]]: memref<?xi32>
  // CHECK: memref.load %[[OFFSETS]]
  // CHECK: memref.load %[[OFFSETS]]
  // CHECK: memref.load %[[BEFORE]]
  // CHECK: memref.load %[[FIRST]]
  // CHECK: memref.load %[[Q]]
  // CHECK: memref.load %[[CACHE]]
  func.func @attention(%batch: index, %max: index, %q: memref<?x64xf32>, %cache: memref<?x32xf32>, %offsets: memref<?xi32>, %first: memref<?xi32>, %before: memref<?xi32>, %out: memref<?x32xf32>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) %q, %cache, %cache offsets(%offsets) cache(%first, %before) -> %out
      {heads = 4, kv_heads = 2, head_size = 8, scale = 0.25 : f32, v_column = 16}
      : (index, index, memref<?x64xf32>, memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?xi32>, memref<?xi32>, memref<?x32xf32>) -> ()
    return
  }

  // Three vectors of three rows before: read once, and stored by the item that starts the sequence.
  // CHECK-LABEL: func.func @conv
  // CHECK-SAME: %[[STATE:[^:]*]]: memref<?x3x16xf32>, %[[SLOTS:[^:]*]]: memref<?xi32>
  // CHECK: memref.load %[[SLOTS]]
  // CHECK-COUNT-3: vector.load %[[STATE]]
  // CHECK: scf.if
  // CHECK-COUNT-3: vector.store %{{.*}}, %[[STATE]]
  // CHECK: scf.for
  // CHECK-NOT: %[[STATE]]
  func.func @conv(%batch: index, %max: index, %in: memref<?x16xf32>, %weight: memref<4x16xf32>, %offsets: memref<?xi32>, %out: memref<?x16xf32>, %state: memref<?x3x16xf32>, %slots: memref<?xi32>) attributes {kern.kernel} {
    kern.conv1d batch(%batch, %max) %in, %weight offsets(%offsets) -> %out state(%state, %slots) {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {accesses = [], extra_columns = array<i64>} : (index, index, memref<?x16xf32>, memref<4x16xf32>, memref<?xi32>, memref<?x16xf32>, memref<?x3x16xf32>, memref<?xi32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @scan_in_place
  // CHECK-SAME: kern.grid = #[[IN_PLACE]]
  func.func @scan_in_place(%batch: index, %max: index, %u: memref<?x128xf32>, %a: memref<3x128xf32>, %bc: memref<?x6xf32>, %offsets: memref<?xi32>, %out: memref<?x128xf32>, %state: memref<?x3x128xf32>, %slots: memref<?xi32>) attributes {kern.kernel} {
    kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out initial(%state) final(%state) slots(%slots) {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {c_column = 3, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x128xf32>, memref<?x128xf32>, memref<3x128xf32>, memref<?x6xf32>, memref<?x6xf32>, memref<?xi32>, memref<?x128xf32>, memref<?x3x128xf32>, memref<?x3x128xf32>, memref<?xi32>) -> ()
    return
  }

  // Elsewhere a sequence without rows ends as it started.
  // CHECK-LABEL: func.func @scan
  // CHECK-SAME: kern.grid = #[[ALWAYS]]
  func.func @scan(%batch: index, %max: index, %u: memref<?x128xf32>, %a: memref<3x128xf32>, %bc: memref<?x6xf32>, %offsets: memref<?xi32>, %out: memref<?x128xf32>, %initial: memref<?x3x128xf32>, %final: memref<?x3x128xf32>) attributes {kern.kernel} {
    kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out initial(%initial) final(%final) {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {c_column = 3, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x128xf32>, memref<?x128xf32>, memref<3x128xf32>, memref<?x6xf32>, memref<?x6xf32>, memref<?xi32>, memref<?x128xf32>, memref<?x3x128xf32>, memref<?x3x128xf32>) -> ()
    return
  }
}
