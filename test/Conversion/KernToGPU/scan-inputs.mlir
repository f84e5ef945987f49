// A cluster of blocks makes what a scan reads of a tile of rows: each block convolves its channels, multiplies
// them, and makes the step sizes of its channels of what the sums of all are normed to.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s

// CHECK-DAG: #[[FEW:.*]] = affine_map<()[s0, s1] -> ((s0 ceildiv 32) * 8)>
// CHECK-DAG: #[[MANY:.*]] = affine_map<()[s0, s1] -> ((s0 ceildiv 64) * 8)>
// CHECK-DAG: #[[NARROW:.*]] = affine_map<()[s0, s1] -> ((s0 ceildiv 32) * 2)>
module @kernels {
  // Tiles of 32 rows where the chip takes so many clusters at a time, of 64 where there are more. A block
  // has 64 channels at least.
  // CONFIG-LABEL: func.func @few
  // CONFIG: config = {cluster = 8 : i64, tile_rows = 32 : i64}
  // CONFIG-LABEL: func.func @many
  // CONFIG: config = {cluster = 8 : i64, tile_rows = 64 : i64}
  // CONFIG-LABEL: func.func @narrow
  // CONFIG: config = {cluster = 2 : i64, tile_rows = 32 : i64}

  // CHECK-LABEL: func.func @few
  // CHECK-SAME: kern.cluster_blocks = 8 : i64
  // CHECK-SAME: kern.grid = #[[FEW]]
  // CHECK-SAME: kern.resident_blocks = 2 : i64
  // The columns of the first product are as many to each of two warpgroups.
  // CHECK-SAME: box = [64, 48], columns = 512 : i64
  // CHECK-SAME: box = [64, 64], columns = 12 : i64
  // CHECK-SAME: box = [64, 32], columns = 512 : i64
  // CHECK-SAME: kern.threads = 256 : i64
  // Weights come before the kernel in front has ended, rows behind it.
  // CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.griddepcontrol wait
  // CHECK: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 24, k = 16>
  // The other weights take the place of the first ones, and the sums of the cluster's blocks are shared.
  // CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global
  // CHECK: nvvm.cluster.arrive
  // CHECK: nvvm.cluster.wait
  // CHECK-COUNT-8: nvvm.mapa
  // CHECK: nvvm.cluster.arrive
  // CHECK: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 64, k = 16>
  // CHECK: nvvm.cp.async.bulk.tensor.global.shared.cta
  func.func @few(%rows: index, %batch: index, %x: memref<?x1024xbf16>, %cw: memref<4x512xf32>, %cb: memref<512xf32>, %w: memref<44x512xbf16>, %n: memref<44xf32>, %v: memref<512x16xbf16>, %b: memref<512xf32>, %o: memref<?xi32>, %u: memref<?x512xbf16>, %p: memref<?x48xbf16>, %d: memref<?x512xbf16>) attributes {kern.kernel} {
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {max_rows = 480, dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x1024xbf16>, memref<4x512xf32>, memref<512xf32>, memref<44x512xbf16>, memref<44xf32>, memref<512x16xbf16>, memref<512xf32>, memref<?xi32>, memref<?x512xbf16>, memref<?x48xbf16>, memref<?x512xbf16>) -> ()
    return
  }

  // CHECK-LABEL: func.func @many
  // CHECK-SAME: kern.grid = #[[MANY]]
  func.func @many(%rows: index, %batch: index, %x: memref<?x1024xbf16>, %cw: memref<4x512xf32>, %cb: memref<512xf32>, %w: memref<44x512xbf16>, %n: memref<44xf32>, %v: memref<512x16xbf16>, %b: memref<512xf32>, %o: memref<?xi32>, %u: memref<?x512xbf16>, %p: memref<?x48xbf16>, %d: memref<?x512xbf16>) attributes {kern.kernel} {
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {max_rows = 1920, dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x1024xbf16>, memref<4x512xf32>, memref<512xf32>, memref<44x512xbf16>, memref<44xf32>, memref<512x16xbf16>, memref<512xf32>, memref<?xi32>, memref<?x512xbf16>, memref<?x48xbf16>, memref<?x512xbf16>) -> ()
    return
  }

  // CHECK-LABEL: func.func @narrow
  // CHECK-SAME: kern.cluster_blocks = 2 : i64
  // CHECK-SAME: kern.grid = #[[NARROW]]
  func.func @narrow(%rows: index, %batch: index, %x: memref<?x128xbf16>, %cw: memref<4x128xf32>, %cb: memref<128xf32>, %w: memref<44x128xbf16>, %n: memref<44xf32>, %v: memref<128x16xbf16>, %b: memref<128xf32>, %o: memref<?xi32>, %u: memref<?x128xbf16>, %p: memref<?x48xbf16>, %d: memref<?x128xbf16>) attributes {kern.kernel} {
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%o) -> %u, %p, %d {max_rows = 480, dt_rank = 12, states = 16, eps = 1.0e-6 : f32} : (index, index, memref<?x128xbf16>, memref<4x128xf32>, memref<128xf32>, memref<44x128xbf16>, memref<44xf32>, memref<128x16xbf16>, memref<128xf32>, memref<?xi32>, memref<?x128xbf16>, memref<?x48xbf16>, memref<?x128xbf16>) -> ()
    return
  }
}
