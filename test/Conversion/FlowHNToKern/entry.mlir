// The public function becomes the procedure that a call runs: one partition per
// window, one call per block with the block's own parameters, taps in between.
// RUN: flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 | FileCheck %s

// CHECK: plan.parameter @embed : memref<16x8xbf16> from {{.*}} as {{ *}}row_major
// CHECK: plan.parameter @w0 :
// CHECK: plan.parameter @w1 :
// CHECK: plan.parameter @embed.panels : {{.*}} from [#plan.source<"embed" : tensor<16x8xbf16>>] as {{ *}}panels
// CHECK-NOT: plan.parameter

// CHECK-LABEL: module @kernels
// CHECK: func.func @copy_8
// CHECK-NOT: func.func @copy_8_0

// CHECK-LABEL: func.func private @block_0(
// CHECK-SAME: %[[LENGTH:[^ ]*]]: memref<?xi32>)
// CHECK-NOT: func.func private @block_0_0

// CHECK-LABEL: func.func @forward
// CHECK-SAME: (%[[BATCH:[^ ]*]]: index, %[[ROWS:[^ ]*]]: index, %[[MAX:[^ ]*]]: index, %[[SELECTED:[^ ]*]]: index, %[[CHOSEN:[^ ]*]]: index, %[[IDS:[^ ]*]]: memref<?xi32>, %[[BEGIN:[^ ]*]]: memref<?xi32>, %[[LENGTH:[^ ]*]]: memref<?xi32>, %[[OFFSETS:[^ ]*]]: memref<?xi32>, %[[SELECT:[^ ]*]]: memref<?xi32>, %[[LOGITS:[^ ]*]]: memref<?x16xf32>, %[[TOKENS:[^ ]*]]: memref<?xi32>) attributes {plan.entry}
// CHECK: %[[TABLE:.*]] = plan.get_parameter @embed : memref<16x8xbf16>
// CHECK: %[[X0:.*]] = plan.alloc %[[ROWS]] in "shared" : memref<?x8xf32>
// CHECK: plan.launch @kernels::@copy_8(%[[ROWS]], %[[TABLE]], %[[X0]], %[[IDS]])
// CHECK: %[[AROWS:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} = plan.partition <first floor 1/2> at(%[[BEGIN]], %[[LENGTH]])
// CHECK-NOT: plan.partition
// CHECK: plan.tap "hidden.0" rows(%[[ROWS]]) %[[X0]]
// CHECK: %[[X1:.*]] = plan.alloc %[[ROWS]] in "shared"
// CHECK: %[[W0:.*]] = plan.get_parameter @w0
// CHECK: call @block_0(%[[BATCH]], %[[ROWS]], %[[MAX]], %[[OFFSETS]], %[[X0]], %[[AROWS]], {{.*}}, %[[X1]], %[[W0]], %[[BEGIN]], %[[LENGTH]])
// CHECK: plan.tap "hidden.1" rows(%[[ROWS]]) %[[X1]]
// CHECK: %[[X2:.*]] = plan.alloc %[[ROWS]] in "shared"
// CHECK: %[[W1:.*]] = plan.get_parameter @w1
// CHECK: call @block_0({{.*}}, %[[X1]], %[[AROWS]], {{.*}}, %[[X2]], %[[W1]], %[[BEGIN]], %[[LENGTH]])
// CHECK: %[[NORMED:.*]] = plan.alloc %[[SELECTED]] in "shared" : memref<?x8xf32>
// CHECK: plan.launch @kernels::@rms_norm_8_0(%[[SELECTED]], %[[X2]], %[[NORMED]], %{{.*}}, %[[SELECT]])
// CHECK: plan.tap "final" rows(%[[SELECTED]]) %[[NORMED]]
// CHECK: plan.launch @kernels::@matmul_16x8_bf16(%[[SELECTED]], %[[NORMED]], %{{.*}}, %[[LOGITS]])
flowhn.model @m split <ae, by_call> {
  flowhn.parameter @embed : tensor<16x8xbf16>
  flowhn.parameter @w0 : tensor<8xf32>
  flowhn.parameter @w1 : tensor<8xf32>
  // A table is passed to the functions that read it and to no other.
  func.func private @block_0(%x: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %as: tensor<?x2x2xi32>, %w: tensor<8xf32>) -> tensor<?x?x8xf32> attributes {flowhn.block} {
    %y = flowhn.rms_norm %x, [%w] {eps = 1.0e-6 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
    %a, %s = flowhn.segments <first floor 1/3> at(%begin, %length) : tensor<?xi32> -> tensor<?x2x2xi32>
    return %y : tensor<?x?x8xf32>
  }
  func.func @forward(%ids: tensor<?x?xi32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %select: tensor<?xi32>) -> tensor<?x16xf32> {
    %embed = flowhn.get_parameter @embed : tensor<16x8xbf16>
    %w0 = flowhn.get_parameter @w0 : tensor<8xf32>
    %w1 = flowhn.get_parameter @w1 : tensor<8xf32>
    %x = flowhn.embedding %ids, %embed : (tensor<?x?xi32>, tensor<16x8xbf16>) -> tensor<?x?x8xf32>
    %a, %s = flowhn.segments <first floor 1/2> at(%begin, %length) : tensor<?xi32> -> tensor<?x2x2xi32>
    %a2, %s2 = flowhn.segments <first floor 1/2> at(%begin, %length) : tensor<?xi32> -> tensor<?x2x2xi32>
    %y = func.call @block_0(%x, %begin, %length, %a, %w0) {flowhn.index = 0} : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x2x2xi32>, tensor<8xf32>) -> tensor<?x?x8xf32>
    %z = func.call @block_0(%y, %begin, %length, %a2, %w1) {flowhn.index = 1} : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x2x2xi32>, tensor<8xf32>) -> tensor<?x?x8xf32>
    %t = flowhn.select_tokens %z, %length, %select : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x8xf32>
    %n = flowhn.rms_norm %t, [%w0] {eps = 1.0e-6 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    %logits = flowhn.linear %n [%embed] : (tensor<?x8xf32>, tensor<16x8xbf16>) -> tensor<?x16xf32>
    return %logits : tensor<?x16xf32>
  }
}
