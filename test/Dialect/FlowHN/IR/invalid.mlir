// One case per constraint of the dialect, named after it: `op_c1` is (C1) of the
// op's description. What passes the verifiers may be relied on everywhere else.
// RUN: flowhn-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{the context of a split must lie in 0..2147483647, got -1}}
module @split_c1_context attributes {test.a = #flowhn.split<ae, context = -1>} {}

// -----

// expected-error @below {{the context of a split must lie in 0..2147483647, got 2147483648}}
module @split_c1_context_too_long attributes {test.a = #flowhn.split<ae, context = 2147483648>} {}

// -----

// expected-error @below {{attention_tokens must not be negative, got -1}}
module @split_c1_count attributes {test.a = #flowhn.split<fa, context = 9, attention_tokens = [-1]>} {}

// -----

// expected-error @below {{attention_tokens need strategy fa or fac, got ae}}
module @split_c2_strategy attributes {test.a = #flowhn.split<ae, context = 9, attention_tokens = [1]>} {}

// -----

// expected-error @below {{attention_tokens need a context to be counted in}}
module @split_c2_context attributes {test.a = #flowhn.split<fa, attention_tokens = [1]>} {}

// -----

// expected-error @below {{attention_tokens must be at most the context 9, got 10}}
module @split_c2_count attributes {test.a = #flowhn.split<fa, context = 9, attention_tokens = [4, 10]>} {}

// -----

// expected-error @below {{expected a strategy: none, ae, fa or fac, got 'best'}}
module @split_strategy attributes {test.a = #flowhn.split<best>} {}

// -----

// expected-error @below {{expected 'alternate', 'rotate', 'by_call', 'context' or 'attention_tokens', got 'size'}}
module @split_field attributes {test.a = #flowhn.split<fac, size = 4>} {}

// -----

// expected-error @below {{'context' is given twice}}
module @split_twice attributes {test.a = #flowhn.split<fac, context = 4, context = 4>} {}

// -----

// expected-error @below {{the circulation is given twice}}
module @split_circulation_twice attributes {test.a = #flowhn.split<fac, rotate, alternate>} {}

// -----

// expected-error @below {{the period of a window must lie in 1..2147483647, got 0}}
module @window_c1_period attributes {test.a = #flowhn.window<start = 0, count = 0, period = 0>} {}

// -----

// expected-error @below {{the start of a window must lie in 0..8, got 9}}
module @window_c1_start attributes {test.a = #flowhn.window<start = 9, count = 0, period = 9>} {}

// -----

// expected-error @below {{the count of a window must lie in 0..9, got 10}}
module @window_c1_count attributes {test.a = #flowhn.window<start = 0, count = 10, period = 9>} {}

// -----

// expected-error @below {{the fraction of a window by call must lie in 0..1, got 3/2}}
module @window_c2 attributes {test.a = #flowhn.window<first floor 3/2>} {}

// -----

// expected-error @below {{the fraction of a window by call must lie in 0..1, got 0/0}}
module @window_c2_denominator attributes {test.a = #flowhn.window<first floor 0/0>} {}

// -----

// expected-error @below {{expected 'all', 'start', 'first' or 'last', got 'middle'}}
module @window_form attributes {test.a = #flowhn.window<middle>} {}

// -----

// expected-error @below {{expected 'floor' or 'ceil', got 'round'}}
module @window_rounding attributes {test.a = #flowhn.window<first round 1/2>} {}

// -----

// expected-error @below {{plan must have one window per block, got 2 windows for 1 blocks}}
flowhn.model @model_c1 split<none> plan [#flowhn.window<all>, #flowhn.window<all>] {
  func.func @forward(%x: tensor<?x?x8xf32>) {
    %b0 = flowhn.block 0(%x) { flowhn.yield %x : tensor<?x?x8xf32> } : tensor<?x?x8xf32>
    return
  }
}

// -----

// expected-error @below {{window #1 of the plan must lie over the split's context 9, got period 8}}
flowhn.model @model_c2 split<ae, context = 9> plan [#flowhn.window<all>, #flowhn.window<start = 0, count = 4, period = 8>] {
}

// -----

// expected-error @below {{attention_tokens must hold one count, or one per block, got 2 counts for 1 blocks}}
flowhn.model @model_c3 split<fa, context = 9, attention_tokens = [1, 2]> {
  func.func @forward(%x: tensor<?x?x8xf32>) {
    %b0 = flowhn.block 0(%x) { flowhn.yield %x : tensor<?x?x8xf32> } : tensor<?x?x8xf32>
    return
  }
}

// -----

flowhn.model @model_c4 split<none> {
  func.func @forward(%x: tensor<?x?x8xf32>) {
    %b0 = flowhn.block 0(%x) { flowhn.yield %x : tensor<?x?x8xf32> } : tensor<?x?x8xf32>
    // expected-error @below {{must have index 1, blocks being numbered in program order, got 2}}
    %b2 = flowhn.block 2(%x) { flowhn.yield %x : tensor<?x?x8xf32> } : tensor<?x?x8xf32>
    return
  }
}

// -----

func.func @model_parent() {
  // expected-error @below {{expects parent op 'builtin.module'}}
  flowhn.model @nested split<none> {
  }
  return
}

// -----

flowhn.model @parameter_c1 split<none> {
  // expected-error @below {{statically shaped tensor}}
  flowhn.parameter @w : tensor<?x4xf32>
}

// -----

flowhn.model @parameter_c2_integer split<none> {
  // expected-error @below {{of integer type needs a scale, got type 'tensor<4xi8>'}}
  flowhn.parameter @w : tensor<4xi8>
}

// -----

flowhn.model @parameter_c2_float split<none> {
  flowhn.parameter @s : tensor<4xf32>
  // expected-error @below {{of floating-point type takes no scale, got type 'tensor<4xf32>'}}
  flowhn.parameter @w : tensor<4xf32> scale @s
}

// -----

flowhn.model @parameter_c3_symbol split<none> {
  // expected-error @below {{scale must be a parameter of the model, got @forward}}
  flowhn.parameter @w : tensor<4xi8> scale @forward
  func.func private @forward()
}

// -----

flowhn.model @parameter_c3_size split<none> {
  flowhn.parameter @s : tensor<3xf32>
  // expected-error @below {{scale must be of floating-point type with one element or 4, got 'tensor<3xf32>'}}
  flowhn.parameter @w : tensor<4x2xi8> scale @s
}

// -----

flowhn.model @get_parameter_c1 split<none> {
  func.func @forward() {
    // expected-error @below {{must name a parameter of the model, got @w}}
    %w = flowhn.get_parameter @w : tensor<4xf32>
    return
  }
}

// -----

flowhn.model @get_parameter_c2 split<none> {
  // expected-note @below {{the parameter is here}}
  flowhn.parameter @w : tensor<4xf32>
  func.func @forward() {
    // expected-error @below {{result must have the parameter's type 'tensor<4xf32>', got 'tensor<5xf32>'}}
    %w = flowhn.get_parameter @w : tensor<5xf32>
    return
  }
}

// -----

func.func @block_c1(%x: tensor<?x?x8xf32>, %y: tensor<?x?x4xf32>) {
  // expected-error @below {{region must yield one value of type 'tensor<?x?x8xf32>', got 'tensor<?x?x4xf32>'}}
  %0 = flowhn.block 0(%x) {
    flowhn.yield %y : tensor<?x?x4xf32>
  } : tensor<?x?x8xf32>
  return
}

// -----

func.func @block_c1_nothing(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{region must yield one value of type 'tensor<?x?x8xf32>', got}}
  %0 = flowhn.block 0(%x) {
  } : tensor<?x?x8xf32>
  return
}

// -----

func.func @block_c2(%x: tensor<?x?x8xf32>) {
  %0 = flowhn.block 0(%x) {
    // expected-error @below {{must not be inside another block, got one inside block 0}}
    %1 = flowhn.block 1(%x) {
      flowhn.yield %x : tensor<?x?x8xf32>
    } : tensor<?x?x8xf32>
    flowhn.yield %1 : tensor<?x?x8xf32>
  } : tensor<?x?x8xf32>
  return
}

// -----

func.func @segments_c1(%b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{window must not be all, which has no segments}}
  %a, %s = flowhn.segments <all> at(%b, %l) : tensor<?xi32> -> tensor<?x2x2xi32>
  return
}

// -----

func.func @segments_c2(%b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{results must be batch x 2 x 2, got 'tensor<?x3x2xi32>'}}
  %a, %s = flowhn.segments <last ceil 1/2> at(%b, %l) : tensor<?xi32> -> tensor<?x3x2xi32>
  return
}

// -----

func.func @split_c1_neither(%x: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{takes either a block or both segments, got no block and 0 segment operands}}
  %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%b, %l) : tensor<?x?x8xf32>, tensor<?xi32>
  return
}

// -----

func.func @split_c1_both(%x: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %g: tensor<?x2x2xi32>) {
  // expected-error @below {{takes either a block or both segments, got a block and 2 segment operands}}
  %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%b, %l) block 0 segments(%g, %g : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x8xf32>, tensor<?xi32>
  return
}

// -----

func.func @split_c2_negative(%x: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{block must not be negative, got -1}}
  %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%b, %l) block -1 : tensor<?x?x8xf32>, tensor<?xi32>
  return
}

// -----

func.func @split_c2_index(%x: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  %0 = flowhn.block 0(%x) {
    // expected-error @below {{block must be the index of the flowhn.block around, 0, got 1}}
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%b, %l) block 1 : tensor<?x?x8xf32>, tensor<?xi32>
    flowhn.yield %x : tensor<?x?x8xf32>
  } : tensor<?x?x8xf32>
  return
}

// -----

func.func @parallel_c1_nothing() {
  // expected-error @below {{must have as many regions, kinds and results, at least one, got 0 regions, 0 kinds and 0 results}}
  "flowhn.parallel"() {kinds = []} : () -> ()
  return
}

// -----

func.func @parallel_c1_results(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{must have as many regions, kinds and results, at least one, got 1 regions, 1 kinds and 2 results}}
  %0:2 = flowhn.parallel -> tensor<?x?x8xf32>, tensor<?x?x8xf32> {
  ssm {
    flowhn.yield %x : tensor<?x?x8xf32>
  }
  }
  return
}

// -----

func.func @parallel_c2(%x: tensor<?x?x8xf32>, %y: tensor<?x?x4xf32>) {
  // expected-error @below {{branch #0 must yield one value of type 'tensor<?x?x8xf32>', got 'tensor<?x?x4xf32>'}}
  %0 = flowhn.parallel -> tensor<?x?x8xf32> {
  ssm {
    flowhn.yield %y : tensor<?x?x4xf32>
  }
  }
  return
}

// -----

func.func @parallel_branch(%x: tensor<?x?x8xf32>) {
  %0 = flowhn.parallel -> tensor<?x?x8xf32> {
  // expected-error @below {{expected a branch: attention or ssm, got 'moe'}}
  moe {
    flowhn.yield %x : tensor<?x?x8xf32>
  }
  }
  return
}

// -----

func.func @parallel_schedule() {
  // expected-error @below {{expected a schedule: serial, streams or grouped, got 'later'}}
  %0 = flowhn.parallel schedule(later) -> tensor<?x?x8xf32> { }
  return
}

// -----

func.func @parallel_empty_region() {
  // expected-error @below {{region with 1 blocks}}
  %0 = "flowhn.parallel"() ({}) {kinds = [#flowhn<branch <ssm>>]} : () -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c1_inputs(%x: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{tokens takes two inputs of one type, got}}
  %0 = flowhn.fuse tokens(%x) project(%w) at(%b, %l) block 0 : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c1_types(%x: tensor<?x?x8xf32>, %y: tensor<?x?x4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{tokens takes two inputs of one type, got}}
  %0 = flowhn.fuse tokens(%x, %y) project(%w) at(%b, %l) block 0 : (tensor<?x?x8xf32>, tensor<?x?x4xf32>, tensor<8x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c1_positions(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{tokens needs begin and length}}
  %0 = flowhn.fuse tokens(%x, %x) project(%w) block 0 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c1_block(%x: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{tokens takes either a block or both segments, got no block and 0 segment operands}}
  %0 = flowhn.fuse tokens(%x, %x) project(%w) at(%b, %l) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c2(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{features takes no begin, length, block or segments}}
  %0 = flowhn.fuse features(%x) project(%w) block 0 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c2_nothing(%w: tensor<8x8xf32>) {
  // expected-error @below {{features needs an input}}
  %0 = flowhn.fuse features() project(%w) : (tensor<8x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c3_in(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{weight must be [out, 16], 16 being the joined feature size, got 'tensor<8x8xf32>'}}
  %0 = flowhn.fuse features(%x, %x) project(%w) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c3_out(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{result must have the weight's 8 features, got 'tensor<?x?x4xf32>'}}
  %0 = flowhn.fuse features(%x) project(%w) : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x4xf32>
  return
}

// -----

func.func @fuse_c3_rank(%x: tensor<?x?x8xf32>, %w: tensor<8xf32>) {
  // expected-error @below {{weight must be [out, 8]}}
  %0 = flowhn.fuse features(%x) project(%w) : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c4(%x: tensor<?x?x8xf32>, %y: tensor<?x?x4xf32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{residual must have the shape of the result 'tensor<?x?x8xf32>', got 'tensor<?x?x4xf32>'}}
  %0 = flowhn.fuse features(%x) project(%w) residual(%y) : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<?x?x4xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @fuse_c5(%x: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{block must not be negative, got -1}}
  %0 = flowhn.fuse tokens(%x, %x) project(%w) at(%b, %l) block -1 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @embedding_c1(%i: tensor<?x?xi32>, %w: tensor<16x4xf32>) {
  // expected-error @below {{table must be [out, 8], 8 being the result's feature size, got 'tensor<16x4xf32>'}}
  %0 = flowhn.embedding %i, %w : (tensor<?x?xi32>, tensor<16x4xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @pack_tokens_c1(%x: tensor<?x?x8xf32>, %l: tensor<?xi32>) {
  // expected-error @below {{result must have the features and element type of the input}}
  %0 = flowhn.pack_tokens %x, %l : (tensor<?x?x8xf32>, tensor<?xi32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @select_tokens_c1(%x: tensor<?x?x8xf32>, %l: tensor<?xi32>, %s: tensor<?xi32>) {
  // expected-error @below {{result must have the features and element type of the input}}
  %0 = flowhn.select_tokens %x, %l, %s : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @rms_norm_c1(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{must have as many results as weights, at least one, got 0 results and 0 weights}}
  "flowhn.rms_norm"(%x) {eps = 1.0 : f64} : (tensor<?x?x8xf32>) -> ()
  return
}

// -----

func.func @rms_norm_c2(%x: tensor<?x?x8xf32>, %n: tensor<4xf32>) {
  // expected-error @below {{weight #0 must be [8], 8 being the result's feature size, got 'tensor<4xf32>'}}
  %0 = flowhn.rms_norm %x, [%n] {eps = 1.0 : f64} : (tensor<?x?x8xf32>, tensor<4xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @rms_norm_c3(%x: tensor<?x?x8xf32>, %n: tensor<4xf32>) {
  // expected-error @below {{results must share the input's 8 features, got 4 in total}}
  %0 = flowhn.rms_norm %x, [%n] {eps = 1.0 : f64} : (tensor<?x?x8xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  return
}

// -----

func.func @rms_norm_c4(%x: tensor<?x?x8xf32>, %n: tensor<8xf32>) {
  // expected-error @below {{eps must be positive and finite, got 0.000000e+00}}
  %0 = flowhn.rms_norm %x, [%n] {eps = 0.0 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @rms_norm_c4_infinite(%x: tensor<?x?x8xf32>, %n: tensor<8xf32>) {
  // expected-error @below {{eps must be positive and finite, got}}
  %0 = flowhn.rms_norm %x, [%n] {eps = 0x7FF0000000000000 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @rms_norm_c5(%x: tensor<?x?x8xf32>, %n: tensor<8xf32>) {
  // expected-error @below {{result #0 must have the leading dimensions of the input}}
  %0 = flowhn.rms_norm %x, [%n] {eps = 1.0 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @linear_c1_nothing(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{needs a weight}}
  "flowhn.linear"(%x) {operandSegmentSizes = array<i32: 1, 0, 0, 0, 0>} : (tensor<?x?x8xf32>) -> ()
  return
}

// -----

func.func @linear_c1_rank(%x: tensor<?x?x8xf32>, %n: tensor<8xf32>) {
  // expected-error @below {{weight #0 must be [out, 8], 8 being the input's feature size, got 'tensor<8xf32>'}}
  %0 = flowhn.linear %x [%n] : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @linear_c1_in(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %v: tensor<8x4xf32>) {
  // expected-error @below {{weight #1 must be [out, 8]}}
  %0:2 = flowhn.linear %x [%w, %v] : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8x4xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>)
  return
}

// -----

func.func @linear_c2_results(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{must have 2 results for 2 weights, got 1}}
  %0 = flowhn.linear %x [%w, %w] : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @linear_c2_features(%x: tensor<?x?x8xf32>, %v: tensor<4x8xf32>) {
  // expected-error @below {{result #0 must have the weight's 4 features, got 'tensor<?x?x8xf32>'}}
  %0 = flowhn.linear %x [%v] : (tensor<?x?x8xf32>, tensor<4x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @linear_c2_swiglu(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %v: tensor<4x8xf32>) {
  // expected-error @below {{swiglu takes two weights of one shape, got}}
  %0 = flowhn.linear %x [%w, %v] activation swiglu : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @linear_c3_single(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %n: tensor<8xf32>) {
  // expected-error @below {{bias and residual need a single result, got 2}}
  %0:2 = flowhn.linear %x [%w, %w] bias(%n) : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>)
  return
}

// -----

func.func @linear_c3_bias(%x: tensor<?x?x8xf32>, %v: tensor<4x8xf32>, %n: tensor<8xf32>) {
  // expected-error @below {{bias must be [4], 4 being the result's feature size, got 'tensor<8xf32>'}}
  %0 = flowhn.linear %x [%v] bias(%n) : (tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<8xf32>) -> tensor<?x?x4xf32>
  return
}

// -----

func.func @add_shape(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{requires the same shape for all operands and results}}
  %0 = flowhn.add %x, %x : tensor<?x?x8xf32> -> tensor<?x?x4xbf16>
  return
}

// -----

func.func @linear_c3_residual(%x: tensor<?x?x8xf32>, %v: tensor<4x8xf32>) {
  // expected-error @below {{residual must have the shape of the result 'tensor<?x?x4xf32>', got 'tensor<?x?x8xf32>'}}
  %0 = flowhn.linear %x [%v] residual(%x) : (tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x4xf32>
  return
}

// -----

func.func @linear_c4_eps(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %n: tensor<8xf32>) {
  // expected-error @below {{norm and eps come together, got only norm}}
  %0 = flowhn.linear %x [%w] norm(%n) : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @linear_c4_norm(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{norm and eps come together, got only eps}}
  %0 = flowhn.linear %x [%w] {eps = 1.0 : f64} : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @linear_c4_positive(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %n: tensor<8xf32>) {
  // expected-error @below {{eps must be positive and finite, got -1.000000e+00}}
  %0 = flowhn.linear %x [%w] norm(%n) {eps = -1.0 : f64} : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @linear_c4_size(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %n: tensor<4xf32>) {
  // expected-error @below {{norm must be [8], 8 being the input's feature size, got 'tensor<4xf32>'}}
  %0 = flowhn.linear %x [%w] norm(%n) {eps = 1.0 : f64} : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<4xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @linear_c5(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) {
  // expected-error @below {{result #0 must have the leading dimensions of the input}}
  %0 = flowhn.linear %x [%w] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @slice_c1_negative(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{must lie in the input's 8 features, got 4 from -1}}
  %0 = flowhn.slice %x from -1 : tensor<?x?x8xf32> -> tensor<?x?x4xf32>
  return
}

// -----

func.func @slice_c1_end(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{must lie in the input's 8 features, got 4 from 5}}
  %0 = flowhn.slice %x from 5 : tensor<?x?x8xf32> -> tensor<?x?x4xf32>
  return
}

// -----

func.func @slice_c1_overflow(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{must lie in the input's 8 features}}
  %0 = flowhn.slice %x from 9223372036854775807 : tensor<?x?x8xf32> -> tensor<?x?x4xf32>
  return
}

// -----

func.func @slice_c2(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{result must have the batch, tokens and element type of the input}}
  %0 = flowhn.slice %x from 0 : tensor<?x?x8xf32> -> tensor<?x?x4xbf16>
  return
}

// -----

func.func @attention_c1_zero(%x: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{heads must divide the query's features and kv_heads the heads, got 8 features, 0 heads and 1 kv_heads}}
  %0 = flowhn.attention %x, %k, %k at(%b, %l) heads(0, 1) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @attention_c1_kv_zero(%x: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{got 8 features, 4 heads and 0 kv_heads}}
  %0 = flowhn.attention %x, %k, %k at(%b, %l) heads(4, 0) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @attention_c1_heads(%x: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{got 8 features, 3 heads and 1 kv_heads}}
  %0 = flowhn.attention %x, %k, %k at(%b, %l) heads(3, 1) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @attention_c1_kv(%x: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{got 8 features, 4 heads and 3 kv_heads}}
  %0 = flowhn.attention %x, %k, %k at(%b, %l) heads(4, 3) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @attention_c2(%x: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{key and value must have one type, of 4 features, got}}
  %0 = flowhn.attention %x, %k, %k at(%b, %l) heads(4, 2) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @attention_c3(%x: tensor<?x?x8xf32>, %k: tensor<?x?x4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %s: !flowhn.state<kv, tensor<8xbf16>>) {
  // expected-error @below {{state must be '!flowhn.state<kv, tensor<8xf32>>', got '!flowhn.state<kv, tensor<8xbf16>>'}}
  %0 = flowhn.attention %x, %k, %k at(%b, %l) heads(4, 2) state(%s) : (tensor<?x?x8xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>, !flowhn.state<kv, tensor<8xbf16>>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @attention_c3_queries(%x: tensor<?x?x8xf32>, %k: tensor<?x?x4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %s: !flowhn.state<kv, tensor<8xf32>>) {
  // expected-error @below {{takes no queries with a state}}
  %0 = flowhn.attention %x, %k, %k at(%b, %l) queries(%l) heads(4, 2) state(%s) : (tensor<?x?x8xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, !flowhn.state<kv, tensor<8xf32>>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @causal_conv1d_c1(%x: tensor<?x?x8xf32>, %w: tensor<8x4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{weight must be [8, 1, k], 8 being the input's feature size, got 'tensor<8x4xf32>'}}
  %0 = flowhn.causal_conv1d %x, %w at(%b, %l) : (tensor<?x?x8xf32>, tensor<8x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @causal_conv1d_c1_empty(%x: tensor<?x?x8xf32>, %w: tensor<8x1x0xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{weight must be [8, 1, k]}}
  %0 = flowhn.causal_conv1d %x, %w at(%b, %l) : (tensor<?x?x8xf32>, tensor<8x1x0xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @causal_conv1d_c2(%x: tensor<?x?x8xf32>, %w: tensor<8x1x4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %n: tensor<4xf32>) {
  // expected-error @below {{bias must be [8], 8 being the input's feature size, got 'tensor<4xf32>'}}
  %0 = flowhn.causal_conv1d %x, %w at(%b, %l) bias(%n) : (tensor<?x?x8xf32>, tensor<8x1x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<4xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @causal_conv1d_c3(%x: tensor<?x?x8xf32>, %w: tensor<8x1x4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %s: !flowhn.state<conv, tensor<4x8xf32>>) {
  // expected-error @below {{state must be '!flowhn.state<conv, tensor<3x8xf32>>', got '!flowhn.state<conv, tensor<4x8xf32>>'}}
  %0 = flowhn.causal_conv1d %x, %w at(%b, %l) state(%s) : (tensor<?x?x8xf32>, tensor<8x1x4xf32>, tensor<?xi32>, tensor<?xi32>, !flowhn.state<conv, tensor<4x8xf32>>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @causal_conv1d_c4(%x: tensor<?x?x8xf32>, %w: tensor<8x1x4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{activation must be silu, got swiglu}}
  %0 = flowhn.causal_conv1d %x, %w at(%b, %l) activation swiglu : (tensor<?x?x8xf32>, tensor<8x1x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @selective_scan_c1(%x: tensor<?x?x8xf32>, %A: tensor<4x2xf32>, %B: tensor<?x?x2xf32>, %D: tensor<8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{a_log must be [8, N], 8 being the input's feature size, got 'tensor<4x2xf32>'}}
  %0 = flowhn.selective_scan %x, %x, %A, %B, %B, %D at(%b, %l) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @selective_scan_c2(%x: tensor<?x?x8xf32>, %A: tensor<8x2xf32>, %B: tensor<?x?x3xf32>, %D: tensor<8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{b and c must have N = 2 features, got}}
  %0 = flowhn.selective_scan %x, %x, %A, %B, %B, %D at(%b, %l) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x2xf32>, tensor<?x?x3xf32>, tensor<?x?x3xf32>, tensor<8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @selective_scan_c3(%x: tensor<?x?x8xf32>, %A: tensor<8x2xf32>, %B: tensor<?x?x2xf32>, %D: tensor<4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>) {
  // expected-error @below {{d must be [8], 8 being the input's feature size, got 'tensor<4xf32>'}}
  %0 = flowhn.selective_scan %x, %x, %A, %B, %B, %D at(%b, %l) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @selective_scan_c4(%x: tensor<?x?x8xf32>, %A: tensor<8x2xf32>, %B: tensor<?x?x2xf32>, %D: tensor<8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %g: tensor<?x?x4xf32>) {
  // expected-error @below {{gate must have the input's type 'tensor<?x?x8xf32>', got 'tensor<?x?x4xf32>'}}
  %0 = flowhn.selective_scan %x, %x, %A, %B, %B, %D at(%b, %l) gate(%g) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?x4xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @selective_scan_c5(%x: tensor<?x?x8xf32>, %A: tensor<8x2xf32>, %B: tensor<?x?x2xf32>, %D: tensor<8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %s: !flowhn.state<conv, tensor<8x2xf32>>) {
  // expected-error @below {{state must be '!flowhn.state<scan, tensor<8x2xf32>>', got '!flowhn.state<conv, tensor<8x2xf32>>'}}
  %0 = flowhn.selective_scan %x, %x, %A, %B, %B, %D at(%b, %l) state(%s) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<8xf32>, tensor<?xi32>, tensor<?xi32>, !flowhn.state<conv, tensor<8x2xf32>>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @tokens_static_features(%x: tensor<?x?x?xf32>) {
  // expected-error @below {{with static features}}
  %0 = flowhn.silu %x : tensor<?x?x?xf32>
  return
}

// -----

func.func @tokens_unranked(%x: tensor<*xf32>) {
  // expected-error @below {{invalid kind of type specified}}
  %0 = flowhn.silu %x : tensor<*xf32>
  return
}

// -----

func.func @weight_unranked(%x: tensor<?x?x8xf32>, %w: tensor<*xf32>) {
  // expected-error @below {{statically shaped tensor}}
  %0 = flowhn.linear %x [%w] : (tensor<?x?x8xf32>, tensor<*xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// expected-error @below {{attribute "flowhn.block" must be a unit attribute of a func.func}}
func.func private @flowhn_c1(tensor<?x?x8xf32>) -> tensor<?x?x8xf32> attributes {flowhn.block = 1 : i64}

// -----

func.func private @block_0(tensor<?x?x8xf32>) -> tensor<?x?x8xf32> attributes {flowhn.block}
func.func @flowhn_c2(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{attribute "flowhn.index" must be an i64 >= 0 of a func.call}}
  %0 = call @block_0(%x) {flowhn.index = -1 : i64} : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// expected-error @below {{attribute "flowhn.tokenizer" must be a string of a flowhn.model}}
flowhn.model @flowhn_c3 split<none> attributes {flowhn.tokenizer = 1 : i64} {
}

// -----

// expected-error @below {{attribute "flowhn.times" must be #flowhn.times of a flowhn.block or func.call}}
flowhn.model @flowhn_c4 split<none> attributes {flowhn.times = 1 : i64} {
}

// -----

// expected-error @below {{attribute "flowhn.step" must be a unit attribute of a func.func}}
flowhn.model @flowhn_c5 split<none> attributes {flowhn.step} {
}

// -----

// expected-error @below {{a state of kind scan has rows of static shape, rank 2 and float32 elements, got 'tensor<8x2xbf16>'}}
func.func private @state_type_c1(!flowhn.state<scan, tensor<8x2xbf16>>)

// -----

flowhn.model @get_state_c1 split<none> {
  func.func @step(%slots: tensor<?xi32>) {
    // expected-error @below {{must name a state of the model, got @kv}}
    %s = flowhn.get_state @kv at(%slots) : tensor<?xi32> -> !flowhn.state<kv, tensor<8xf32>>
    return
  }
}

// -----

flowhn.model @get_state_c2 split<none> {
  flowhn.state @kv : !flowhn.state<kv, tensor<4xf32>>
  func.func @step(%slots: tensor<?xi32>) {
    // expected-error @below {{must have the state's type '!flowhn.state<kv, tensor<4xf32>>', got '!flowhn.state<kv, tensor<8xf32>>'}}
    %s = flowhn.get_state @kv at(%slots) : tensor<?xi32> -> !flowhn.state<kv, tensor<8xf32>>
    return
  }
}

// -----

// expected-error @below {{times are of a call of at least 1 x 1 tokens, got 0 x 8}}
#times_c1 = #flowhn.times<schedule = serial, batch = 0, tokens = 8, attention = 1, ssm = 1, joint = 1, serial = 3, streams = 3, grouped = 0>

// -----

// expected-error @below {{times must not be negative, got -1}}
#times_c1_negative = #flowhn.times<schedule = serial, batch = 1, tokens = 8, attention = -1, ssm = 1, joint = 1, serial = 3, streams = 3, grouped = 0>
