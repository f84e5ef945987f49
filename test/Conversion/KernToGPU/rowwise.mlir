// A warp for each row: wide accesses where every column and stride allows them, the sum
// of squares by shuffles, and the chip's own square root.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s

module @kernels {
  // CHECK-LABEL: func.func @norm
  // CHECK-SAME: kern.threads = 256 : i64
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
}
