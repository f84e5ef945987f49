// Every op of kern, with and without its optional parts, survives a round trip
// through the custom and the generic form.

// RUN: flowhn-opt %s | flowhn-opt | FileCheck %s
// RUN: flowhn-opt %s --mlir-print-op-generic | flowhn-opt | FileCheck %s

// CHECK-LABEL: func.func @matmul_row_major
func.func @matmul_row_major(%rows: index, %a: memref<?x16xbf16>, %b: memref<12x16xbf16>,
                            %out: memref<?x12xf32>) {
  // CHECK: kern.matmul rows(%{{.*}}) %{{.*}}, %{{.*}} -> %{{.*}} {
  // CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32):
  // CHECK-NEXT: kern.yield %[[SUM]]
  // CHECK: } {accesses = [], extra_columns = array<i64>, k = 16 : i64, n = 12 : i64}
  // CHECK-SAME: : (index, memref<?x16xbf16>, memref<12x16xbf16>, memref<?x12xf32>) -> ()
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xbf16>, memref<12x16xbf16>, memref<?x12xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @matmul_panels
func.func @matmul_panels(%rows: index, %a: memref<?x40xf32>, %b: memref<2x16x16xf16>,
                         %out: memref<?x20xf32>, %x: memref<?x12xf32>, %bias: memref<20xf32>,
                         %gather: memref<?xi32>, %scatter: memref<?xi32>) {
  // CHECK: kern.matmul rows(%{{.*}}) %{{.*}}, %{{.*}} -> %{{.*}} extras(%{{.*}}, %{{.*}}) gather(%{{.*}}) scatter(%{{.*}}) {
  // CHECK: a_column = 24 : i64, accesses = [#kern.access<gathered>, #kern.access<column>]
  // CHECK-SAME: config = {tile_rows = 6 : i64}
  // CHECK-SAME: groups = 2 : i64
  kern.matmul rows(%rows) %a, %b -> %out extras(%x, %bias) gather(%gather) scatter(%scatter) {
  ^bb0(%gate: f32, %up: f32, %residual: f32, %offset: f32):
    %product = arith.mulf %gate, %up : f32
    %shifted = arith.addf %product, %offset : f32
    %zero = arith.constant 0.0 : f32
    %positive = arith.cmpf ogt, %shifted, %zero : f32
    %clamped = arith.select %positive, %shifted, %zero : f32
    %exp = math.exp %clamped : f32
    %y = arith.addf %exp, %residual : f32
    kern.yield %y
  } {n = 12 : i64, k = 16 : i64, groups = 2 : i64, a_column = 24 : i64, out_column = 8 : i64,
     accesses = [#kern.access<gathered>, #kern.access<column>], extra_columns = array<i64: 0, 8>,
     config = {tile_rows = 6 : i64}}
    : (index, memref<?x40xf32>, memref<2x16x16xf16>, memref<?x20xf32>, memref<?x12xf32>,
       memref<20xf32>, memref<?xi32>, memref<?xi32>) -> ()
  return
}

// Two products in one launch, the second one into columns of the first one's buffer.
// CHECK-LABEL: func.func @grouped_matmul
func.func @grouped_matmul(%rows: index, %a: memref<?x16xbf16>, %b: memref<12x16xbf16>, %out: memref<?x20xf32>,
                          %others: index, %c: memref<8x16xbf16>) {
  // CHECK: kern.grouped_matmul(%[[ROWS:.*]], %[[A:.*]], %{{.*}}, %[[OUT:.*]], %{{.*}}, %[[A]], %{{.*}}, %[[OUT]]) {
  // CHECK-NEXT: ^bb0(%[[R0:.*]]: index, %[[A0:.*]]: memref<?x16xbf16>, %[[B0:.*]]: memref<12x16xbf16>, %[[OUT0:.*]]: memref<?x20xf32>, %[[R1:.*]]: index,
  // CHECK-NEXT: kern.matmul rows(%[[R0]]) %[[A0]], %[[B0]] -> %[[OUT0]] {
  // CHECK: kern.matmul rows(%[[R1]])
  // CHECK: } {config = {tile_rows = 128 : i64}} : (index, memref<?x16xbf16>,
  kern.grouped_matmul(%rows, %a, %b, %out, %others, %a, %c, %out) {
  ^bb0(%r0: index, %a0: memref<?x16xbf16>, %b0: memref<12x16xbf16>, %o0: memref<?x20xf32>,
       %r1: index, %a1: memref<?x16xbf16>, %b1: memref<8x16xbf16>, %o1: memref<?x20xf32>):
    kern.matmul rows(%r0) %a0, %b0 -> %o0 {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 12, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<12x16xbf16>, memref<?x20xf32>) -> ()
    kern.matmul rows(%r1) %a1, %b1 -> %o1 {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 8, k = 16, out_column = 12, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<8x16xbf16>, memref<?x20xf32>) -> ()
  } {config = {tile_rows = 128 : i64}}
    : (index, memref<?x16xbf16>, memref<12x16xbf16>, memref<?x20xf32>, index, memref<?x16xbf16>, memref<8x16xbf16>, memref<?x20xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @grouped_rowwise
func.func @grouped_rowwise(%rows: index, %a: memref<?x16xf32>, %out: memref<?x16xbf16>, %w: memref<16xf32>,
                           %others: index, %c: memref<?x16xf32>, %to: memref<?x16xbf16>, %index: memref<?xi32>) {
  // CHECK: kern.grouped_rowwise(%[[ROWS:.*]], %[[A:.*]], %{{.*}}, %[[W:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {
  // CHECK-NEXT: ^bb0(%[[R0:[^:]*]]: index, %[[A0:[^:]*]]: memref<?x16xf32>,
  // CHECK-NEXT: kern.rowwise rows(%[[R0]]) %[[A0]]
  // CHECK: kern.rowwise {{.*}} gather(
  // CHECK: } {config = {rows = 8 : i64}} : (index, memref<?x16xf32>,
  kern.grouped_rowwise(%rows, %a, %out, %w, %others, %c, %to, %index) {
  ^bb0(%r0: index, %a0: memref<?x16xf32>, %o0: memref<?x16xbf16>, %w0: memref<16xf32>,
       %r1: index, %a1: memref<?x16xf32>, %o1: memref<?x16xbf16>, %g1: memref<?xi32>):
    kern.rowwise rows(%r0) %a0 -> %o0 extras(%w0) {
    ^bb0(%x: f32, %mean: f32, %e: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<mean_of_squares>,
       accesses = [#kern.access<column>], extra_columns = array<i64: 0>}
      : (index, memref<?x16xf32>, memref<?x16xbf16>, memref<16xf32>) -> ()
    kern.rowwise rows(%r1) %a1 -> %o1 gather(%g1) {
    ^bb0(%x: f32, %mean: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xbf16>, memref<?xi32>) -> ()
  } {config = {rows = 8}}
    : (index, memref<?x16xf32>, memref<?x16xbf16>, memref<16xf32>, index, memref<?x16xf32>, memref<?x16xbf16>, memref<?xi32>) -> ()
  return
}

// CHECK-LABEL: func.func @rowwise
func.func @rowwise(%rows: index, %table: memref<100x24xbf16>, %out: memref<?x24xf32>,
                   %weight: memref<24xf32>, %ids: memref<?xi32>) {
  // CHECK: kern.rowwise rows(%{{.*}}) %{{.*}} -> %{{.*}} extras(%{{.*}}) gather(%{{.*}})
  // CHECK: reduction = #kern.reduction<mean_of_squares>, sections = array<i64: 0, 8, 24>
  kern.rowwise rows(%rows) %table -> %out extras(%weight) gather(%ids) {
  ^bb0(%x: f32, %mean: f32, %w: f32):
    %eps = arith.constant 1.0e-6 : f32
    %shifted = arith.addf %mean, %eps : f32
    %scale = math.rsqrt %shifted : f32
    %scaled = arith.mulf %x, %scale : f32
    %y = arith.mulf %scaled, %w : f32
    kern.yield %y
  } {sections = array<i64: 0, 8, 24>, reduction = #kern.reduction<mean_of_squares>,
     accesses = [#kern.access<column>], extra_columns = array<i64: 0>}
    : (index, memref<100x24xbf16>, memref<?x24xf32>, memref<24xf32>, memref<?xi32>) -> ()
  return
}

// One number per row: a result, and an extra.
// CHECK-LABEL: func.func @scalars
func.func @scalars(%rows: index, %x: memref<?x24xbf16>, %scale: memref<?xf32>,
                   %w: memref<12x24xbf16>, %out: memref<?x12xbf16>) {
  // CHECK: kern.rowwise rows(%{{.*}}) %{{.*}} -> %[[SCALE:.*]] {
  // CHECK-NEXT: ^bb0(%{{.*}}: f32):
  kern.rowwise rows(%rows) %x -> %scale {
  ^bb0(%mean: f32):
    %y = math.rsqrt %mean : f32
    kern.yield %y
  } {sections = array<i64: 0, 24>, reduction = #kern.reduction<mean_of_squares>,
     accesses = [], extra_columns = array<i64>} : (index, memref<?x24xbf16>, memref<?xf32>) -> ()
  // CHECK: kern.matmul {{.*}} extras(%[[SCALE]])
  // CHECK: accesses = [#kern.access<scalar>]
  kern.matmul rows(%rows) %x, %w -> %out extras(%scale) {
  ^bb0(%sum: f32, %s: f32):
    %y = arith.mulf %sum, %s : f32
    kern.yield %y
  } {n = 12 : i64, k = 24 : i64, accesses = [#kern.access<scalar>], extra_columns = array<i64: 0>}
    : (index, memref<?x24xbf16>, memref<12x24xbf16>, memref<?x12xbf16>, memref<?xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @last_queries
func.func @last_queries(%batch: index, %max: index, %queries: index, %q: memref<?x32xf32>, %kv: memref<?x32xf32>,
                        %offsets: memref<?xi32>, %query_offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // CHECK: kern.attention batch(%{{.*}}, %{{.*}}) %{{.*}}, %{{.*}}, %{{.*}} offsets(%{{.*}}) queries(%{{.*}}, %{{.*}}) -> %{{.*}} {
  kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) queries(%queries, %query_offsets) -> %out
    {heads = 4 : i64, kv_heads = 2 : i64, head_size = 8 : i64, scale = 0.25 : f32, v_column = 16 : i64}
    : (index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @attention
func.func @attention(%batch: index, %max: index, %qkv: memref<?x64xf32>, %offsets: memref<?xi32>,
                     %out: memref<?x32xf32>) {
  // CHECK: kern.attention batch(%{{.*}}, %{{.*}}) %[[QKV:.*]], %[[QKV]], %[[QKV]] offsets(%{{.*}}) -> %{{.*}} {head_size = 8 : i64, heads = 4 : i64, k_column = 32 : i64, kv_heads = 2 : i64, scale = 2.500000e-01 : f32, v_column = 48 : i64}
  kern.attention batch(%batch, %max) %qkv, %qkv, %qkv offsets(%offsets) -> %out
    {heads = 4 : i64, kv_heads = 2 : i64, head_size = 8 : i64, scale = 0.25 : f32,
     k_column = 32 : i64, v_column = 48 : i64}
    : (index, index, memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>, memref<?xi32>,
       memref<?x32xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @conv1d
func.func @conv1d(%batch: index, %max: index, %x: memref<?x64xf32>, %weight: memref<4x32xf32>,
                  %offsets: memref<?xi32>, %out: memref<?x32xf32>, %bias: memref<32xf32>) {
  // CHECK: kern.conv1d batch(%{{.*}}, %{{.*}}) %{{.*}}, %{{.*}} offsets(%{{.*}}) -> %{{.*}} extras(%{{.*}}) {
  kern.conv1d batch(%batch, %max) %x, %weight offsets(%offsets) -> %out extras(%bias) {
  ^bb0(%sum: f32, %b: f32):
    %y = arith.addf %sum, %b : f32
    kern.yield %y
  } {in_column = 32 : i64, accesses = [#kern.access<column>], extra_columns = array<i64: 0>}
    : (index, index, memref<?x64xf32>, memref<4x32xf32>, memref<?xi32>, memref<?x32xf32>,
       memref<32xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @scan
func.func @scan(%batch: index, %max: index, %u: memref<?x64xf32>, %a: memref<16x32xf32>,
                %bc: memref<?x40xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // CHECK: kern.scan batch(%{{.*}}, %{{.*}}) %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} offsets(%{{.*}}) -> %{{.*}} extras(%{{.*}}) {
  // CHECK: accesses = [#kern.access<row>], b_column = 8 : i64, c_column = 24 : i64, delta_column = 32 : i64, extra_columns = array<i64: 32>
  kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out extras(%u) {
  ^bb0(%y: f32, %x: f32, %z: f32):
    %sum = arith.addf %y, %x : f32
    %gated = arith.mulf %sum, %z : f32
    kern.yield %gated
  } {b_column = 8 : i64, c_column = 24 : i64, delta_column = 32 : i64,
     accesses = [#kern.access<row>], extra_columns = array<i64: 32>}
    : (index, index, memref<?x64xf32>, memref<?x64xf32>, memref<16x32xf32>, memref<?x40xf32>,
       memref<?x40xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x64xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @sample
func.func @sample(%rows: index, %logits: memref<?x300xf32>, %draws: memref<?xi32>, %history: memref<?xi32>, %tokens: memref<?xi32>) {
  // CHECK: kern.sample rows(%{{.*}}) %{{.*}}, %{{.*}}, %{{.*}} -> %{{.*}} {n = 256 : i64}
  kern.sample rows(%rows) %logits, %draws, %history -> %tokens {n = 256 : i64}
      : (index, memref<?x300xf32>, memref<?xi32>, memref<?xi32>, memref<?xi32>) -> ()
  return
}

// CHECK-LABEL: func.func @argmax
func.func @argmax(%rows: index, %logits: memref<?x300xf32>, %tokens: memref<?xi32>) {
  // CHECK: kern.argmax rows(%{{.*}}) %{{.*}} -> %{{.*}} {in_column = 44 : i64, n = 256 : i64}
  // CHECK-SAME: : (index, memref<?x300xf32>, memref<?xi32>) -> ()
  kern.argmax rows(%rows) %logits -> %tokens {n = 256 : i64, in_column = 44 : i64}
    : (index, memref<?x300xf32>, memref<?xi32>) -> ()
  return
}

// CHECK-LABEL: func.func @scan_in_chunks
func.func @scan_in_chunks(%batch: index, %max: index, %chunks: index, %rows: index, %u: memref<?x32xf32>,
                          %a: memref<16x32xf32>, %bc: memref<?x32xf32>, %offsets: memref<?xi32>,
                          %out: memref<?x32xf32>, %states: memref<?x16x32xf32>, %sums: memref<?x32xf32>,
                          %state: memref<?x16x32xf32>) {
  // CHECK: kern.scan_states batch(%{{.*}}) chunks(%{{.*}}, %{{.*}}) %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} offsets(%{{.*}}) -> %{{.*}}, %{{.*}} {b_column = 3 : i64}
  kern.scan_states batch(%batch) chunks(%chunks, %rows) %u, %u, %a, %bc offsets(%offsets) -> %states, %sums
    {b_column = 3 : i64}
    : (index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x32xf32>,
       memref<?xi32>, memref<?x16x32xf32>, memref<?x32xf32>) -> ()
  // CHECK: kern.scan_combine batch(%{{.*}}) chunks(%{{.*}}, %{{.*}}) %{{.*}}, %{{.*}} offsets(%{{.*}}) -> %{{.*}} initial(%{{.*}}) :
  kern.scan_combine batch(%batch) chunks(%chunks, %rows) %a, %sums offsets(%offsets) -> %states initial(%state)
    : (index, index, index, memref<16x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x16x32xf32>,
       memref<?x16x32xf32>) -> ()
  // CHECK: kern.scan batch(%{{.*}}, %{{.*}}) chunks(%{{.*}}, %{{.*}}) %{{.*}} offsets(%{{.*}}) -> %{{.*}} from(%{{.*}}) initial(%{{.*}}) final(%{{.*}}) {
  kern.scan batch(%batch, %max) chunks(%chunks, %rows) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out
    from(%states) initial(%state) final(%state) {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {c_column = 16 : i64, accesses = [], extra_columns = array<i64>}
    : (index, index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>,
       memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x16x32xf32>,
       memref<?x16x32xf32>, memref<?x16x32xf32>) -> ()
  // CHECK: kern.scan {{.*}} from(%{{.*}}) sums(%{{.*}}) {
  // CHECK: folded_chunks = 8 : i64
  kern.scan batch(%batch, %max) chunks(%chunks, %rows) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out
    from(%states) sums(%sums) {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {folded_chunks = 8 : i64, accesses = [], extra_columns = array<i64>}
    : (index, index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>,
       memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x16x32xf32>,
       memref<?x32xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @step
func.func @step(%batch: index, %max: index, %qkv: memref<?x64xf32>, %cache: memref<?x32xf32>,
                %weight: memref<4x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x32xf32>,
                %offsets: memref<?xi32>, %first: memref<?xi32>, %before: memref<?xi32>,
                %slots: memref<?xi32>, %inputs: memref<?x3x32xf32>, %state: memref<?x16x32xf32>,
                %out: memref<?x32xf32>) {
  // CHECK: kern.attention batch(%{{.*}}, %{{.*}}) %{{.*}}, %[[CACHE:.*]], %[[CACHE]] offsets(%{{.*}}) cache(%{{.*}}, %{{.*}}) -> %{{.*}} {
  kern.attention batch(%batch, %max) %qkv, %cache, %cache offsets(%offsets) cache(%first, %before) -> %out
    {heads = 4 : i64, kv_heads = 2 : i64, head_size = 8 : i64, scale = 1.0 : f32, v_column = 16 : i64}
    : (index, index, memref<?x64xf32>, memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>,
       memref<?xi32>, memref<?xi32>, memref<?x32xf32>) -> ()
  // CHECK: kern.conv1d batch(%{{.*}}, %{{.*}}) %{{.*}}, %{{.*}} offsets(%{{.*}}) -> %{{.*}} state(%{{.*}}, %{{.*}}) {
  kern.conv1d batch(%batch, %max) %qkv, %weight offsets(%offsets) -> %out state(%inputs, %slots) {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x64xf32>, memref<4x32xf32>, memref<?xi32>, memref<?x32xf32>,
       memref<?x3x32xf32>, memref<?xi32>) -> ()
  // CHECK: kern.scan batch(%{{.*}}, %{{.*}}) %{{.*}} offsets(%{{.*}}) -> %{{.*}} initial(%[[S:.*]]) final(%[[S]]) slots(%{{.*}}) {
  kern.scan batch(%batch, %max) %qkv, %qkv, %a, %bc, %bc offsets(%offsets) -> %out
    initial(%state) final(%state) slots(%slots) {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {c_column = 16 : i64, accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x64xf32>, memref<?x64xf32>, memref<16x32xf32>, memref<?x32xf32>,
       memref<?x32xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x16x32xf32>, memref<?x16x32xf32>,
       memref<?xi32>) -> ()
  return
}

// CHECK-LABEL: func.func @scan_inputs
func.func @scan_inputs(%rows: index, %batch: index, %x: memref<?x128xbf16>, %cw: memref<4x64xf32>, %vector: memref<64xf32>, %w: memref<13x64xbf16>, %norm: memref<13xf32>, %v: memref<64x8xbf16>, %offsets: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>) {
  // CHECK: kern.scan_inputs rows(%{{.*}}, %{{.*}}) %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} offsets(%{{.*}}) -> %{{.*}}, %{{.*}}, %{{.*}} {dt_rank = 5 : i64, eps = 9.99999997E-7 : f32, in_column = 64 : i64, max_rows = 480 : i64, states = 4 : i64}
  kern.scan_inputs rows(%rows, %batch) %x, %cw, %vector, %w, %norm, %v, %vector offsets(%offsets) -> %u, %p, %u
      {dt_rank = 5, states = 4, eps = 1.0e-6 : f32, in_column = 64, max_rows = 480}
      : (index, index, memref<?x128xbf16>, memref<4x64xf32>, memref<64xf32>, memref<13x64xbf16>, memref<13xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
  return
}
