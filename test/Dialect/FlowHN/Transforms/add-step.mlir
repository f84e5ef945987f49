// A model gets a second function that goes on with sequences: each layer of each block has its
// own state, and blocks that are one function stay one.
// RUN: flowhn-opt %s -split-input-file --flowhn-add-step -verify-diagnostics | FileCheck %s

!x = tensor<?x?x8xf32>
!row = tensor<?xi32>
!seg = tensor<?x2x2xi32>

// CHECK-LABEL: flowhn.model @split
flowhn.model @split split<fac, rotate, context = 9, attention_tokens = [5]>
    plan [#flowhn.window<start = 4, count = 5, period = 9>, #flowhn.window<start = 8, count = 5, period = 9>] {
  // What was there stays as it was.
  // CHECK: func.func private @block_0(%{{[^:]*}}: tensor<?x?x8xf32>, %{{[^:]*}}: tensor<?xi32>, %{{[^:]*}}: tensor<?xi32>, %{{[^:]*}}: tensor<?x2x2xi32>, %{{[^:]*}}: tensor<?x2x2xi32>, %{{[^:]*}}: tensor<8x1x3xf32>, %{{[^:]*}}: tensor<8x1x1xf32>, %{{[^:]*}}: tensor<8x2xf32>, %{{[^:]*}}: tensor<8xf32>)
  // CHECK-NOT: state
  // CHECK: func.func private @block_0_step({{.*}}, %[[KV:[^:]*]]: !flowhn.state<kv, tensor<16xf32>>, %[[CONV:[^:]*]]: !flowhn.state<conv, tensor<2x8xf32>>, %[[SCAN:[^:]*]]: !flowhn.state<scan, tensor<8x2xf32>>)
  // CHECK: flowhn.attention {{.*}} state(%[[KV]])
  // CHECK: flowhn.causal_conv1d {{.*}} state(%[[CONV]])
  // A convolution of one tap looks back at nothing.
  // CHECK: flowhn.causal_conv1d
  // CHECK-NOT: state
  // CHECK: flowhn.selective_scan {{.*}} state(%[[SCAN]])
  func.func private @block_0(%x: !x, %begin: !row, %length: !row, %as: !seg, %ss: !seg, %w: tensor<8x1x3xf32>,
                             %w1: tensor<8x1x1xf32>, %al: tensor<8x2xf32>, %d: tensor<8xf32>) -> !x attributes {flowhn.block} {
    %a, %ab, %alen, %s, %sb, %slen = flowhn.split %x at(%begin, %length) segments(%as, %ss : !seg, !seg) : !x, !row
    %f:2 = flowhn.parallel -> !x, !x {
    attention {
      %y = flowhn.attention %a, %a, %a at(%ab, %alen) heads(2, 2) : (!x, !x, !x, !row, !row) -> !x
      flowhn.yield %y : !x
    }
    ssm {
      %u = flowhn.causal_conv1d %s, %w at(%sb, %slen) : (!x, tensor<8x1x3xf32>, !row, !row) -> !x
      %v = flowhn.causal_conv1d %u, %w1 at(%sb, %slen) : (!x, tensor<8x1x1xf32>, !row, !row) -> !x
      %b = flowhn.slice %v from 0 : !x -> tensor<?x?x2xf32>
      %y = flowhn.selective_scan %v, %v, %al, %b, %b, %d at(%sb, %slen) : (!x, !x, tensor<8x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<8xf32>, !row, !row) -> !x
      flowhn.yield %y : !x
    }
    }
    %z = flowhn.add %f#0, %f#1 : !x
    return %z : !x
  }
  flowhn.parameter @w : tensor<8x1x3xf32>
  flowhn.parameter @w1 : tensor<8x1x1xf32>
  flowhn.parameter @al : tensor<8x2xf32>
  flowhn.parameter @d : tensor<8xf32>
  flowhn.parameter @table : tensor<16x8xf32>
  // CHECK: flowhn.state @blocks.0.kv : !flowhn.state<kv, tensor<16xf32>> block 0
  // CHECK: flowhn.state @blocks.0.conv : !flowhn.state<conv, tensor<2x8xf32>> block 0
  // CHECK: flowhn.state @blocks.0.scan : !flowhn.state<scan, tensor<8x2xf32>> block 0
  // CHECK: flowhn.state @blocks.1.kv : !flowhn.state<kv, tensor<16xf32>> block 1
  // CHECK: func.func @forward(%{{[^)]*}}) -> tensor<?x8xf32> {
  // CHECK: call @block_0(
  // CHECK: call @block_0(
  // CHECK: func.func @step({{.*}}, %[[SLOTS:[^:]*]]: tensor<?xi32>) -> tensor<?x8xf32> attributes {flowhn.step}
  // CHECK-DAG: %[[KV0:.*]] = flowhn.get_state @blocks.0.kv at(%[[SLOTS]])
  // CHECK-DAG: %[[KV1:.*]] = flowhn.get_state @blocks.1.kv at(%[[SLOTS]])
  // CHECK: call @block_0_step({{.*}}, %[[KV0]], %{{.*}}, %{{.*}}) {flowhn.index = 0 : i64}
  // CHECK: call @block_0_step({{.*}}, %[[KV1]], %{{.*}}, %{{.*}}) {flowhn.index = 1 : i64}
  func.func @forward(%ids: tensor<?x?xi32>, %begin: !row, %length: !row, %select: !row) -> tensor<?x8xf32> {
    %as, %ss = flowhn.segments <start = 4, count = 5, period = 9> at(%begin, %length) : !row -> !seg
    %bs, %ts = flowhn.segments <start = 8, count = 5, period = 9> at(%begin, %length) : !row -> !seg
    %w = flowhn.get_parameter @w : tensor<8x1x3xf32>
    %w1 = flowhn.get_parameter @w1 : tensor<8x1x1xf32>
    %al = flowhn.get_parameter @al : tensor<8x2xf32>
    %d = flowhn.get_parameter @d : tensor<8xf32>
    %table = flowhn.get_parameter @table : tensor<16x8xf32>
    %x = flowhn.embedding %ids, %table : (tensor<?x?xi32>, tensor<16x8xf32>) -> !x
    %x1 = func.call @block_0(%x, %begin, %length, %as, %ss, %w, %w1, %al, %d) {flowhn.index = 0 : i64} : (!x, !row, !row, !seg, !seg, tensor<8x1x3xf32>, tensor<8x1x1xf32>, tensor<8x2xf32>, tensor<8xf32>) -> !x
    %x2 = func.call @block_0(%x1, %begin, %length, %bs, %ts, %w, %w1, %al, %d) {flowhn.index = 1 : i64} : (!x, !row, !row, !seg, !seg, tensor<8x1x3xf32>, tensor<8x1x1xf32>, tensor<8x2xf32>, tensor<8xf32>) -> !x
    %y = flowhn.select_tokens %x2, %length, %select : (!x, !row, !row) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}

// -----

!x = tensor<?x?x8xf32>
!row = tensor<?xi32>

// A layer outside of any block sees every token.
// CHECK-LABEL: flowhn.model @layer
// CHECK: flowhn.state @kv : !flowhn.state<kv, tensor<16xbf16>>{{$}}
// CHECK: flowhn.attention
// CHECK-NOT: state
// CHECK: func.func @step
// CHECK: flowhn.attention {{.*}} state(
flowhn.model @layer split<none> {
  func.func @forward(%ids: tensor<?x?xi32>, %begin: !row, %length: !row, %select: !row) -> tensor<?x8xbf16> {
    %t = flowhn.get_parameter @table : tensor<16x8xbf16>
    %x = flowhn.embedding %ids, %t : (tensor<?x?xi32>, tensor<16x8xbf16>) -> tensor<?x?x8xbf16>
    %y = flowhn.attention %x, %x, %x at(%begin, %length) heads(2, 2) : (tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, !row, !row) -> tensor<?x?x8xbf16>
    %z = flowhn.select_tokens %y, %length, %select : (tensor<?x?x8xbf16>, !row, !row) -> tensor<?x8xbf16>
    return %z : tensor<?x8xbf16>
  }
  flowhn.parameter @table : tensor<16x8xbf16>
}

// -----

// CHECK-LABEL: flowhn.model @by_call
// CHECK-NOT: @step
// expected-remark @below {{takes whole sequences only: its split follows the length of each call}}
flowhn.model @by_call split<fac, alternate, by_call> plan [#flowhn.window<last floor 1/2>] {
  func.func @forward(%ids: tensor<?x?xi32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %select: tensor<?xi32>) {
    return
  }
}

// -----

!x = tensor<?x?x8xf32>
!row = tensor<?xi32>
!seg = tensor<?x2x2xi32>

// Keys are kept for the positions of attention, not for those of the other branch.
// CHECK-LABEL: flowhn.model @other_tokens
// CHECK-NOT: @step
// expected-remark @below {{takes whole sequences only: a layer of attention sees other tokens than the model's plan gives to attention}}
flowhn.model @other_tokens split<fac, rotate, context = 9, attention_tokens = [5]>
    plan [#flowhn.window<start = 4, count = 5, period = 9>] {
  func.func @forward(%ids: tensor<?x?xi32>, %begin: !row, %length: !row, %select: !row) -> tensor<?x8xf32> {
    %as, %ss = flowhn.segments <start = 4, count = 5, period = 9> at(%begin, %length) : !row -> !seg
    %t = flowhn.get_parameter @table : tensor<16x8xf32>
    %x = flowhn.embedding %ids, %t : (tensor<?x?xi32>, tensor<16x8xf32>) -> !x
    %y = flowhn.block 0(%x) {
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%as, %ss : !seg, !seg) : !x, !row
      %u = flowhn.attention %s, %s, %s at(%sb, %sl) heads(2, 2) : (!x, !x, !x, !row, !row) -> !x
      flowhn.yield %x : !x
    } : !x
    %z = flowhn.select_tokens %y, %length, %select : (!x, !row, !row) -> tensor<?x8xf32>
    return %z : tensor<?x8xf32>
  }
  flowhn.parameter @table : tensor<16x8xf32>
}
