// One window per block for every strategy, from the context length where there is
// one and from the length of the call where there is none. The counts are odd so
// that a half rounded the wrong way shows.
// RUN: flowhn-opt %s --split-input-file --verify-diagnostics --flowhn-choose-split | FileCheck %s

// CHECK-LABEL: flowhn.model @none split
// CHECK-SAME: plan [#flowhn.window<all>, #flowhn.window<all>] {
// expected-remark @below {{in blocks 0, 1, attention sees all tokens: attention 0, ssm 0 FLOPs per row of n tokens that the branch sees}}
flowhn.model @none split<none> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x2 : tensor<?x?x4xf32>
  }
}

// -----

// ae needs no count: even blocks take the second half, the larger one.
// CHECK-LABEL: flowhn.model @ae split
// CHECK-SAME: plan [#flowhn.window<start = 4, count = 5, period = 9>, #flowhn.window<start = 0, count = 4, period = 9>, #flowhn.window<start = 4, count = 5, period = 9>] {
// expected-remark @below {{in blocks 0, 2, attention sees 5 of 9 positions: attention 0, ssm 0 FLOPs per row, imbalance 0.0 %}}
// expected-remark @below {{in block 1, attention sees 4 of 9}}
flowhn.model @ae split<ae, context = 9> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x3 = flowhn.block 2(%x2) {
      flowhn.yield %x2 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x3 : tensor<?x?x4xf32>
  }
}

// -----

// CHECK-LABEL: flowhn.model @ae_by_call split
// CHECK-SAME: plan [#flowhn.window<last ceil 1/2>, #flowhn.window<first floor 1/2>] {
// expected-remark @below {{in blocks 0, 1, attention sees 1/2 of each call: attention 0, ssm 0 FLOPs per row of n tokens that the branch sees}}
flowhn.model @ae_by_call split<ae> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x2 : tensor<?x?x4xf32>
  }
}

// -----

// A context of one position: the second half is all of it, the first half nothing.
// CHECK-LABEL: flowhn.model @ae_one_position split
// CHECK-SAME: plan [#flowhn.window<start = 0, count = 1, period = 1>, #flowhn.window<start = 0, count = 0, period = 1>] {
// expected-remark @below {{in block 0, attention sees 1 of 1}}
// expected-remark @below {{in block 1, attention sees 0 of 1}}
flowhn.model @ae_one_position split<ae, context = 1> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x2 : tensor<?x?x4xf32>
  }
}

// -----

// CHECK-LABEL: flowhn.model @fa split
// CHECK-SAME: plan [#flowhn.window<start = 0, count = 5, period = 9>, #flowhn.window<start = 0, count = 5, period = 9>] {
// expected-remark @below {{in blocks 0, 1, attention sees 5 of 9 positions: attention 0, ssm 0 FLOPs per row, imbalance 0.0 %}}
flowhn.model @fa split<fa, context = 9, attention_tokens = [5]> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x2 : tensor<?x?x4xf32>
  }
}

// -----

// CHECK-LABEL: flowhn.model @fa_by_call split
// CHECK-SAME: plan [#flowhn.window<first floor 59/100>, #flowhn.window<first floor 59/100>] {
// expected-remark @below {{in blocks 0, 1, attention sees 59/100 of each call: attention 0, ssm 0 FLOPs per row of n tokens that the branch sees}}
flowhn.model @fa_by_call split<fa, by_call> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x2 : tensor<?x?x4xf32>
  }
}

// -----

// The authors' layout with a context: 59*511/100 = 301 of its positions.
// CHECK-LABEL: flowhn.model @fa_by_call_in_context split
// CHECK-SAME: plan [#flowhn.window<start = 0, count = 301, period = 511>] {
// expected-remark @below {{in block 0, attention sees 301 of 511}}
flowhn.model @fa_by_call_in_context split<fa, by_call, context = 511> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x1 : tensor<?x?x4xf32>
  }
}

// -----

// CHECK-LABEL: flowhn.model @fac_alternate split
// CHECK-SAME: plan [#flowhn.window<start = 4, count = 5, period = 9>, #flowhn.window<start = 0, count = 5, period = 9>, #flowhn.window<start = 4, count = 5, period = 9>] {
// expected-remark @below {{in blocks 0, 1, 2, attention sees 5 of 9}}
flowhn.model @fac_alternate split<fac, alternate, context = 9, attention_tokens = [5]> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x3 = flowhn.block 2(%x2) {
      flowhn.yield %x2 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x3 : tensor<?x?x4xf32>
  }
}

// -----

// No attention at all: the last 0 of 9 positions start at 9, which is position 0.
// CHECK-LABEL: flowhn.model @fac_alternate_empty split
// CHECK-SAME: plan [#flowhn.window<start = 0, count = 0, period = 9>] {
// expected-remark @below {{in block 0, attention sees 0 of 9}}
flowhn.model @fac_alternate_empty split<fac, alternate, context = 9, attention_tokens = [0]> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x1 : tensor<?x?x4xf32>
  }
}

// -----

// CHECK-LABEL: flowhn.model @fac_by_call split
// CHECK-SAME: plan [#flowhn.window<last floor 1/2>, #flowhn.window<first floor 1/2>] {
// expected-remark @below {{in blocks 0, 1, attention sees 1/2 of each call}}
flowhn.model @fac_by_call split<fac, alternate, by_call> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x2 : tensor<?x?x4xf32>
  }
}

// -----

