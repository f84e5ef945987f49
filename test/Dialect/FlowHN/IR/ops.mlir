// Every op of the dialect in every form of its assembly prints as it was read,
// in the custom and in the generic form: dumps between passes are valid input.
// RUN: flowhn-opt %s | flowhn-opt | FileCheck %s
// RUN: flowhn-opt %s --mlir-print-op-generic | flowhn-opt | FileCheck %s

// CHECK-LABEL: flowhn.model @structure split<fac, rotate, context = 512, attention_tokens = [286]>
// CHECK-SAME:    plan [#flowhn.window<start = 226, count = 286, period = 512>] {
flowhn.model @structure split<fac, rotate, context = 512, attention_tokens = [286]>
    plan [#flowhn.window<start = 226, count = 286, period = 512>] {
  // CHECK: flowhn.parameter @branch_proj.weight : tensor<8x8xbf16>
  flowhn.parameter @branch_proj.weight : tensor<8x8xbf16>
  // CHECK: flowhn.parameter @table : tensor<16x8xi8> scale @table.scale
  flowhn.parameter @table : tensor<16x8xi8> scale @table.scale
  // CHECK: flowhn.parameter @table.scale : tensor<16xf32>
  flowhn.parameter @table.scale : tensor<16xf32>
  // CHECK: flowhn.state @blocks.0.kv : !flowhn.state<kv, tensor<8xf32>> block 0
  flowhn.state @blocks.0.kv : !flowhn.state<kv, tensor<8xf32>> block 0
  // CHECK: flowhn.state @scan : !flowhn.state<scan, tensor<8x2xf32>>{{$}}
  flowhn.state @scan : !flowhn.state<scan, tensor<8x2xf32>>

  // CHECK-LABEL: func.func @forward
  // CHECK-SAME:    (%[[IDS:.*]]: tensor<?x?xi32>, %[[BEGIN:.*]]: tensor<?xi32>, %[[LENGTH:.*]]: tensor<?xi32>, %[[SELECT:.*]]: tensor<?xi32>)
  func.func @forward(%ids: tensor<?x?xi32>, %begin: tensor<?xi32>, %length: tensor<?xi32>,
                     %select: tensor<?xi32>) -> tensor<?x8xf32> {
    // CHECK: %[[TABLE:.*]] = flowhn.get_parameter @table : tensor<16x8xi8>
    %table = flowhn.get_parameter @table : tensor<16x8xi8>
    // CHECK: %[[X:.*]] = flowhn.embedding %[[IDS]], %[[TABLE]] : (tensor<?x?xi32>, tensor<16x8xi8>) -> tensor<?x?x8xf32>
    %x = flowhn.embedding %ids, %table : (tensor<?x?xi32>, tensor<16x8xi8>) -> tensor<?x?x8xf32>
    // CHECK: %[[Y:.*]] = flowhn.block 0(%[[X]]) {
    %y = flowhn.block 0(%x) {
      // CHECK: %[[A:.*]], %[[AB:.*]], %[[AL:.*]], %[[S:.*]], %[[SB:.*]], %[[SL:.*]] = flowhn.split %[[X]] at(%[[BEGIN]], %[[LENGTH]]) block 0 : tensor<?x?x8xf32>, tensor<?xi32>
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 0
          : tensor<?x?x8xf32>, tensor<?xi32>
      // CHECK: %[[F:.*]]:2 = flowhn.parallel -> tensor<?x?x8xf32>, tensor<?x?x8xf32> {
      // CHECK-NEXT: attention {
      // CHECK-NEXT:   flowhn.yield %[[A]] : tensor<?x?x8xf32>
      // CHECK-NEXT: }
      // CHECK-NEXT: ssm {
      // CHECK-NEXT:   flowhn.yield %[[S]] : tensor<?x?x8xf32>
      // CHECK-NEXT: }
      // CHECK-NEXT: }
      %f:2 = flowhn.parallel -> tensor<?x?x8xf32>, tensor<?x?x8xf32> {
      attention {
        flowhn.yield %a : tensor<?x?x8xf32>
      }
      ssm {
        flowhn.yield %s : tensor<?x?x8xf32>
      }
      }
      // CHECK: %[[W:.*]] = flowhn.get_parameter
      %w = flowhn.get_parameter @branch_proj.weight : tensor<8x8xbf16>
      // CHECK: %[[FUSED:.*]] = flowhn.fuse tokens(%[[F]]#0, %[[F]]#1) project(%[[W]]) at(%[[BEGIN]], %[[LENGTH]]) block 0
      // CHECK-SAME: : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xbf16>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
      %fused = flowhn.fuse tokens(%f#0, %f#1) project(%w) at(%begin, %length) block 0
          : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xbf16>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
      // CHECK: flowhn.yield %[[FUSED]] : tensor<?x?x8xf32>
      flowhn.yield %fused : tensor<?x?x8xf32>
    // CHECK: } : tensor<?x?x8xf32>
    } : tensor<?x?x8xf32>
    // CHECK: flowhn.select_tokens %[[Y]], %[[LENGTH]], %[[SELECT]] : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x8xf32>
    %out = flowhn.select_tokens %y, %length, %select : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x8xf32>
    return %out : tensor<?x8xf32>
  }

  // CHECK-LABEL: func.func @step
  // CHECK-SAME:    attributes {flowhn.step}
  func.func @step(%slots: tensor<?xi32>) attributes {flowhn.step} {
    // CHECK: flowhn.get_state @blocks.0.kv at(%{{.*}}) : tensor<?xi32> -> !flowhn.state<kv, tensor<8xf32>>
    %kv = flowhn.get_state @blocks.0.kv at(%slots) : tensor<?xi32> -> !flowhn.state<kv, tensor<8xf32>>
    return
  }
}

// A model without a plan, with attributes of others.
// CHECK-LABEL: flowhn.model @empty split<none> attributes {note = 1 : i64} {
flowhn.model @empty split<none> attributes {note = 1 : i64} {
}

// CHECK-LABEL: func.func @segments
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x?x8xf32>, %[[B:[a-z0-9]+]]: tensor<?xi32>, %[[L:[a-z0-9]+]]: tensor<?xi32>, %[[W:[a-z0-9]+]]: tensor<8x8xf32>
func.func @segments(%x: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %w: tensor<8x8xf32>) -> tensor<?x?x8xf32> {
  // CHECK: %[[AS:.*]], %[[SS:.*]] = flowhn.segments <last ceil 1/2> at(%[[B]], %[[L]]) : tensor<?xi32> -> tensor<?x2x2xi32>
  %as, %ss = flowhn.segments <last ceil 1/2> at(%begin, %length) : tensor<?xi32> -> tensor<?x2x2xi32>
  // CHECK: flowhn.split %[[X]] at(%[[B]], %[[L]]) segments(%[[AS]], %[[SS]] : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x8xf32>, tensor<?xi32>
  %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%as, %ss : tensor<?x2x2xi32>, tensor<?x2x2xi32>)
      : tensor<?x?x8xf32>, tensor<?xi32>
  // CHECK: flowhn.fuse tokens(%{{.*}}, %{{.*}}) project(%[[W]]) at(%[[B]], %[[L]]) segments(%[[AS]], %[[SS]]) residual(%[[X]])
  %y = flowhn.fuse tokens(%a, %s) project(%w) at(%begin, %length) segments(%as, %ss) residual(%x)
      : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x2x2xi32>, tensor<?x2x2xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: func.func @scheduled
func.func @scheduled(%x: tensor<?x?x8xf32>, %w: tensor<4x16xf32>) -> tensor<?x?x4xf32> {
  // CHECK: %[[F:.*]]:2 = flowhn.parallel schedule(streams) attributes {note} -> tensor<?x?x8xf32>, tensor<?x?x8xf32> {
  %f:2 = flowhn.parallel schedule(streams) attributes {note} -> tensor<?x?x8xf32>, tensor<?x?x8xf32> {
  ssm {
    flowhn.yield %x : tensor<?x?x8xf32>
  }
  attention {
    flowhn.yield %x : tensor<?x?x8xf32>
  }
  }
  // CHECK: flowhn.fuse features(%[[F]]#0, %[[F]]#1) project(%{{.*}}) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x16xf32>) -> tensor<?x?x4xf32>
  %y = flowhn.fuse features(%f#0, %f#1) project(%w) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<4x16xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%x: tensor<?x?x8xf32>, %w8: tensor<8xf32>, %w3: tensor<3xf32>, %w5: tensor<5xf32>, %r: tensor<?x8xf32>) {
  // CHECK: flowhn.rms_norm %{{.*}}, [%{{.*}}] {eps = 9.9999999999999995E-7 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  %0 = flowhn.rms_norm %x, [%w8] {eps = 1.0e-6 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  // CHECK: flowhn.rms_norm %{{.*}}, [%{{.*}}, %{{.*}}] {eps = 1.000000e+00 : f64} : (tensor<?x?x8xf32>, tensor<3xf32>, tensor<5xf32>) -> tensor<?x?x3xf32>, tensor<?x?x5xf32>
  %1:2 = flowhn.rms_norm %x, [%w3, %w5] {eps = 1.0 : f64} : (tensor<?x?x8xf32>, tensor<3xf32>, tensor<5xf32>) -> tensor<?x?x3xf32>, tensor<?x?x5xf32>
  // CHECK: flowhn.rms_norm %{{.*}} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %2 = flowhn.rms_norm %r, [%w8] {eps = 1.0 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: flowhn.add %{{.*}}, %{{.*}} : tensor<?x?x8xf32>
  %3 = flowhn.add %x, %0 : tensor<?x?x8xf32>
  // CHECK: flowhn.add %{{.*}}, %{{.*}} : tensor<?x?x8xf32> -> tensor<?x?x8xbf16>
  %rounded = flowhn.add %x, %0 : tensor<?x?x8xf32> -> tensor<?x?x8xbf16>
  // CHECK: flowhn.silu %{{.*}} : tensor<?x?x8xf32>
  %4 = flowhn.silu %x : tensor<?x?x8xf32>
  // CHECK: flowhn.swiglu %{{.*}}, %{{.*}} : tensor<?x?x8xf32>
  %5 = flowhn.swiglu %x, %4 : tensor<?x?x8xf32>
  // CHECK: flowhn.slice %{{.*}} from 3 : tensor<?x?x8xf32> -> tensor<?x?x5xf32>
  %6 = flowhn.slice %x from 3 : tensor<?x?x8xf32> -> tensor<?x?x5xf32>
  return
}

// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<?x?x8xf32>, %w: tensor<8x8xbf16>, %n: tensor<8xf32>, %wk: tensor<4x8xf32>, %r: tensor<?x8xf32>) {
  // CHECK: flowhn.linear %{{.*}}[%{{.*}}, %{{.*}}] : (tensor<?x?x8xf32>, tensor<8x8xbf16>, tensor<4x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x4xf32>)
  %q, %k = flowhn.linear %x [%w, %wk] : (tensor<?x?x8xf32>, tensor<8x8xbf16>, tensor<4x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x4xf32>)
  // CHECK: flowhn.linear %{{.*}}[%{{.*}}, %{{.*}}] activation swiglu :
  %h = flowhn.linear %x [%w, %w] activation swiglu : (tensor<?x?x8xf32>, tensor<8x8xbf16>, tensor<8x8xbf16>) -> tensor<?x?x8xf32>
  // CHECK: flowhn.linear %{{.*}}[%{{.*}}] norm(%{{.*}}) bias(%{{.*}}) activation silu residual(%{{.*}}) {eps = 1.000000e+00 : f64} :
  %a = flowhn.linear %x [%w] norm(%n) bias(%n) activation silu residual(%x) {eps = 1.0 : f64}
      : (tensor<?x?x8xf32>, tensor<8x8xbf16>, tensor<8xf32>, tensor<8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // CHECK: flowhn.linear %{{.*}}[%{{.*}}] : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %l = flowhn.linear %r [%wk] : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: func.func @attention
func.func @attention(%q: tensor<?x?x8xf32>, %k: tensor<?x?x4xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %s: !flowhn.state<kv, tensor<8xf32>>) {
  // CHECK: flowhn.attention %{{.*}}, %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}) heads(4, 2) : (
  %0 = flowhn.attention %q, %k, %k at(%b, %l) heads(4, 2)
      : (tensor<?x?x8xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  // CHECK: flowhn.attention %{{.*}}, %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}) heads(4, 2) state(%{{.*}}) : (
  %1 = flowhn.attention %q, %k, %k at(%b, %l) heads(4, 2) state(%s)
      : (tensor<?x?x8xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>, !flowhn.state<kv, tensor<8xf32>>) -> tensor<?x?x8xf32>
  // CHECK: flowhn.attention %{{.*}}, %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}) queries(%{{.*}}) heads(4, 2) : (
  %2 = flowhn.attention %q, %k, %k at(%b, %l) queries(%l) heads(4, 2)
      : (tensor<?x?x8xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// CHECK-LABEL: func.func @last_tokens
func.func @last_tokens(%x: tensor<?x?x8xf32>, %a: tensor<?x2x2xi32>, %s: tensor<?x2x2xi32>, %b: tensor<?xi32>, %l: tensor<?xi32>, %select: tensor<?xi32>) {
  // CHECK: %[[LB:.*]], %[[LL:.*]] = flowhn.last_selected %{{.*}} at(%{{.*}}, %{{.*}}) : tensor<?xi32>, tensor<?xi32>
  %lb, %ll = flowhn.last_selected %select at(%b, %l) : tensor<?xi32>, tensor<?xi32>
  // CHECK: flowhn.last_segments %{{.*}}, %{{.*}} at(%[[LB]], %[[LL]]) : tensor<?x2x2xi32>, tensor<?xi32>
  %la, %ls = flowhn.last_segments %a, %s at(%lb, %ll) : tensor<?x2x2xi32>, tensor<?xi32>
  // CHECK: %[[LAST:.*]] = flowhn.last_tokens %{{.*}} of(%{{.*}}) keep(%[[LL]]) : tensor<?x?x8xf32>, tensor<?xi32>
  %last = flowhn.last_tokens %x of(%l) keep(%ll) : tensor<?x?x8xf32>, tensor<?xi32>
  // CHECK: flowhn.pack_tokens %[[LAST]], %[[LL]] : (tensor<?x?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  %packed = flowhn.pack_tokens %last, %ll : (tensor<?x?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  return
}

// CHECK-LABEL: func.func @ssm
func.func @ssm(%x: tensor<?x?x8xf32>, %w: tensor<8x1x4xf32>, %bias: tensor<8xf32>, %b: tensor<?xi32>, %l: tensor<?xi32>,
               %cs: !flowhn.state<conv, tensor<3x8xf32>>, %alog: tensor<8x2xf32>, %bm: tensor<?x?x2xf32>, %hs: !flowhn.state<scan, tensor<8x2xf32>>) {
  // CHECK: flowhn.causal_conv1d %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}) : (
  %0 = flowhn.causal_conv1d %x, %w at(%b, %l)
      : (tensor<?x?x8xf32>, tensor<8x1x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  // CHECK: flowhn.causal_conv1d %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}) bias(%{{.*}}) activation silu state(%{{.*}}) : (
  %1 = flowhn.causal_conv1d %x, %w at(%b, %l) bias(%bias) activation silu state(%cs)
      : (tensor<?x?x8xf32>, tensor<8x1x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<8xf32>, !flowhn.state<conv, tensor<3x8xf32>>) -> tensor<?x?x8xf32>
  // CHECK: flowhn.selective_scan %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}) : (
  %2 = flowhn.selective_scan %x, %1, %alog, %bm, %bm, %bias at(%b, %l)
      : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
  // CHECK: flowhn.selective_scan %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} at(%{{.*}}, %{{.*}}) gate(%{{.*}}) state(%{{.*}}) : (
  %3 = flowhn.selective_scan %x, %1, %alog, %bm, %bm, %bias at(%b, %l) gate(%x) state(%hs)
      : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?x8xf32>, !flowhn.state<scan, tensor<8x2xf32>>) -> tensor<?x?x8xf32>
  return
}
