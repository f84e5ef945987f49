// Products of one launch that do the same with other operands, rows and k have one code: it takes its
// tensor maps, tables and buffers by the tile that it is at. Those that do not have a code each.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s

module @kernels {
  // CHECK-LABEL: func.func @alike
  // The maps of a and b, and the rows, are those of either product.
  // CHECK: arith.select {{.*}} : !llvm.ptr
  // CHECK: nvvm.setmaxregister increase 232
  // CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n256k16
  // CHECK-NOT: m64n256k16
  func.func @alike(%r: index, %a: memref<?x128xbf16>, %b: memref<1024x128xbf16>, %to: memref<?x1024xf32>, %from: memref<?x1024xf32>, %rows: memref<?xi32>,
                   %s: index, %c: memref<?x256xbf16>, %d: memref<1024x256xbf16>, %other: memref<?x1024xf32>, %others: memref<?xi32>) attributes {kern.kernel} {
    kern.grouped_matmul(%r, %a, %b, %to, %from, %rows, %s, %c, %d, %to, %other, %others) {
    ^bb0(%r0: index, %a0: memref<?x128xbf16>, %b0: memref<1024x128xbf16>, %to0: memref<?x1024xf32>, %from0: memref<?x1024xf32>, %rows0: memref<?xi32>,
         %r1: index, %a1: memref<?x256xbf16>, %b1: memref<1024x256xbf16>, %to1: memref<?x1024xf32>, %from1: memref<?x1024xf32>, %rows1: memref<?xi32>):
      kern.matmul rows(%r0) %a0, %b0 -> %to0 extras(%from0) scatter(%rows0) {
      ^bb0(%sum: f32, %value: f32):
        %result = arith.addf %sum, %value : f32
        kern.yield %result
      } {n = 1024, k = 128, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x128xbf16>, memref<1024x128xbf16>, memref<?x1024xf32>, memref<?x1024xf32>, memref<?xi32>) -> ()
      kern.matmul rows(%r1) %a1, %b1 -> %to1 extras(%from1) scatter(%rows1) {
      ^bb0(%sum: f32, %value: f32):
        %result = arith.addf %sum, %value : f32
        kern.yield %result
      } {n = 1024, k = 256, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x256xbf16>, memref<1024x256xbf16>, memref<?x1024xf32>, memref<?x1024xf32>, memref<?xi32>) -> ()
    } {config = {stages = 4, tile_columns = 256, tile_rows = 128}} : (index, memref<?x128xbf16>, memref<1024x128xbf16>, memref<?x1024xf32>, memref<?x1024xf32>, memref<?xi32>, index, memref<?x256xbf16>, memref<1024x256xbf16>, memref<?x1024xf32>, memref<?x1024xf32>, memref<?xi32>) -> ()
    return
  }

  // The same but for what one of them does with its sums.
  // CHECK-LABEL: func.func @unlike
  // CHECK-COUNT-16: wgmma.mma_async.sync.aligned.m64n256k16
  func.func @unlike(%r: index, %a: memref<?x128xbf16>, %b: memref<1024x128xbf16>, %to: memref<?x1024xbf16>,
                    %s: index, %c: memref<?x128xbf16>, %d: memref<1024x128xbf16>, %other: memref<?x1024xbf16>) attributes {kern.kernel} {
    kern.grouped_matmul(%r, %a, %b, %to, %s, %c, %d, %other) {
    ^bb0(%r0: index, %a0: memref<?x128xbf16>, %b0: memref<1024x128xbf16>, %to0: memref<?x1024xbf16>,
         %r1: index, %a1: memref<?x128xbf16>, %b1: memref<1024x128xbf16>, %to1: memref<?x1024xbf16>):
      kern.matmul rows(%r0) %a0, %b0 -> %to0 {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 1024, k = 128, accesses = [], extra_columns = array<i64>} : (index, memref<?x128xbf16>, memref<1024x128xbf16>, memref<?x1024xbf16>) -> ()
      kern.matmul rows(%r1) %a1, %b1 -> %to1 {
      ^bb0(%sum: f32):
        %result = arith.negf %sum : f32
        kern.yield %result
      } {n = 1024, k = 128, accesses = [], extra_columns = array<i64>} : (index, memref<?x128xbf16>, memref<1024x128xbf16>, memref<?x1024xbf16>) -> ()
    } {config = {stages = 4, tile_columns = 256, tile_rows = 128}} : (index, memref<?x128xbf16>, memref<1024x128xbf16>, memref<?x1024xbf16>, index, memref<?x128xbf16>, memref<1024x128xbf16>, memref<?x1024xbf16>) -> ()
    return
  }
}
