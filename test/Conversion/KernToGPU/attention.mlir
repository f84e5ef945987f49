// The shape of attention: products on tensor cores, keys and values copied past the
// registers as widely as the buffer allows, and no scores in memory.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX

// CHECK-DAG: #[[SMALL:.*]] = affine_map<()[s0, s1] -> (s1 ceildiv 128, 4, s0)>
// CHECK-DAG: #[[LARGE:.*]] = affine_map<()[s0, s1] -> (s1 ceildiv 64, 1, s0)>

module @kernels {
  // Two row tiles per warp up to 64 features. Shared memory, rows of 64 + 8 elements:
  // 128 queries and twice 64 keys and 64 values.
  // CONFIG-LABEL: @grouped
  // CONFIG: config = {keys = 64 : i64, rows = 32 : i64, stages = 2 : i64, warps = 4 : i64}
  // CHECK-LABEL: func.func @grouped
  // CHECK-SAME: kern.grid = #[[SMALL]]
  // CHECK-SAME: kern.shared_bytes = 55296 : i64, kern.threads = 128 : i64
  // PTX-LABEL: .entry grouped(
  // PTX-NOT: .local
  // PTX: cp.async.cg.shared.global {{.*}}, 16
  // PTX: ldmatrix.sync.aligned.m8n8.x4.shared.b16
  // PTX: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
  // PTX: ex2.approx.ftz.f32
  // PTX: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
  func.func @grouped(%batch: index, %max: index, %qkv: memref<?x384xbf16>, %offsets: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 4, kv_heads = 1, head_size = 64, scale = 0.125 : f32, k_column = 256, v_column = 320} : (index, index, memref<?x384xbf16>, memref<?x384xbf16>, memref<?x384xbf16>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }

  // 256 features: fewer rows and keys, so that the sums fit in registers. Rows that are
  // aligned to 4 bytes alone are copied 4 bytes at a time.
  // CONFIG-LABEL: @large_head
  // CONFIG: config = {keys = 32 : i64, rows = 16 : i64, stages = 2 : i64, warps = 4 : i64}
  // CHECK-LABEL: func.func @large_head
  // CHECK-SAME: kern.grid = #[[LARGE]]
  // PTX-LABEL: .entry large_head(
  // PTX: cp.async.ca.shared.global {{.*}}, 4
  func.func @large_head(%batch: index, %max: index, %qkv: memref<?x770xbf16>, %offsets: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 1, kv_heads = 1, head_size = 256, scale = 0.0625 : f32, q_column = 2, k_column = 258, v_column = 514} : (index, index, memref<?x770xbf16>, memref<?x770xbf16>, memref<?x770xbf16>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }

  // float32 by three products of tf32: keys as bfloat16's, but values without transposition.
  // Blocks of queries and keys are smaller, rows are 64 + 4 elements.
  // CONFIG-LABEL: @float
  // CONFIG: config = {keys = 32 : i64, rows = 16 : i64, stages = 2 : i64, warps = 4 : i64}
  // CHECK-LABEL: func.func @float
  // CHECK-SAME: kern.shared_bytes = 52224 : i64, kern.threads = 128 : i64
  // PTX-LABEL: .entry float(
  // PTX-NOT: .local
  // PTX: cp.async.cg.shared.global {{.*}}, 16
  // PTX: ldmatrix.sync.aligned.m8n8.x4.shared.b16
  // PTX: cvt.rna.tf32.f32
  // PTX-COUNT-3: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
  // PTX-NOT: .trans
  // PTX: ret;
  func.func @float(%batch: index, %max: index, %qkv: memref<?x384xf32>, %offsets: memref<?xi32>, %out: memref<?x256xf32>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 4, kv_heads = 1, head_size = 64, scale = 0.125 : f32, k_column = 256, v_column = 320} : (index, index, memref<?x384xf32>, memref<?x384xf32>, memref<?x384xf32>, memref<?xi32>, memref<?x256xf32>) -> ()
    return
  }

  func.func @large_float(%batch: index, %max: index, %qkv: memref<?x770xf32>, %offsets: memref<?xi32>, %out: memref<?x256xf32>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 1, kv_heads = 1, head_size = 256, scale = 0.0625 : f32, q_column = 2, k_column = 258, v_column = 514} : (index, index, memref<?x770xf32>, memref<?x770xf32>, memref<?x770xf32>, memref<?xi32>, memref<?x256xf32>) -> ()
    return
  }
}
