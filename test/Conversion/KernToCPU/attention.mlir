// The shape of attention: the scratch does not grow with the length, maxima and sums
// of the softmax are carried over the blocks of keys, and only the blocks on the
// diagonal compare positions.
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v4 --convert-kern-to-cpu=cpu=x86-64-v4 | FileCheck %s

// CHECK: #[[GRID:.*]] = affine_map<()[s0, s1] -> ((s0 * (s1 ceildiv 32)) * 2)>

module @kernels {
  // Two query heads per key/value head, 2 × 16 rows of each: four query vectors.
  // Scratch: (2 · 8 features + 60 keys) × 64 queries × 4 bytes.
  // CHECK-LABEL: func.func @attention
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: kern.scratch_bytes = 19456 : i64
  // CHECK-NOT: memref<?x?x
  // CHECK: %[[QUERIES:.*]] = memref.view {{.*}} to memref<8x64xf32>
  // CHECK: %[[RESULTS:.*]] = memref.view {{.*}} to memref<8x64xf32>
  // CHECK: %[[SCORES:.*]] = memref.view {{.*}} to memref<60x64xf32>

  // Blocks that every row sees: 4 maxima and 4 sums, nothing masked.
  // CHECK: %[[STATE:.*]]:8 = scf.for {{.*}} iter_args
  // CHECK-NOT: arith.cmpi
  // CHECK: vector.store %{{.*}}, %[[SCORES]]
  // CHECK: vector.store %{{.*}}, %[[RESULTS]]
  // CHECK-NOT: arith.cmpi

  // Blocks on the diagonal start from there.
  // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[STATE]]#0
  // CHECK: arith.cmpi sge
  // CHECK: arith.select
  // CHECK: vector.store %{{.*}}, %[[SCORES]]
  func.func @attention(%batch: index, %max: index, %qkv: memref<?x64xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) %qkv, %qkv, %qkv offsets(%offsets) -> %out
      {heads = 4, kv_heads = 2, head_size = 8, scale = 0.25 : f32, k_column = 32, v_column = 48}
      : (index, index, memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
    return
  }
}
