// Products of both branches in one launch: `auto` takes it where it is predicted to take least
// time, and a block that has no such products is left out. A table of round numbers: a launch
// takes 100 ns, a round of tiles 541, 10 bytes 1 ns, and streams hide all that they can. Each
// branch has 68 rows of the 17 sequences: fewer than 65 would share no launch.
// RUN: sed 's/1e9/1e10/' %S/Inputs/calibration.json > %t.json
// RUN: flowhn-opt %s --flowhn-schedule-branches="target=nvptx batch=17 calibration=%t.json" --verify-diagnostics | FileCheck %s
// RUN: flowhn-opt %s --flowhn-schedule-branches="target=nvptx batch=17 mode=streams calibration=%t.json" 2>/dev/null | FileCheck %s --check-prefix=STREAMS
// RUN: flowhn-opt %s --flowhn-schedule-branches="target=nvptx chip=sm_80" 2>/dev/null | FileCheck %s --check-prefix=OTHER
// RUN: not flowhn-opt %s --flowhn-schedule-branches=mode=grouped 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not flowhn-opt %s --flowhn-schedule-branches="mode=grouped target=nvptx chip=sm_80" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not flowhn-opt %s --flowhn-schedule-branches="mode=grouped target=nvptx" 2>&1 | FileCheck %s --check-prefix=NONE
// TARGET: error: the schedule 'grouped' needs the target nvptx, got cpu
// CHIP: error: the schedule 'grouped' needs a chip with warpgroup products, got sm_80
// NONE: error: the schedule 'grouped' needs two branches with products of one 16-bit type

// CHECK-LABEL: func.func private @products
//       CHECK: schedule(grouped)
// CHECK-LABEL: func.func private @bytes
//       CHECK: schedule(streams)
//       CHECK: call @products
//  CHECK-SAME: #flowhn.times<schedule = grouped, {{.*}} attention = 695, ssm = 695, joint = 0, serial = 1390, streams = 795, grouped = 749>
//       CHECK: call @bytes
//  CHECK-SAME: streams = 518, grouped = 0>
//     STREAMS: #flowhn.times<schedule = streams, {{.*}} streams = 795, grouped = 749>
//   OTHER-NOT: schedule(grouped)
//       OTHER: grouped = 0>
flowhn.model @m split<fac, rotate, context = 8>
    plan [#flowhn.window<start = 0, count = 4, period = 8>, #flowhn.window<start = 0, count = 4, period = 8>] {
  func.func private @products(%x: tensor<?x?x4xbf16>, %w: tensor<4x4xbf16>) -> tensor<?x?x4xbf16> attributes {flowhn.block} {
    // expected-remark @below {{branches scheduled: grouped, FLOPs per row of n tokens: attention 32*n, ssm 32*n; predicted for 17 x 8 tokens on sm_90a, in us: serial 1.4, streams 0.8, grouped 0.7, of which}}
    %b:2 = flowhn.parallel -> tensor<?x?x4xbf16>, tensor<?x?x4xbf16> {
    attention {
      %a = flowhn.linear %x [%w] : (tensor<?x?x4xbf16>, tensor<4x4xbf16>) -> tensor<?x?x4xbf16>
      flowhn.yield %a : tensor<?x?x4xbf16>
    }
    ssm {
      %s = flowhn.linear %x [%w] : (tensor<?x?x4xbf16>, tensor<4x4xbf16>) -> tensor<?x?x4xbf16>
      flowhn.yield %s : tensor<?x?x4xbf16>
    }
    }
    return %b#0 : tensor<?x?x4xbf16>
  }
  func.func private @bytes(%x: tensor<?x?x4xbf16>) -> tensor<?x?x4xbf16> attributes {flowhn.block} {
    // expected-remark @below {{branches scheduled: streams}}
    %b:2 = flowhn.parallel -> tensor<?x?x4xbf16>, tensor<?x?x4xbf16> {
    attention {
      %a = flowhn.silu %x : tensor<?x?x4xbf16>
      flowhn.yield %a : tensor<?x?x4xbf16>
    }
    ssm {
      %t = flowhn.silu %x : tensor<?x?x4xbf16>
      %s = flowhn.silu %t : tensor<?x?x4xbf16>
      flowhn.yield %s : tensor<?x?x4xbf16>
    }
    }
    return %b#0 : tensor<?x?x4xbf16>
  }
  func.func @forward(%x: tensor<?x?x4xbf16>, %w: tensor<4x4xbf16>) -> tensor<?x?x4xbf16> {
    %0 = call @products(%x, %w) {flowhn.index = 0 : i64} : (tensor<?x?x4xbf16>, tensor<4x4xbf16>) -> tensor<?x?x4xbf16>
    %1 = call @bytes(%0) {flowhn.index = 1 : i64} : (tensor<?x?x4xbf16>) -> tensor<?x?x4xbf16>
    return %1 : tensor<?x?x4xbf16>
  }
}
