// Results whose columns are no multiple of a tile's: what checks them needs registers, so that tiles are
// made in fewer pieces, of one width, and beside a residual in float32 not as wide as others.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s --check-prefix=STORES
// assemble.test assembles them.

module @kernels {
  // CHECK-LABEL: func.func @residual
  // CHECK: config = {{{[^}]*}}tile_columns = {{192|128}}
  func.func @residual(%rows: index, %a: memref<?x1024xbf16>, %b: memref<640x1024xbf16>, %out: memref<?x640xf32>, %x: memref<?x640xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
    ^bb0(%sum: f32, %e: f32):
      %y = arith.addf %sum, %e : f32
      kern.yield %y
    } {n = 640, k = 1024, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x1024xbf16>, memref<640x1024xbf16>, memref<?x640xf32>, memref<?x640xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @wide_residual
  // CHECK: config = {{{[^}]*}}tile_columns = {{192|128}}
  func.func @wide_residual(%rows: index, %a: memref<?x256xbf16>, %b: memref<2000x256xbf16>, %out: memref<?x2000xf32>, %x: memref<?x2000xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
    ^bb0(%sum: f32, %e: f32):
      %y = arith.addf %sum, %e : f32
      kern.yield %y
    } {n = 2000, k = 256, accesses = [#kern.access<row>], extra_columns = array<i64: 0>} : (index, memref<?x256xbf16>, memref<2000x256xbf16>, memref<?x2000xf32>, memref<?x2000xf32>) -> ()
    return
  }

  // CHECK-LABEL: func.func @odd
  // CHECK: config = {stages = {{[0-9]}} : i64, tile_columns = {{[0-9]+}}
  func.func @odd(%rows: index, %a: memref<?x768xbf16>, %b: memref<1002x768xbf16>, %out: memref<?x1002xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 1002, k = 768, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xbf16>, memref<1002x768xbf16>, memref<?x1002xbf16>) -> ()
    return
  }

  // CHECK-LABEL: func.func @narrow
  // CHECK: config = {stages = {{[0-9]}} : i64, tile_columns = {{[0-9]+}}
  func.func @narrow(%rows: index, %a: memref<?x64xbf16>, %b: memref<300x64xbf16>, %out: memref<?x300xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 300, k = 64, accesses = [], extra_columns = array<i64>} : (index, memref<?x64xbf16>, memref<300x64xbf16>, memref<?x300xbf16>) -> ()
    return
  }

  // Of 168 columns the copy engine stores 64 three times, the last ones from the 104th on.
  // STORES-LABEL: func.func @uneven
  // STORES-COUNT-2: nvvm.cp.async.bulk.tensor.global.shared.cta
  // STORES: arith.addi %{{.*}}, %c104_i32
  // STORES: nvvm.cp.async.bulk.tensor.global.shared.cta
  // STORES-NOT: nvvm.cp.async.bulk.tensor.global.shared.cta
  func.func @uneven(%rows: index, %a: memref<?x64xbf16>, %b: memref<1152x64xbf16>, %out: memref<?x1152xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 1152, k = 64, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 168, stages = 4}} : (index, memref<?x64xbf16>, memref<1152x64xbf16>, memref<?x1152xbf16>) -> ()
    return
  }

  // What reads a result's old values stores none twice: threads store them.
  // STORES-LABEL: func.func @uneven_residual
  // STORES-NOT: nvvm.cp.async.bulk.tensor.global
  func.func @uneven_residual(%rows: index, %a: memref<?x64xbf16>, %b: memref<1152x64xbf16>, %out: memref<?x1152xbf16>, %x: memref<?x1152xbf16>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
    ^bb0(%sum: f32, %e: f32):
      %y = arith.addf %sum, %e : f32
      kern.yield %y
    } {n = 1152, k = 64, accesses = [#kern.access<row>], extra_columns = array<i64: 0>, config = {tile_rows = 128, tile_columns = 168, stages = 4}} : (index, memref<?x64xbf16>, memref<1152x64xbf16>, memref<?x1152xbf16>, memref<?x1152xbf16>) -> ()
    return
  }
}
