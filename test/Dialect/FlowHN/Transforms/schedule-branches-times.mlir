// With predicted times `auto` takes the faster schedule, and they stay on each block. A table of
// round numbers: a launch takes 100 ns, a byte 1 ns, and streams hide all that they can.
// RUN: flowhn-opt %s --flowhn-schedule-branches="target=nvptx batch=1 calibration=%S/Inputs/calibration.json" --verify-diagnostics | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: sed 's/"overlap": 1/"overlap": 0/' %S/Inputs/calibration.json > %t.json
// RUN: flowhn-opt %s --flowhn-schedule-branches="target=nvptx batch=1 calibration=%t.json" 2>/dev/null | FileCheck %s --check-prefix=NONE
// RUN: flowhn-opt %s --flowhn-schedule-branches="target=nvptx batch=1 calibration=%S/Inputs/calibration.json mode=serial" 2>/dev/null | FileCheck %s --check-prefix=SERIAL
// RUN: flowhn-opt %s --flowhn-schedule-branches="target=nvptx chip=sm_80 batch=2 tokens=4" 2>/dev/null | FileCheck %s --check-prefix=CHIP
// RUN: flowhn-opt %s --flowhn-schedule-branches 2>/dev/null | FileCheck %s --check-prefix=CPU

// 4 features of 4 bytes, read and written: 32 ns a token beside the launch. Block 0 gives 4 of 8
// tokens to attention, block 1 gives 6. Serial, 5 launches and 128 + 2 · 128 + 256 bytes in
// block 0; side by side attention hides but for what orders the streams.
// CHECK-LABEL: flowhn.model @times
//       AUTO: flowhn.parallel schedule(streams)
//       AUTO: call @block_0
//  AUTO-SAME: flowhn.times = #flowhn.times<schedule = streams, batch = 1, tokens = 8, attention = 228, ssm = 456, joint = 356, serial = 1040, streams = 912, grouped = 0>
//       AUTO: call @block_0
//  AUTO-SAME: attention = 292, ssm = 328, joint = 356, serial = 976, streams = 784, grouped = 0>
//       NONE: schedule(serial)
//       NONE: serial = 1040, streams = 1140, grouped = 0>
//     SERIAL: schedule(serial)
//     SERIAL: #flowhn.times<schedule = serial, {{.*}} serial = 1040, streams = 912, grouped = 0>
//       CHIP: batch = 2, tokens = 4,
//    CPU-NOT: flowhn.times
flowhn.model @times split<fac, rotate, context = 8>
    plan [#flowhn.window<start = 0, count = 4, period = 8>, #flowhn.window<start = 0, count = 6, period = 8>] {
  func.func private @block_0(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> attributes {flowhn.block} {
    // expected-remark @below {{predicted for 1 x 8 tokens on sm_90a, in us: serial 1.0, streams 0.8, of which attention 0.3, ssm 0.4, the rest 0.4}}
    %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
    attention {
      %a = flowhn.silu %x : tensor<?x?x4xf32>
      flowhn.yield %a : tensor<?x?x4xf32>
    }
    ssm {
      %s = flowhn.silu %x : tensor<?x?x4xf32>
      %t = flowhn.silu %s : tensor<?x?x4xf32>
      flowhn.yield %t : tensor<?x?x4xf32>
    }
    }
    %y = flowhn.silu %b#0 : tensor<?x?x4xf32>
    return %y : tensor<?x?x4xf32>
  }
  func.func @forward(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %0 = call @block_0(%x) {flowhn.index = 0 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    %1 = call @block_0(%0) {flowhn.index = 1 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    return %1 : tensor<?x?x4xf32>
  }
}
