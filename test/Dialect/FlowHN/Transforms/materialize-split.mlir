// Rows of the plan become segments: one op per distinct window, at the start of
// the function, so that blocks that differ only in their positions end up equal.
// RUN: flowhn-opt %s --split-input-file --flowhn-materialize-split | FileCheck %s

// CHECK-LABEL: flowhn.model @windows
flowhn.model @windows split<fac, alternate, context = 9, attention_tokens = [5]>
    plan [#flowhn.window<start = 4, count = 5, period = 9>,
          #flowhn.window<start = 0, count = 5, period = 9>,
          #flowhn.window<start = 4, count = 5, period = 9>] {
  // CHECK: func.func @forward(%[[X:.*]]: tensor<?x?x4xf32>, %[[W:.*]]: tensor<4x4xf32>, %[[B:.*]]: tensor<?xi32>, %[[L:.*]]: tensor<?xi32>)
  func.func @forward(%x0: tensor<?x?x4xf32>, %w: tensor<4x4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x4xf32> {
    // CHECK-NEXT: %[[A0:.*]], %[[S0:.*]] = flowhn.segments <start = 4, count = 5, period = 9> at(%[[B]], %[[L]]) : tensor<?xi32> -> tensor<?x2x2xi32>
    // CHECK-NEXT: %[[A1:.*]], %[[S1:.*]] = flowhn.segments <start = 0, count = 5, period = 9> at(%[[B]], %[[L]]) : tensor<?xi32> -> tensor<?x2x2xi32>
    // CHECK-NEXT: flowhn.block 0
    %x1 = flowhn.block 0(%x0) {
      // CHECK-NEXT: flowhn.split %[[X]] at(%[[B]], %[[L]]) segments(%[[A0]], %[[S0]] : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x4xf32>, tensor<?xi32>
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %x0 at(%begin, %length) block 0 : tensor<?x?x4xf32>, tensor<?xi32>
      // CHECK-NEXT: flowhn.fuse tokens({{.*}}) project(%[[W]]) at(%[[B]], %[[L]]) segments(%[[A0]], %[[S0]]) :
      %y = flowhn.fuse tokens(%a, %s) project(%w) at(%begin, %length) block 0
          : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
      flowhn.yield %y : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    // CHECK: flowhn.block 1
    %x2 = flowhn.block 1(%x1) {
      // CHECK-NEXT: flowhn.split {{.*}} segments(%[[A1]], %[[S1]] :
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %x1 at(%begin, %length) block 1 : tensor<?x?x4xf32>, tensor<?xi32>
      // CHECK-NEXT: flowhn.fuse {{.*}} segments(%[[A1]], %[[S1]]) :
      %y = flowhn.fuse tokens(%a, %s) project(%w) at(%begin, %length) block 1
          : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
      flowhn.yield %y : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    // CHECK: flowhn.block 2
    %x3 = flowhn.block 2(%x2) {
      // CHECK-NEXT: flowhn.split {{.*}} segments(%[[A0]], %[[S0]] :
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %x2 at(%begin, %length) block 2 : tensor<?x?x4xf32>, tensor<?xi32>
      // CHECK-NEXT: flowhn.fuse {{.*}} segments(%[[A0]], %[[S0]]) residual(
      %y = flowhn.fuse tokens(%a, %s) project(%w) at(%begin, %length) block 2 residual(%x2)
          : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
      flowhn.yield %y : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x3 : tensor<?x?x4xf32>
  }
}

// -----

// Nothing is split: every branch reads what the block reads.
// CHECK-LABEL: flowhn.model @all
flowhn.model @all split<none> plan [#flowhn.window<all>] {
  // CHECK: func.func @forward(%[[X:.*]]: tensor<?x?x4xf32>, %[[W:.*]]: tensor<4x8xf32>, %[[B:.*]]: tensor<?xi32>, %[[L:.*]]: tensor<?xi32>)
  func.func @forward(%x: tensor<?x?x4xf32>, %w: tensor<4x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x4xf32> {
    // CHECK-NEXT: flowhn.block 0
    %y = flowhn.block 0(%x) {
      // CHECK-NEXT: %[[A:.*]] = flowhn.attention %[[X]], %[[X]], %[[X]] at(%[[B]], %[[L]])
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 0 : tensor<?x?x4xf32>, tensor<?xi32>
      %0 = flowhn.attention %a, %a, %a at(%ab, %al) heads(2, 2)
          : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
      // CHECK-NEXT: %[[S:.*]] = flowhn.attention %[[X]], %[[X]], %[[X]] at(%[[B]], %[[L]])
      %1 = flowhn.attention %s, %s, %s at(%sb, %sl) heads(2, 2)
          : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
      // CHECK-NEXT: flowhn.fuse features(%[[S]], %[[A]]) project(%[[W]]) :
      %2 = flowhn.fuse features(%1, %0) project(%w) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x8xf32>) -> tensor<?x?x4xf32>
      flowhn.yield %2 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %y : tensor<?x?x4xf32>
  }
}
