// `auto` runs branches on streams, unless the plan leaves one of them without a
// token in every block that runs it; the other modes ask nothing. Either way a
// remark says what was decided and what the branches cost.
// RUN: flowhn-opt %s --split-input-file --flowhn-schedule-branches --verify-diagnostics | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: flowhn-opt %s --split-input-file --flowhn-schedule-branches=mode=serial 2>/dev/null | FileCheck %s --check-prefixes=CHECK,SERIAL
// RUN: flowhn-opt %s --split-input-file --flowhn-schedule-branches=mode=streams 2>/dev/null | FileCheck %s --check-prefixes=CHECK,CONCURRENT

// No plan yet: nothing is known to be empty. The linears cost 2·4·4 FLOPs a token
// and 2·4·8, attention 2·4·n·(n+1) besides.
// CHECK-LABEL: flowhn.model @unplanned
//        AUTO: flowhn.parallel schedule(streams)
//      SERIAL: flowhn.parallel schedule(serial)
//  CONCURRENT: flowhn.parallel schedule(streams)
flowhn.model @unplanned split<fac, rotate, context = 8> {
  func.func @forward(%x: tensor<?x?x4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %w: tensor<4x4xf32>, %v: tensor<8x4xf32>) -> tensor<?x?x4xf32> {
    // expected-remark @below {{branches scheduled: streams, FLOPs per row of n tokens: attention 8*n^2 + 40*n, ssm 64*n}}
    %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x8xf32> {
    attention {
      %q = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
      %a = flowhn.attention %q, %q, %q at(%begin, %length) heads(1, 1) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
      flowhn.yield %a : tensor<?x?x4xf32>
    }
    ssm {
      %s = flowhn.linear %x [%v] : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
      flowhn.yield %s : tensor<?x?x8xf32>
    }
    }
    return %b#0 : tensor<?x?x4xf32>
  }
}

// -----

// Blocks: no attention position; only attention positions; some of both; a share
// of the call that is all of it; every position to both branches.
// CHECK-LABEL: flowhn.model @planned
//  AUTO: flowhn.block 0
//  AUTO: schedule(serial)
//  AUTO: flowhn.block 1
//  AUTO: schedule(serial)
//  AUTO: flowhn.block 2
//  AUTO: schedule(streams)
//  AUTO: flowhn.block 3
//  AUTO: schedule(serial)
//  AUTO: flowhn.block 4
//  AUTO: schedule(streams)
//  SERIAL-COUNT-5: schedule(serial)
//  CONCURRENT-COUNT-5: schedule(streams)
flowhn.model @planned split<fac, rotate, context = 8, attention_tokens = [0, 8, 4, 8, 8]>
    plan [#flowhn.window<start = 0, count = 0, period = 8>, #flowhn.window<start = 0, count = 8, period = 8>,
          #flowhn.window<start = 4, count = 4, period = 8>, #flowhn.window<first floor 1/1>, #flowhn.window<all>] {
  func.func @forward(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %0 = flowhn.block 0(%x) {
      // expected-remark @below {{branches scheduled: serial}}
      %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
      attention { flowhn.yield %x : tensor<?x?x4xf32> }
      ssm { flowhn.yield %x : tensor<?x?x4xf32> }
      }
      flowhn.yield %b#0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %1 = flowhn.block 1(%0) {
      // expected-remark @below {{branches scheduled: serial}}
      %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
      attention { flowhn.yield %0 : tensor<?x?x4xf32> }
      ssm { flowhn.yield %0 : tensor<?x?x4xf32> }
      }
      flowhn.yield %b#0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %2 = flowhn.block 2(%1) {
      // expected-remark @below {{branches scheduled: streams}}
      %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
      attention { flowhn.yield %1 : tensor<?x?x4xf32> }
      ssm { flowhn.yield %1 : tensor<?x?x4xf32> }
      }
      flowhn.yield %b#0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %3 = flowhn.block 3(%2) {
      // expected-remark @below {{branches scheduled: serial}}
      %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
      attention { flowhn.yield %2 : tensor<?x?x4xf32> }
      ssm { flowhn.yield %2 : tensor<?x?x4xf32> }
      }
      flowhn.yield %b#0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %4 = flowhn.block 4(%3) {
      // expected-remark @below {{branches scheduled: streams}}
      %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
      attention { flowhn.yield %3 : tensor<?x?x4xf32> }
      ssm { flowhn.yield %3 : tensor<?x?x4xf32> }
      }
      flowhn.yield %b#0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %4 : tensor<?x?x4xf32>
  }
}

// -----

// An outlined block runs with the rows of all its calls: @block_0 has attention
// tokens in its second call, @block_1 in none. One branch has nothing beside it.
// CHECK-LABEL: flowhn.model @outlined
//  AUTO: @block_0
//  AUTO: schedule(streams)
//  AUTO: @block_1
//  AUTO: schedule(serial)
//  AUTO: @single
//  AUTO: schedule(serial)
//  SERIAL-COUNT-3: schedule(serial)
//  CONCURRENT-COUNT-3: schedule(streams)
flowhn.model @outlined split<fac, rotate, context = 8>
    plan [#flowhn.window<start = 0, count = 0, period = 8>, #flowhn.window<start = 0, count = 4, period = 8>,
          #flowhn.window<start = 0, count = 0, period = 8>] {
  func.func private @block_0(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> attributes {flowhn.block} {
    // expected-remark @below {{branches scheduled: streams}}
    %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
    attention { flowhn.yield %x : tensor<?x?x4xf32> }
    ssm { flowhn.yield %x : tensor<?x?x4xf32> }
    }
    return %b#0 : tensor<?x?x4xf32>
  }
  func.func private @block_1(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> attributes {flowhn.block} {
    // expected-remark @below {{branches scheduled: serial}}
    %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
    attention { flowhn.yield %x : tensor<?x?x4xf32> }
    ssm { flowhn.yield %x : tensor<?x?x4xf32> }
    }
    return %b#1 : tensor<?x?x4xf32>
  }
  func.func @single(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    // expected-remark @below {{branches scheduled: serial}}
    %b = flowhn.parallel -> tensor<?x?x4xf32> {
    ssm { flowhn.yield %x : tensor<?x?x4xf32> }
    }
    return %b : tensor<?x?x4xf32>
  }
  func.func @forward(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %0 = call @block_0(%x) {flowhn.index = 0 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    %1 = call @block_0(%0) {flowhn.index = 1 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    %2 = call @block_1(%1) {flowhn.index = 2 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    return %2 : tensor<?x?x4xf32>
  }
}
