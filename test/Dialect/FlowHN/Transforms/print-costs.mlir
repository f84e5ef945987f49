// The table of costs: branches at the tokens that the plan gives them, everything
// else at all tokens, times the rows of the batch; parameters once.
// RUN: flowhn-opt %s --flowhn-print-costs="batch=2" -o /dev/null | FileCheck %s
// RUN: flowhn-opt %s --flowhn-print-costs="tokens=3" -o /dev/null | FileCheck %s --check-prefix=SHORT
// RUN: not flowhn-opt %s --flowhn-print-costs="tokens=11" -o /dev/null 2>&1 | FileCheck %s --check-prefix=LONG
// RUN: not flowhn-opt %s --flowhn-print-costs="tokens=-1" -o /dev/null 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not flowhn-opt %s --flowhn-print-costs="batch=0" -o /dev/null 2>&1 | FileCheck %s --check-prefix=BATCH

// Attention, 6 of 10 tokens: (2*4*4 + 2*4)*6 + 2*4*6*6 = 528 FLOPs per row.
// CHECK-LABEL: costs of @model: 2 x 10 tokens
// CHECK-NEXT: block part tokens FLOPs parameter bytes activation bytes
// CHECK-NEXT: 0 attention 6 1056 64 1152
// CHECK-NEXT: 0 ssm 4 256 32 256
// CHECK-NEXT: 0 joint 10 640 64 1280
// CHECK-NEXT: - rest 10 320 32 480
// CHECK-NEXT: - total 10 2272 192 3168

// The window wraps around: of the first 3 positions, attention has 2.
// SHORT-LABEL: costs of @model: 1 x 3 tokens
// SHORT: 0 attention 2 112 64 192
// SHORT: 0 ssm 1 32 32 32

// LONG: error: 'flowhn.model' op rows have at most the context's 10 tokens, got tokens = 11
// NEGATIVE: error: 'flowhn.model' op costs need a row length of at least 1, got tokens = -1 and context 10
// BATCH: error: 'flowhn.model' op costs need at least one row, got batch = 0

flowhn.model @model split<fac, rotate, context = 10, attention_tokens = [6]>
    plan [#flowhn.window<start = 6, count = 6, period = 10>] {
  flowhn.parameter @q : tensor<4x4xf32>
  flowhn.parameter @s : tensor<4x4xbf16>
  flowhn.parameter @head : tensor<2x4xf32>
  func.func @forward(%x: tensor<?x?x4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x2xf32> {
    %y = flowhn.block 0(%x) {
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 0 : tensor<?x?x4xf32>, tensor<?xi32>
      %f:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
        attention {
          %w = flowhn.get_parameter @q : tensor<4x4xf32>
          %q = flowhn.linear %a [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          %0 = flowhn.attention %q, %q, %q at(%ab, %al) heads(2, 2)
              : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
          flowhn.yield %0 : tensor<?x?x4xf32>
        }
        ssm {
          %w = flowhn.get_parameter @s : tensor<4x4xbf16>
          %0 = flowhn.linear %s [%w] : (tensor<?x?x4xf32>, tensor<4x4xbf16>) -> tensor<?x?x4xf32>
          flowhn.yield %0 : tensor<?x?x4xf32>
        }
      }
      %w = flowhn.get_parameter @q : tensor<4x4xf32>
      %fused = flowhn.fuse tokens(%f#0, %f#1) project(%w) at(%begin, %length) block 0
          : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
      flowhn.yield %fused : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %w = flowhn.get_parameter @head : tensor<2x4xf32>
    %logits = flowhn.linear %y [%w] : (tensor<?x?x4xf32>, tensor<2x4xf32>) -> tensor<?x?x2xf32>
    return %logits : tensor<?x?x2xf32>
  }
}
