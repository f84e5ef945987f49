// The procedure that goes on with sequences: keys and values go to the rows that the host names
// and are read from there, convolution and scan find their state by slot. Blocks that are one
// function stay one procedure, which takes its states as it takes its parameters.
// RUN: flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 | FileCheck %s

!x = tensor<?x?x8xf32>
!row = tensor<?xi32>
!kv = !flowhn.state<kv, tensor<16xf32>>
!conv = !flowhn.state<conv, tensor<2x8xf32>>
!scan = !flowhn.state<scan, tensor<8x3xf32>>

// CHECK: func.func @copy_16(
// CHECK: kern.rowwise {{.*}} scatter(
// CHECK: func.func @attention_cached_2x2x4(
// CHECK: kern.attention batch(%arg0, %arg1) %arg2, %arg3, %arg3 offsets(%arg4) cache(%arg5, %arg6) -> %arg7
// CHECK-SAME: v_column = 8 : i64
// CHECK: func.func @conv1d_continued_8x3(
// CHECK: kern.conv1d {{.*}} state(%arg{{.*}}, %arg{{.*}}) {
// CHECK: func.func @scan_continued_8x3(
// CHECK: kern.scan {{.*}} initial(%[[STATE:.*]]) final(%[[STATE]]) slots(%arg{{.*}}) {

// CHECK: plan.state @blocks.0.kv : memref<?x16xf32> {{ *}}kv rows(<start = 4, count = 5, period = 9>) block 0
// CHECK: plan.state @blocks.0.conv : memref<?x2x8xf32> {{ *}}conv block 0
// CHECK: plan.state @blocks.0.scan : memref<?x3x8xf32> {{ *}}scan block 0

// CHECK: func.func private @block(
// CHECK-SAME: %[[KV:[^:]*]]: memref<?x16xf32>, %[[FIRST:[^:]*]]: memref<?xi32>, %[[BEFORE:[^:]*]]: memref<?xi32>, %[[ROWS:[^:]*]]: memref<?xi32>
// CHECK: plan.launch @kernels::@copy_16(%{{.*}}, %{{.*}}, %[[KV]], %[[ROWS]]) stream 0
// CHECK: plan.launch @kernels::@attention_cached_2x2x4(%{{.*}}, %{{.*}}, %{{.*}}, %[[KV]], %{{.*}}, %[[FIRST]], %[[BEFORE]], %{{.*}}) stream 0

// CHECK: func.func @step(
// CHECK-SAME: %{{[^:]*}}: memref<?x8xf32>, %{{[^:]*}}: memref<?xi32>, %[[SLOTS:[^:]*]]: memref<?xi32>, %{{[^:]*}}: memref<?xi32>, %{{[^:]*}}: memref<?xi32>) attributes {plan.step}
// CHECK: %[[MEMORY:.*]] = plan.get_state @blocks.0.kv : memref<?x16xf32>
// CHECK: %[[F:.*]], %[[B:.*]], %[[R:.*]] = plan.cache_rows <start = 4, count = 5, period = 9> at(%{{.*}}, %{{.*}}) slots(%[[SLOTS]])
// CHECK: call @block({{.*}}%[[MEMORY]], %[[F]], %[[B]], %[[R]]
flowhn.model @m split<fac, rotate, context = 9, attention_tokens = [5]> plan [#flowhn.window<start = 4, count = 5, period = 9>] {
  flowhn.parameter @table : tensor<16x8xf32>
  flowhn.parameter @q : tensor<8x8xf32>
  flowhn.parameter @w : tensor<8x1x3xf32>
  flowhn.parameter @a : tensor<8x3xf32>
  flowhn.parameter @d : tensor<8xf32>
  flowhn.state @blocks.0.kv : !kv block 0
  flowhn.state @blocks.0.conv : !conv block 0
  flowhn.state @blocks.0.scan : !scan block 0
  func.func private @block(%x: !x, %begin: !row, %length: !row, %as: tensor<?x2x2xi32>, %ss: tensor<?x2x2xi32>, %kv: !kv, %conv: !conv, %scan: !scan) -> !x {
    %q = flowhn.get_parameter @q : tensor<8x8xf32>
    %w = flowhn.get_parameter @w : tensor<8x1x3xf32>
    %al = flowhn.get_parameter @a : tensor<8x3xf32>
    %d = flowhn.get_parameter @d : tensor<8xf32>
    %a, %ab, %alen, %s, %sb, %slen = flowhn.split %x at(%begin, %length) segments(%as, %ss : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : !x, !row
    %qkv:3 = flowhn.linear %a [%q, %q, %q] : (!x, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> (!x, !x, !x)
    %y = flowhn.attention %qkv#0, %qkv#1, %qkv#2 at(%ab, %alen) heads(2, 2) state(%kv) : (!x, !x, !x, !row, !row, !kv) -> !x
    %u = flowhn.causal_conv1d %s, %w at(%sb, %slen) state(%conv) : (!x, tensor<8x1x3xf32>, !row, !row, !conv) -> !x
    %b = flowhn.slice %u from 0 : !x -> tensor<?x?x3xf32>
    %z = flowhn.selective_scan %u, %u, %al, %b, %b, %d at(%sb, %slen) state(%scan) : (!x, !x, tensor<8x3xf32>, tensor<?x?x3xf32>, tensor<?x?x3xf32>, tensor<8xf32>, !row, !row, !scan) -> !x
    %f = flowhn.fuse tokens(%y, %z) project(%q) at(%begin, %length) segments(%as, %ss) : (!x, !x, tensor<8x8xf32>, !row, !row, tensor<?x2x2xi32>, tensor<?x2x2xi32>) -> !x
    return %f : !x
  }
  func.func @step(%ids: tensor<?x?xi32>, %begin: !row, %length: !row, %select: !row, %slots: !row) -> tensor<?x8xf32> attributes {flowhn.step} {
    %as, %ss = flowhn.segments <start = 4, count = 5, period = 9> at(%begin, %length) : !row -> tensor<?x2x2xi32>
    %kv = flowhn.get_state @blocks.0.kv at(%slots) : !row -> !kv
    %conv = flowhn.get_state @blocks.0.conv at(%slots) : !row -> !conv
    %scan = flowhn.get_state @blocks.0.scan at(%slots) : !row -> !scan
    %table = flowhn.get_parameter @table : tensor<16x8xf32>
    %x = flowhn.embedding %ids, %table : (tensor<?x?xi32>, tensor<16x8xf32>) -> !x
    %y = func.call @block(%x, %begin, %length, %as, %ss, %kv, %conv, %scan) {flowhn.index = 0 : i64} : (!x, !row, !row, tensor<?x2x2xi32>, tensor<?x2x2xi32>, !kv, !conv, !scan) -> !x
    %z = flowhn.select_tokens %y, %length, %select : (!x, !row, !row) -> tensor<?x8xf32>
    return %z : tensor<?x8xf32>
  }
}
