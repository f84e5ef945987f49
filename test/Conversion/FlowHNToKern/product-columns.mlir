// The GPU's copies start at multiples of 16 bytes, 8 columns of bfloat16: a product of rows
// that begin elsewhere reads a copy of them.
// RUN: flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_90a" | FileCheck %s --check-prefixes=CHECK,GPU
// RUN: flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,CPU

flowhn.model @m split <none> {
  // CHECK-LABEL: module @kernels
  // CHECK: func.func @matmul_16x8_bf16
  // CHECK: a_column = 8 : i64
  // GPU: func.func @copy_8
  // GPU: in_column = 3 : i64
  // GPU: func.func @matmul_16x8_bf16
  // CPU: func.func @matmul_16x8_bf16
  // CPU: a_column = 3 : i64

  // CHECK-LABEL: func.func private @products
  // CHECK: plan.launch @kernels::@matmul_16x8_bf16
  // GPU-NEXT: plan.alloc %{{.*}} : memref<?x8xbf16>
  // GPU-NEXT: plan.launch @kernels::@copy_8
  // CHECK: plan.launch @kernels::@matmul_16x8_bf16
  func.func private @products(%x: tensor<?x?x16xbf16>, %w: tensor<16x8xbf16>) -> (tensor<?x?x16xbf16>, tensor<?x?x16xbf16>) {
    %a = flowhn.slice %x from 8 : tensor<?x?x16xbf16> -> tensor<?x?x8xbf16>
    %b = flowhn.slice %x from 3 : tensor<?x?x16xbf16> -> tensor<?x?x8xbf16>
    %y = flowhn.linear %a [%w] : (tensor<?x?x8xbf16>, tensor<16x8xbf16>) -> tensor<?x?x16xbf16>
    %z = flowhn.linear %b [%w] : (tensor<?x?x8xbf16>, tensor<16x8xbf16>) -> tensor<?x?x16xbf16>
    return %y, %z : tensor<?x?x16xbf16>, tensor<?x?x16xbf16>
  }
}
