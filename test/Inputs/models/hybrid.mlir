// A sequential hybrid: an attention layer, an SSM layer, then branches that no
// importer makes, one alone and three together, joined by their features.
!ids = tensor<?x?xi32>
!row = tensor<?xi32>
!x = tensor<?x?x8xf32>
!w = tensor<8x8xf32>
!n = tensor<8x3xf32>
!s = tensor<?x?x3xf32>
flowhn.model @hybrid split<none, context = 40> {
  flowhn.parameter @embed_tokens.weight : tensor<19x8xf32>
  flowhn.parameter @q.weight : !w
  flowhn.parameter @k.weight : !w
  flowhn.parameter @o.weight : !w
  flowhn.parameter @conv1d.weight : tensor<8x1x4xf32>
  flowhn.parameter @conv1d.bias : tensor<8xf32>
  flowhn.parameter @b.weight : tensor<3x8xf32>
  flowhn.parameter @c.weight : tensor<3x8xf32>
  flowhn.parameter @A_log : !n
  flowhn.parameter @D : tensor<8xf32>
  flowhn.parameter @single.weight : !w
  flowhn.parameter @join.weight : tensor<8x24xf32>
  flowhn.parameter @lm_head.weight : tensor<19x8xf32>
  func.func @forward(%ids: !ids, %begin: !row, %length: !row, %select: !row) -> tensor<?x19xf32> {
    %table = flowhn.get_parameter @embed_tokens.weight : tensor<19x8xf32>
    %wq = flowhn.get_parameter @q.weight : !w
    %wk = flowhn.get_parameter @k.weight : !w
    %wo = flowhn.get_parameter @o.weight : !w
    %wconv = flowhn.get_parameter @conv1d.weight : tensor<8x1x4xf32>
    %bconv = flowhn.get_parameter @conv1d.bias : tensor<8xf32>
    %wb = flowhn.get_parameter @b.weight : tensor<3x8xf32>
    %wc = flowhn.get_parameter @c.weight : tensor<3x8xf32>
    %a = flowhn.get_parameter @A_log : !n
    %d = flowhn.get_parameter @D : tensor<8xf32>
    %wsingle = flowhn.get_parameter @single.weight : !w
    %wjoin = flowhn.get_parameter @join.weight : tensor<8x24xf32>
    %whead = flowhn.get_parameter @lm_head.weight : tensor<19x8xf32>
    %x = flowhn.embedding %ids, %table : (!ids, tensor<19x8xf32>) -> !x
    %x1 = flowhn.block 0(%x) {
      %q = flowhn.linear %x [%wq] : (!x, !w) -> !x
      %k = flowhn.linear %x [%wk] : (!x, !w) -> !x
      %y = flowhn.attention %q, %k, %x at(%begin, %length) heads(2, 2) : (!x, !x, !x, !row, !row) -> !x
      %o = flowhn.linear %y [%wo] : (!x, !w) -> !x
      %r = flowhn.add %o, %x : !x
      flowhn.yield %r : !x
    } : !x
    %x2 = flowhn.block 1(%x1) {
      %u = flowhn.causal_conv1d %x1, %wconv at(%begin, %length) bias(%bconv) : (!x, tensor<8x1x4xf32>, !row, !row, tensor<8xf32>) -> !x
      %b = flowhn.linear %u [%wb] : (!x, tensor<3x8xf32>) -> !s
      %c = flowhn.linear %u [%wc] : (!x, tensor<3x8xf32>) -> !s
      %y = flowhn.selective_scan %u, %x1, %a, %b, %c, %d at(%begin, %length) : (!x, !x, !n, !s, !s, tensor<8xf32>, !row, !row) -> !x
      %r = flowhn.add %x1, %y : !x
      flowhn.yield %r : !x
    } : !x
    %x3 = flowhn.block 2(%x2) {
      %p = flowhn.parallel -> !x {
      ssm {
        %t = flowhn.linear %x2 [%wsingle] activation silu : (!x, !w) -> !x
        flowhn.yield %t : !x
      }
      }
      %f:3 = flowhn.parallel -> !x, !x, !x {
      ssm {
        %t = flowhn.silu %p : !x
        flowhn.yield %t : !x
      }
      attention {
        %t = flowhn.attention %p, %p, %p at(%begin, %length) heads(4, 4) : (!x, !x, !x, !row, !row) -> !x
        flowhn.yield %t : !x
      }
      ssm {
        flowhn.yield %p : !x
      }
      }
      %j = flowhn.fuse features(%f#0, %f#1, %f#2) project(%wjoin) residual(%x2) : (!x, !x, !x, tensor<8x24xf32>, !x) -> !x
      flowhn.yield %j : !x
    } : !x
    %chosen = flowhn.select_tokens %x3, %length, %select : (!x, !row, !row) -> tensor<?x8xf32>
    %logits = flowhn.linear %chosen [%whead] : (tensor<?x8xf32>, tensor<19x8xf32>) -> tensor<?x19xf32>
    return %logits : tensor<?x19xf32>
  }
}
