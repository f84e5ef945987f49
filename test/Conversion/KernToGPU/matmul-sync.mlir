// The shape of an emitted matmul of single warps: every thread copies pieces of tiles some
// stages ahead, each warp multiplies its rectangle of them, and each thread stores its sums.
// Every chip has it, and float32 has no other.
// RUN: flowhn-opt %s --kern-choose-gpu-configs=chip=sm_80 | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs=chip=sm_80 --convert-kern-to-gpu=chip=sm_80 | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs=chip=sm_80 --convert-kern-to-gpu=chip=sm_80 --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx=chip=sm_80 -o /dev/null | FileCheck %s --check-prefix=PTX
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=HOPPER

// CHECK-DAG: #[[GRID:.*]] = affine_map<()[s0] -> ((s0 ceildiv 128) * 8)>

module @kernels {
  // CONFIG-LABEL: func.func @tiles
  // CONFIG: config = {column_warps = 4 : i64, row_warps = 2 : i64, stages = 3 : i64, warp_columns = 64 : i64, warp_rows = 64 : i64}
  // CHECK-LABEL: func.func @tiles
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: kern.shared_bytes = 147456 : i64, kern.threads = 256 : i64
  // CHECK-NOT: kern.tensor_maps
  // Two stages are on their way before the first one is waited for.
  // CHECK-COUNT-2: nvvm.cp.async.commit.group
  // CHECK: scf.for
  // CHECK: nvvm.cp.async.wait.group 1
  // CHECK-NEXT: nvvm.barrier
  // CHECK: nvvm.cp.async.shared.global
  // CHECK: nvvm.cp.async.commit.group
  // CHECK-COUNT-4: nvvm.ldmatrix
  // CHECK-NOT: {{^ *}}kern.matmul
  // PTX-LABEL: .entry tiles(
  // PTX: .maxntid 256
  // PTX: cp.async.cg.shared.global {{.*}}, 16{{(, 16)?}};
  // PTX: ldmatrix.sync.aligned.m8n8.x4.shared.b16
  // PTX: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
  // PTX-NOT: {{wgmma|mbarrier|cp.async.bulk|stmatrix|setmaxnreg|griddepcontrol}}
  // HOPPER-LABEL: .entry tiles(
  // HOPPER: wgmma
  func.func @tiles(%rows: index, %a: memref<?x208xbf16>, %b: memref<2048x200xbf16>, %out: memref<?x2048xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 2048, k = 200, a_column = 8, accesses = [], extra_columns = array<i64>} : (index, memref<?x208xbf16>, memref<2048x200xbf16>, memref<?x2048xbf16>) -> ()
    return
  }

  // PTX-LABEL: .entry half(
  // PTX: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
  // PTX: cvt.rn.f16x2.f32
  // HOPPER-LABEL: .entry half(
  // HOPPER: wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16
  // HOPPER: cvt.rn.f16x2.f32
  func.func @half(%rows: index, %a: memref<?x64xf16>, %b: memref<256x64xf16>, %out: memref<?x256xf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 256, k = 64, accesses = [], extra_columns = array<i64>} : (index, memref<?x64xf16>, memref<256x64xf16>, memref<?x256xf16>) -> ()
    return
  }

  // CONFIG-LABEL: func.func @float
  // CONFIG: config = {column_warps = 4 : i64, row_warps = 2 : i64, stages = 4 : i64, warp_columns = 32 : i64, warp_rows = 64 : i64}
  // PTX-LABEL: .entry float(
  // PTX: cp.async.cg.shared.global {{.*}}, 16{{(, 16)?}};
  // PTX: cvt.rna.tf32.f32
  // PTX-COUNT-3: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
  // HOPPER-LABEL: .entry float(
  // HOPPER-NOT: wgmma
  // HOPPER: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
  func.func @float(%rows: index, %a: memref<?x260xf32>, %b: memref<512x256xf32>, %out: memref<?x512xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 512, k = 256, a_column = 4, accesses = [], extra_columns = array<i64>} : (index, memref<?x260xf32>, memref<512x256xf32>, memref<?x512xf32>) -> ()
    return
  }

  // Gate and up of a column meet in a thread: a warp has the same columns of both groups.
  // CONFIG-LABEL: func.func @gate
  // CONFIG: config = {column_warps = 1 : i64, row_warps = 4 : i64, stages = 2 : i64, warp_columns = 64 : i64, warp_rows = 16 : i64}
  // PTX-LABEL: .entry gate(
  // PTX: ex2.approx.ftz.f32
  // PTX: st.global.b32
  func.func @gate(%rows: index, %a: memref<?x64xbf16>, %b: memref<60x64xbf16>, %out: memref<?x30xbf16>, %to: memref<?xi32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out scatter(%to) {
    ^bb0(%gate: f32, %up: f32):
      %one = arith.constant 1.0 : f32
      %negative = arith.negf %gate : f32
      %e = math.exp %negative : f32
      %d = arith.addf %e, %one : f32
      %s = arith.divf %gate, %d : f32
      %y = arith.mulf %s, %up : f32
      kern.yield %y
    } {n = 30, k = 64, groups = 2, accesses = [], extra_columns = array<i64>} : (index, memref<?x64xbf16>, memref<60x64xbf16>, memref<?x30xbf16>, memref<?xi32>) -> ()
    return
  }
}
