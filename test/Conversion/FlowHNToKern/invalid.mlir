// What has no kernel, or no place where it is, is refused with its op.
// RUN: flowhn-opt %s -split-input-file --convert-flowhn-to-kern=cpu=x86-64-v3 -verify-diagnostics

// expected-error @+1 {{needs one flowhn.model to convert, got 0}}
module {}

// -----

flowhn.model @m split <none> {
  flowhn.state @kv : !flowhn.state<kv, tensor<16xf32>>
  func.func private @f(%x: tensor<?x?x8xf32>, %slots: tensor<?xi32>) -> tensor<?x?x8xf32> {
    // expected-error @+1 {{belongs in the function that steps through sequences}}
    %s = flowhn.get_state @kv at(%slots) : tensor<?xi32> -> !flowhn.state<kv, tensor<16xf32>>
    return %x : tensor<?x?x8xf32>
  }
}

// -----

flowhn.model @m split <none> {
  flowhn.parameter @scale : tensor<1xf32>
  flowhn.parameter @w : tensor<8x8xi8> scale @scale
  func.func private @f(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
    %w = flowhn.get_parameter @w : tensor<8x8xi8>
    // expected-error @+1 {{scaled parameters are not supported yet: flowhn.linear reads 'tensor<8x8xi8>'}}
    %y = flowhn.linear %x [%w] : (tensor<?x?x8xf32>, tensor<8x8xi8>) -> tensor<?x?x8xf32>
    return %y : tensor<?x?x8xf32>
  }
}

// -----

flowhn.model @m split <none> {
  func.func private @f(%x: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x8xf32> {
    // expected-error @+1 {{needs its segments, which --flowhn-materialize-split makes}}
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 0 : tensor<?x?x8xf32>, tensor<?xi32>
    return %a : tensor<?x?x8xf32>
  }
}

// -----

flowhn.model @m split <none> {
  func.func private @f(%x: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %as: tensor<?x2x2xi32>, %ss: tensor<?x2x2xi32>) -> tensor<?x?x8xf32> {
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%as, %ss : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x8xf32>, tensor<?xi32>
    // expected-error @+1 {{needs the lengths of the tokens that it reads, got those of others}}
    %y = flowhn.attention %a, %a, %a at(%begin, %length) heads(1, 1) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
    return %x : tensor<?x?x8xf32>
  }
}

// -----

flowhn.model @m split <none> {
  func.func private @f(%x: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %as: tensor<?x2x2xi32>, %ss: tensor<?x2x2xi32>) -> tensor<?x?x8xf32> {
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%as, %ss : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x8xf32>, tensor<?xi32>
    // expected-error @+1 {{needs operands that are the same tokens of the call}}
    %y = flowhn.add %a, %s : tensor<?x?x8xf32>
    return %x : tensor<?x?x8xf32>
  }
}

// -----

flowhn.model @m split <none> {
  func.func private @f(%x: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %as: tensor<?x2x2xi32>, %ss: tensor<?x2x2xi32>) -> tensor<?x?x8xf32> {
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%as, %ss : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x8xf32>, tensor<?xi32>
    // expected-error @+1 {{needs to return the tokens of the call}}
    return %a : tensor<?x?x8xf32>
  }
}

// -----

flowhn.model @m split <none> {
  // expected-error @+1 {{is what a call of the model runs and needs to take ids, begin, length and select and to return float32 logits}}
  func.func @forward(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
    return %x : tensor<?x?x8xf32>
  }
}

// -----

flowhn.model @m split <none> {
  flowhn.parameter @w : tensor<16x8xbf16>
  // expected-error @+1 {{needs to take ids, begin, length and select and to return float32 logits}}
  func.func @forward(%ids: tensor<?x?xi32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %select: tensor<?xi32>) -> tensor<?x8xbf16> {
    %w = flowhn.get_parameter @w : tensor<16x8xbf16>
    %x = flowhn.embedding %ids, %w : (tensor<?x?xi32>, tensor<16x8xbf16>) -> tensor<?x?x8xbf16>
    %t = flowhn.select_tokens %x, %length, %select : (tensor<?x?x8xbf16>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x8xbf16>
    return %t : tensor<?x8xbf16>
  }
}

// -----

flowhn.model @m split <none> {
  func.func private @f(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
    // expected-error @+1 {{calls a function that is not converted yet, @f: it is recursive}}
    %y = func.call @f(%x) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    return %y : tensor<?x?x8xf32>
  }
}
