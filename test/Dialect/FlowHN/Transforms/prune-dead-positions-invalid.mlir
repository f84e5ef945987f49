// RUN: flowhn-opt %s --flowhn-prune-dead-positions --split-input-file --verify-diagnostics

// expected-error @below {{needs one flowhn.select_tokens to prune positions, got 0}}
flowhn.model @no_head split<none> {
}

// -----

// The blocks are not outlined yet.
flowhn.model @blocks split<none> {
  func.func @forward(%ids: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %select: tensor<?xi32>) -> tensor<?x8xf32> {
    %y = flowhn.block 0(%ids) {
      flowhn.yield %ids : tensor<?x?x8xf32>
    } : tensor<?x?x8xf32>
    // expected-error @below {{needs the result of an outlined block, which nothing else reads}}
    %t = flowhn.select_tokens %y, %length, %select : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x8xf32>
    return %t : tensor<?x8xf32>
  }
}

// -----

flowhn.model @other_tokens split<none> {
  func.func private @block_0(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> attributes {flowhn.block} {
    return %x : tensor<?x?x8xf32>
  }
  func.func @forward(%ids: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %select: tensor<?xi32>) -> tensor<?x8xf32> {
    %y = call @block_0(%ids) {flowhn.index = 0 : i64} : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    // expected-error @below {{needs a function of ids, begin, length and select to prune positions}}
    %t = flowhn.select_tokens %y, %length, %length : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x8xf32>
    return %t : tensor<?x8xf32>
  }
}
