// A configuration written by hand is checked before anything is built from it.
// RUN: flowhn-opt %s --split-input-file --verify-diagnostics --convert-kern-to-cpu=cpu=x86-64-v4

module @kernels {
  func.func @rowwise(%rows: index, %in: memref<?x8xf32>, %out: memref<?x8xf32>) attributes {kern.kernel} {
    // expected-error @below {{needs a positive integer 'rows' in its CPU configuration}}
    kern.rowwise rows(%rows) %in -> %out {
    ^bb0(%x: f32):
      kern.yield %x
    } {sections = array<i64: 0, 8>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>, config = {lanes = 16, rows = 0}} : (index, memref<?x8xf32>, memref<?x8xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @conv1d(%batch: index, %max: index, %in: memref<?x8xf32>, %weight: memref<4x8xf32>, %offsets: memref<?xi32>, %out: memref<?x8xf32>) attributes {kern.kernel} {
    // expected-error @below {{needs 'rows' of at least 3 in its CPU configuration, the taps before the last}}
    kern.conv1d batch(%batch, %max) %in, %weight offsets(%offsets) -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {accesses = [], extra_columns = array<i64>, config = {lanes = 16, rows = 2, vectors = 1}} : (index, index, memref<?x8xf32>, memref<4x8xf32>, memref<?xi32>, memref<?x8xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @scan(%batch: index, %max: index, %u: memref<?x8xf32>, %a: memref<3x8xf32>, %bc: memref<?x3xf32>, %offsets: memref<?xi32>, %out: memref<?x8xf32>) attributes {kern.kernel} {
    // expected-error @below {{needs a positive integer 'vectors' in its CPU configuration}}
    kern.scan batch(%batch, %max) %u, %u, %a, %bc, %bc offsets(%offsets) -> %out {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {accesses = [], extra_columns = array<i64>, config = {lanes = 16, rows = 32, states = 3}} : (index, index, memref<?x8xf32>, memref<?x8xf32>, memref<3x8xf32>, memref<?x3xf32>, memref<?x3xf32>, memref<?xi32>, memref<?x8xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @attention_heads(%batch: index, %max: index, %q: memref<?x64xf32>, %kv: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x64xf32>) attributes {kern.kernel} {
    // expected-error @below {{needs 'heads' that divide its 4 query heads per key/value head in its CPU configuration, got 3}}
    kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) -> %out
      {heads = 8, kv_heads = 2, head_size = 8, scale = 0.25 : f32, config = {features = 6, heads = 3, key_tile = 6, keys = 60, lanes = 16, rows = 16}}
      : (index, index, memref<?x64xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x64xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @attention_tiles(%batch: index, %max: index, %q: memref<?x64xf32>, %kv: memref<?x16xf32>, %offsets: memref<?xi32>, %out: memref<?x64xf32>) attributes {kern.kernel} {
    // expected-error @below {{needs 'rows' in multiples of 'lanes' and 'keys' in multiples of 'key_tile' in its CPU configuration, got 16, 16, 64 and 6}}
    kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) -> %out
      {heads = 8, kv_heads = 2, head_size = 8, scale = 0.25 : f32, config = {features = 6, heads = 4, key_tile = 6, keys = 64, lanes = 16, rows = 16}}
      : (index, index, memref<?x64xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x64xf32>) -> ()
    return
  }
}
