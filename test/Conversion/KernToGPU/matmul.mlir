// The shape of an emitted matmul: a producer that copies tiles by tensor map, consumers
// that multiply them by warpgroup, and a result that leaves by the copy engine where it
// can and by stores of each thread where it cannot. Tiles of a last round can be made
// as four pieces, or two.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX

// CHECK-DAG: #[[GRID:.*]] = affine_map<()[s0, s1] -> ((s1 ceildiv 128) * 32)>
// CHECK-DAG: #[[ROWS:.*]] = affine_map<()[s0, s1] -> (s1)>
// CHECK-DAG: #[[WEIGHTS:.*]] = affine_map<()[s0, s1] -> (2048)>

module @kernels {
  // CHECK: llvm.mlir.global external @kernel_shared() {addr_space = 3 : i32, alignment = 1024 : i64}

  // The maps reach to the operands' ends: what lies beyond reads as zero.
  // CHECK-LABEL: func.func @tiles
  // CHECK-SAME: %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>
  // CHECK-SAME: %{{.*}}: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>}
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: kern.max_blocks = 132 : i64
  // CHECK-SAME: kern.tensor_maps = [{argument = 2 : i64, box = [64, 128], columns = 208 : i64, row_bytes = 416 : i64, rows = #[[ROWS]]
  // Weights in boxes of a tile, and of a piece.
  // CHECK-SAME: {argument = 3 : i64, box = [64, 256], columns = 200 : i64, row_bytes = 400 : i64, rows = #[[WEIGHTS]]
  // CHECK-SAME: {argument = 3 : i64, box = [64, 64], columns = 200 : i64, row_bytes = 400 : i64, rows = #[[WEIGHTS]]
  // CHECK-SAME: {argument = 4 : i64, box = [64, 64], columns = 2048 : i64, row_bytes = 4096 : i64, rows = #[[ROWS]]
  // CHECK-SAME: kern.threads = 384 : i64
  // CHECK: nvvm.setmaxregister decrease 40
  // Of each part weights are copied first, as far ahead as there are stages, then a's tiles behind the kernel before; then both.
  // CHECK: nvvm.mbarrier.arrive.expect_tx
  // CHECK-COUNT-1: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.griddepcontrol{{ +}}wait
  // CHECK-COUNT-1: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.mbarrier.arrive.expect_tx
  // CHECK-COUNT-2: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // A quarter of a tile has two tiles in k to a stage.
  // CHECK: nvvm.mbarrier.arrive.expect_tx
  // CHECK-COUNT-2: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.griddepcontrol{{ +}}wait
  // CHECK-COUNT-2: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.mbarrier.arrive.expect_tx
  // CHECK-COUNT-4: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.mbarrier.arrive.expect_tx
  // CHECK-COUNT-2: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.griddepcontrol{{ +}}wait
  // CHECK-COUNT-1: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.mbarrier.arrive.expect_tx
  // CHECK-COUNT-3: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK-NOT: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.setmaxregister increase 232
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n256k16
  // CHECK: nvvm.stmatrix
  // CHECK: nvvm.cp.async.bulk.tensor.global.shared.cta
  // CHECK-COUNT-16: wgmma.mma_async.sync.aligned.m64n64k16
  // CHECK: nvvm.cp.async.bulk.tensor.global.shared.cta
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16
  // CHECK: nvvm.cp.async.bulk.tensor.global.shared.cta
  // CHECK-NOT: kern.matmul
  // PTX-LABEL: .entry tiles(
  // PTX: .param .align 64 .b8 tiles_param_5[128]
  // PTX: .maxntid 384
  // PTX: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16
  // PTX: cp.async.bulk.tensor.2d.global.shared::cta
  // PTX-NOT: .extern .func
  func.func @tiles(%unused: index, %rows: index, %a: memref<?x208xbf16>, %b: memref<2048x200xbf16>, %out: memref<?x2048xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {config = {stages = 4, tile_columns = 256, tile_rows = 128}, n = 2048, k = 200, a_column = 8, accesses = [], extra_columns = array<i64>} : (index, memref<?x208xbf16>, memref<2048x200xbf16>, memref<?x2048xbf16>) -> ()
    return
  }

  // Scattered rows are stored by their threads; gate and up meet in a thread.
  // CHECK-LABEL: func.func @gate
  // CHECK-COUNT-3: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: wgmma.mma_async.sync.aligned.m64n64k16
  // CHECK-NOT: nvvm.stmatrix
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"
  // CHECK: llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"
  // CHECK-NOT: math.exp
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

  // What a float32 row is added to leaves by stores of each thread, 16 bytes at once. The
  // loads for half of them come behind the first products, with a prefetch for the others.
  // CHECK-LABEL: func.func @stream
  // CHECK-NOT: nvvm.stmatrix
  // PTX-LABEL: .entry stream(
  // PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16
  // PTX-NOT: st.global
  // PTX-COUNT-16: ld.global.v4.b32
  // PTX: prefetch.global.L2
  // PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16
  // PTX: shfl.sync.bfly.b32
  // PTX-COUNT-8: st.global.v4.b32
  // PTX-COUNT-8: ld.global.v4.b32
  func.func @stream(%rows: index, %a: memref<?x128xbf16>, %b: memref<256x128xbf16>, %out: memref<?x256xf32>, %x: memref<?x256xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
    ^bb0(%sum: f32, %r: f32):
      %y = arith.addf %sum, %r : f32
      kern.yield %y
    } {config = {stages = 4, tile_columns = 256, tile_rows = 128}, n = 256, k = 128, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x128xbf16>, memref<256x128xbf16>, memref<?x256xf32>, memref<?x256xf32>) -> ()
    return
  }
}
