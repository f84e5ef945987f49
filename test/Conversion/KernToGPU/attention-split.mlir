// Attention of few queries: the keys of a sequence and head are split over a cluster of blocks
// and their warps, the query heads that share them are rows of one tile. Chips without clusters
// keep the kernel for any number of queries.
// RUN: flowhn-opt %s --kern-choose-gpu-configs | FileCheck %s --check-prefix=CONFIG
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX
// RUN: flowhn-opt %s --kern-choose-gpu-configs=chip=sm_80 | FileCheck %s --check-prefix=OLD

// CHECK-DAG: #[[FEW:.*]] = affine_map<()[s0, s1, s2] -> ((s1 ceildiv 2147483648) * 8, 2, s0)>

module @kernels {
  // Nothing is launched for 0 queries.
  // CONFIG-LABEL: @few
  // CONFIG: config = {keys = 16 : i64, rows = 16 : i64, splits = 8 : i64, stages = 2 : i64, warps = 4 : i64}
  // OLD-LABEL: @few
  // OLD-NOT: splits
  // OLD: return
  // CHECK-LABEL: func.func @few
  // CHECK-SAME: kern.cluster_blocks = 8 : i64
  // CHECK-SAME: kern.grid = #[[FEW]]
  // PTX-LABEL: .entry few(
  // PTX: .reqnctapercluster 8, 1, 1
  // PTX-NOT: .local
  // PTX: cp.async.cg.shared.global {{.*}}, 16
  // PTX: bar.warp.sync
  // PTX: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
  // PTX: barrier.cluster.arrive
  // PTX: mapa.shared::cluster
  // PTX: ld.shared::cluster.v2
  // PTX: barrier.cluster.arrive
  func.func @few(%batch: index, %max: index, %rows: index, %q: memref<?x512xbf16>, %kv: memref<?x256xbf16>, %offsets: memref<?xi32>, %first: memref<?xi32>, %before: memref<?xi32>, %out: memref<?x512xbf16>) attributes {kern.kernel} {
    kern.attention batch(%batch, %max) rows(%rows) %q, %kv, %kv offsets(%offsets) cache(%first, %before) -> %out {heads = 8, kv_heads = 2, head_size = 64, query_limit = 4, scale = 0.125 : f32, v_column = 128} : (index, index, index, memref<?x512xbf16>, memref<?x256xbf16>, memref<?x256xbf16>, memref<?xi32>, memref<?xi32>, memref<?xi32>, memref<?x512xbf16>) -> ()
    return
  }
}
