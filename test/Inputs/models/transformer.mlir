// A pure transformer of two layers, with a head tied to the embedding. The first layer
// is plain ops; in the second the norms are prologues and the residuals are fused.
!ids = tensor<?x?xi32>
!row = tensor<?xi32>
!x = tensor<?x?x12xf32>
!kv = tensor<?x?x4xf32>
!h = tensor<?x?x20xf32>
!d = tensor<12xf32>
!wq = tensor<12x12xf32>
!wk = tensor<4x12xf32>
!wg = tensor<20x12xf32>
!wd = tensor<12x20xf32>
flowhn.model @transformer split<none> {
  flowhn.parameter @embed_tokens.weight : tensor<29x12xf32>
  flowhn.parameter @layers.0.input_layernorm.weight : !d
  flowhn.parameter @layers.0.q.weight : !wq
  flowhn.parameter @layers.0.k.weight : !wk
  flowhn.parameter @layers.0.v.weight : !wk
  flowhn.parameter @layers.0.o.weight : !wq
  flowhn.parameter @layers.0.pre_ff_layernorm.weight : !d
  flowhn.parameter @layers.0.gate.weight : !wg
  flowhn.parameter @layers.0.up.weight : !wg
  flowhn.parameter @layers.0.down.weight : !wd
  flowhn.parameter @layers.1.input_layernorm.weight : !d
  flowhn.parameter @layers.1.q.weight : !wq
  flowhn.parameter @layers.1.k.weight : !wk
  flowhn.parameter @layers.1.v.weight : !wk
  flowhn.parameter @layers.1.o.weight : !wq
  flowhn.parameter @layers.1.pre_ff_layernorm.weight : !d
  flowhn.parameter @layers.1.gate.weight : !wg
  flowhn.parameter @layers.1.up.weight : !wg
  flowhn.parameter @layers.1.down.weight : !wd
  flowhn.parameter @final_layernorm.weight : !d
  func.func @forward(%ids: !ids, %begin: !row, %length: !row, %select: !row) -> tensor<?x29xf32> {
    %table = flowhn.get_parameter @embed_tokens.weight : tensor<29x12xf32>
    %x = flowhn.embedding %ids, %table : (!ids, tensor<29x12xf32>) -> !x
    %y = flowhn.block 0(%x) {
      %n1 = flowhn.get_parameter @layers.0.input_layernorm.weight : !d
      %wq = flowhn.get_parameter @layers.0.q.weight : !wq
      %wk = flowhn.get_parameter @layers.0.k.weight : !wk
      %wv = flowhn.get_parameter @layers.0.v.weight : !wk
      %wo = flowhn.get_parameter @layers.0.o.weight : !wq
      %t = flowhn.rms_norm %x, [%n1] {eps = 1.0e-6 : f64} : (!x, !d) -> !x
      %q = flowhn.linear %t [%wq] : (!x, !wq) -> !x
      %k = flowhn.linear %t [%wk] : (!x, !wk) -> !kv
      %v = flowhn.linear %t [%wv] : (!x, !wk) -> !kv
      %a = flowhn.attention %q, %k, %v at(%begin, %length) heads(3, 1) : (!x, !kv, !kv, !row, !row) -> !x
      %o = flowhn.linear %a [%wo] : (!x, !wq) -> !x
      %u = flowhn.add %x, %o : !x
      %n2 = flowhn.get_parameter @layers.0.pre_ff_layernorm.weight : !d
      %wg = flowhn.get_parameter @layers.0.gate.weight : !wg
      %wu = flowhn.get_parameter @layers.0.up.weight : !wg
      %wd = flowhn.get_parameter @layers.0.down.weight : !wd
      %s = flowhn.rms_norm %u, [%n2] {eps = 1.0e-6 : f64} : (!x, !d) -> !x
      %g = flowhn.linear %s [%wg] : (!x, !wg) -> !h
      %p = flowhn.linear %s [%wu] : (!x, !wg) -> !h
      %h = flowhn.swiglu %g, %p : !h
      %m = flowhn.linear %h [%wd] : (!h, !wd) -> !x
      %z = flowhn.add %u, %m : !x
      flowhn.yield %z : !x
    } : !x
    %w = flowhn.block 1(%y) {
      %n1 = flowhn.get_parameter @layers.1.input_layernorm.weight : !d
      %wq = flowhn.get_parameter @layers.1.q.weight : !wq
      %wk = flowhn.get_parameter @layers.1.k.weight : !wk
      %wv = flowhn.get_parameter @layers.1.v.weight : !wk
      %wo = flowhn.get_parameter @layers.1.o.weight : !wq
      %q, %k, %v = flowhn.linear %y [%wq, %wk, %wv] norm(%n1) {eps = 1.0e-6 : f64} : (!x, !wq, !wk, !wk, !d) -> (!x, !kv, !kv)
      %a = flowhn.attention %q, %k, %v at(%begin, %length) heads(3, 1) : (!x, !kv, !kv, !row, !row) -> !x
      %u = flowhn.linear %a [%wo] residual(%y) : (!x, !wq, !x) -> !x
      %n2 = flowhn.get_parameter @layers.1.pre_ff_layernorm.weight : !d
      %wg = flowhn.get_parameter @layers.1.gate.weight : !wg
      %wu = flowhn.get_parameter @layers.1.up.weight : !wg
      %wd = flowhn.get_parameter @layers.1.down.weight : !wd
      %h = flowhn.linear %u [%wg, %wu] norm(%n2) activation swiglu {eps = 1.0e-6 : f64} : (!x, !wg, !wg, !d) -> !h
      %z = flowhn.linear %h [%wd] residual(%u) : (!h, !wd, !x) -> !x
      flowhn.yield %z : !x
    } : !x
    %chosen = flowhn.select_tokens %w, %length, %select : (!x, !row, !row) -> tensor<?x12xf32>
    %nf = flowhn.get_parameter @final_layernorm.weight : !d
    %last = flowhn.rms_norm %chosen, [%nf] {eps = 1.0e-6 : f64} : (tensor<?x12xf32>, !d) -> tensor<?x12xf32>
    %logits = flowhn.linear %last [%table] : (tensor<?x12xf32>, tensor<29x12xf32>) -> tensor<?x29xf32>
    return %logits : tensor<?x29xf32>
  }
}
