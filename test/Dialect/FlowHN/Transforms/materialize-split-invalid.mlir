// Without a row of the plan there are no positions, and a block that fuses tokens
// cannot have a window that shared none out.
// RUN: flowhn-opt %s --split-input-file --verify-diagnostics --flowhn-materialize-split

flowhn.model @no_plan split<ae> {
  func.func @forward(%x: tensor<?x?x4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) {
    // expected-error @below {{'flowhn.split' op needs the model's plan; run --flowhn-choose-split first}}
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 0 : tensor<?x?x4xf32>, tensor<?xi32>
    return
  }
}

// -----

flowhn.model @short_plan split<ae> plan [#flowhn.window<last ceil 1/2>] {
  func.func @forward(%x: tensor<?x?x4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) {
    // expected-error @below {{'flowhn.split' op needs row 1 of the plan, got a plan of 1 rows}}
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 1 : tensor<?x?x4xf32>, tensor<?xi32>
    return
  }
}

// -----

flowhn.model @fuse_all split<none> plan [#flowhn.window<all>] {
  func.func @forward(%x: tensor<?x?x4xf32>, %w: tensor<4x4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x4xf32> {
    // expected-error @below {{'flowhn.fuse' op tokens cannot join branches that saw every token, as block 0 of the plan says}}
    %y = flowhn.fuse tokens(%x, %x) project(%w) at(%begin, %length) block 0
        : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
    return %y : tensor<?x?x4xf32>
  }
}

// -----

flowhn.model @local_positions split<ae> plan [#flowhn.window<last ceil 1/2>, #flowhn.window<first floor 1/2>] {
  func.func @forward(%x: tensor<?x?x4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) {
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 0 : tensor<?x?x4xf32>, tensor<?xi32>
    // expected-error @below {{'flowhn.split' op begin and length must be arguments of the function around}}
    %a1, %ab1, %al1, %s1, %sb1, %sl1 = flowhn.split %a at(%ab, %al) block 1 : tensor<?x?x4xf32>, tensor<?xi32>
    return
  }
}
