// A warp for each row: wide accesses where every column and stride allows them, the sum
// of squares by shuffles, and the chip's own square root.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// CHECK-DAG: #[[GRID:.*]] = affine_map<()[s0, s1] -> (s0 ceildiv 4 + s1 ceildiv 4)>

module @kernels {
  // CHECK-LABEL: func.func @norm
  // CHECK-SAME: kern.threads = 128 : i64
  // CHECK: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
  // CHECK-COUNT-5: nvvm.shfl.sync bfly
  // CHECK: llvm.call_intrinsic "llvm.nvvm.sqrt.approx.ftz.f"
  // CHECK: llvm.store {{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
  func.func @norm(%rows: index, %x: memref<?x768xbf16>, %out: memref<?x768xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32, %mean: f32):
      %root = math.sqrt %mean : f32
      %y = arith.divf %v, %root : f32
      kern.yield %y
    } {sections = array<i64: 0, 768>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xbf16>, memref<?x768xbf16>) -> ()
    return
  }

  // An odd column leaves single elements.
  // CHECK-LABEL: func.func @odd
  // CHECK-NOT: vector<
  // CHECK: llvm.store {{.*}} : bf16, !llvm.ptr<1>
  func.func @odd(%rows: index, %x: memref<?x768xbf16>, %out: memref<?x768xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32):
      kern.yield %v
    } {sections = array<i64: 0, 64>, in_column = 3, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xbf16>, memref<?x768xbf16>) -> ()
    return
  }

  // Few rows have a block each, all of whose warps have something to load; so have wide ones.
  // CHECK-LABEL: func.func @few
  // CHECK-SAME: kern.config = {rows = 1 : i64, vector = 8 : i64, warps = 3 : i64}
  // CHECK-SAME: kern.threads = 96 : i64
  func.func @few(%rows: index, %x: memref<?x768xbf16>, %out: memref<?x768xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32, %mean: f32):
      kern.yield %mean
    } {sections = array<i64: 0, 768>, max_rows = 1536, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xbf16>, memref<?x768xbf16>) -> ()
    return
  }
  // CHECK-LABEL: func.func @few_narrow
  // CHECK-SAME: kern.config = {rows = 4 : i64, vector = 4 : i64, warps = 1 : i64}
  func.func @few_narrow(%rows: index, %x: memref<?x96xf32>, %out: memref<?x96xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32, %mean: f32):
      kern.yield %mean
    } {sections = array<i64: 0, 64, 80, 96>, max_rows = 1536, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x96xf32>, memref<?x96xbf16>) -> ()
    return
  }
  // CHECK-LABEL: func.func @wide
  // CHECK-SAME: kern.config = {rows = 1 : i64, vector = 4 : i64, warps = 8 : i64}
  func.func @wide(%rows: index, %x: memref<?x2048xf32>, %out: memref<?x2048xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32, %mean: f32):
      kern.yield %mean
    } {sections = array<i64: 0, 2048>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x2048xf32>, memref<?x2048xbf16>) -> ()
    return
  }

  // All sections of a row are on their way before the first is reduced.
  // CHECK-LABEL: func.func @sections
  // CHECK-COUNT-2: llvm.load {{.*}} : !llvm.ptr<1> -> vector<4xf32>
  // CHECK: nvvm.shfl.sync bfly
  // CHECK-NOT: llvm.load
  // CHECK: return
  func.func @sections(%rows: index, %x: memref<?x256xf32>, %out: memref<?x256xbf16>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out {
    ^bb0(%v: f32, %mean: f32):
      kern.yield %mean
    } {sections = array<i64: 0, 128, 256>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x256xf32>, memref<?x256xbf16>) -> ()
    return
  }

  // The blocks of a member of a group come behind those of the member before.
  // CHECK-LABEL: func.func @group
  // CHECK-SAME: kern.config = {rows = 4 : i64, vector = 4 : i64, warps = 1 : i64}
  // CHECK-SAME: kern.grid = #[[GRID]]
  // CHECK-SAME: kern.op = "kern.grouped_rowwise"
  // CHECK: %[[BLOCK:.*]] = nvvm.read.ptx.sreg.ctaid.x
  // CHECK: %[[FIRST:.*]] = arith.cmpi slt, %[[BLOCK]], %[[BLOCKS:.*]] : i32
  // CHECK: scf.if %[[FIRST]]
  // CHECK: } else {
  // CHECK: arith.subi %[[BLOCK]], %[[BLOCKS]] : i32
  // CHECK-NOT: kern.rowwise
  func.func @group(%rows: index, %x: memref<?x64xf32>, %out: memref<?x64xbf16>, %others: index, %y: memref<?x64xf32>, %to: memref<?x64xbf16>) attributes {kern.kernel} {
    kern.grouped_rowwise(%rows, %x, %out, %others, %y, %to) {
    ^bb0(%r0: index, %x0: memref<?x64xf32>, %o0: memref<?x64xbf16>, %r1: index, %x1: memref<?x64xf32>, %o1: memref<?x64xbf16>):
      kern.rowwise rows(%r0) %x0 -> %o0 {
      ^bb0(%v: f32, %mean: f32):
        kern.yield %mean
      } {sections = array<i64: 0, 64>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x64xf32>, memref<?x64xbf16>) -> ()
      kern.rowwise rows(%r1) %x1 -> %o1 {
      ^bb0(%v: f32, %mean: f32):
        kern.yield %mean
      } {sections = array<i64: 0, 64>, reduction = #kern.reduction<mean_of_squares>, accesses = [], extra_columns = array<i64>} : (index, memref<?x64xf32>, memref<?x64xbf16>) -> ()
    } : (index, memref<?x64xf32>, memref<?x64xbf16>, index, memref<?x64xf32>, memref<?x64xbf16>) -> ()
    return
  }
}
