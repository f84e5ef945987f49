// What cannot be laid out is refused on the model, with the number that is wrong:
// a plan that silently did something else would be another network.
// RUN: flowhn-opt %s --split-input-file --verify-diagnostics --flowhn-choose-split

// expected-error @below {{'flowhn.model' op strategy fa needs a context length, got none}}
flowhn.model @fa_without_context split<fa> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x1 : tensor<?x?x4xf32>
  }
}

// -----

// expected-error @below {{'flowhn.model' op strategy fac, rotate needs a context length, got none}}
flowhn.model @rotate_by_call split<fac, rotate, by_call> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x1 : tensor<?x?x4xf32>
  }
}

// -----

// expected-error @below {{'flowhn.model' op strategy none needs blocks that fuse features, got tokens}}
flowhn.model @fuse_tokens split<none> {
  func.func @forward(%x: tensor<?x?x4xf32>, %w: tensor<4x4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) -> tensor<?x?x4xf32> {
    // expected-note @below {{the fuse is here}}
    %y = flowhn.fuse tokens(%x, %x) project(%w) at(%b, %l) block 0 : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
    return %y : tensor<?x?x4xf32>
  }
}

// -----

// expected-error @below {{'flowhn.model' op strategy ae needs blocks that fuse tokens, got features}}
flowhn.model @fuse_features split<ae> {
  func.func @forward(%x: tensor<?x?x4xf32>, %w: tensor<4x8xf32>) -> tensor<?x?x4xf32> {
    // expected-note @below {{the fuse is here}}
    %y = flowhn.fuse features(%x, %x) project(%w) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x8xf32>) -> tensor<?x?x4xf32>
    return %y : tensor<?x?x4xf32>
  }
}

// -----

// Outlined blocks are not counted by the verifier, but by this pass.
// expected-error @below {{'flowhn.model' op attention_tokens must hold one count, or one per block, got 3 counts for 1 blocks}}
flowhn.model @counts split<fa, context = 9, attention_tokens = [1, 2, 3]> {
  func.func private @block_0(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> attributes {flowhn.block} {
    return %x : tensor<?x?x4xf32>
  }
  func.func @forward(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %0 = call @block_0(%x) : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    return %0 : tensor<?x?x4xf32>
  }
}
