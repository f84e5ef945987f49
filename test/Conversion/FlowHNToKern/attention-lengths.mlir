// On sm_90a attention of small heads has a kernel for calls of short sequences and one for the others,
// unless the context has no long ones. Larger heads, and float32, have one.
// RUN: flowhn-opt %s --split-input-file --convert-flowhn-to-kern="target=nvptx chip=sm_90a" | FileCheck %s
// RUN: flowhn-opt %s --split-input-file --convert-flowhn-to-kern="target=nvptx chip=sm_80" | FileCheck %s --check-prefix=SM80

// SM80-NOT: query_limit
flowhn.model @m split <none> {
  // CHECK: func.func @attention_2x2x32_queries2048(
  // CHECK: query_limit = 2048
  // CHECK: func.func @attention_2x2x32(
  // CHECK-NOT: query_limit
  // CHECK: func.func private @small(%{{.*}}: index, %{{.*}}: index, %[[MAX:[^:]*]]: index,
  // CHECK: %[[EXCESS:.*]] = affine.max #{{.*}}()[%[[MAX]]]
  // CHECK: %[[IS_LONG:.*]] = affine.min #{{.*}}()[%[[EXCESS]]]
  // CHECK: %[[SHORT:.*]] = affine.apply #{{.*}}()[%[[MAX]], %[[IS_LONG]]
  // CHECK: %[[LONG:.*]] = affine.apply #{{.*}}()[%[[MAX]], %[[IS_LONG]]
  // CHECK: plan.launch @kernels::@attention_2x2x32_queries2048(%{{.*}}, %[[SHORT]],
  // CHECK: plan.launch @kernels::@attention_2x2x32(%{{.*}}, %[[LONG]],
  func.func private @small(%qkv: tensor<?x?x64xbf16>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x64xbf16> {
    %y = flowhn.attention %qkv, %qkv, %qkv at(%begin, %length) heads(2, 2) : (tensor<?x?x64xbf16>, tensor<?x?x64xbf16>, tensor<?x?x64xbf16>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x64xbf16>
    return %y : tensor<?x?x64xbf16>
  }
}

// -----

flowhn.model @m split <none, context = 2048> {
  // CHECK-NOT: func.func @attention_2x2x32(
  // CHECK: plan.launch @kernels::@attention_2x2x32_queries2048(
  func.func private @small(%qkv: tensor<?x?x64xbf16>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x64xbf16> {
    %y = flowhn.attention %qkv, %qkv, %qkv at(%begin, %length) heads(2, 2) : (tensor<?x?x64xbf16>, tensor<?x?x64xbf16>, tensor<?x?x64xbf16>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x64xbf16>
    return %y : tensor<?x?x64xbf16>
  }
}

// -----

flowhn.model @m split <none> {
  // CHECK-NOT: query_limit
  // CHECK: plan.launch @kernels::@attention_2x2x64(
  // CHECK: plan.launch @kernels::@attention_2x2x32(
  func.func private @large(%qkv: tensor<?x?x128xbf16>, %x: tensor<?x?x64xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> (tensor<?x?x128xbf16>, tensor<?x?x64xf32>) {
    %y = flowhn.attention %qkv, %qkv, %qkv at(%begin, %length) heads(2, 2) : (tensor<?x?x128xbf16>, tensor<?x?x128xbf16>, tensor<?x?x128xbf16>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x128xbf16>
    %z = flowhn.attention %x, %x, %x at(%begin, %length) heads(2, 2) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x64xf32>
    return %y, %z : tensor<?x?x128xbf16>, tensor<?x?x64xf32>
  }
}
