// What the kernel of a scan's inputs does not take.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --split-input-file --verify-diagnostics

module @kernels {
  func.func @channels(%rows: index, %batch: index, %x: memref<?x72xbf16>, %cw: memref<4x72xf32>, %cb: memref<72xf32>, %w: memref<44x72xbf16>, %n: memref<44xf32>, %v: memref<72x16xbf16>, %b: memref<72xf32>, %o: memref<?xi32>, %u: memref<?x72xbf16>, %p: memref<?x48xbf16>, %d: memref<?x72xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs channels in multiples of 64, got 72}}
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x72xbf16>, memref<4x72xf32>, memref<72xf32>, memref<44x72xbf16>, memref<44xf32>, memref<72x16xbf16>, memref<72xf32>, memref<?xi32>, memref<?x72xbf16>, memref<?x48xbf16>, memref<?x72xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @float32(%rows: index, %batch: index, %x: memref<?x512xf32>, %cw: memref<4x512xf32>, %cb: memref<512xf32>, %w: memref<44x512xbf16>, %n: memref<44xf32>, %v: memref<512x16xbf16>, %b: memref<512xf32>, %o: memref<?xi32>, %u: memref<?x512xbf16>, %p: memref<?x48xbf16>, %d: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs warpgroup products of one 16-bit type, got 'f32' on sm_90a}}
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x512xf32>, memref<4x512xf32>, memref<512xf32>, memref<44x512xbf16>, memref<44xf32>, memref<512x16xbf16>, memref<512xf32>, memref<?xi32>, memref<?x512xbf16>, memref<?x48xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @rows(%rows: index, %batch: index, %x: memref<?x516xbf16>, %cw: memref<4x512xf32>, %cb: memref<512xf32>, %w: memref<44x512xbf16>, %n: memref<44xf32>, %v: memref<512x16xbf16>, %b: memref<512xf32>, %o: memref<?xi32>, %u: memref<?x512xbf16>, %p: memref<?x48xbf16>, %d: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs rows and columns in multiples of 8, got 4}}
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x516xbf16>, memref<4x512xf32>, memref<512xf32>, memref<44x512xbf16>, memref<44xf32>, memref<512x16xbf16>, memref<512xf32>, memref<?xi32>, memref<?x512xbf16>, memref<?x48xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @cluster(%rows: index, %batch: index, %x: memref<?x1024xbf16>, %cw: memref<4x512xf32>, %cb: memref<512xf32>, %w: memref<44x512xbf16>, %n: memref<44xf32>, %v: memref<512x16xbf16>, %b: memref<512xf32>, %o: memref<?xi32>, %u: memref<?x512xbf16>, %p: memref<?x48xbf16>, %d: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs a cluster of 1, 2, 4 or 8 blocks, each with a multiple of 64 channels, got 3 for 512}}
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {config = {cluster = 3, tile_rows = 32}, dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x1024xbf16>, memref<4x512xf32>, memref<512xf32>, memref<44x512xbf16>, memref<44xf32>, memref<512x16xbf16>, memref<512xf32>, memref<?xi32>, memref<?x512xbf16>, memref<?x48xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @tile_rows(%rows: index, %batch: index, %x: memref<?x1024xbf16>, %cw: memref<4x512xf32>, %cb: memref<512xf32>, %w: memref<44x512xbf16>, %n: memref<44xf32>, %v: memref<512x16xbf16>, %b: memref<512xf32>, %o: memref<?xi32>, %u: memref<?x512xbf16>, %p: memref<?x48xbf16>, %d: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs tiles of 32 or 64 rows, got 48}}
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {config = {cluster = 8, tile_rows = 48}, dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x1024xbf16>, memref<4x512xf32>, memref<512xf32>, memref<44x512xbf16>, memref<44xf32>, memref<512x16xbf16>, memref<512xf32>, memref<?xi32>, memref<?x512xbf16>, memref<?x48xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @incomplete(%rows: index, %batch: index, %x: memref<?x1024xbf16>, %cw: memref<4x512xf32>, %cb: memref<512xf32>, %w: memref<44x512xbf16>, %n: memref<44xf32>, %v: memref<512x16xbf16>, %b: memref<512xf32>, %o: memref<?xi32>, %u: memref<?x512xbf16>, %p: memref<?x48xbf16>, %d: memref<?x512xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs a positive integer 'tile_rows' in its GPU configuration}}
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {config = {cluster = 8}, dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x1024xbf16>, memref<4x512xf32>, memref<512xf32>, memref<44x512xbf16>, memref<44xf32>, memref<512x16xbf16>, memref<512xf32>, memref<?xi32>, memref<?x512xbf16>, memref<?x48xbf16>, memref<?x512xbf16>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @too_much(%rows: index, %batch: index, %x: memref<?x4096xbf16>, %cw: memref<4x4096xf32>, %cb: memref<4096xf32>, %w: memref<44x4096xbf16>, %n: memref<44xf32>, %v: memref<4096x16xbf16>, %b: memref<4096xf32>, %o: memref<?xi32>, %u: memref<?x4096xbf16>, %p: memref<?x48xbf16>, %d: memref<?x4096xbf16>) attributes {kern.kernel} {
    // expected-error @below {{needs 405832 bytes of shared memory, and a block of sm_90a has 232448}}
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {config = {cluster = 2, tile_rows = 32}, dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x4096xbf16>, memref<4x4096xf32>, memref<4096xf32>, memref<44x4096xbf16>, memref<44xf32>, memref<4096x16xbf16>, memref<4096xf32>, memref<?xi32>, memref<?x4096xbf16>, memref<?x48xbf16>, memref<?x4096xbf16>) -> ()
    return
  }
}
