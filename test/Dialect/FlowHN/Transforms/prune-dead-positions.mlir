// The last block computes behind its mixers only what the selected tokens read. The queries
// of attention are the last ones; keys, values, convolution and scan stay whole.
// RUN: flowhn-opt %s --flowhn-outline-blocks --flowhn-prune-dead-positions | FileCheck %s
// RUN: flowhn-opt %s --flowhn-outline-blocks --flowhn-prune-dead-positions --flowhn-fuse-ops --flowhn-schedule-branches --convert-flowhn-to-kern 2>/dev/null | FileCheck %s --check-prefix=KERN
// RUN: flowhn-opt %s --flowhn-outline-blocks --flowhn-prune-dead-positions --flowhn-fuse-ops --flowhn-schedule-branches="target=nvptx batch=1 calibration=%S/Inputs/calibration.json" 2>/dev/null | FileCheck %s --check-prefix=TIMES

!x = tensor<?x?x8xf32>
!i = tensor<?xi32>
!w = tensor<8x8xf32>
!s = tensor<?x2x2xi32>

flowhn.model @m split<fac, rotate, context = 9, attention_tokens = [5]>
    plan [#flowhn.window<start = 4, count = 5, period = 9>, #flowhn.window<start = 8, count = 5, period = 9>] {
  flowhn.parameter @table : tensor<16x8xf32>
  flowhn.parameter @w : tensor<8x8xf32>
  flowhn.parameter @taps : tensor<8x1x4xf32>
  flowhn.parameter @a_log : tensor<8x8xf32>
  flowhn.parameter @d : tensor<8xf32>
  flowhn.parameter @norm : tensor<8xf32>

  // The first block is called as it was.
  // CHECK:       func.func private @block_0
  // CHECK-NOT:   flowhn.last
  // CHECK-NOT:   func.func private
  // CHECK-LABEL: func.func @forward
  // CHECK-SAME:  (%[[IDS:.*]]: tensor<?x?xi32>, %[[B:.*]]: tensor<?xi32>, %[[L:.*]]: tensor<?xi32>, %[[SELECT:.*]]: tensor<?xi32>)
  // CHECK:       %[[LB:.*]], %[[LL:.*]] = flowhn.last_selected %[[SELECT]] at(%[[B]], %[[L]])
  // CHECK:       %[[AS:.*]], %[[SS:.*]] = flowhn.segments <start = 8
  // CHECK-NEXT:  %[[LAS:.*]], %[[LSS:.*]] = flowhn.last_segments %[[AS]], %[[SS]] at(%[[LB]], %[[LL]])
  // CHECK:       %[[X:.*]] = call @block_0
  // CHECK-NEXT:  %[[XL:.*]] = flowhn.last_tokens %[[X]] of(%[[L]]) keep(%[[LL]])
  // CHECK:       %[[BLOCK:.*]] = flowhn.block 1(%[[X]]) {
  // CHECK:       %[[AT:.*]], %{{.*}}, %[[AL:.*]], %[[ST:.*]], %{{.*}}, %[[SL:.*]] = flowhn.split %[[X]]
  // CHECK-NEXT:  %[[ATL:.*]], %{{.*}}, %[[ALL:.*]], %[[STL:.*]], %{{.*}}, %[[SLL:.*]] = flowhn.split %[[XL]] at(%[[LB]], %[[LL]]) segments(%[[LAS]], %[[LSS]]
  // CHECK:       flowhn.parallel
  // CHECK-NEXT:  attention {
  // CHECK:         %[[N:.*]] = flowhn.rms_norm %[[AT]]
  // CHECK-NEXT:    %[[NL:.*]] = flowhn.last_tokens %[[N]] of(%[[AL]]) keep(%[[ALL]])
  // CHECK:         %[[Q:.*]] = flowhn.linear %[[NL]]
  // CHECK:         %[[K:.*]] = flowhn.linear %[[N]]
  // CHECK:         %[[Y:.*]] = flowhn.attention %[[Q]], %[[K]], %[[K]] at(%{{.*}}, %[[AL]]) queries(%[[ALL]])
  // CHECK-NEXT:    %[[P:.*]] = flowhn.linear %[[Y]]
  // CHECK-NEXT:    flowhn.add %[[ATL]], %[[P]]
  // CHECK:       ssm {
  // CHECK:         %[[U:.*]] = flowhn.causal_conv1d %[[ST]]
  // CHECK-NEXT:    %[[Z:.*]] = flowhn.linear %[[STL]]
  // CHECK:         %[[H:.*]] = flowhn.selective_scan %[[U]]
  // CHECK-NEXT:    %[[HL:.*]] = flowhn.last_tokens %[[H]] of(%[[SL]]) keep(%[[SLL]])
  // CHECK-NEXT:    flowhn.swiglu %[[Z]], %[[HL]]
  // CHECK:       flowhn.fuse tokens({{.*}}) {{.*}} at(%[[LB]], %[[LL]]) segments(%[[LAS]], %[[LSS]])
  // CHECK:       %[[SUM:.*]] = flowhn.add %[[XL]]
  // CHECK-NEXT:  flowhn.yield %[[SUM]]
  // CHECK:       %[[PACKED:.*]] = flowhn.pack_tokens %[[BLOCK]], %[[LL]]
  // CHECK:       flowhn.rms_norm %[[PACKED]]
  // CHECK-NOT:   flowhn.select_tokens

  // KERN-LABEL: func.func @forward
  // KERN-SAME:  (%[[BATCH:[^ ]*]]: index, %{{[^ ]*}}: index, %{{[^ ]*}}: index, %[[SELECTED:[^ ]*]]: index, {{.*}}%[[BEGIN:[^ ]*]]: memref<?xi32>, %[[LENGTH:[^ ]*]]: memref<?xi32>, %{{[^ ]*}}: memref<?xi32>, %[[SELECT:[^ ]*]]: memref<?xi32>, %{{[^ ]*}}: memref<?x16xf32>
  // KERN:       %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[LAST:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} = plan.last_rows <all> at(%[[BEGIN]], %[[LENGTH]]) select(%[[SELECT]])
  // KERN:       %[[AROWS:.*]], %[[AMAX:.*]], %[[AOFF:.*]], %{{.*}}, %[[ALAST:.*]], %[[SROWS:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %[[SLAST:.*]] = plan.last_rows <start = 8
  // KERN:       call @block_0({{.*}}) {flowhn.index = 0 : i64}
  // KERN:       plan.tap "hidden.1"
  // KERN:       plan.launch @kernels::@copy_8_0(%[[SELECTED]], %{{.*}}, %{{.*}}, %[[LAST]]) stream 0 block 1 :
  // KERN:       plan.launch @kernels::@copy_8_0(%[[AROWS]], %{{.*}}, %{{.*}}, %[[ALAST]]) stream 0 branch<attention> block 1 :
  // KERN:       plan.launch @kernels::@attention_last_2x2x4(%[[BATCH]], %{{.*}}, %[[AMAX]], %{{.*}}, %[[AOFF]], %{{.*}}) stream 0 branch<attention> block 1 :
  // KERN:       plan.launch @kernels::@scan_8x8(
  // KERN:       plan.launch {{.*}}(%[[SROWS]], {{.*}} stream 1 branch<ssm> block 1 :
  // Kernels of last tokens are predicted to take nothing: the rest of the block, most of attention.
  // TIMES: flowhn.times<schedule = streams, batch = 1, tokens = 9, attention = 13656, ssm = 524, joint = 0,
  func.func @forward(%ids: tensor<?x?xi32>, %begin: !i, %length: !i, %select: !i) -> tensor<?x16xf32> {
    %as0, %ss0 = flowhn.segments <start = 4, count = 5, period = 9> at(%begin, %length) : !i -> !s
    %as1, %ss1 = flowhn.segments <start = 8, count = 5, period = 9> at(%begin, %length) : !i -> !s
    %table = flowhn.get_parameter @table : tensor<16x8xf32>
    %0 = flowhn.embedding %ids, %table : (tensor<?x?xi32>, tensor<16x8xf32>) -> !x
    %1 = flowhn.block 0(%0) {
      %w = flowhn.get_parameter @w : !w
      %y = flowhn.linear %0 [%w] : (!x, !w) -> !x
      flowhn.yield %y : !x
    } : !x
    %2 = flowhn.block 1(%1) {
      %w = flowhn.get_parameter @w : !w
      %n = flowhn.get_parameter @norm : tensor<8xf32>
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %1 at(%begin, %length) segments(%as1, %ss1 : !s, !s) : !x, !i
      %f:2 = flowhn.parallel -> !x, !x {
      attention {
        %t = flowhn.rms_norm %a, [%n] {eps = 1.0e-6 : f64} : (!x, tensor<8xf32>) -> !x
        %q = flowhn.linear %t [%w] : (!x, !w) -> !x
        %k = flowhn.linear %t [%w] : (!x, !w) -> !x
        %y = flowhn.attention %q, %k, %k at(%ab, %al) heads(2, 2) : (!x, !x, !x, !i, !i) -> !x
        %p = flowhn.linear %y [%w] : (!x, !w) -> !x
        %r = flowhn.add %a, %p : !x
        flowhn.yield %r : !x
      }
      ssm {
        %taps = flowhn.get_parameter @taps : tensor<8x1x4xf32>
        %al_ = flowhn.get_parameter @a_log : !w
        %d = flowhn.get_parameter @d : tensor<8xf32>
        %u = flowhn.causal_conv1d %s, %taps at(%sb, %sl) : (!x, tensor<8x1x4xf32>, !i, !i) -> !x
        %z = flowhn.linear %s [%w] : (!x, !w) -> !x
        %h = flowhn.selective_scan %u, %u, %al_, %u, %u, %d at(%sb, %sl) : (!x, !x, !w, !x, !x, tensor<8xf32>, !i, !i) -> !x
        %g = flowhn.swiglu %z, %h : !x
        flowhn.yield %g : !x
      }
      }
      %fused = flowhn.fuse tokens(%f#0, %f#1) project(%w) at(%begin, %length) segments(%as1, %ss1) : (!x, !x, !w, !i, !i, !s, !s) -> !x
      %sum = flowhn.add %1, %fused : !x
      flowhn.yield %sum : !x
    } : !x
    %t = flowhn.select_tokens %2, %length, %select : (!x, !i, !i) -> tensor<?x8xf32>
    %norm = flowhn.get_parameter @norm : tensor<8xf32>
    %y = flowhn.rms_norm %t, [%norm] {eps = 1.0e-6 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    %head = flowhn.get_parameter @table : tensor<16x8xf32>
    %logits = flowhn.linear %y [%head] : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
    return %logits : tensor<?x16xf32>
  }
}
