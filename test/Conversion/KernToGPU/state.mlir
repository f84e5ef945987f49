// Kernels that go on with sequences: where these have their states comes from tables, so
// that launches know nothing of positions.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s --check-prefix=GRID
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX

// GRID-DAG: #[[ATTENTION:.*]] = affine_map<()[s0, s1, s2] -> (s1 ceildiv 128, 1, s0)>
// GRID-DAG: #[[SCAN:.*]] = affine_map<()[s0, s1] -> (1, s0 * (s1 ceildiv 2147483648))>

module @kernels {
  // As many blocks as new tokens need; warpgroups stay away.
  // CONFIG-LABEL: @attention
  // CONFIG: config = {keys = 64 : i64, rows = 32 : i64, stages = 2 : i64, warps = 4 : i64}
  // GRID-LABEL: @attention
  // GRID-SAME: kern.grid = #[[ATTENTION]]
  // PTX-LABEL: .entry attention(
  // PTX: mma.sync
  func.func @attention(%batch: index, %max: index, %rows: index, %q: memref<?x64xbf16>, %kv: memref<?x128xbf16>, %offsets: memref<?xi32>, %first: memref<?xi32>, %before: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) rows(%rows) %q, %kv, %kv offsets(%offsets) cache(%first, %before) -> %out {heads = 1, kv_heads = 1, head_size = 64, scale = 0.125 : f32, v_column = 64} : (index, index, index, memref<?x64xbf16>, memref<?x128xbf16>, memref<?x128xbf16>, memref<?xi32>, memref<?xi32>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }

  // A block has at least as many rows as the state.
  // CONFIG-LABEL: @conv1d
  // CONFIG: config = {rows = 32 : i64,
  func.func @conv1d(%batch: index, %max: index, %in: memref<?x16xbf16>, %weight: memref<30x16xbf16>, %offsets: memref<?xi32>, %out: memref<?x16xbf16>, %state: memref<?x29x16xbf16>, %slots: memref<?xi32>) attributes {kern.kernel} {
    kern.conv1d batch(%batch, %max) %in, %weight offsets(%offsets) -> %out state(%state, %slots) {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {accesses = [], extra_columns = array<i64>} : (index, index, memref<?x16xbf16>, memref<30x16xbf16>, memref<?xi32>, memref<?x16xbf16>, memref<?x29x16xbf16>, memref<?xi32>) -> ()
    return
  }

  // States that stay where they are need no block where no sequence has rows.
  // GRID-LABEL: @scan
  // GRID-SAME: kern.grid = #[[SCAN]]
  // PTX-LABEL: .entry scan(
  func.func @scan(%batch: index, %max: index, %x: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x32xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %state: memref<?x16x32xf32>, %slots: memref<?xi32>) attributes {kern.kernel} {
    kern.scan batch(%batch, %max) %x, %x, %a, %bc, %bc offsets(%offsets) -> %out initial(%state) final(%state) slots(%slots) {
    ^bb0(%y: f32, %u: f32):
      kern.yield %y
    } {c_column = 16, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x16x32xf32>, memref<?x16x32xf32>, memref<?xi32>) -> ()
    return
  }

  // PTX-LABEL: .entry combine(
  func.func @combine(%batch: index, %chunks: index, %rows: index, %a: memref<16x32xf32>, %sums: memref<?x32xf32>, %offsets: memref<?xi32>, %states: memref<?x16x32xf32>, %state: memref<?x16x32xf32>, %slots: memref<?xi32>) attributes {kern.kernel} {
    kern.scan_combine batch(%batch) chunks(%chunks, %rows) %a, %sums offsets(%offsets) -> %states initial(%state) slots(%slots) : (index, index, index, memref<16x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x16x32xf32>, memref<?x16x32xf32>, memref<?xi32>) -> ()
    return
  }
}
