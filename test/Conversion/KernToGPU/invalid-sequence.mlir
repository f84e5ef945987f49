// What the GPU cannot run, and configurations that were written by hand and do not fit,
// are errors that say what would.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --split-input-file --verify-diagnostics

module @kernels {
  func.func @mixed_attention(%batch: index, %max: index, %qkv: memref<?x48xf32>, %v: memref<?x16xbf16>, %offsets: memref<?xi32>, %out: memref<?x16xf32>) attributes {kern.kernel} {
    // expected-error @below {{needs queries, keys and values of one type on the GPU, got 'f32' and 'bf16'}}
    kern.attention batch(%batch, %max) %qkv, %qkv, %v offsets(%offsets) -> %out {heads = 1, kv_heads = 1, head_size = 16, scale = 0.25 : f32} : (index, index, memref<?x48xf32>, memref<?x48xf32>, memref<?x16xbf16>, memref<?xi32>, memref<?x16xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @odd_head(%batch: index, %max: index, %qkv: memref<?x48xbf16>, %offsets: memref<?xi32>, %out: memref<?x20xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs a head size from 16 to 256 that is a multiple of 8 on the GPU, got 20}}
    kern.attention batch(%batch, %max) %qkv, %qkv, %qkv offsets(%offsets) -> %out {heads = 1, kv_heads = 1, head_size = 20, scale = 0.25 : f32} : (index, index, memref<?x48xbf16>, memref<?x48xbf16>, memref<?x48xbf16>, memref<?xi32>, memref<?x20xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @too_much_shared_memory(%batch: index, %max: index, %qkv: memref<?x256xbf16>, %offsets: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs 574464 bytes of shared memory, and a block of sm_90a has 232448}}
    kern.attention batch(%batch, %max) %qkv, %qkv, %qkv offsets(%offsets) -> %out {config = {keys = 256, rows = 16, stages = 2, warps = 4}, heads = 1, kv_heads = 1, head_size = 256, scale = 0.25 : f32} : (index, index, memref<?x256xbf16>, memref<?x256xbf16>, memref<?x256xbf16>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @misaligned_box(%batch: index, %max: index, %rows: index, %qkv: memref<?x192xbf16>, %offsets: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs, for warpgroups, a chip that has their products, 'rows', no 'queries' or 'cache', bfloat16 rows and columns at multiples of 16 bytes, and a head size from 16 to 256 that is a multiple of 8, got 64 on sm_90a}}
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {config = {keys = 128, stages = 2, warpgroups = 2}, heads = 1, kv_heads = 1, head_size = 64, scale = 0.25 : f32, k_column = 4} : (index, index, index, memref<?x192xbf16>, memref<?x192xbf16>, memref<?x192xbf16>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @no_warpgroups(%batch: index, %max: index, %rows: index, %qkv: memref<?x192xbf16>, %offsets: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs a positive integer 'warpgroups' in its GPU configuration}}
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {config = {keys = 128, stages = 2, warpgroups = 0}, heads = 1, kv_heads = 1, head_size = 64, scale = 0.25 : f32} : (index, index, index, memref<?x192xbf16>, memref<?x192xbf16>, memref<?x192xbf16>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @many_warpgroups(%batch: index, %max: index, %rows: index, %qkv: memref<?x192xbf16>, %offsets: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs at most 4 'warpgroups' and at least 2 'stages' in its GPU configuration, got 5 and 2}}
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {config = {keys = 128, stages = 2, warpgroups = 5}, heads = 1, kv_heads = 1, head_size = 64, scale = 0.25 : f32} : (index, index, index, memref<?x192xbf16>, memref<?x192xbf16>, memref<?x192xbf16>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @many_residents(%batch: index, %max: index, %rows: index, %qkv: memref<?x192xbf16>, %offsets: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs 1 of 'residents' in its GPU configuration, or 2 of 2 'warpgroups' in half of the shared memory each, got 2 of 3}}
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {config = {keys = 64, residents = 2, stages = 2, warpgroups = 3}, heads = 1, kv_heads = 1, head_size = 64, scale = 0.25 : f32} : (index, index, index, memref<?x192xbf16>, memref<?x192xbf16>, memref<?x192xbf16>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @no_residents(%batch: index, %max: index, %rows: index, %qkv: memref<?x192xbf16>, %offsets: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs a positive integer 'residents' in its GPU configuration}}
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {config = {keys = 64, residents = 0, stages = 2, warpgroups = 2}, heads = 1, kv_heads = 1, head_size = 64, scale = 0.25 : f32} : (index, index, index, memref<?x192xbf16>, memref<?x192xbf16>, memref<?x192xbf16>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @many_keys(%batch: index, %max: index, %rows: index, %qkv: memref<?x192xbf16>, %offsets: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs 'keys' that are a multiple of 16 up to 256 and leave no more than 192 registers to tiles, got 256 and 224}}
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {config = {keys = 256, stages = 2, warpgroups = 2}, heads = 1, kv_heads = 1, head_size = 64, scale = 0.25 : f32} : (index, index, index, memref<?x192xbf16>, memref<?x192xbf16>, memref<?x192xbf16>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @many_stages(%batch: index, %max: index, %rows: index, %qkv: memref<?x192xbf16>, %offsets: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs 279832 bytes of shared memory, and a block of sm_90a has 232448}}
    kern.attention batch(%batch, %max) rows(%rows) %qkv, %qkv, %qkv offsets(%offsets) -> %out {config = {keys = 128, stages = 8, warpgroups = 2}, heads = 1, kv_heads = 1, head_size = 64, scale = 0.25 : f32} : (index, index, index, memref<?x192xbf16>, memref<?x192xbf16>, memref<?x192xbf16>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @lanes(%batch: index, %max: index, %u: memref<?x8xbf16>, %a: memref<8x8xf32>, %offsets: memref<?xi32>) attributes {kern.kernel} {
    // expected-error @below {{needs 'lanes' that are a power of two up to 32 in its GPU configuration, got 3}}
    kern.scan batch(%batch, %max) %u, %u, %a, %u, %u offsets(%offsets) -> %u {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {config = {channels = 1, lanes = 3, rows = 8, steps = 8, threads = 96}, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x8xbf16>, memref<?x8xbf16>, memref<8x8xf32>, memref<?x8xbf16>, memref<?x8xbf16>, memref<?xi32>, memref<?x8xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @lane_channels(%batch: index, %max: index, %u: memref<?x8xbf16>, %a: memref<8x8xf32>, %offsets: memref<?xi32>) attributes {kern.kernel} {
    // expected-error @below {{needs 'lanes' in multiples of 'channels' in its GPU configuration, got 2 and 4}}
    kern.scan batch(%batch, %max) %u, %u, %a, %u, %u offsets(%offsets) -> %u {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {config = {channels = 4, lanes = 2, rows = 8, steps = 8, threads = 64}, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x8xbf16>, memref<?x8xbf16>, memref<8x8xf32>, memref<?x8xbf16>, memref<?x8xbf16>, memref<?xi32>, memref<?x8xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @rounds(%batch: index, %max: index, %u: memref<?x8xbf16>, %a: memref<8x8xf32>, %offsets: memref<?xi32>) attributes {kern.kernel} {
    // expected-error @below {{needs 'steps' in multiples of 'lanes' / 'channels' in its GPU configuration, got 2 and 4}}
    kern.scan batch(%batch, %max) %u, %u, %a, %u, %u offsets(%offsets) -> %u {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {config = {channels = 1, lanes = 4, rows = 8, steps = 2, threads = 64}, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x8xbf16>, memref<?x8xbf16>, memref<8x8xf32>, memref<?x8xbf16>, memref<?x8xbf16>, memref<?xi32>, memref<?x8xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @misaligned_vector(%batch: index, %max: index, %in: memref<?x37xbf16>, %w: memref<3x16xbf16>, %offsets: memref<?xi32>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs a 'vector' that divides 1 in its GPU configuration, got 8}}
    kern.conv1d batch(%batch, %max) %in, %w offsets(%offsets) -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {config = {rows = 16, threads = 32, vector = 8}, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x37xbf16>, memref<3x16xbf16>, memref<?xi32>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @ragged_warp(%batch: index, %max: index, %in: memref<?x16xbf16>, %w: memref<3x16xbf16>, %offsets: memref<?xi32>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs 'threads' in multiples of 32 up to 1024 in its GPU configuration, got 8}}
    kern.conv1d batch(%batch, %max) %in, %w offsets(%offsets) -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {config = {rows = 16, threads = 8, vector = 2}, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x16xbf16>, memref<3x16xbf16>, memref<?xi32>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @few_rows(%batch: index, %max: index, %in: memref<?x16xbf16>, %weight: memref<4x16xbf16>, %offsets: memref<?xi32>, %out: memref<?x16xbf16>, %state: memref<?x3x16xbf16>, %slots: memref<?xi32>) attributes {kern.kernel} {
    // expected-error @below {{needs at least as many 'rows' in its GPU configuration as its state has, 3, got 2}}
    kern.conv1d batch(%batch, %max) %in, %weight offsets(%offsets) -> %out state(%state, %slots) {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {config = {rows = 2, threads = 32, vector = 8}, accesses = [], extra_columns = array<i64>} : (index, index, memref<?x16xbf16>, memref<4x16xbf16>, memref<?xi32>, memref<?x16xbf16>, memref<?x3x16xbf16>, memref<?xi32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @cache(%batch: index, %max: index, %rows: index, %q: memref<?x64xbf16>, %kv: memref<?x128xbf16>, %offsets: memref<?xi32>, %first: memref<?xi32>, %before: memref<?xi32>, %out: memref<?x64xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs, for warpgroups, a chip that has their products, 'rows', no 'queries' or 'cache'}}
    kern.attention batch(%batch, %max) rows(%rows) %q, %kv, %kv offsets(%offsets) cache(%first, %before) -> %out {config = {keys = 96, stages = 2, warpgroups = 3}, heads = 1, kv_heads = 1, head_size = 64, scale = 0.125 : f32, v_column = 64} : (index, index, index, memref<?x64xbf16>, memref<?x128xbf16>, memref<?x128xbf16>, memref<?xi32>, memref<?xi32>, memref<?xi32>, memref<?x64xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @no_limit(%batch: index, %max: index, %q: memref<?x256xbf16>, %kv: memref<?x128xbf16>, %offsets: memref<?xi32>, %first: memref<?xi32>, %before: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs, for split keys, a chip that has clusters, no 'queries', and a 'query_limit' of at most 32 rows with 4 heads each, on sm_90a}}
    kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) cache(%first, %before) -> %out {config = {keys = 16, rows = 16, splits = 8, stages = 2, warps = 4}, heads = 4, kv_heads = 1, head_size = 64, scale = 0.125 : f32, v_column = 64} : (index, index, memref<?x256xbf16>, memref<?x128xbf16>, memref<?x128xbf16>, memref<?xi32>, memref<?xi32>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @splits(%batch: index, %max: index, %q: memref<?x256xbf16>, %kv: memref<?x128xbf16>, %offsets: memref<?xi32>, %first: memref<?xi32>, %before: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs up to 8 'splits' in its GPU configuration, got 9}}
    kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) cache(%first, %before) -> %out {config = {keys = 16, rows = 16, splits = 9, stages = 2, warps = 4}, heads = 4, kv_heads = 1, head_size = 64, query_limit = 4, scale = 0.125 : f32, v_column = 64} : (index, index, memref<?x256xbf16>, memref<?x128xbf16>, memref<?x128xbf16>, memref<?xi32>, memref<?xi32>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @split_rows(%batch: index, %max: index, %q: memref<?x256xbf16>, %kv: memref<?x128xbf16>, %offsets: memref<?xi32>, %first: memref<?xi32>, %before: memref<?xi32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs 'rows' for 5 queries of 4 heads, at most 32, got 16}}
    kern.attention batch(%batch, %max) %q, %kv, %kv offsets(%offsets) cache(%first, %before) -> %out {config = {keys = 16, rows = 16, splits = 8, stages = 2, warps = 4}, heads = 4, kv_heads = 1, head_size = 64, query_limit = 5, scale = 0.125 : f32, v_column = 64} : (index, index, memref<?x256xbf16>, memref<?x128xbf16>, memref<?x128xbf16>, memref<?xi32>, memref<?xi32>, memref<?xi32>, memref<?x256xbf16>) -> ()
    return
  }
}
