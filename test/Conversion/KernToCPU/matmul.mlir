// The shape of an emitted matmul: one multiply-add per register of the tile in the
// loop over k, tiles of 8, 4, 2 and 1 rows, and one epilogue for all of them, whose
// last columns are stored under a mask.
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v4 --convert-kern-to-cpu=cpu=x86-64-v4 | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v4 --convert-kern-to-cpu=cpu=x86-64-v4 | FileCheck %s --check-prefix=COUNT
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v2 --convert-kern-to-cpu=cpu=x86-64-v2 | FileCheck %s --check-prefix=V2

// Without fused multiply-adds, none is emitted: LLVM would call fmaf.
// V2-NOT: math.fma

// The grid is over the function's index arguments in order, here the second one.
// CHECK: #[[GRID:.*]] = affine_map<()[s0, s1] -> ((s1 ceildiv 48) * 4)>

module @kernels {
  // CHECK-LABEL: func.func @ragged(
  // CHECK-SAME: %[[ITEM:[a-z0-9]+]]: index, %[[SCRATCH:[a-z0-9]+]]: memref<?xi8>)
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: kern.op = "kern.matmul"
  // CHECK-SAME: kern.scratch_bytes = 36864
  // CHECK: memref.view %[[SCRATCH]]{{.*}} to memref<4x48x48xf32>

  // A single row meets 4 panels at once. The full tile: three loads of b, 8 values of a, 24 chains.
  // COUNT-LABEL: func.func @ragged(
  // COUNT-COUNT-12: math.fma
  // COUNT-NEXT: scf.yield
  // COUNT: scf.for {{.*}} -> (vector<16xf32>
  // COUNT-COUNT-3: vector.load {{.*}} memref<16x768x48xf32>
  // COUNT-COUNT-24: math.fma
  // COUNT-NEXT: scf.yield
  // COUNT-COUNT-12: math.fma
  // COUNT-NEXT: scf.yield
  // COUNT-COUNT-6: math.fma
  // COUNT-NEXT: scf.yield
  // COUNT-COUNT-3: math.fma
  // COUNT-NEXT: scf.yield
  // COUNT-NOT: math.fma
  // COUNT-LABEL: func.func @half

  // The epilogue, over full vectors and for the last 759 mod 16 = 7 columns.
  // CHECK: %[[X:.*]] = vector.load %arg{{[0-9]+}}{{.*}} memref<?x759xf32>
  // CHECK: arith.addf %{{.*}}, %[[X]] : vector<16xf32>
  // CHECK: vector.store
  // CHECK: vector.constant_mask [7] : vector<16xi1>
  // CHECK: vector.maskedload
  // CHECK: vector.maskedstore
  // CHECK-NOT: kern.
  func.func @ragged(%unused: index, %rows: index, %a: memref<?x768xf32>, %b: memref<16x768x48xf32>, %out: memref<?x759xf32>, %x: memref<?x759xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
    ^bb0(%sum: f32, %residual: f32):
      %0 = arith.addf %sum, %residual : f32
      kern.yield %0
    } {n = 759, k = 768, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x768xf32>, memref<16x768x48xf32>, memref<?x759xf32>, memref<?x759xf32>) -> ()
    return
  }

  // Weights of 16 bits are widened into scratch, but not for the few rows of a decode.
  // CHECK-LABEL: func.func @half
  // CHECK: %[[WIDE:.*]] = memref.view {{.*}} to memref<768x48xf32>
  // CHECK: scf.if
  // CHECK: vector.load {{.*}} memref<16x768x48xbf16>
  // CHECK: vector.store {{.*}}, %[[WIDE]]
  // CHECK: } else {
  // CHECK: vector.load {{.*}} memref<16x768x48xbf16>
  // CHECK: math.fma
  func.func @half(%rows: index, %a: memref<?x768xf32>, %b: memref<16x768x48xbf16>, %out: memref<?x768xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 768, k = 768, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xf32>, memref<16x768x48xbf16>, memref<?x768xf32>) -> ()
    return
  }

  // Exponentials of the epilogue are expanded on its vectors.
  // CHECK-LABEL: func.func @silu
  // CHECK: arith.divf {{.*}} : vector<16xf32>
  // CHECK-NOT: math.exp
  func.func @silu(%rows: index, %a: memref<?x768xf32>, %b: memref<16x768x48xf32>, %out: memref<?x768xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      %one = arith.constant 1.0 : f32
      %minus = arith.negf %sum : f32
      %exp = math.exp %minus : f32
      %denominator = arith.addf %exp, %one : f32
      %silu = arith.divf %sum, %denominator : f32
      kern.yield %silu
    } {n = 768, k = 768, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xf32>, memref<16x768x48xf32>, memref<?x768xf32>) -> ()
    return
  }
}
