// The shape of scans: states in registers, those of a channel shared by neighbouring
// lanes; b and c through shared memory; exponentials are the chip's, nothing is called. No
// rows, no blocks.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX

// CHECK-DAG: #[[LANE:.*]] = affine_map<()[s0, s1] -> (4, s0 * (s1 ceildiv 2147483648))>
// CHECK-DAG: #[[FEW:.*]] = affine_map<()[s0, s1] -> (8, s0 * (s1 ceildiv 2147483648))>
// CHECK-DAG: #[[LANES:.*]] = affine_map<()[s0, s1] -> (16, s0 * (s1 ceildiv 2147483648))>

module @kernels {
  // Two threads keep half of a channel's states each and own every second row: Δ and Δ · u of
  // each row go to both, what they have of y meets at the owner. Shared memory: 2 tiles × 16
  // rows × b and c of 16 states in float32; the same in bfloat16, once; 2 tiles × 16 rows × u and Δ
  // of 32 channels. A copy of u moves 8 channels, b and c in an odd place are loaded one by one.
  // A bfloat16 is widened without a conversion.
  // CONFIG-LABEL: @few_states
  // CONFIG: config = {channels = 1 : i64, lanes = 2 : i64, rows = 16 : i64, steps = 16 : i64, threads = 64 : i64}
  // CHECK-LABEL: func.func @few_states
  // CHECK-SAME: kern.grid = #[[LANE]]
  // CHECK-SAME: kern.shared_bytes = 9216 : i64, kern.threads = 64 : i64
  // CHECK: scf.for
  // CHECK: nvvm.cp.async.wait.group 0
  // CHECK: nvvm.barrier
  // CHECK: scf.if
  // CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
  // CHECK: nvvm.cp.async.commit.group
  // CHECK: scf.for
  // CHECK-COUNT-8: nvvm.shfl.sync bfly
  // CHECK-NOT: nvvm.shfl.sync bfly
  // PTX-LABEL: .entry few_states(
  // PTX-NOT: .extern .func
  // PTX: bar{{.*}}.sync
  // PTX: ld.shared.v4
  // PTX: ex2.approx.ftz.f32
  // PTX-NOT: cvt.f32.bf16
  // PTX-NOT: .local
  func.func @few_states(%batch: index, %max: index, %u: memref<?x128xbf16>, %a: memref<16x128xf32>, %bc: memref<?x37xbf16>, %offsets: memref<?xi32>, %out: memref<?x128xbf16>) attributes {kern.kernel} {
    kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {b_column = 5, c_column = 21, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x128xbf16>, memref<?x128xbf16>, memref<16x128xf32>, memref<?x37xbf16>, memref<?x37xbf16>, memref<?xi32>, memref<?x128xbf16>) -> ()
    return
  }

  // 16 lanes to two channels, 8 channels per block. A round is 8 rows: each lane owns one of
  // them for one channel. What the lanes have of y meets there in 8 + 4 + 2 + 1 exchanges.
  // CONFIG-LABEL: @many_states
  // CONFIG: config = {channels = 2 : i64, lanes = 16 : i64, rows = 8 : i64, steps = 8 : i64, threads = 64 : i64}
  // CHECK-LABEL: func.func @many_states
  // CHECK-SAME: kern.grid = #[[LANES]]
  // CHECK: nvvm.barrier
  // CHECK-COUNT-32: nvvm.shfl.sync idx
  // CHECK-COUNT-15: nvvm.shfl.sync bfly
  // CHECK-NOT: nvvm.shfl
  func.func @many_states(%batch: index, %max: index, %u: memref<?x128xbf16>, %a: memref<256x128xf32>, %bc: memref<?x512xbf16>, %offsets: memref<?xi32>, %out: memref<?x128xbf16>) attributes {kern.kernel} {
    kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {c_column = 256, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x128xbf16>, memref<?x128xbf16>, memref<256x128xf32>, memref<?x512xbf16>, memref<?x512xbf16>, memref<?xi32>, memref<?x128xbf16>) -> ()
    return
  }

  // Four threads to a channel's states where sequences are few: 16 channels per block.
  // CONFIG-LABEL: @few_sequences
  // CONFIG: config = {channels = 1 : i64, lanes = 4 : i64, rows = 16 : i64, steps = 16 : i64, threads = 64 : i64}
  // CHECK-LABEL: func.func @few_sequences
  // CHECK-SAME: kern.grid = #[[FEW]]
  func.func @few_sequences(%batch: index, %max: index, %u: memref<?x128xbf16>, %a: memref<16x128xf32>, %bc: memref<?x32xbf16>, %offsets: memref<?xi32>, %out: memref<?x128xbf16>) attributes {kern.kernel} {
    kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {few_sequences, c_column = 16, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x128xbf16>, memref<?x128xbf16>, memref<16x128xf32>, memref<?x32xbf16>, memref<?x32xbf16>, memref<?xi32>, memref<?x128xbf16>) -> ()
    return
  }
}
