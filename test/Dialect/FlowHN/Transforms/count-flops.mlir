// The FLOPs of one block of the published 135M model: every op, both branches and
// the block, against the formulas of the paper (written out below), so that no op
// is forgotten or counted twice.
// RUN: flowhn-opt %s --flowhn-count-flops --verify-diagnostics -o /dev/null
//
// With D = 768, F = 2048, H = 32, K = 8, h = 24, E = 1536, N = 16, R = 48, k = 4:
//   attention: n*(2*D*(2*D + 2*K*h) + 6*D*F) + 2*D*n*(n+1) = 1536*n^2 + 12387840*n
//   ssm: n*(4*D*E + 2*E*k + 2*E*(R + 2*N) + 2*R*E + 9*E*N + 2*E*D + 6*D*F) = 17141760*n
//   joint: fuse and final_proj, 2*D*D each; the head adds 2*D*16 = 24576 to the model.

// expected-remark @below {{model costs, in the tokens n of a row that each part sees: attention 1536*n^2 + 12387840*n, ssm 17141760*n, the rest 2383872*n FLOPs; times the rows of the batch}}
flowhn.model @published split<fac, rotate, context = 1024> {
  flowhn.parameter @embed_tokens : tensor<16x768xf32>
  flowhn.parameter @atten.input_layernorm : tensor<768xf32>
  flowhn.parameter @q_proj : tensor<768x768xf32>
  flowhn.parameter @k_proj : tensor<192x768xf32>
  flowhn.parameter @v_proj : tensor<192x768xf32>
  flowhn.parameter @o_proj : tensor<768x768xf32>
  flowhn.parameter @atten.pre_ff_layernorm : tensor<768xf32>
  flowhn.parameter @atten.gate_proj : tensor<2048x768xf32>
  flowhn.parameter @atten.up_proj : tensor<2048x768xf32>
  flowhn.parameter @atten.down_proj : tensor<768x2048xf32>
  flowhn.parameter @mamba.input_layernorm : tensor<768xf32>
  flowhn.parameter @in_proj : tensor<3072x768xf32>
  flowhn.parameter @conv1d.weight : tensor<1536x1x4xf32>
  flowhn.parameter @conv1d.bias : tensor<1536xf32>
  flowhn.parameter @x_proj : tensor<80x1536xf32>
  flowhn.parameter @dt_layernorm : tensor<48xf32>
  flowhn.parameter @b_layernorm : tensor<16xf32>
  flowhn.parameter @c_layernorm : tensor<16xf32>
  flowhn.parameter @dt_proj.weight : tensor<1536x48xf32>
  flowhn.parameter @dt_proj.bias : tensor<1536xf32>
  flowhn.parameter @A_log : tensor<1536x16xf32>
  flowhn.parameter @D : tensor<1536xf32>
  flowhn.parameter @out_proj : tensor<768x1536xf32>
  flowhn.parameter @mamba.pre_ff_layernorm : tensor<768xf32>
  flowhn.parameter @mamba.gate_proj : tensor<2048x768xf32>
  flowhn.parameter @mamba.up_proj : tensor<2048x768xf32>
  flowhn.parameter @mamba.down_proj : tensor<768x2048xf32>
  flowhn.parameter @branch_proj : tensor<768x768xf32>
  flowhn.parameter @pre_ff_layernorm : tensor<768xf32>
  flowhn.parameter @final_proj : tensor<768x768xf32>
  flowhn.parameter @final_layernorm : tensor<768xf32>
  flowhn.parameter @lm_head : tensor<16x768xf32>
  func.func @forward(%ids: tensor<?x?xi32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %select: tensor<?xi32>) -> tensor<?x16xf32> {
    %table = flowhn.get_parameter @embed_tokens : tensor<16x768xf32>
    %x = flowhn.embedding %ids, %table : (tensor<?x?xi32>, tensor<16x768xf32>) -> tensor<?x?x768xf32>
    // expected-remark @below {{block 0 costs, in the tokens n of a row that each part sees: attention 1536*n^2 + 12387840*n, ssm 17141760*n, the rest 2359296*n FLOPs; times the rows of the batch}}
    %block = flowhn.block 0(%x) {
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 0 : tensor<?x?x768xf32>, tensor<?xi32>
      // expected-remark @below {{attention branch costs 1536*n^2 + 12387840*n FLOPs per row of n tokens}}
      // expected-remark @below {{ssm branch costs 17141760*n FLOPs per row of n tokens}}
      %f:2 = flowhn.parallel -> tensor<?x?x768xf32>, tensor<?x?x768xf32> {
        attention {
          %an_w = flowhn.get_parameter @atten.input_layernorm : tensor<768xf32>
          %an = flowhn.rms_norm %a, [%an_w] {eps = 1.0e-6 : f64} : (tensor<?x?x768xf32>, tensor<768xf32>) -> tensor<?x?x768xf32>
          %q_w = flowhn.get_parameter @q_proj : tensor<768x768xf32>
          // expected-remark @below {{costs 1179648*n FLOPs per row of n tokens}}
          %q = flowhn.linear %an [%q_w] : (tensor<?x?x768xf32>, tensor<768x768xf32>) -> tensor<?x?x768xf32>
          %k_w = flowhn.get_parameter @k_proj : tensor<192x768xf32>
          // expected-remark @below {{costs 294912*n FLOPs per row of n tokens}}
          %k = flowhn.linear %an [%k_w] : (tensor<?x?x768xf32>, tensor<192x768xf32>) -> tensor<?x?x192xf32>
          %v_w = flowhn.get_parameter @v_proj : tensor<192x768xf32>
          // expected-remark @below {{costs 294912*n FLOPs per row of n tokens}}
          %v = flowhn.linear %an [%v_w] : (tensor<?x?x768xf32>, tensor<192x768xf32>) -> tensor<?x?x192xf32>
          // expected-remark @below {{costs 1536*n^2 + 1536*n FLOPs per row of n tokens}}
          %att = flowhn.attention %q, %k, %v at(%ab, %al) heads(32, 8) : (tensor<?x?x768xf32>, tensor<?x?x192xf32>, tensor<?x?x192xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x768xf32>
          %o_w = flowhn.get_parameter @o_proj : tensor<768x768xf32>
          // expected-remark @below {{costs 1179648*n FLOPs per row of n tokens}}
          %o = flowhn.linear %att [%o_w] : (tensor<?x?x768xf32>, tensor<768x768xf32>) -> tensor<?x?x768xf32>
          %u = flowhn.add %a, %o : tensor<?x?x768xf32>
          %am_n_w = flowhn.get_parameter @atten.pre_ff_layernorm : tensor<768xf32>
          %am_n = flowhn.rms_norm %u, [%am_n_w] {eps = 1.0e-6 : f64} : (tensor<?x?x768xf32>, tensor<768xf32>) -> tensor<?x?x768xf32>
          %am_g_w = flowhn.get_parameter @atten.gate_proj : tensor<2048x768xf32>
          // expected-remark @below {{costs 3145728*n FLOPs per row of n tokens}}
          %am_g = flowhn.linear %am_n [%am_g_w] : (tensor<?x?x768xf32>, tensor<2048x768xf32>) -> tensor<?x?x2048xf32>
          %am_u_w = flowhn.get_parameter @atten.up_proj : tensor<2048x768xf32>
          // expected-remark @below {{costs 3145728*n FLOPs per row of n tokens}}
          %am_u = flowhn.linear %am_n [%am_u_w] : (tensor<?x?x768xf32>, tensor<2048x768xf32>) -> tensor<?x?x2048xf32>
          %am_h = flowhn.swiglu %am_g, %am_u : tensor<?x?x2048xf32>
          %am_d_w = flowhn.get_parameter @atten.down_proj : tensor<768x2048xf32>
          // expected-remark @below {{costs 3145728*n FLOPs per row of n tokens}}
          %am_d = flowhn.linear %am_h [%am_d_w] : (tensor<?x?x2048xf32>, tensor<768x2048xf32>) -> tensor<?x?x768xf32>
          %am = flowhn.add %u, %am_d : tensor<?x?x768xf32>
          flowhn.yield %am : tensor<?x?x768xf32>
        }
        ssm {
          %sn_w = flowhn.get_parameter @mamba.input_layernorm : tensor<768xf32>
          %sn = flowhn.rms_norm %s, [%sn_w] {eps = 1.0e-6 : f64} : (tensor<?x?x768xf32>, tensor<768xf32>) -> tensor<?x?x768xf32>
          %uz_w = flowhn.get_parameter @in_proj : tensor<3072x768xf32>
          // expected-remark @below {{costs 4718592*n FLOPs per row of n tokens}}
          %uz = flowhn.linear %sn [%uz_w] : (tensor<?x?x768xf32>, tensor<3072x768xf32>) -> tensor<?x?x3072xf32>
          %u0 = flowhn.slice %uz from 0 : tensor<?x?x3072xf32> -> tensor<?x?x1536xf32>
          %z = flowhn.slice %uz from 1536 : tensor<?x?x3072xf32> -> tensor<?x?x1536xf32>
          %cw = flowhn.get_parameter @conv1d.weight : tensor<1536x1x4xf32>
          %cb = flowhn.get_parameter @conv1d.bias : tensor<1536xf32>
          // expected-remark @below {{costs 12288*n FLOPs per row of n tokens}}
          %u1 = flowhn.causal_conv1d %u0, %cw at(%sb, %sl) bias(%cb) : (tensor<?x?x1536xf32>, tensor<1536x1x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<1536xf32>) -> tensor<?x?x1536xf32>
          %u2 = flowhn.silu %u1 : tensor<?x?x1536xf32>
          %x_proj_w = flowhn.get_parameter @x_proj : tensor<80x1536xf32>
          // expected-remark @below {{costs 245760*n FLOPs per row of n tokens}}
          %x_proj = flowhn.linear %u2 [%x_proj_w] : (tensor<?x?x1536xf32>, tensor<80x1536xf32>) -> tensor<?x?x80xf32>
          %dt0 = flowhn.slice %x_proj from 0 : tensor<?x?x80xf32> -> tensor<?x?x48xf32>
          %dt_w = flowhn.get_parameter @dt_layernorm : tensor<48xf32>
          %dt = flowhn.rms_norm %dt0, [%dt_w] {eps = 1.0e-6 : f64} : (tensor<?x?x48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
          %b0 = flowhn.slice %x_proj from 48 : tensor<?x?x80xf32> -> tensor<?x?x16xf32>
          %b_w = flowhn.get_parameter @b_layernorm : tensor<16xf32>
          %b = flowhn.rms_norm %b0, [%b_w] {eps = 1.0e-6 : f64} : (tensor<?x?x16xf32>, tensor<16xf32>) -> tensor<?x?x16xf32>
          %c0 = flowhn.slice %x_proj from 64 : tensor<?x?x80xf32> -> tensor<?x?x16xf32>
          %c_w = flowhn.get_parameter @c_layernorm : tensor<16xf32>
          %c = flowhn.rms_norm %c0, [%c_w] {eps = 1.0e-6 : f64} : (tensor<?x?x16xf32>, tensor<16xf32>) -> tensor<?x?x16xf32>
          %delta_w = flowhn.get_parameter @dt_proj.weight : tensor<1536x48xf32>
          %delta_b = flowhn.get_parameter @dt_proj.bias : tensor<1536xf32>
          // expected-remark @below {{costs 147456*n FLOPs per row of n tokens}}
          %delta = flowhn.linear %dt [%delta_w] bias(%delta_b) : (tensor<?x?x48xf32>, tensor<1536x48xf32>, tensor<1536xf32>) -> tensor<?x?x1536xf32>
          %alog = flowhn.get_parameter @A_log : tensor<1536x16xf32>
          %dd = flowhn.get_parameter @D : tensor<1536xf32>
          // expected-remark @below {{costs 221184*n FLOPs per row of n tokens}}
          %y = flowhn.selective_scan %u2, %delta, %alog, %b, %c, %dd at(%sb, %sl) : (tensor<?x?x1536xf32>, tensor<?x?x1536xf32>, tensor<1536x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<1536xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x1536xf32>
          %gated = flowhn.swiglu %z, %y : tensor<?x?x1536xf32>
          %out_w = flowhn.get_parameter @out_proj : tensor<768x1536xf32>
          // expected-remark @below {{costs 2359296*n FLOPs per row of n tokens}}
          %out = flowhn.linear %gated [%out_w] : (tensor<?x?x1536xf32>, tensor<768x1536xf32>) -> tensor<?x?x768xf32>
          %v1 = flowhn.add %s, %out : tensor<?x?x768xf32>
          %sm_n_w = flowhn.get_parameter @mamba.pre_ff_layernorm : tensor<768xf32>
          %sm_n = flowhn.rms_norm %v1, [%sm_n_w] {eps = 1.0e-6 : f64} : (tensor<?x?x768xf32>, tensor<768xf32>) -> tensor<?x?x768xf32>
          %sm_g_w = flowhn.get_parameter @mamba.gate_proj : tensor<2048x768xf32>
          // expected-remark @below {{costs 3145728*n FLOPs per row of n tokens}}
          %sm_g = flowhn.linear %sm_n [%sm_g_w] : (tensor<?x?x768xf32>, tensor<2048x768xf32>) -> tensor<?x?x2048xf32>
          %sm_u_w = flowhn.get_parameter @mamba.up_proj : tensor<2048x768xf32>
          // expected-remark @below {{costs 3145728*n FLOPs per row of n tokens}}
          %sm_u = flowhn.linear %sm_n [%sm_u_w] : (tensor<?x?x768xf32>, tensor<2048x768xf32>) -> tensor<?x?x2048xf32>
          %sm_h = flowhn.swiglu %sm_g, %sm_u : tensor<?x?x2048xf32>
          %sm_d_w = flowhn.get_parameter @mamba.down_proj : tensor<768x2048xf32>
          // expected-remark @below {{costs 3145728*n FLOPs per row of n tokens}}
          %sm_d = flowhn.linear %sm_h [%sm_d_w] : (tensor<?x?x2048xf32>, tensor<768x2048xf32>) -> tensor<?x?x768xf32>
          %sm = flowhn.add %v1, %sm_d : tensor<?x?x768xf32>
          flowhn.yield %sm : tensor<?x?x768xf32>
        }
      }
      %bp = flowhn.get_parameter @branch_proj : tensor<768x768xf32>
      // expected-remark @below {{costs 1179648*n FLOPs per row of n tokens}}
      %fused = flowhn.fuse tokens(%f#0, %f#1) project(%bp) at(%begin, %length) block 0 : (tensor<?x?x768xf32>, tensor<?x?x768xf32>, tensor<768x768xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x768xf32>
      %sum = flowhn.add %x, %fused : tensor<?x?x768xf32>
      %yn_w = flowhn.get_parameter @pre_ff_layernorm : tensor<768xf32>
      %yn = flowhn.rms_norm %sum, [%yn_w] {eps = 1.0e-6 : f64} : (tensor<?x?x768xf32>, tensor<768xf32>) -> tensor<?x?x768xf32>
      %fp_w = flowhn.get_parameter @final_proj : tensor<768x768xf32>
      // expected-remark @below {{costs 1179648*n FLOPs per row of n tokens}}
      %fp = flowhn.linear %yn [%fp_w] : (tensor<?x?x768xf32>, tensor<768x768xf32>) -> tensor<?x?x768xf32>
      %res = flowhn.add %sum, %fp : tensor<?x?x768xf32>
      flowhn.yield %res : tensor<?x?x768xf32>
    } : tensor<?x?x768xf32>
    %selected = flowhn.select_tokens %block, %length, %select : (tensor<?x?x768xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x768xf32>
    %final_w = flowhn.get_parameter @final_layernorm : tensor<768xf32>
    %final = flowhn.rms_norm %selected, [%final_w] {eps = 1.0e-6 : f64} : (tensor<?x768xf32>, tensor<768xf32>) -> tensor<?x768xf32>
    %head = flowhn.get_parameter @lm_head : tensor<16x768xf32>
    // expected-remark @below {{costs 24576*n FLOPs per row of n tokens}}
    %logits = flowhn.linear %final [%head] : (tensor<?x768xf32>, tensor<16x768xf32>) -> tensor<?x16xf32>
    return %logits : tensor<?x16xf32>
  }
}
