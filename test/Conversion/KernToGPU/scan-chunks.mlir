// A scan in chunks: the kernels of the states have no blocks where there is one chunk,
// and the scan itself reads chunks' states where there are more.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX

// CHECK-DAG: #[[STATES:.*]] = affine_map<()[s0, s1, s2] -> (5, s1 - 1, s0)>
// CHECK-DAG: #[[COMBINE:.*]] = affine_map<()[s0, s1, s2] -> (17, s0, (s1 - 1) ceildiv 2147483648)>
// CHECK-DAG: #[[CHUNKS:.*]] = affine_map<()[s0, s1, s2, s3] -> (5, s2, s0)>

module @kernels {
  // b goes through shared memory, and no c: 2 tiles × 16 rows × 16 states in float32, the same in
  // bfloat16, once, and 2 tiles × 16 rows × u and Δ of 32 channels, two at once since 130 are no
  // multiple of 4. One of a lane's 8 exponentials is made of products. Nothing is loaded from
  // global memory between them. The sum of Δ is carried behind the states.
  // CHECK-LABEL: func.func @states
  // CHECK-SAME: kern.grid = #[[STATES]]
  // CHECK-SAME: kern.shared_bytes = 6656 : i64, kern.threads = 64 : i64
  // CHECK: arith.divui
  // CHECK: scf.if
  // CHECK: scf.for
  // CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 8, cache = ca
  // CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca
  // CHECK: scf.for
  // CHECK: arith.select
  // CHECK-COUNT-7: ex2.approx
  // CHECK-NOT: ex2.approx
  // CHECK: arith.maxnumf
  // PTX-LABEL: .entry states(
  // PTX: cp.async.wait_group 0
  // PTX: ex2.approx
  // PTX-NOT: {{ld.global|[.]local}}
  // PTX: .entry combine(
  func.func @states(%batch: index, %chunks: index, %rows: index, %u: memref<?x130xbf16>, %a: memref<16x130xf32>, %b: memref<?x16xbf16>, %offsets: memref<?xi32>, %states: memref<?x16x130xf32>, %sums: memref<?x130xf32>) attributes {kern.kernel} {
    kern.scan_states batch(%batch) chunks(%chunks, %rows) %u, %u, %a, %b offsets(%offsets) -> %states, %sums : (index, index, index, memref<?x130xbf16>, memref<?x130xbf16>, memref<16x130xf32>, memref<?x16xbf16>, memref<?xi32>, memref<?x16x130xf32>, memref<?x130xf32>) -> ()
    return
  }

  // The states of 8 chunks are read before the first of them is replaced.
  // CHECK-LABEL: func.func @combine
  // CHECK-SAME: kern.grid = #[[COMBINE]]
  // CHECK-SAME: kern.shared_bytes = 0 : i64, kern.threads = 128 : i64
  // CHECK: scf.for
  // CHECK-COUNT-16: llvm.load
  // CHECK-NOT: llvm.load
  // CHECK-COUNT-8: llvm.store
  // PTX-NOT: ld.shared
  func.func @combine(%batch: index, %chunks: index, %rows: index, %a: memref<16x130xf32>, %sums: memref<?x130xf32>, %offsets: memref<?xi32>, %states: memref<?x16x130xf32>) attributes {kern.kernel} {
    kern.scan_combine batch(%batch) chunks(%chunks, %rows) %a, %sums offsets(%offsets) -> %states : (index, index, index, memref<16x130xf32>, memref<?x130xf32>, memref<?xi32>, memref<?x16x130xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @chunks
  // CHECK-SAME: kern.grid = #[[CHUNKS]]
  // CHECK-SAME: kern.shared_bytes = 9216 : i64
  // CHECK: scf.if %{{.*}} {
  // CHECK: scf.if %{{.*}} -> (f32, f32, f32, f32, f32, f32, f32, f32) {
  // CHECK-COUNT-8: llvm.load
  // CHECK: } else {
  // CHECK-COUNT-8: llvm.load
  // CHECK: scf.yield
  // CHECK: scf.for
  // CHECK: scf.for
  // CHECK-COUNT-9: ex2.approx
  // PTX-LABEL: .entry chunks(
  // PTX-NOT: .local
  func.func @chunks(%batch: index, %max: index, %chunks: index, %rows: index, %u: memref<?x130xbf16>, %a: memref<16x130xf32>, %bc: memref<?x32xbf16>, %offsets: memref<?xi32>, %out: memref<?x130xbf16>, %states: memref<?x16x130xf32>, %initial: memref<?x16x130xf32>, %final: memref<?x16x130xf32>) attributes {kern.kernel} {
    kern.scan batch(%batch, %max) chunks(%chunks, %rows) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out from(%states) initial(%initial) final(%final) {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {c_column = 16, accesses = [], extra_columns = array<i64>} : (index, index, index, index, memref<?x130xbf16>, memref<?x130xbf16>, memref<16x130xf32>, memref<?x32xbf16>, memref<?x32xbf16>, memref<?xi32>, memref<?x130xbf16>, memref<?x16x130xf32>, memref<?x16x130xf32>, memref<?x16x130xf32>) -> ()
    return
  }
}
