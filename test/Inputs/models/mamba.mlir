// A pure Mamba of one layer, in no block: a convolution without bias and with SiLU, a
// gated scan, and no norms inside.
!ids = tensor<?x?xi32>
!row = tensor<?xi32>
!x = tensor<?x?x10xf32>
!e = tensor<?x?x14xf32>
flowhn.model @mamba split<none> {
  flowhn.parameter @embed_tokens.weight : tensor<23x10xf32>
  flowhn.parameter @input_layernorm.weight : tensor<10xf32>
  flowhn.parameter @in_proj.weight : tensor<28x10xf32>
  flowhn.parameter @conv1d.weight : tensor<14x1x3xf32>
  flowhn.parameter @x_proj.weight : tensor<13x14xf32>
  flowhn.parameter @dt_proj.weight : tensor<14x3xf32>
  flowhn.parameter @dt_proj.bias : tensor<14xf32>
  flowhn.parameter @A_log : tensor<14x5xf32>
  flowhn.parameter @D : tensor<14xf32>
  flowhn.parameter @out_proj.weight : tensor<10x14xf32>
  flowhn.parameter @final_layernorm.weight : tensor<10xf32>
  flowhn.parameter @lm_head.weight : tensor<23x10xf32>
  func.func @forward(%ids: !ids, %begin: !row, %length: !row, %select: !row) -> tensor<?x23xf32> {
    %table = flowhn.get_parameter @embed_tokens.weight : tensor<23x10xf32>
    %n1 = flowhn.get_parameter @input_layernorm.weight : tensor<10xf32>
    %win = flowhn.get_parameter @in_proj.weight : tensor<28x10xf32>
    %wconv = flowhn.get_parameter @conv1d.weight : tensor<14x1x3xf32>
    %wx = flowhn.get_parameter @x_proj.weight : tensor<13x14xf32>
    %wdt = flowhn.get_parameter @dt_proj.weight : tensor<14x3xf32>
    %bdt = flowhn.get_parameter @dt_proj.bias : tensor<14xf32>
    %a = flowhn.get_parameter @A_log : tensor<14x5xf32>
    %d = flowhn.get_parameter @D : tensor<14xf32>
    %wout = flowhn.get_parameter @out_proj.weight : tensor<10x14xf32>
    %nf = flowhn.get_parameter @final_layernorm.weight : tensor<10xf32>
    %whead = flowhn.get_parameter @lm_head.weight : tensor<23x10xf32>
    %x = flowhn.embedding %ids, %table : (!ids, tensor<23x10xf32>) -> !x
    %t = flowhn.rms_norm %x, [%n1] {eps = 1.0e-5 : f64} : (!x, tensor<10xf32>) -> !x
    %uz = flowhn.linear %t [%win] : (!x, tensor<28x10xf32>) -> tensor<?x?x28xf32>
    %u0 = flowhn.slice %uz from 0 : tensor<?x?x28xf32> -> !e
    %z = flowhn.slice %uz from 14 : tensor<?x?x28xf32> -> !e
    %u = flowhn.causal_conv1d %u0, %wconv at(%begin, %length) activation silu : (!e, tensor<14x1x3xf32>, !row, !row) -> !e
    %dbc = flowhn.linear %u [%wx] : (!e, tensor<13x14xf32>) -> tensor<?x?x13xf32>
    %dt = flowhn.slice %dbc from 0 : tensor<?x?x13xf32> -> tensor<?x?x3xf32>
    %b = flowhn.slice %dbc from 3 : tensor<?x?x13xf32> -> tensor<?x?x5xf32>
    %c = flowhn.slice %dbc from 8 : tensor<?x?x13xf32> -> tensor<?x?x5xf32>
    %delta = flowhn.linear %dt [%wdt] bias(%bdt) : (tensor<?x?x3xf32>, tensor<14x3xf32>, tensor<14xf32>) -> !e
    %y = flowhn.selective_scan %u, %delta, %a, %b, %c, %d at(%begin, %length) gate(%z) : (!e, !e, tensor<14x5xf32>, tensor<?x?x5xf32>, tensor<?x?x5xf32>, tensor<14xf32>, !row, !row, !e) -> !e
    %v = flowhn.linear %y [%wout] residual(%x) : (!e, tensor<10x14xf32>, !x) -> !x
    %chosen = flowhn.select_tokens %v, %length, %select : (!x, !row, !row) -> tensor<?x10xf32>
    %logits = flowhn.linear %chosen [%whead] norm(%nf) {eps = 1.0e-5 : f64} : (tensor<?x10xf32>, tensor<23x10xf32>, tensor<10xf32>) -> tensor<?x23xf32>
    return %logits : tensor<?x23xf32>
  }
}
