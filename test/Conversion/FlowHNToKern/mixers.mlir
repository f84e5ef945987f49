// Attention, convolution and scan work on whole sequences of packed rows and read
// slices of merged projections in place.
// RUN: flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 | FileCheck %s
// RUN: flowhn-opt %s --convert-flowhn-to-kern=target=nvptx | FileCheck %s --check-prefix=GPU

flowhn.model @m split <none> {
  // CHECK: func.func @attention_4x2x2(
  // CHECK-SAME: kern.flops = [array<i64: 16, 1, 1>, array<i64: 16, 1, 2>], kern.kernel, kern.sizes = array<i64: 4, 2>
  // CHECK: kern.attention batch(%arg0, %arg1) %arg2, %arg2, %arg2 offsets(%arg3) -> %arg4
  // The copy engine of a GPU reads boxes of rows, and must know where those end.
  // GPU: kern.attention batch(%arg0, %arg1) rows(%arg2) %arg3, %arg3, %arg3 offsets(%arg4) -> %arg5
  // CHECK-SAME: k_column = 8 : i64
  // CHECK-SAME: scale = 0.707106769 : f32
  // CHECK-SAME: v_column = 12 : i64
  func.func private @attention(%qkv: tensor<?x?x16xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x8xf32> {
    %q = flowhn.slice %qkv from 0 : tensor<?x?x16xf32> -> tensor<?x?x8xf32>
    %k = flowhn.slice %qkv from 8 : tensor<?x?x16xf32> -> tensor<?x?x4xf32>
    %v = flowhn.slice %qkv from 12 : tensor<?x?x16xf32> -> tensor<?x?x4xf32>
    %y = flowhn.attention %q, %k, %v at(%begin, %length) heads(4, 2) : (tensor<?x?x8xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
    return %y : tensor<?x?x8xf32>
  }

  // CHECK: func.func @conv1d_6x3(
  // CHECK: kern.conv1d batch(%arg0, %arg1) %arg2, %arg3 offsets(%arg4) -> %arg5 extras(%arg6)
  // CHECK: ^bb0(%[[SUM:.*]]: f32, %[[B:.*]]: f32):
  // CHECK: %[[BIASED:.*]] = arith.addf %[[SUM]], %[[B]]
  // CHECK: arith.divf %[[BIASED]]
  // CHECK: in_column = 6 : i64
  func.func private @conv(%uz: tensor<?x?x12xf32>, %w: tensor<6x1x3xf32>, %b: tensor<6xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x6xf32> {
    %u = flowhn.slice %uz from 6 : tensor<?x?x12xf32> -> tensor<?x?x6xf32>
    %y = flowhn.causal_conv1d %u, %w at(%begin, %length) bias(%b) activation silu : (tensor<?x?x6xf32>, tensor<6x1x3xf32>, tensor<?xi32>, tensor<?xi32>, tensor<6xf32>) -> tensor<?x?x6xf32>
    return %y : tensor<?x?x6xf32>
  }

  // CHECK: func.func @scan_6x4(
  // CHECK: kern.scan
  // CHECK: ^bb0(%[[Y:.*]]: f32, %[[U:.*]]: f32, %[[D:.*]]: f32, %[[Z:.*]]: f32):
  // CHECK: %[[DU:.*]] = arith.mulf %[[D]], %[[U]]
  // CHECK: %[[SUM:.*]] = arith.addf %[[Y]], %[[DU]]
  // CHECK: %[[SILU:.*]] = arith.divf %[[Z]]
  // CHECK: arith.mulf %[[SUM]], %[[SILU]]
  // CHECK: accesses = [#kern.access<column>, #kern.access<row>]
  // CHECK-SAME: b_column = 1 : i64
  // CHECK-SAME: c_column = 5 : i64
  // CHECK-SAME: extra_columns = array<i64: 0, 6>
  func.func private @scan(%u: tensor<?x?x6xf32>, %delta: tensor<?x?x6xf32>, %dbc: tensor<?x?x9xf32>, %uz: tensor<?x?x12xf32>, %a: tensor<6x4xbf16>, %d: tensor<6xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x6xf32> {
    %b = flowhn.slice %dbc from 1 : tensor<?x?x9xf32> -> tensor<?x?x4xf32>
    %c = flowhn.slice %dbc from 5 : tensor<?x?x9xf32> -> tensor<?x?x4xf32>
    %z = flowhn.slice %uz from 6 : tensor<?x?x12xf32> -> tensor<?x?x6xf32>
    %y = flowhn.selective_scan %u, %delta, %a, %b, %c, %d at(%begin, %length) gate(%z) : (tensor<?x?x6xf32>, tensor<?x?x6xf32>, tensor<6x4xbf16>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<6xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
    return %y : tensor<?x?x6xf32>
  }

  // The convolution's weight arrives as [k, channels], -exp(A_log) as [states, channels] in float32.
  // CHECK-LABEL: func.func private @conv
  // CHECK-SAME: %{{.*}}: memref<3x6xf32>, %{{.*}}: memref<6xf32>)
  // CHECK-LABEL: func.func private @scan
  // CHECK-SAME: %{{.*}}: memref<4x6xf32>, %{{.*}}: memref<6xf32>)
}