// CHECK-LABEL: flowhn.model @fac_by_call_in_context split
// CHECK-SAME: plan [#flowhn.window<start = 5, count = 4, period = 9>, #flowhn.window<start = 0, count = 4, period = 9>] {
// expected-remark @below {{in blocks 0, 1, attention sees 4 of 9}}
flowhn.model @fac_by_call_in_context split<fac, alternate, by_call, context = 9> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x2 : tensor<?x?x4xf32>
  }
}

// -----

// Every window ends where the one before begins, around the context.
// CHECK-LABEL: flowhn.model @fac_rotate split
// CHECK-SAME: plan [#flowhn.window<start = 4, count = 5, period = 9>, #flowhn.window<start = 8, count = 5, period = 9>, #flowhn.window<start = 3, count = 5, period = 9>] {
// expected-remark @below {{in blocks 0, 1, 2, attention sees 5 of 9}}
flowhn.model @fac_rotate split<fac, rotate, context = 9, attention_tokens = [5]> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x3 = flowhn.block 2(%x2) {
      flowhn.yield %x2 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x3 : tensor<?x?x4xf32>
  }
}

// -----

// CHECK-LABEL: flowhn.model @fac_rotate_counts split
// CHECK-SAME: plan [#flowhn.window<start = 4, count = 5, period = 9>, #flowhn.window<start = 4, count = 9, period = 9>, #flowhn.window<start = 4, count = 0, period = 9>, #flowhn.window<start = 2, count = 2, period = 9>] {
// expected-remark @below {{in block 0, attention sees 5 of 9}}
// expected-remark @below {{in block 1, attention sees 9 of 9}}
// expected-remark @below {{in block 2, attention sees 0 of 9}}
// expected-remark @below {{in block 3, attention sees 2 of 9}}
flowhn.model @fac_rotate_counts split<fac, rotate, context = 9, attention_tokens = [5, 9, 0, 2]> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x3 = flowhn.block 2(%x2) {
      flowhn.yield %x2 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x4 = flowhn.block 3(%x3) {
      flowhn.yield %x3 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x4 : tensor<?x?x4xf32>
  }
}

// -----

// A model without blocks has an empty plan.
// CHECK-LABEL: flowhn.model @no_blocks split
// CHECK-SAME: plan [] {
flowhn.model @no_blocks split<fac, rotate, context = 9> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    return %x0 : tensor<?x?x4xf32>
  }
}

// -----

// Counts left open are searched block by block: 32 FLOPs per token of attention
// against 64 of the SSM balance at 8 of 12, the other way round at 4.
// CHECK-LABEL: flowhn.model @searched split
// CHECK-SAME: <fac, rotate, context = 12>
// CHECK-SAME: plan [#flowhn.window<start = 4, count = 8, period = 12>, #flowhn.window<start = 0, count = 4, period = 12>, #flowhn.window<start = 4, count = 8, period = 12>]
// expected-remark @below {{in blocks 0, 2, attention sees 8 of 12 positions: attention 256, ssm 256 FLOPs per row, imbalance 0.0 %}}
// expected-remark @below {{in block 1, attention sees 4 of 12 positions: attention 256, ssm 256 FLOPs per row, imbalance 0.0 %}}
flowhn.model @searched split<fac, rotate, context = 12> {
  func.func @forward(%x0: tensor<?x?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      %f:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
        attention {
          %a = flowhn.linear %x0 [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          flowhn.yield %a : tensor<?x?x4xf32>
        }
        ssm {
          %a = flowhn.linear %x0 [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          %b = flowhn.linear %a [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          flowhn.yield %b : tensor<?x?x4xf32>
        }
      }
      flowhn.yield %f#0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      %f:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
        attention {
          %a = flowhn.linear %x1 [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          %b = flowhn.linear %a [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          flowhn.yield %b : tensor<?x?x4xf32>
        }
        ssm {
          %a = flowhn.linear %x1 [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          flowhn.yield %a : tensor<?x?x4xf32>
        }
      }
      flowhn.yield %f#0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x3 = flowhn.block 2(%x2) {
      %f:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
        attention {
          %a = flowhn.linear %x2 [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          flowhn.yield %a : tensor<?x?x4xf32>
        }
        ssm {
          %a = flowhn.linear %x2 [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          %b = flowhn.linear %a [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
          flowhn.yield %b : tensor<?x?x4xf32>
        }
      }
      flowhn.yield %f#0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x3 : tensor<?x?x4xf32>
  }
}

// -----

// Blocks that were outlined are found through their calls, in the order of these.
// CHECK-LABEL: flowhn.model @outlined split
// CHECK-SAME: plan [#flowhn.window<start = 0, count = 8, period = 12>, #flowhn.window<start = 0, count = 8, period = 12>]
// expected-remark @below {{in blocks 0, 1, attention sees 8 of 12 positions: attention 256, ssm 256 FLOPs per row, imbalance 0.0 %}}
flowhn.model @outlined split<fa, context = 12> {
  func.func private @block_0(%x: tensor<?x?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x?x4xf32> attributes {flowhn.block} {
    %f:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
      attention {
        %a = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
        flowhn.yield %a : tensor<?x?x4xf32>
      }
      ssm {
        %a = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
        %b = flowhn.linear %a [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
        flowhn.yield %b : tensor<?x?x4xf32>
      }
    }
    return %f#0 : tensor<?x?x4xf32>
  }
  func.func @forward(%x: tensor<?x?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x?x4xf32> {
    %0 = call @block_0(%x, %w) {flowhn.index = 0} : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
    %1 = call @block_0(%0, %w) {flowhn.index = 1} : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
    return %1 : tensor<?x?x4xf32>
  }
}
