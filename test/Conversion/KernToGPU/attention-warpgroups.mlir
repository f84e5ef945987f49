// The shape of attention by warpgroups: bulk copies of boxes that end with the call's rows,
// products of tiles in shared memory and of weights in registers, warpgroups in turn.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX

// CHECK-DAG: #[[GRID:.*]] = affine_map<()[s0, s1, s2] -> ((s0 * (s1 ceildiv 192)) * 4)>
// CHECK-DAG: #[[ROWS:.*]] = affine_map<()[s0, s1, s2] -> (s2)>

module @kernels {
  // Shared memory: 192 queries, twice 96 keys and 96 values of 128 bytes, 11 barriers, 256 marks.
  // CONFIG-LABEL: @grouped
  // CONFIG: config = {keys = 96 : i64, stages = 2 : i64, warpgroups = 3 : i64}
  // CHECK-LABEL: func.func @grouped
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: kern.max_blocks = 132 : i64
  // CHECK-SAME: kern.shared_bytes = 74840 : i64
  // CHECK-SAME: box = [64, 192], columns = 256 : i64, row_bytes = 768 : i64, rows = #[[ROWS]]
  // CHECK-SAME: box = [64, 96], columns = 320 : i64, row_bytes = 768 : i64, rows = #[[ROWS]]
  // CHECK-SAME: box = [64, 96], columns = 384 : i64, row_bytes = 768 : i64, rows = #[[ROWS]]
  // CHECK-SAME: kern.threads = 512 : i64
  // PTX-LABEL: .entry grouped(
  // PTX-NOT: .local
  // PTX: setmaxnreg.inc.sync.aligned.u32 160
  // A turn: the first block's scores.
  // PTX: bar.sync {{.*}}, 256;
  // PTX: wgmma.mma_async.sync.aligned.m64n96k16.f32.bf16.bf16
  // PTX: bar.arrive {{.*}}, 256;
  // PTX: ex2.approx.ftz.f32
  // Another one: the next block's scores and, from weights in registers, the outputs.
  // PTX: bar.sync {{.*}}, 256;
  // PTX: wgmma.mma_async.sync.aligned.m64n96k16.f32.bf16.bf16
  // PTX: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{.*[}]}}, %rd{{[0-9]+}}, 1, 1, 1, 1;
  // PTX: bar.arrive {{.*}}, 256;
  // PTX: wgmma.wait_group.sync.aligned 1;
  // Weights wait for no maximum, outputs are not rescaled; a branch keeps ptxas from waiting for
  // them before the exponentials.
  // PTX-NOT: max.f32
  // PTX-NOT: shfl
  // PTX: ex2.approx.ftz.f32
  // PTX-NOT: max.f32
  // PTX: mbarrier.try_wait
  // PTX-NOT: mul.rn.f32
  // PTX: wgmma.wait_group.sync.aligned 0;
  // The zeroed values become visible to the products.
  // PTX: fence.proxy.async.shared::cta
  // PTX-NEXT: bar.sync {{.*}}, 128;
  // A tile is marked: when all are done it is attended once more, with a maximum that follows.
  // PTX: atom.shared.add.u32
  // A turn that a warpgroup passes up.
  // PTX: bar.sync {{%r[0-9]+, 256;[[:space:]]+// begin inline asm[[:space:]]+bar.arrive}}
  // The warpgroup that copies.
  // PTX: setmaxnreg.dec.sync.aligned.u32 32
  // PTX: cp.async.bulk.tensor.2d.shared::cluster.global
  func.func @grouped(%batch: index, %max: index, %rows: index, %qkv: memref<?x384xbf16>, %offsets: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 4, kv_heads = 1, head_size = 64, scale = 0.125 : f32, k_column = 256, v_column = 320} : (index, index, index, memref<?x384xbf16>, memref<?x384xbf16>, memref<?x384xbf16>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }

  // 24 features are less than half of a box, and 32 make two steps of scores. A fourth warpgroup
  // has the registers for it; all products of a turn are waited for in front of the exponentials.
  // Those that multiply wait for no copy: a warp that watches copies meets the first one's turns.
  // CONFIG-LABEL: @small_head
  // CONFIG: config = {keys = 80 : i64, stages = 4 : i64, warpgroups = 4 : i64}
  // CHECK-LABEL: func.func @small_head
  // CHECK-SAME: box = [64, 256]
  // CHECK-SAME: kern.threads = 640 : i64
  // PTX-LABEL: .entry small_head(
  // PTX: setmaxnreg.inc.sync.aligned.u32 112
  // PTX-NOT: try_wait
  // PTX: wgmma.mma_async.sync.aligned.m64n24k16.f32.bf16.bf16
  // PTX: bar.arrive {{%r[0-9]+, %r[0-9]+}};
  // PTX: wgmma.wait_group.sync.aligned 0;
  // PTX-NOT: try_wait
  // PTX: cvt.rn.bf16x2.f32
  // PTX-NOT: try_wait
  // PTX: bar.sync 9, 512;
  // PTX-NOT: try_wait
  // PTX: setmaxnreg.dec.sync.aligned.u32 32
  // PTX: mbarrier.try_wait
  // PTX: bar.sync 1, 288;
  func.func @small_head(%batch: index, %max: index, %rows: index, %qkv: memref<?x72xbf16>, %offsets: memref<?xi32>, %out: memref<?x24xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 1, kv_heads = 1, head_size = 24, scale = 0.125 : f32, k_column = 24, v_column = 48} : (index, index, index, memref<?x72xbf16>, memref<?x72xbf16>, memref<?x72xbf16>, memref<?xi32>, memref<?x24xbf16>) -> ()
    return
  }

  // 256 features in four boxes: fewer keys, so that scores and outputs stay in registers, and the
  // maximum follows from the start.
  // CONFIG-LABEL: @large_head
  // CONFIG: config = {keys = 64 : i64, stages = 2 : i64, warpgroups = 2 : i64}
  // PTX-LABEL: .entry large_head(
  // PTX-NOT: atom.shared
  // PTX: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16
  func.func @large_head(%batch: index, %max: index, %rows: index, %qkv: memref<?x768xbf16>, %offsets: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 1, kv_heads = 1, head_size = 256, scale = 0.0625 : f32, k_column = 256, v_column = 512} : (index, index, index, memref<?x768xbf16>, memref<?x768xbf16>, memref<?x768xbf16>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }

  // Boxes begin at multiples of 16 bytes; single warps copy what does not.
  // CONFIG-LABEL: @odd_column
  // CONFIG: config = {keys = 64 : i64, rows = 32 : i64, stages = 2 : i64, warps = 4 : i64}
  func.func @odd_column(%batch: index, %max: index, %rows: index, %qkv: memref<?x200xbf16>, %offsets: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 1, kv_heads = 1, head_size = 64, scale = 0.125 : f32, q_column = 4, k_column = 68, v_column = 132} : (index, index, index, memref<?x200xbf16>, memref<?x200xbf16>, memref<?x200xbf16>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }
}
