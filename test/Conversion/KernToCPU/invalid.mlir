// What the CPU cannot emit is refused with the reason, never miscompiled.
// RUN: flowhn-opt %s --split-input-file --verify-diagnostics --convert-kern-to-cpu=cpu=x86-64-v4 --flowhn-lower-cpu-kernels-to-llvm

module @kernels {
  func.func @row_major(%rows: index, %a: memref<?x8xf32>, %b: memref<48x8xf32>, %out: memref<?x48xf32>) attributes {kern.kernel} {
    // expected-error @below {{takes b as packed panels [⌈n/p⌉, k, groups·p] on the CPU, not as the row-major 'memref<48x8xf32>'}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 48, k = 8, accesses = [], extra_columns = array<i64>, config = {tile_rows = 8, k_block = 8, row_block = 96, panels_per_item = 1}} : (index, memref<?x8xf32>, memref<48x8xf32>, memref<?x48xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @narrow_panels(%rows: index, %a: memref<?x8xf32>, %b: memref<2x8x24xf32>, %out: memref<?x48xf32>) attributes {kern.kernel} {
    // expected-error @below {{takes panels of a multiple of the target's 16 lanes, not of 24 columns}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 48, k = 8, accesses = [], extra_columns = array<i64>, config = {tile_rows = 8, k_block = 8, row_block = 96, panels_per_item = 1}} : (index, memref<?x8xf32>, memref<2x8x24xf32>, memref<?x48xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @incomplete(%rows: index, %a: memref<?x8xf32>, %b: memref<1x8x48xf32>, %out: memref<?x48xf32>) attributes {kern.kernel} {
    // expected-error @below {{needs a positive integer 'tile_rows' in its CPU configuration}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 48, k = 8, accesses = [], extra_columns = array<i64>, config = {k_block = 8, row_block = 96, panels_per_item = 1}} : (index, memref<?x8xf32>, memref<1x8x48xf32>, memref<?x48xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @unconfigured(%rows: index, %a: memref<?x8xf32>, %b: memref<1x8x48xf32>, %out: memref<?x48xf32>) attributes {kern.kernel} {
    // expected-error @below {{has no configuration: run kern-choose-cpu-configs first}}
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 48, k = 8, accesses = [], extra_columns = array<i64>} : (index, memref<?x8xf32>, memref<1x8x48xf32>, memref<?x48xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @library(%rows: index, %a: memref<?x8xf32>, %b: memref<1x8x48xf32>, %out: memref<?x48xf32>) attributes {kern.kernel} {
    kern.matmul rows(%rows) %a, %b -> %out {
    ^bb0(%sum: f32):
      // expected-error @below {{on 'vector<16xf32>' has no expansion for the CPU, in kernel 'library'}}
      %0 = math.sin %sum : f32
      kern.yield %0
    } {n = 48, k = 8, accesses = [], extra_columns = array<i64>, config = {tile_rows = 8, k_block = 8, row_block = 96, panels_per_item = 1}} : (index, memref<?x8xf32>, memref<1x8x48xf32>, memref<?x48xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  // expected-error @below {{is a kernel without an op that the CPU can run}}
  func.func @empty(%rows: index) attributes {kern.kernel} {
    return
  }
}

// -----

module @kernels {
  func.func @computed(%rows: index, %a: memref<?x8xf32>, %b: memref<1x8x48xf32>, %out: memref<?x48xf32>) attributes {kern.kernel} {
    %double = arith.addi %rows, %rows : index
    // expected-error @below {{takes an extent that is no argument of kernel 'computed'}}
    kern.matmul rows(%double) %a, %b -> %out {
    ^bb0(%sum: f32):
      kern.yield %sum
    } {n = 48, k = 8, accesses = [], extra_columns = array<i64>, config = {tile_rows = 8, k_block = 8, row_block = 96, panels_per_item = 1}} : (index, memref<?x8xf32>, memref<1x8x48xf32>, memref<?x48xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  func.func @chunks(%batch: index, %max: index, %n: index, %u: memref<?x16xf32>, %a: memref<16x16xf32>, %offsets: memref<?xi32>, %states: memref<?x16x16xf32>) attributes {kern.kernel} {
    // expected-error @below {{takes chunks, which the CPU has no code for}}
    kern.scan batch(%batch, %max) chunks(%n, %n) %u, %u, %a, %u, %u offsets(%offsets) -> %u from(%states) {
    ^bb0(%y: f32, %x: f32):
      kern.yield %y
    } {accesses = [], extra_columns = array<i64>, config = {lanes = 16, rows = 32, states = 16, vectors = 1}} : (index, index, index, index, memref<?x16xf32>, memref<?x16xf32>, memref<16x16xf32>, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>, memref<?x16xf32>, memref<?x16x16xf32>) -> ()
    return
  }
}

// -----

module @kernels {
  // expected-error @below {{is a kernel without an op that the CPU can run}}
  func.func @scan_inputs(%rows: index, %batch: index, %x: memref<?x64xbf16>, %cw: memref<4x64xf32>, %cb: memref<64xf32>, %w: memref<13x64xbf16>, %n: memref<13xf32>, %v: memref<64x8xbf16>, %b: memref<64xf32>, %o: memref<?xi32>, %u: memref<?x64xbf16>, %p: memref<?x16xbf16>, %d: memref<?x64xbf16>) attributes {kern.kernel} {
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {dt_rank = 5, states = 4, eps = 1.0e-6 : f32} : (index, index, memref<?x64xbf16>, memref<4x64xf32>, memref<64xf32>, memref<13x64xbf16>, memref<13xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>, memref<?x16xbf16>, memref<?x64xbf16>) -> ()
    return
  }
}
