// Products in one launch: the tiles of the longer one come first, each product has tensor maps of
// its own and, unlike the other one, code of its own (grouped-matmul-alike.mlir has those alike), and
// all go through the same stages. What is left of a round is made in pieces.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG

// CHECK-DAG: #[[GRID:.*]] = affine_map<()[s0, s1, s2] -> (((s2 ceildiv 128) * 8 + (s0 ceildiv 128) * 4) * 4)>
// CHECK-DAG: #[[FIRST:.*]] = affine_map<()[s0, s1, s2] -> (s0)>
// CHECK-DAG: #[[SECOND:.*]] = affine_map<()[s0, s1, s2] -> (s2)>

module @kernels {
  // The members leave their configuration to the group, and what is pinned there stays.
  // CONFIG: kern.grouped_matmul
  // CONFIG-NOT: config
  // CONFIG: } {config = {stages = 4 : i64, tile_columns = 256 : i64, tile_rows = 128 : i64}}

  // CHECK-LABEL: func.func @group
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: kern.max_blocks = 132 : i64
  // CHECK-SAME: kern.op = "kern.grouped_matmul"
  // CHECK-SAME: kern.tensor_maps = [{argument = 6 : i64, {{[^}]*}}rows = #[[SECOND]]
  // CHECK-SAME: {argument = 7 : i64
  // CHECK-SAME: {argument = 8 : i64, {{[^}]*}}rows = #[[SECOND]]
  // CHECK-SAME: {argument = 1 : i64, {{[^}]*}}rows = #[[FIRST]]
  // CHECK-SAME: {argument = 2 : i64
  // CHECK-SAME: kern.threads = 384 : i64
  // CHECK-COUNT-12: nvvm.mbarrier.arrive.expect_tx
  // CHECK-NOT: nvvm.mbarrier.arrive.expect_tx
  // CHECK: nvvm.setmaxregister increase 232
  // CHECK: scf.for
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n256k16
  // CHECK: nvvm.cp.async.bulk.tensor.global.shared.cta
  // CHECK: scf.for
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n256k16
  // CHECK-NOT: nvvm.cp.async.bulk.tensor.global.shared.cta
  // CHECK-COUNT-16: wgmma.mma_async.sync.aligned.m64n64k16
  // CHECK-COUNT-16: wgmma.mma_async.sync.aligned.m64n128k16
  // CHECK-NOT: kern.matmul
  // PTX-LABEL: .entry group(
  // PTX: .param .align 64 .b8 group_param_13[128]
  // PTX: .maxntid 384
  // PTX-NOT: .extern .func
  func.func @group(%r: index, %a: memref<?x128xbf16>, %b: memref<1024x128xbf16>, %out: memref<?x1024xf32>, %unused: index,
                   %s: index, %c: memref<?x256xbf16>, %d: memref<2048x256xbf16>, %to: memref<?x2048xbf16>) attributes {kern.kernel} {
    kern.grouped_matmul(%r, %a, %b, %out, %s, %c, %d, %to) {
    ^bb0(%r0: index, %a0: memref<?x128xbf16>, %b0: memref<1024x128xbf16>, %out0: memref<?x1024xf32>,
         %r1: index, %a1: memref<?x256xbf16>, %b1: memref<2048x256xbf16>, %out1: memref<?x2048xbf16>):
      kern.matmul rows(%r0) %a0, %b0 -> %out0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 1024, k = 128, accesses = [], extra_columns = array<i64>} : (index, memref<?x128xbf16>, memref<1024x128xbf16>, memref<?x1024xf32>) -> ()
      kern.matmul rows(%r1) %a1, %b1 -> %out1 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 2048, k = 256, accesses = [], extra_columns = array<i64>} : (index, memref<?x256xbf16>, memref<2048x256xbf16>, memref<?x2048xbf16>) -> ()
    } {config = {stages = 4, tile_columns = 256, tile_rows = 128}} : (index, memref<?x128xbf16>, memref<1024x128xbf16>, memref<?x1024xf32>, index, memref<?x256xbf16>, memref<2048x256xbf16>, memref<?x2048xbf16>) -> ()
    return
  }
}
