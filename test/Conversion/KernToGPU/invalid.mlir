// What the GPU's emitters refuse, and why.
// RUN: flowhn-opt %s --split-input-file --verify-diagnostics --kern-choose-gpu-configs --convert-kern-to-gpu

module @kernels {
  func.func @unaligned(%rows: index, %a: memref<?x5xbf16>, %b: memref<16x8xbf16>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs 'a' of rank 2 in bf16, f16 or f32, its rows a multiple of 16 bytes apart, got 'memref<?x5xbf16>'}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 5, accesses = [], extra_columns = array<i64>} : (index, memref<?x5xbf16>, memref<16x8xbf16>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @column(%rows: index, %a: memref<?x16xbf16>, %b: memref<16x8xbf16>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs 'a' from a multiple of 16 bytes on, got column 3}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 8, a_column = 3, accesses = [], extra_columns = array<i64>} : (index, memref<?x16xbf16>, memref<16x8xbf16>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @tile(%rows: index, %a: memref<?x8xbf16>, %b: memref<16x8xbf16>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{has no tile of 100 by 64 on sm_90a}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 8, accesses = [], extra_columns = array<i64>, config = {tile_rows = 100, tile_columns = 64, stages = 2}} : (index, memref<?x8xbf16>, memref<16x8xbf16>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @shared(%rows: index, %a: memref<?x8xbf16>, %b: memref<16x8xbf16>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs 426240 bytes of shared memory, and a block of sm_90a has 232448}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 8, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 64, stages = 16}} : (index, memref<?x8xbf16>, memref<16x8xbf16>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @cluster(%rows: index, %a: memref<?x128xbf16>, %b: memref<16x128xbf16>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs a cluster of 1, 2, 4 or 8 blocks, each with a part of k, got 4 for 2 tiles of k}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 128, max_rows = 64, accesses = [], extra_columns = array<i64>, config = {cluster = 4, stages = 1}} : (index, memref<?x128xbf16>, memref<16x128xbf16>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @few_stages(%rows: index, %a: memref<?x128xbf16>, %b: memref<16x128xbf16>, %out: memref<?x16xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs at least 2 stages where a block has several tiles of k, got 1}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 16, k = 128, max_rows = 64, accesses = [], extra_columns = array<i64>, config = {cluster = 1, stages = 1}} : (index, memref<?x128xbf16>, memref<16x128xbf16>, memref<?x16xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @vector(%rows: index, %x: memref<?x12xbf16>, %out: memref<?x12xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{takes up to 32 rows of a block and a power of two up to 4 of neighbours, got 8 and 8}}
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32):
      kern.yield %v
    } {sections = array<i64: 0, 12>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>, config = {rows = 8, vector = 8, warps = 1}} : (index, memref<?x12xbf16>, memref<?x12xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @kernel(%rows: index, %x: memref<?x16xbf16>, %out: memref<?xi32>) attributes {kern.kernel} {
    // expected-error @+1 {{needs rows of f32 on the GPU, got 'memref<?x16xbf16>'}}
    kern.argmax rows(%rows) %x -> %out {n = 16 : i64} : (index, memref<?x16xbf16>, memref<?xi32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @kernel(%rows: index, %x: memref<?x16xf32>, %t: memref<?xi32>, %out: memref<?xi32>) attributes {kern.kernel} {
    // expected-error @+1 {{needs 1024 'threads' in its GPU configuration, got 512}}
    kern.sample rows(%rows) %x, %t, %t -> %out {n = 16 : i64, config = {threads = 512}}
        : (index, memref<?x16xf32>, memref<?xi32>, memref<?xi32>, memref<?xi32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @shared(%rows: index, %a: memref<?x64xbf16>, %b: memref<512x64xbf16>, %out: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{cannot have clusters share the tiles of its first 2 products}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 512, k = 64, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 128, stages = 4, shared_products = 2}} : (index, memref<?x64xbf16>, memref<512x64xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @narrow(%rows: index, %a: memref<?x64xbf16>, %b: memref<512x64xbf16>, %out: memref<?x512xf32>) attributes {kern.kernel} {
    // expected-error@+1 {{has no tiles of 160 columns beside those of 256}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 512, k = 64, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 256, stages = 4, narrow_columns = 160}} : (index, memref<?x64xbf16>, memref<512x64xbf16>, memref<?x512xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @narrow_without_pieces(%rows: index, %a: memref<?x256xbf16>, %b: memref<512x256xbf16>, %out: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{has no tiles of 176 columns beside those of 256}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 512, k = 256, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 256, stages = 4, cluster = 2, narrow_columns = 176}} : (index, memref<?x256xbf16>, memref<512x256xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @narrow_odd_share(%rows: index, %a: memref<?x256xbf16>, %b: memref<96x256xbf16>, %out: memref<?x96xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{has no tiles of 136 columns beside those of 192}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 96, k = 256, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 192, stages = 4, cluster = 2, narrow_columns = 136}} : (index, memref<?x256xbf16>, memref<96x256xbf16>, memref<?x96xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @narrow_negative(%rows: index, %a: memref<?x256xbf16>, %b: memref<512x256xbf16>, %out: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{has no tiles of -64 columns beside those of 256}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 512, k = 256, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 256, stages = 4, narrow_columns = -64}} : (index, memref<?x256xbf16>, memref<512x256xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @multicast_narrow(%rows: index, %a: memref<?x256xbf16>, %b: memref<512x256xbf16>, %out: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{has no tiles of 'b' that 2 blocks can copy for each other}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 512, k = 256, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 192, stages = 4, multicast = 2, narrow_columns = 96}} : (index, memref<?x256xbf16>, memref<512x256xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @multicast(%rows: index, %a: memref<?x64xbf16>, %b: memref<96x64xbf16>, %out: memref<?x96xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{has no tiles of 'b' that 2 blocks can copy for each other}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 96, k = 64, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 96, stages = 4, multicast = 2}} : (index, memref<?x64xbf16>, memref<96x64xbf16>, memref<?x96xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @no_multicast(%rows: index, %a: memref<?x64xbf16>, %b: memref<512x64xbf16>, %out: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs a positive 'multicast' in its configuration, got 0}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 512, k = 64, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 256, stages = 4, multicast = 0}} : (index, memref<?x64xbf16>, memref<512x64xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @no_cluster(%rows: index, %a: memref<?x64xbf16>, %b: memref<512x64xbf16>, %out: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error@+1 {{needs a positive 'cluster' in its configuration, got 0}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 512, k = 64, accesses = [], extra_columns = array<i64>, config = {tile_rows = 128, tile_columns = 256, stages = 4, cluster = 0}} : (index, memref<?x64xbf16>, memref<512x64xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}
