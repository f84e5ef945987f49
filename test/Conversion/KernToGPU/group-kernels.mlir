// Kernels are compiled together where that takes no longer than the longest one, those that use
// memory of the block apart from the others.
// RUN: flowhn-opt %s --flowhn-group-gpu-kernels | FileCheck %s

module @kernels {
  llvm.mlir.global external @kernel_shared() {addr_space = 3 : i32} : !llvm.array<0 x i8>
  // CHECK: @short(%{{.*}}: i32) attributes {kern.code = "middle", kern.kernel}
  func.func @short(%a: i32) attributes {kern.kernel} {
    return
  }
  // CHECK: @middle(%{{.*}}: i32) attributes {kern.code = "middle", kern.kernel}
  func.func @middle(%a: i32) attributes {kern.kernel} {
    %b = arith.addi %a, %a : i32
    return
  }
  // CHECK: @long(%{{.*}}: i32) attributes {kern.code = "long", kern.kernel}
  func.func @long(%a: i32) attributes {kern.kernel} {
    %b = arith.addi %a, %a : i32
    %c = arith.addi %b, %b : i32
    return
  }
  // CHECK: @shared(%{{.*}}: i32) attributes {kern.code = "shared", kern.kernel}
  func.func @shared(%a: i32) attributes {kern.kernel} {
    %memory = llvm.mlir.addressof @kernel_shared : !llvm.ptr<3>
    return
  }
}
