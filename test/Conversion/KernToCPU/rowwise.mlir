// The shape of row-wise kernels: rows in one loop, each section reduced in four
// vectors that a fixed tree adds up, then mapped; tables and tails.
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v4 --convert-kern-to-cpu=cpu=x86-64-v4 | FileCheck %s

// CHECK: #[[GRID:.*]] = affine_map<()[s0] -> (s0 ceildiv 54)>

module @kernels {
  // A norm of 150 columns: 128 in the loop of four vectors, 16 behind it, 6 masked.
  // CHECK-LABEL: func.func @norm
  // CHECK-SAME: %[[ROWS:.*]]: index, %[[IN:.*]]: memref<?x160xf32>
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: kern.scratch_bytes = 0 : i64
  // CHECK: scf.for %[[ROW:.*]] =
  // CHECK: %[[SUMS:.*]]:4 = scf.for {{.*}} iter_args
  // CHECK-COUNT-4: math.fma
  // CHECK: scf.yield
  // CHECK: vector.load
  // CHECK: vector.maskedload
  // CHECK: %[[LOW:.*]] = arith.addf
  // CHECK: %[[HIGH:.*]] = arith.addf
  // CHECK: %[[ALL:.*]] = arith.addf %[[LOW]], %[[HIGH]]
  // CHECK: vector.reduction <add>, %[[ALL]]
  // CHECK: arith.divf
  // CHECK: scf.for
  // CHECK: math.sqrt
  // CHECK: vector.store {{.*}}, %{{.*}}[%[[ROW]], %{{.*}}]
  // CHECK: vector.maskedstore
  func.func @norm(%rows: index, %in: memref<?x160xf32>, %out: memref<?x150xf32>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %in -> %out {
    ^bb0(%x: f32, %mean: f32):
      %scale = math.rsqrt %mean : f32
      %y = arith.mulf %x, %scale : f32
      kern.yield %y
    } {sections = array<i64: 0, 150>, reduction = #kern.reduction<mean_of_squares>, in_column = 10, accesses = [], extra_columns = array<i64>} : (index, memref<?x160xf32>, memref<?x150xf32>) -> ()
    return
  }

  // The embedding: the row of the table comes from the ids.
  // CHECK-LABEL: func.func @embedding
  // CHECK-SAME: %[[TABLE:[^:]*]]: memref<100x32xbf16>
  // CHECK-SAME: %[[IDS:[^:]*]]: memref<?xi32>
  // CHECK: scf.for %[[ROW:.*]] =
  // CHECK: %[[ID:.*]] = memref.load %[[IDS]][%[[ROW]]]
  // CHECK: %[[SOURCE:.*]] = arith.index_cast %[[ID]]
  // CHECK-NOT: vector.reduction
  // CHECK: vector.load %[[TABLE]][%[[SOURCE]], %{{.*}}] : memref<100x32xbf16>, vector<16xbf16>
  // CHECK: vector.store %{{.*}}, %{{.*}}[%[[ROW]], %{{.*}}]
  func.func @embedding(%rows: index, %table: memref<100x32xbf16>, %out: memref<?x32xf32>, %ids: memref<?xi32>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %table -> %out gather(%ids) {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 32>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>} : (index, memref<100x32xbf16>, memref<?x32xf32>, memref<?xi32>) -> ()
    return
  }
}
