// Each constraint of kern, broken once; the case `@op_cN` breaks (CN) of the op.

// RUN: flowhn-opt %s --split-input-file --verify-diagnostics

func.func @matmul_c1(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{n, k and groups must be positive, got 12, 0 and 1}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 0 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c1(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{max_rows must be positive, got 0}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, max_rows = 0 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c1(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{a must hold 16 columns from column 1, got 'memref<?x16xf32>'}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>, a_column = 1 : i64}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c1(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{out must hold 12 columns from column -1}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>, out_column = -1 : i64}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c1(%rows: index, %a: memref<?x?xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{a must be dense rows of a static width}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x?xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c2(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{b must be [groups * n, at least k] with groups = 2, n = 12, k = 16, got 'memref<12x16xf32>'}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32, %up: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 2 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c2(%rows: index, %a: memref<?x16xf32>, %b: memref<3x16x8xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{b must be [ceil(n / p), k, groups * p] for a panel width p with groups = 1, n = 12, k = 16}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<3x16x8xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c2(%rows: index, %a: memref<?x16xf32>, %b: memref<12xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{b must be dense and static, of rank 2, got 'memref<12xf32>'}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c3(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: memref<12xf32>) {
  // expected-error@+1 {{must have one access and one column per extra, got 0 accesses and 1 columns for 1 extras}}
  kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
  ^bb0(%sum: f32, %e: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64: 0>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>, memref<12xf32>) -> ()
  return
}

// -----

func.func @matmul_c3(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: memref<12xf32>) {
  // expected-error@+1 {{extra #0 with access row must be of rank 2, got 'memref<12xf32>'}}
  kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
  ^bb0(%sum: f32, %e: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [#kern.access<row>], extra_columns = array<i64: 0>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>, memref<12xf32>) -> ()
  return
}

// -----

func.func @matmul_c3(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: memref<12xf32>) {
  // expected-error@+1 {{extra #0 must hold 12 elements from column 1, got 'memref<12xf32>'}}
  kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
  ^bb0(%sum: f32, %e: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [#kern.access<column>], extra_columns = array<i64: 1>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>, memref<12xf32>) -> ()
  return
}

// -----

func.func @matmul_c3(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: memref<?x?xf32>) {
  // expected-error@+1 {{extra #0 must be dense, of a static width, got 'memref<?x?xf32>'}}
  kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
  ^bb0(%sum: f32, %e: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [#kern.access<row>], extra_columns = array<i64: 0>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>, memref<?x?xf32>) -> ()
  return
}

// -----

func.func @matmul_c3(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: memref<?x12xf32>) {
  // expected-error@+1 {{extra #0 is gathered, but there is no gather table}}
  kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
  ^bb0(%sum: f32, %e: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [#kern.access<gathered>], extra_columns = array<i64: 0>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c3(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: memref<?xbf16>) {
  // expected-error@+1 {{extra #0 with access scalar must be memref<?xf32> at column 0, got 'memref<?xbf16>' at column 0}}
  kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
  ^bb0(%sum: f32, %e: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [#kern.access<scalar>], extra_columns = array<i64: 0>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>, memref<?xbf16>) -> ()
  return
}

// -----

func.func @matmul_c3(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: memref<?xf32>) {
  // expected-error@+1 {{extra #0 with access scalar must be memref<?xf32> at column 0, got 'memref<?xf32>' at column 3}}
  kern.matmul rows(%rows) %a, %b -> %out extras(%x) {
  ^bb0(%sum: f32, %e: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [#kern.access<scalar>], extra_columns = array<i64: 3>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>, memref<?xf32>) -> ()
  return
}

// -----

func.func @matmul_c4(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{region must have 1 arguments of type f32, got ('f32', 'f32')}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32, %e: f32):
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c4(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: memref<12xf32>) {
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    // expected-error@+1 {{is not a scalar, elementwise op of arith or math}}
    %first = memref.load %x[%rows] : memref<12xf32>
    kern.yield %sum
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c4(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: f32) {
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    // expected-error@+1 {{uses a value from outside}}
    %y = arith.addf %sum, %x : f32
    kern.yield %y
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c4(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>, %x: f32) {
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    // expected-error@+1 {{yields a value from outside of its region}}
    kern.yield %x
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @matmul_c4(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>) {
  // expected-error@+1 {{region must end in kern.yield}}
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    llvm.unreachable
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

// The op in the region is wrong by itself, and is told so before its parent looks at it.
func.func @matmul_c4(%rows: index, %a: memref<?x16xf32>, %b: memref<12x16xf32>, %out: memref<?x12xf32>) {
  kern.matmul rows(%rows) %a, %b -> %out {
  ^bb0(%sum: f32):
    %zero = arith.constant 0 : i32
    // expected-error@+1 {{operand #0 must be 32-bit float, but got 'i32'}}
    "kern.yield"(%zero) : (i32) -> ()
  } {n = 12 : i64, k = 16 : i64, groups = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x16xf32>, memref<12x16xf32>, memref<?x12xf32>) -> ()
  return
}

// -----

func.func @rowwise_c1(%rows: index, %in: memref<?x24xf32>, %out: memref<?x24xf32>) {
  // expected-error@+1 {{sections must be two or more strictly ascending bounds from 0, got [0, 8, 8]}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%x: f32):
    kern.yield %x
  } {sections = array<i64: 0, 8, 8>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x24xf32>, memref<?x24xf32>) -> ()
  return
}

// -----

func.func @rowwise_c1(%rows: index, %in: memref<?x24xf32>, %out: memref<?x24xf32>) {
  // expected-error@+1 {{strictly ascending bounds from 0, got [1, 24]}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%x: f32):
    kern.yield %x
  } {sections = array<i64: 1, 24>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x24xf32>, memref<?x24xf32>) -> ()
  return
}

// -----

func.func @rowwise_c1(%rows: index, %in: memref<?x24xf32>, %out: memref<?x24xf32>) {
  // expected-error@+1 {{strictly ascending bounds from 0, got [0]}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%x: f32):
    kern.yield %x
  } {sections = array<i64: 0>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x24xf32>, memref<?x24xf32>) -> ()
  return
}

// -----

func.func @rowwise_c2(%rows: index, %in: memref<?x24xf32>, %out: memref<?x24xf32>) {
  // expected-error@+1 {{input must hold 24 columns from column 1}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%x: f32):
    kern.yield %x
  } {sections = array<i64: 0, 24>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>, in_column = 1 : i64}
    : (index, memref<?x24xf32>, memref<?x24xf32>) -> ()
  return
}

// -----

func.func @rowwise_c2(%rows: index, %in: memref<?x24xf32>, %out: memref<?x16xf32>) {
  // expected-error@+1 {{out must hold 24 columns from column 0, got 'memref<?x16xf32>'}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%x: f32):
    kern.yield %x
  } {sections = array<i64: 0, 24>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x24xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @rowwise_c3(%rows: index, %in: memref<?x24xf32>, %out: memref<?x24xf32>, %e: memref<?x24xf32>) {
  // expected-error@+1 {{extra #0 is gathered, but there is no gather table}}
  kern.rowwise rows(%rows) %in -> %out extras(%e) {
  ^bb0(%x: f32, %y: f32):
    kern.yield %x
  } {sections = array<i64: 0, 24>, reduction = #kern.reduction<none>, accesses = [#kern.access<gathered>], extra_columns = array<i64: 0>}
    : (index, memref<?x24xf32>, memref<?x24xf32>, memref<?x24xf32>) -> ()
  return
}

// -----

func.func @rowwise_c4(%rows: index, %in: memref<?x24xf32>, %out: memref<?x24xf32>) {
  // expected-error@+1 {{region must have 2 arguments of type f32}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%x: f32):
    kern.yield %x
  } {sections = array<i64: 0, 24>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x24xf32>, memref<?x24xf32>) -> ()
  return
}

// -----

func.func @rowwise_c5(%rows: index, %in: memref<?x24xf32>, %out: memref<24xf32>) {
  // expected-error@+1 {{an out of rank 1 must be memref<?xf32>, with one section, a reduction, no extras and out_column 0, got 'memref<24xf32>'}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%mean: f32):
    kern.yield %mean
  } {sections = array<i64: 0, 24>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x24xf32>, memref<24xf32>) -> ()
  return
}

// -----

func.func @rowwise_c5(%rows: index, %in: memref<?x24xf32>, %out: memref<?xf32>) {
  // expected-error@+1 {{an out of rank 1 must be memref<?xf32>, with one section, a reduction, no extras and out_column 0, got 'memref<?xf32>'}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%mean: f32):
    kern.yield %mean
  } {sections = array<i64: 0, 8, 24>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x24xf32>, memref<?xf32>) -> ()
  return
}

// -----

func.func @rowwise_c5(%rows: index, %in: memref<?x24xf32>, %out: memref<?xf32>) {
  // expected-error@+1 {{an out of rank 1 must be memref<?xf32>, with one section, a reduction, no extras and out_column 0, got 'memref<?xf32>'}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%mean: f32):
    kern.yield %mean
  } {sections = array<i64: 0, 24>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
    : (index, memref<?x24xf32>, memref<?xf32>) -> ()
  return
}

// -----

func.func @rowwise_c5(%rows: index, %in: memref<?x24xf32>, %out: memref<?xf32>) {
  // expected-error@+1 {{an out of rank 1 must be memref<?xf32>, with one section, a reduction, no extras and out_column 0, got 'memref<?xf32>'}}
  kern.rowwise rows(%rows) %in -> %out {
  ^bb0(%mean: f32):
    kern.yield %mean
  } {sections = array<i64: 0, 24>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>, out_column = 1 : i64}
    : (index, memref<?x24xf32>, memref<?xf32>) -> ()
  return
}

// -----

func.func @attention_c1(%batch: index, %max: index, %q: memref<?x32xf32>, %kv: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{heads, kv_heads and head_size must be positive, got 4, 2 and 0}}
  kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) -> %out
    {heads = 4 : i64, kv_heads = 2 : i64, head_size = 0 : i64, scale = 1.0 : f32}
    : (index, index, memref<?x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @attention_c1(%batch: index, %max: index, %q: memref<?x32xf32>, %kv: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{query_limit must be positive, got -1}}
  kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) -> %out
    {heads = 4 : i64, kv_heads = 2 : i64, head_size = 8 : i64, query_limit = -1 : i64, scale = 1.0 : f32}
    : (index, index, memref<?x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @attention_c1(%batch: index, %max: index, %q: memref<?x32xf32>, %kv: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{kv_heads must divide heads, got 3 and 4}}
  kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) -> %out
    {heads = 4 : i64, kv_heads = 3 : i64, head_size = 8 : i64, scale = 1.0 : f32}
    : (index, index, memref<?x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @attention_c2(%batch: index, %max: index, %q: memref<?x32xf32>, %kv: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{key must hold 16 columns from column 1}}
  kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) -> %out
    {heads = 4 : i64, kv_heads = 2 : i64, head_size = 8 : i64, scale = 1.0 : f32, k_column = 1 : i64}
    : (index, index, memref<?x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @attention_c2(%batch: index, %max: index, %q: memref<?x32xf32>, %kv: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{heads times head_size must fit in 64 bits}}
  kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) -> %out
    {heads = 1099511627776 : i64, kv_heads = 2 : i64, head_size = 1099511627776 : i64, scale = 1.0 : f32}
    : (index, index, memref<?x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @attention_c2(%batch: index, %max: index, %q: memref<?x32xf32>, %kv: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x31xf32>) {
  // expected-error@+1 {{out must hold 32 columns from column 0, got 'memref<?x31xf32>'}}
  kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) -> %out
    {heads = 4 : i64, kv_heads = 2 : i64, head_size = 8 : i64, scale = 1.0 : f32}
    : (index, index, memref<?x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x31xf32>) -> ()
  return
}

// -----

func.func @conv1d_c1(%batch: index, %max: index, %x: memref<?x32xf32>, %w: memref<?x32xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{weight must be dense and static, of rank 2, got 'memref<?x32xf32>'}}
  kern.conv1d batch(%batch, %max) %x, %w offsets(%offsets) -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @conv1d_c1(%batch: index, %max: index, %x: memref<?x31xf32>, %w: memref<4x32xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{input must hold 32 columns from column 0, got 'memref<?x31xf32>'}}
  kern.conv1d batch(%batch, %max) %x, %w offsets(%offsets) -> %out {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x31xf32>, memref<4x32xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @conv1d_c2(%batch: index, %max: index, %x: memref<?x32xf32>, %w: memref<4x32xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %e: memref<?x32xf32>) {
  // expected-error@+1 {{extra #0 is gathered, but a kernel over sequences takes row and column alone}}
  kern.conv1d batch(%batch, %max) %x, %w offsets(%offsets) -> %out extras(%e) {
  ^bb0(%sum: f32, %y: f32):
    kern.yield %sum
  } {accesses = [#kern.access<gathered>], extra_columns = array<i64: 0>}
    : (index, index, memref<?x32xf32>, memref<4x32xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @conv1d_c2(%batch: index, %max: index, %x: memref<?x32xf32>, %w: memref<4x32xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %e: memref<?xf32>) {
  // expected-error@+1 {{extra #0 is scalar, but a kernel over sequences takes row and column alone}}
  kern.conv1d batch(%batch, %max) %x, %w offsets(%offsets) -> %out extras(%e) {
  ^bb0(%sum: f32, %y: f32):
    kern.yield %sum
  } {accesses = [#kern.access<scalar>], extra_columns = array<i64: 0>}
    : (index, index, memref<?x32xf32>, memref<4x32xf32>, memref<?xi32>, memref<?x32xf32>, memref<?xf32>) -> ()
  return
}

// -----

func.func @conv1d_c3(%batch: index, %max: index, %x: memref<?x32xf32>, %w: memref<4x32xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{region must have 1 arguments of type f32}}
  kern.conv1d batch(%batch, %max) %x, %w offsets(%offsets) -> %out {
  ^bb0(%sum: f32, %y: f32):
    kern.yield %sum
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<4x32xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @scan_c1(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<0x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{a must be dense and static, of rank 2, got 'memref<0x32xf32>'}}
  kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<0x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @scan_c1(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x15xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{b must hold 16 columns from column 0, got 'memref<?x15xf32>'}}
  kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x15xf32>, memref<?x15xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @scan_c1(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{delta must hold 32 columns from column 1}}
  kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>, delta_column = 1 : i64}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @scan_c2(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %e: memref<?x32xf32>) {
  // expected-error@+1 {{extra #0 is gathered, but a kernel over sequences takes row and column alone}}
  kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out extras(%e) {
  ^bb0(%y: f32, %x: f32, %z: f32):
    kern.yield %y
  } {accesses = [#kern.access<gathered>], extra_columns = array<i64: 0>}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @scan_c3(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{region must have 2 arguments of type f32}}
  kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
  ^bb0(%y: f32, %x: f32, %z: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @argmax_c1(%rows: index, %x: memref<?x16xf32>, %out: memref<?xi32>) {
  // expected-error@+1 {{n must be from 1 to 2^31 - 1, got 0}}
  kern.argmax rows(%rows) %x -> %out {n = 0 : i64} : (index, memref<?x16xf32>, memref<?xi32>) -> ()
  return
}

// -----

func.func @argmax_c1(%rows: index, %x: memref<?x16xf32>, %out: memref<?xi32>) {
  // expected-error@+1 {{input must hold 16 columns from column 1, got 'memref<?x16xf32>'}}
  kern.argmax rows(%rows) %x -> %out {n = 16 : i64, in_column = 1 : i64}
    : (index, memref<?x16xf32>, memref<?xi32>) -> ()
  return
}

// -----

func.func @sample_c1(%rows: index, %x: memref<?x16xf32>, %t: memref<?xi32>, %out: memref<?xi32>) {
  // expected-error@+1 {{n must be from 1 to 2^20, got 1048577}}
  kern.sample rows(%rows) %x, %t, %t -> %out {n = 1048577 : i64}
    : (index, memref<?x16xf32>, memref<?xi32>, memref<?xi32>, memref<?xi32>) -> ()
  return
}

// -----

func.func @sample_c1(%rows: index, %x: memref<?x16xf32>, %t: memref<?xi32>, %out: memref<?xi32>) {
  // expected-error@+1 {{logits must be dense rows of at least 17 columns, got 'memref<?x16xf32>'}}
  kern.sample rows(%rows) %x, %t, %t -> %out {n = 17 : i64}
    : (index, memref<?x16xf32>, memref<?xi32>, memref<?xi32>, memref<?xi32>) -> ()
  return
}

// -----

func.func @scan_c4(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %state: memref<?x32x16xf32>) {
  // expected-error@+1 {{initial must be dense rows of [16, 32], got 'memref<?x32x16xf32>'}}
  kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out initial(%state) {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x32x16xf32>) -> ()
  return
}

// -----

func.func @scan_c4(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %state: memref<?x16x31xf32>) {
  // expected-error@+1 {{final must be dense rows of [16, 32], got 'memref<?x16x31xf32>'}}
  kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out final(%state) {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x16x31xf32>) -> ()
  return
}

// -----

func.func @scan_c5(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %state: memref<?x16x32xf32>) {
  // expected-error@+1 {{must have chunks, chunk_rows and chunk_states together, or none of them}}
  kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out from(%state) {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x16x32xf32>) -> ()
  return
}

// -----

func.func @scan_c5(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %n: index) {
  // expected-error@+1 {{must have chunks, chunk_rows and chunk_states together, or none of them}}
  kern.scan batch(%batch, %max) chunks(%n, %n) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @scan_c7(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %n: index, %states: memref<?x16x32xf32>, %sums: memref<?x32xf32>) {
  // expected-error@+1 {{must have chunk_sums and folded_chunks together, and with chunks}}
  kern.scan batch(%batch, %max) chunks(%n, %n) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out from(%states) sums(%sums) {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x16x32xf32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @scan_c7(%batch: index, %max: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x32xf32>, %n: index, %states: memref<?x16x32xf32>, %sums: memref<?x32xf32>) {
  // expected-error@+1 {{folds 2 chunks at least, got folded_chunks = 1}}
  kern.scan batch(%batch, %max) chunks(%n, %n) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out from(%states) sums(%sums) {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {folded_chunks = 1 : i64, accesses = [], extra_columns = array<i64>}
    : (index, index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x16x32xf32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @scan_states_c1(%n: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %b: memref<?x16xf32>, %offsets: memref<?xi32>, %states: memref<?x16x32xf32>) {
  // expected-error@+1 {{b must hold 16 columns from column 1, got 'memref<?x16xf32>'}}
  kern.scan_states batch(%n) chunks(%n, %n) %u, %u, %a, %b offsets(%offsets) -> %states, %u {b_column = 1 : i64}
    : (index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x16x32xf32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @scan_states_c2(%n: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %b: memref<?x16xf32>, %offsets: memref<?xi32>, %states: memref<?x16x32xf32>, %sums: memref<?x16xf32>) {
  // expected-error@+1 {{sums must be dense rows of [32], got 'memref<?x16xf32>'}}
  kern.scan_states batch(%n) chunks(%n, %n) %u, %u, %a, %b offsets(%offsets) -> %states, %sums
    : (index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x16x32xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @scan_combine_c1(%n: index, %a: memref<?x32xf32>, %offsets: memref<?xi32>, %states: memref<?x16x32xf32>) {
  // expected-error@+1 {{a must be dense and static, of rank 2, got 'memref<?x32xf32>'}}
  kern.scan_combine batch(%n) chunks(%n, %n) %a, %a offsets(%offsets) -> %states
    : (index, index, index, memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x16x32xf32>) -> ()
  return
}

// -----

func.func @scan_combine_c2(%n: index, %a: memref<16x32xf32>, %sums: memref<?x32xf32>, %offsets: memref<?xi32>, %states: memref<?x8x32xf32>) {
  // expected-error@+1 {{states must be dense rows of [16, 32], got 'memref<?x8x32xf32>'}}
  kern.scan_combine batch(%n) chunks(%n, %n) %a, %sums offsets(%offsets) -> %states
    : (index, index, index, memref<16x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x8x32xf32>) -> ()
  return
}

// -----

func.func @attention_c4(%n: index, %qkv: memref<?x64xf32>, %table: memref<?xi32>, %out: memref<?x32xf32>) {
  // expected-error@+1 {{takes first_keys and keys_before together, and not with query_offsets}}
  kern.attention batch(%n, %n) %qkv, %qkv, %qkv offsets(%table) queries(%n, %table) cache(%table, %table) -> %out
    {heads = 4 : i64, kv_heads = 2 : i64, head_size = 8 : i64, scale = 1.0 : f32}
    : (index, index, index, memref<?x64xf32>, memref<?x64xf32>, memref<?x64xf32>, memref<?xi32>,
       memref<?xi32>, memref<?xi32>, memref<?xi32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func @conv1d_c4(%n: index, %x: memref<?x32xf32>, %w: memref<4x32xf32>, %table: memref<?xi32>, %state: memref<?x4x32xf32>) {
  // expected-error@+1 {{state must be dense rows of [3, 32], got 'memref<?x4x32xf32>'}}
  kern.conv1d batch(%n, %n) %x, %w offsets(%table) -> %x state(%state, %table) {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<4x32xf32>, memref<?xi32>, memref<?x32xf32>,
       memref<?x4x32xf32>, memref<?xi32>) -> ()
  return
}

// -----

func.func @conv1d_c4_type(%n: index, %x: memref<?x32xf32>, %w: memref<4x32xf32>, %table: memref<?xi32>, %state: memref<?x3x32xbf16>) {
  // expected-error@+1 {{state holds the 3 inputs before the first one, in the input's element type, got 'memref<?x3x32xbf16>'}}
  kern.conv1d batch(%n, %n) %x, %w offsets(%table) -> %x state(%state, %table) {
  ^bb0(%sum: f32):
    kern.yield %sum
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<4x32xf32>, memref<?xi32>, memref<?x32xf32>,
       memref<?x3x32xbf16>, memref<?xi32>) -> ()
  return
}

// -----

func.func @scan_c6(%n: index, %u: memref<?x32xf32>, %a: memref<16x32xf32>, %bc: memref<?x16xf32>, %table: memref<?xi32>, %state: memref<?x16x32xf32>) {
  // expected-error@+1 {{takes slots with initial and final alone}}
  kern.scan batch(%n, %n) %u, %u, %a, %bc, %bc offsets(%table) -> %u initial(%state) slots(%table) {
  ^bb0(%y: f32, %x: f32):
    kern.yield %y
  } {accesses = [], extra_columns = array<i64>}
    : (index, index, memref<?x32xf32>, memref<?x32xf32>, memref<16x32xf32>, memref<?x16xf32>,
       memref<?x16xf32>, memref<?xi32>, memref<?x32xf32>, memref<?x16x32xf32>, memref<?xi32>) -> ()
  return
}

// -----

func.func @grouped_matmul_c1(%rows: index, %a: memref<?x16xbf16>, %w: memref<16x16xbf16>, %out: memref<?x16xbf16>, %to: memref<?x16xbf16>) {
  // expected-error@+1 {{must have at least two members, got 1}}
  kern.grouped_matmul(%rows, %a, %w, %out, %to) {
  ^bb0(%r: index, %x: memref<?x16xbf16>, %b: memref<16x16xbf16>, %y: memref<?x16xbf16>, %z: memref<?x16xbf16>):
    kern.matmul rows(%r) %x, %b -> %y {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
  } : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>, memref<?x16xbf16>) -> ()
  return
}

// -----

func.func @grouped_matmul_c1(%rows: index, %a: memref<?x16xbf16>, %w: memref<16x16xbf16>, %out: memref<?x16xbf16>, %g: memref<?x16xf32>, %u: memref<?xi32>) {
  kern.grouped_matmul(%rows, %a, %w, %out, %g, %u) {
  ^bb0(%r: index, %x: memref<?x16xbf16>, %b: memref<16x16xbf16>, %y: memref<?x16xbf16>, %f: memref<?x16xf32>, %t: memref<?xi32>):
    kern.matmul rows(%r) %x, %b -> %y {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
    // expected-error@+1 {{is no kern.matmul, which alone may stand in a kern.grouped_matmul}}
    kern.argmax rows(%r) %f -> %t {n = 16} : (index, memref<?x16xf32>, memref<?xi32>) -> ()
  } : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>, memref<?x16xf32>, memref<?xi32>) -> ()
  return
}

// -----

func.func @grouped_matmul_c1(%rows: index, %a: memref<?x16xbf16>, %w: memref<16x16xbf16>, %out: memref<?x16xbf16>, %to: memref<?x16xbf16>) {
  // expected-error@+1 {{region must have arguments of the operands' types}}
  kern.grouped_matmul(%rows, %a, %w, %out, %to) {
  ^bb0(%r: index, %x: memref<?x16xbf16>, %b: memref<16x16xbf16>, %y: memref<?x16xbf16>):
    kern.matmul rows(%r) %x, %b -> %y {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
    kern.matmul rows(%r) %x, %b -> %y {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
  } : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>, memref<?x16xbf16>) -> ()
  return
}

// -----

func.func @grouped_matmul_c2(%rows: index, %a: memref<?x16xbf16>, %w: memref<16x16xbf16>, %out: memref<?x16xbf16>, %to: memref<?x16xbf16>) {
  kern.grouped_matmul(%rows, %a, %w, %out, %to) {
  ^bb0(%r: index, %x: memref<?x16xbf16>, %b: memref<16x16xbf16>, %y: memref<?x16xbf16>, %z: memref<?x16xbf16>):
    kern.matmul rows(%r) %x, %b -> %y {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
    // expected-error@+1 {{must not read what another member stores, of type 'memref<?x16xbf16>'}}
    kern.matmul rows(%r) %y, %b -> %z {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
  } : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>, memref<?x16xbf16>) -> ()
  return
}

// -----

func.func @grouped_matmul_c3(%rows: index, %a: memref<?x16xbf16>, %w: memref<16x16xbf16>, %out: memref<?x16xbf16>, %to: memref<?x16xbf16>) {
  kern.grouped_matmul(%rows, %a, %w, %out, %to) {
  ^bb0(%r: index, %x: memref<?x16xbf16>, %b: memref<16x16xbf16>, %y: memref<?x16xbf16>, %z: memref<?x16xbf16>):
    kern.matmul rows(%r) %x, %b -> %y {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
    // expected-error@+1 {{must have as many groups as the other members, 1, got 2}}
    kern.matmul rows(%r) %x, %b -> %z {
    ^bb0(%s: f32, %t: f32):
      kern.yield %s
    } {n = 8, k = 16, groups = 2, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
  } : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>, memref<?x16xbf16>) -> ()
  return
}

// -----

func.func @grouped_matmul_c3(%rows: index, %a: memref<?x16xbf16>, %w: memref<16x16xbf16>, %out: memref<?x16xbf16>, %to: memref<16x16xf32>) {
  kern.grouped_matmul(%rows, %a, %w, %out, %to) {
  ^bb0(%r: index, %x: memref<?x16xbf16>, %b: memref<16x16xbf16>, %y: memref<?x16xbf16>, %c: memref<16x16xf32>):
    kern.matmul rows(%r) %x, %b -> %y {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
    // expected-error@+1 {{must multiply 'bf16' and 'bf16' as the other members do, got 'bf16' and 'f32'}}
    kern.matmul rows(%r) %x, %c -> %y {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xf32>, memref<?x16xbf16>) -> ()
  } : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>, memref<16x16xf32>) -> ()
  return
}

// -----

func.func @grouped_matmul_c4(%rows: index, %a: memref<?x16xbf16>, %w: memref<16x16xbf16>, %out: memref<?x16xbf16>, %to: memref<?x16xbf16>) {
  kern.grouped_matmul(%rows, %a, %w, %out, %to) {
  ^bb0(%r: index, %x: memref<?x16xbf16>, %b: memref<16x16xbf16>, %y: memref<?x16xbf16>, %z: memref<?x16xbf16>):
    kern.matmul rows(%r) %x, %b -> %y {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
    // expected-error@+1 {{must leave its configuration to the kern.grouped_matmul}}
    kern.matmul rows(%r) %x, %b -> %z {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, config = {}, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>) -> ()
  } : (index, memref<?x16xbf16>, memref<16x16xbf16>, memref<?x16xbf16>, memref<?x16xbf16>) -> ()
  return
}

// -----

func.func @grouped_rowwise_c1(%rows: index, %a: memref<?x16xf32>, %out: memref<?x16xf32>, %to: memref<?x16xf32>) {
  // expected-error@+1 {{must have at least two members, got 1}}
  kern.grouped_rowwise(%rows, %a, %out, %to) {
  ^bb0(%r: index, %u: memref<?x16xf32>, %v: memref<?x16xf32>, %w: memref<?x16xf32>):
    kern.rowwise rows(%r) %u -> %v {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
  } : (index, memref<?x16xf32>, memref<?x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @grouped_rowwise_c1(%rows: index, %a: memref<?x16xf32>, %out: memref<?x16xf32>, %to: memref<?x16xf32>) {
  kern.grouped_rowwise(%rows, %a, %out, %to) {
  ^bb0(%r: index, %u: memref<?x16xf32>, %v: memref<?x16xf32>, %w: memref<?x16xf32>):
    kern.rowwise rows(%r) %u -> %v {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
    // expected-error@+1 {{is no kern.rowwise, which alone may stand in a kern.grouped_rowwise}}
    kern.matmul rows(%r) %u, %v -> %w {
    ^bb0(%s: f32):
      kern.yield %s
    } {n = 16, k = 16, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>, memref<?x16xf32>) -> ()
  } : (index, memref<?x16xf32>, memref<?x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @grouped_rowwise_c2(%rows: index, %a: memref<?x16xf32>, %out: memref<?x16xf32>, %to: memref<?x16xf32>) {
  kern.grouped_rowwise(%rows, %a, %out, %to) {
  ^bb0(%r: index, %u: memref<?x16xf32>, %v: memref<?x16xf32>, %w: memref<?x16xf32>):
    kern.rowwise rows(%r) %u -> %v {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
    // expected-error@+1 {{must not read what another member stores, of type 'memref<?x16xf32>'}}
    kern.rowwise rows(%r) %v -> %w {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
  } : (index, memref<?x16xf32>, memref<?x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @grouped_rowwise_c3(%rows: index, %a: memref<?x16xf32>, %out: memref<?x16xf32>, %to: memref<?x16xf32>) {
  kern.grouped_rowwise(%rows, %a, %out, %to) {
  ^bb0(%r: index, %u: memref<?x16xf32>, %v: memref<?x16xf32>, %w: memref<?x16xf32>):
    kern.rowwise rows(%r) %u -> %v {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
    // expected-error@+1 {{must reduce as the other members do, none, got mean_of_squares}}
    kern.rowwise rows(%r) %u -> %w {
    ^bb0(%x: f32, %m: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
  } : (index, memref<?x16xf32>, memref<?x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @grouped_rowwise_c3(%rows: index, %a: memref<?x16xf32>, %out: memref<?x16xf32>, %to: memref<?x16xf32>) {
  kern.grouped_rowwise(%rows, %a, %out, %to) {
  ^bb0(%r: index, %u: memref<?x16xf32>, %v: memref<?x16xf32>, %w: memref<?x16xf32>):
    kern.rowwise rows(%r) %u -> %v {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, max_rows = 64, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
    // expected-error@+1 {{must promise as many rows as the other members, 64, got 8}}
    kern.rowwise rows(%r) %u -> %w {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, max_rows = 8, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
  } : (index, memref<?x16xf32>, memref<?x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @grouped_rowwise_c3(%rows: index, %a: memref<?x16xf32>, %out: memref<?x16xf32>, %to: memref<?x16xf32>) {
  kern.grouped_rowwise(%rows, %a, %out, %to) {
  ^bb0(%r: index, %u: memref<?x16xf32>, %v: memref<?x16xf32>, %w: memref<?x16xf32>):
    kern.rowwise rows(%r) %u -> %v {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
    // expected-error@+1 {{must promise as many rows as the other members, any number, got 8}}
    kern.rowwise rows(%r) %u -> %w {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, max_rows = 8, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
  } : (index, memref<?x16xf32>, memref<?x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @grouped_rowwise_c4(%rows: index, %a: memref<?x16xf32>, %out: memref<?x16xf32>, %to: memref<?x16xf32>) {
  kern.grouped_rowwise(%rows, %a, %out, %to) {
  ^bb0(%r: index, %u: memref<?x16xf32>, %v: memref<?x16xf32>, %w: memref<?x16xf32>):
    kern.rowwise rows(%r) %u -> %v {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
    // expected-error@+1 {{must leave its configuration to the kern.grouped_rowwise}}
    kern.rowwise rows(%r) %u -> %w {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, config = {}, accesses = [], extra_columns = array<i64>}
      : (index, memref<?x16xf32>, memref<?x16xf32>) -> ()
  } : (index, memref<?x16xf32>, memref<?x16xf32>, memref<?x16xf32>) -> ()
  return
}

// -----

func.func @scan_combine_c3(%n: index, %a: memref<16x32xf32>, %sums: memref<?x32xf32>, %table: memref<?xi32>, %states: memref<?x16x32xf32>) {
  // expected-error@+1 {{takes slots with initial alone}}
  kern.scan_combine batch(%n) chunks(%n, %n) %a, %sums offsets(%table) -> %states slots(%table)
    : (index, index, index, memref<16x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x16x32xf32>, memref<?xi32>) -> ()
  return
}

// -----

func.func @scan_inputs_c1(%rows: index, %batch: index, %x: memref<?x64xbf16>, %cw: memref<4x64xf32>, %cb: memref<64xf32>, %w: memref<13x64xbf16>, %n: memref<13xf32>, %v: memref<64x8xbf16>, %b: memref<64xf32>, %o: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>, %d: memref<?x64xbf16>) {
  // expected-error@+1 {{dt_rank, states and max_rows must be positive, got 0, 4 and 1}}
  kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d
    {dt_rank = 0, states = 4, eps = 1.0e-6 : f32}
    : (index, index, memref<?x64xbf16>, memref<4x64xf32>, memref<64xf32>, memref<13x64xbf16>, memref<13xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
  return
}

// -----

func.func @scan_inputs_c1(%rows: index, %batch: index, %x: memref<?x64xbf16>, %cw: memref<4x64xf32>, %cb: memref<64xf32>, %w: memref<13x64xbf16>, %n: memref<13xf32>, %v: memref<64x8xbf16>, %b: memref<64xf32>, %o: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>, %d: memref<?x64xbf16>) {
  // expected-error@+1 {{dt_rank, states and max_rows must be positive, got 5, 4 and -1}}
  kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d
    {dt_rank = 5, states = 4, eps = 1.0e-6 : f32, max_rows = -1}
    : (index, index, memref<?x64xbf16>, memref<4x64xf32>, memref<64xf32>, memref<13x64xbf16>, memref<13xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
  return
}

// -----

func.func @scan_inputs_c1(%rows: index, %batch: index, %x: memref<?x64xbf16>, %cw: memref<64xf32>, %cb: memref<64xf32>, %w: memref<13x64xbf16>, %n: memref<13xf32>, %v: memref<64x8xbf16>, %b: memref<64xf32>, %o: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>, %d: memref<?x64xbf16>) {
  // expected-error@+1 {{conv_weight must be dense and static, of rank 2, got 'memref<64xf32>'}}
  kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d
    {dt_rank = 5, states = 4, eps = 1.0e-6 : f32}
    : (index, index, memref<?x64xbf16>, memref<64xf32>, memref<64xf32>, memref<13x64xbf16>, memref<13xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
  return
}

// -----

func.func @scan_inputs_c2(%rows: index, %batch: index, %x: memref<?x64xbf16>, %cw: memref<4x64xf32>, %cb: memref<64xf32>, %w: memref<12x64xbf16>, %n: memref<13xf32>, %v: memref<64x8xbf16>, %b: memref<64xf32>, %o: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>, %d: memref<?x64xbf16>) {
  // expected-error@+1 {{x_weight must be [13, 64], with rows of that length or longer, got 'memref<12x64xbf16>'}}
  kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d
    {dt_rank = 5, states = 4, eps = 1.0e-6 : f32}
    : (index, index, memref<?x64xbf16>, memref<4x64xf32>, memref<64xf32>, memref<12x64xbf16>, memref<13xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
  return
}

// -----

func.func @scan_inputs_c2(%rows: index, %batch: index, %x: memref<?x64xbf16>, %cw: memref<4x64xf32>, %cb: memref<64xf32>, %w: memref<13x64xbf16>, %n: memref<13xf32>, %v: memref<64x4xbf16>, %b: memref<64xf32>, %o: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>, %d: memref<?x64xbf16>) {
  // expected-error@+1 {{dt_weight must be [64, 5], with rows of that length or longer, got 'memref<64x4xbf16>'}}
  kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d
    {dt_rank = 5, states = 4, eps = 1.0e-6 : f32}
    : (index, index, memref<?x64xbf16>, memref<4x64xf32>, memref<64xf32>, memref<13x64xbf16>, memref<13xf32>, memref<64x4xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
  return
}

// -----

func.func @scan_inputs_c2(%rows: index, %batch: index, %x: memref<?x64xbf16>, %cw: memref<4x64xf32>, %cb: memref<64xf32>, %w: memref<13x64xbf16>, %n: memref<5xf32>, %v: memref<64x8xbf16>, %b: memref<64xf32>, %o: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>, %d: memref<?x64xbf16>) {
  // expected-error@+1 {{norm_weight must have 13 elements, got 'memref<5xf32>'}}
  kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d
    {dt_rank = 5, states = 4, eps = 1.0e-6 : f32}
    : (index, index, memref<?x64xbf16>, memref<4x64xf32>, memref<64xf32>, memref<13x64xbf16>, memref<5xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
  return
}

// -----

func.func @scan_inputs_c3(%rows: index, %batch: index, %x: memref<?x64xbf16>, %cw: memref<4x64xf32>, %cb: memref<64xf32>, %w: memref<13x64xbf16>, %n: memref<13xf32>, %v: memref<64x8xbf16>, %b: memref<64xf32>, %o: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>, %d: memref<?x64xbf16>) {
  // expected-error@+1 {{input must hold 64 columns from column 8, got 'memref<?x64xbf16>'}}
  kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d
    {dt_rank = 5, states = 4, eps = 1.0e-6 : f32, in_column = 8}
    : (index, index, memref<?x64xbf16>, memref<4x64xf32>, memref<64xf32>, memref<13x64xbf16>, memref<13xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
  return
}

// -----

func.func @scan_inputs_c3(%rows: index, %batch: index, %x: memref<?x64xbf16>, %cw: memref<4x64xf32>, %cb: memref<64xf32>, %w: memref<13x64xbf16>, %n: memref<13xf32>, %v: memref<64x8xbf16>, %b: memref<64xf32>, %o: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>, %d: memref<?x64xbf16>) {
  // expected-error@+1 {{projections must hold 13 columns from column 8, got 'memref<?x16xbf16>'}}
  kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d
    {dt_rank = 5, states = 4, eps = 1.0e-6 : f32, projection_column = 8}
    : (index, index, memref<?x64xbf16>, memref<4x64xf32>, memref<64xf32>, memref<13x64xbf16>, memref<13xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
  return
}

// -----

// expected-error@+1 {{attribute "kern.branch_shares" must be two f64 from 0 to 1 on a module, got array<f64: 5.000000e-01>}}
module attributes {kern.branch_shares = array<f64: 0.5>} {
}

// -----

// expected-error@+1 {{attribute "kern.branch_shares" must be two f64 from 0 to 1 on a module, got array<f64: 5.000000e-01, 1.500000e+00>}}
module attributes {kern.branch_shares = array<f64: 0.5, 1.5>} {
}

// -----

// expected-error@+1 {{attribute "kern.token_shares" must be f64 from 0 to 1, one or more, on a function, got array<f64>}}
func.func @no_shares() attributes {kern.token_shares = array<f64>} {
  return
}

// -----

// expected-error@+1 {{attribute "kern.token_shares" must be f64 from 0 to 1, one or more, on a function, got array<f64: -1.000000e+00>}}
func.func @negative_share() attributes {kern.token_shares = array<f64: -1.0>} {
  return
}

// -----

// expected-error@+1 {{attribute "kern.token_shares" must be f64 from 0 to 1, one or more, on a function, got array<f64: 5.000000e-01>}}
module attributes {kern.token_shares = array<f64: 0.5>} {
}
