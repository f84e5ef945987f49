// Every fusion of flowhn-fuse-ops with what it needs, and next to it the case that
// must be left alone because one condition fails.
// RUN: flowhn-opt %s --split-input-file --flowhn-fuse-ops | FileCheck %s --check-prefixes=CHECK,KERNEL
// RUN: flowhn-opt %s --split-input-file --flowhn-fuse-ops=norm=prologue | FileCheck %s --check-prefixes=CHECK,PROLOGUE

//===----------------------------------------------------------------------===//
// Merge
//===----------------------------------------------------------------------===//

// Weights keep the order of the program, not of the uses; a weight that is fetched
// later moves up. The linear with a bias and the one in another storage type stay.
// CHECK-LABEL: func.func @linears
//  CHECK-SAME: (%[[X:.+]]: tensor<?x?x4xf32>, %[[V:.+]]: tensor<2x4xf32>, %[[B:.+]]: tensor<4xf32>, %[[H:.+]]: tensor<4x4xbf16>)
//       CHECK: %[[Q:.+]] = flowhn.get_parameter @q
//       CHECK: %[[K:.+]] = flowhn.get_parameter @k
//       CHECK: %[[L:.+]]:3 = flowhn.linear %[[X]][%[[Q]], %[[K]], %[[V]]] : {{.*}} -> (tensor<?x?x4xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>)
//       CHECK: %[[BIASED:.+]] = flowhn.linear %[[X]][%[[Q]]] bias(%[[B]])
//       CHECK: %[[HALF:.+]] = flowhn.linear %[[X]][%[[H]]]
//       CHECK: return %[[L]]#2, %[[L]]#1, %[[L]]#0, %[[BIASED]], %[[HALF]]
flowhn.model @merge split<none> {
  flowhn.parameter @q : tensor<4x4xf32>
  flowhn.parameter @k : tensor<2x4xf32>
  func.func @linears(%x: tensor<?x?x4xf32>, %wv: tensor<2x4xf32>, %b: tensor<4xf32>, %h: tensor<4x4xbf16>) -> (tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
    %wq = flowhn.get_parameter @q : tensor<4x4xf32>
    %q = flowhn.linear %x [%wq] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
    %biased = flowhn.linear %x [%wq] bias(%b) : (tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
    %half = flowhn.linear %x [%h] : (tensor<?x?x4xf32>, tensor<4x4xbf16>) -> tensor<?x?x4xf32>
    %wk = flowhn.get_parameter @k : tensor<2x4xf32>
    %k = flowhn.linear %x [%wk] : (tensor<?x?x4xf32>, tensor<2x4xf32>) -> tensor<?x?x2xf32>
    %v = flowhn.linear %x [%wv] : (tensor<?x?x4xf32>, tensor<2x4xf32>) -> tensor<?x?x2xf32>
    return %v, %k, %q, %biased, %half : tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>
  }
}

// -----

// Branches may run at different times: linears of different regions stay apart.
// CHECK-LABEL: func.func @linears_apart
// CHECK-COUNT-2: flowhn.linear %{{.+}}[%{{[a-z0-9]+}}] :
func.func @linears_apart(%x: tensor<?x?x4xf32>, %w: tensor<4x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  %y:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
  attention {
    %0 = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
    flowhn.yield %0 : tensor<?x?x4xf32>
  }
  ssm {
    %0 = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
    flowhn.yield %0 : tensor<?x?x4xf32>
  }
  }
  return %y#0, %y#1 : tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// -----

// Sections go by offset, whatever the order of the norms.
// CHECK-LABEL: func.func @sections
//  CHECK-SAME: (%[[X:.+]]: tensor<?x?x7xf32>, %[[A:.+]]: tensor<2xf32>, %[[B:.+]]: tensor<2xf32>, %[[C:.+]]: tensor<3xf32>)
//  CHECK-NEXT: %[[N:.+]]:3 = flowhn.rms_norm %[[X]], [%[[A]], %[[B]], %[[C]]] {eps = 1.000000e-05 : f64} : {{.*}} -> tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<?x?x3xf32>
//  CHECK-NEXT: return %[[N]]#2, %[[N]]#0, %[[N]]#1
func.func @sections(%x: tensor<?x?x7xf32>, %a: tensor<2xf32>, %b: tensor<2xf32>, %c: tensor<3xf32>) -> (tensor<?x?x3xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>) {
  %2 = flowhn.slice %x from 4 : tensor<?x?x7xf32> -> tensor<?x?x3xf32>
  %n2 = flowhn.rms_norm %2, [%c] {eps = 1.0e-5 : f64} : (tensor<?x?x3xf32>, tensor<3xf32>) -> tensor<?x?x3xf32>
  %0 = flowhn.slice %x from 0 : tensor<?x?x7xf32> -> tensor<?x?x2xf32>
  %1 = flowhn.slice %x from 2 : tensor<?x?x7xf32> -> tensor<?x?x2xf32>
  %n0 = flowhn.rms_norm %0, [%a] {eps = 1.0e-5 : f64} : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %n1 = flowhn.rms_norm %1, [%b] {eps = 1.0e-5 : f64} : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  return %n2, %n0, %n1 : tensor<?x?x3xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>
}

// -----

// The sections stop short of the last feature.
// CHECK-LABEL: func.func @sections_of_a_part
// CHECK-COUNT-2: flowhn.rms_norm %{{.+}}, [%{{[a-z0-9]+}}]
func.func @sections_of_a_part(%x: tensor<?x?x5xf32>, %a: tensor<2xf32>) -> (tensor<?x?x2xf32>, tensor<?x?x2xf32>) {
  %0 = flowhn.slice %x from 0 : tensor<?x?x5xf32> -> tensor<?x?x2xf32>
  %1 = flowhn.slice %x from 2 : tensor<?x?x5xf32> -> tensor<?x?x2xf32>
  %n0 = flowhn.rms_norm %0, [%a] {eps = 1.0e-5 : f64} : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %n1 = flowhn.rms_norm %1, [%a] {eps = 1.0e-5 : f64} : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  return %n0, %n1 : tensor<?x?x2xf32>, tensor<?x?x2xf32>
}

// -----

// The sizes add up, but feature 1 is in both sections and feature 4 in none.
// CHECK-LABEL: func.func @sections_that_overlap
// CHECK-COUNT-2: flowhn.rms_norm %{{.+}}, [%{{[a-z0-9]+}}]
func.func @sections_that_overlap(%x: tensor<?x?x5xf32>, %a: tensor<2xf32>, %b: tensor<3xf32>) -> (tensor<?x?x2xf32>, tensor<?x?x3xf32>) {
  %0 = flowhn.slice %x from 0 : tensor<?x?x5xf32> -> tensor<?x?x2xf32>
  %1 = flowhn.slice %x from 1 : tensor<?x?x5xf32> -> tensor<?x?x3xf32>
  %n0 = flowhn.rms_norm %0, [%a] {eps = 1.0e-5 : f64} : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %n1 = flowhn.rms_norm %1, [%b] {eps = 1.0e-5 : f64} : (tensor<?x?x3xf32>, tensor<3xf32>) -> tensor<?x?x3xf32>
  return %n0, %n1 : tensor<?x?x2xf32>, tensor<?x?x3xf32>
}

// -----

// CHECK-LABEL: func.func @sections_of_two_eps
// CHECK-COUNT-2: flowhn.rms_norm %{{.+}}, [%{{[a-z0-9]+}}]
func.func @sections_of_two_eps(%x: tensor<?x?x4xf32>, %a: tensor<2xf32>) -> (tensor<?x?x2xf32>, tensor<?x?x2xf32>) {
  %0 = flowhn.slice %x from 0 : tensor<?x?x4xf32> -> tensor<?x?x2xf32>
  %1 = flowhn.slice %x from 2 : tensor<?x?x4xf32> -> tensor<?x?x2xf32>
  %n0 = flowhn.rms_norm %0, [%a] {eps = 1.0e-5 : f64} : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  %n1 = flowhn.rms_norm %1, [%a] {eps = 1.0e-6 : f64} : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
  return %n0, %n1 : tensor<?x?x2xf32>, tensor<?x?x2xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Epilogues
//===----------------------------------------------------------------------===//

// The whole feed-forward half of a branch. The gate is the first weight even where
// the program computes it second.
// CHECK-LABEL: func.func @feed_forward
//  CHECK-SAME: (%[[X:.+]]: tensor<?x?x4xf32>, %[[W:.+]]: tensor<4xf32>, %[[GATE:.+]]: tensor<6x4xf32>, %[[UP:.+]]: tensor<6x4xf32>, %[[DOWN:.+]]: tensor<4x6xf32>)
// KERNEL-NEXT: %[[N:.+]] = flowhn.rms_norm %[[X]], [%[[W]]]
// KERNEL-NEXT: %[[H:.+]] = flowhn.linear %[[N]][%[[GATE]], %[[UP]]] activation swiglu :
// PROLOGUE-NEXT: %[[H:.+]] = flowhn.linear %[[X]][%[[GATE]], %[[UP]]] norm(%[[W]]) activation swiglu {eps = 1.000000e-05 : f64}
//  CHECK-NEXT: %[[Y:.+]] = flowhn.linear %[[H]][%[[DOWN]]] residual(%[[X]])
//  CHECK-NEXT: return %[[Y]]
func.func @feed_forward(%x: tensor<?x?x4xf32>, %w: tensor<4xf32>, %wg: tensor<6x4xf32>, %wu: tensor<6x4xf32>, %wd: tensor<4x6xf32>) -> tensor<?x?x4xf32> {
  %n = flowhn.rms_norm %x, [%w] {eps = 1.0e-5 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %u = flowhn.linear %n [%wu] : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %g = flowhn.linear %n [%wg] : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %h = flowhn.swiglu %g, %u : tensor<?x?x6xf32>
  %d = flowhn.linear %h [%wd] : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = flowhn.add %x, %d : tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// The gate is read once more: its product must exist.
// CHECK-LABEL: func.func @gate_used_twice
//       CHECK: %[[L:.+]]:2 = flowhn.linear
//       CHECK: flowhn.swiglu %[[L]]#0, %[[L]]#1
func.func @gate_used_twice(%x: tensor<?x?x4xf32>, %w: tensor<4x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  %g, %u = flowhn.linear %x [%w, %w] : (tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>)
  %h = flowhn.swiglu %g, %u : tensor<?x?x4xf32>
  return %h, %g : tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// -----

// CHECK-LABEL: func.func @mamba
//  CHECK-SAME: (%[[U:.+]]: tensor<?x?x4xf32>, %[[Z:.+]]: tensor<?x?x4xf32>
//  CHECK-NEXT: %[[C:.+]] = flowhn.causal_conv1d %[[U]], {{.*}} activation silu
//  CHECK-NEXT: %[[S:.+]] = flowhn.selective_scan %[[C]], {{.*}} gate(%[[Z]])
//  CHECK-NEXT: return %[[S]]
func.func @mamba(%u: tensor<?x?x4xf32>, %z: tensor<?x?x4xf32>, %w: tensor<4x1x3xf32>, %a: tensor<4x2xf32>, %bc: tensor<?x?x2xf32>, %d: tensor<4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x4xf32> {
  %c = flowhn.causal_conv1d %u, %w at(%begin, %length) : (tensor<?x?x4xf32>, tensor<4x1x3xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
  %v = flowhn.silu %c : tensor<?x?x4xf32>
  %s = flowhn.selective_scan %v, %u, %a, %bc, %bc, %d at(%begin, %length) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
  %y = flowhn.swiglu %z, %s : tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// The ops keep their states; a second reader of a result keeps the
// activation apart; a gate that needs the scan's own result cannot move into it.
// CHECK-LABEL: func.func @mamba_with_state
//       CHECK: %[[C:.+]] = flowhn.causal_conv1d {{.*}} activation silu state
//       CHECK: %[[S:.+]] = flowhn.selective_scan {{.*}} gate(%[[C]]) state
//       CHECK: return %[[S]]
func.func @mamba_with_state(%u: tensor<?x?x4xf32>, %w: tensor<4x1x3xf32>, %a: tensor<4x2xf32>, %bc: tensor<?x?x2xf32>, %d: tensor<4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %cs: !flowhn.state<conv, tensor<2x4xf32>>, %ss: !flowhn.state<scan, tensor<4x2xf32>>) -> tensor<?x?x4xf32> {
  %c = flowhn.causal_conv1d %u, %w at(%begin, %length) state(%cs) : (tensor<?x?x4xf32>, tensor<4x1x3xf32>, tensor<?xi32>, tensor<?xi32>, !flowhn.state<conv, tensor<2x4xf32>>) -> tensor<?x?x4xf32>
  %v = flowhn.silu %c : tensor<?x?x4xf32>
  %s = flowhn.selective_scan %u, %u, %a, %bc, %bc, %d at(%begin, %length) state(%ss) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<4xf32>, tensor<?xi32>, tensor<?xi32>, !flowhn.state<scan, tensor<4x2xf32>>) -> tensor<?x?x4xf32>
  %y = flowhn.swiglu %v, %s : tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// CHECK-LABEL: func.func @late_gate
//       CHECK: %[[S:.+]] = flowhn.selective_scan
//   CHECK-NOT: gate(
//       CHECK: %[[Z:.+]] = flowhn.silu
//       CHECK: flowhn.swiglu %[[Z]], %[[S]]
//       CHECK: flowhn.causal_conv1d
//   CHECK-NOT: activation
//       CHECK: flowhn.silu
func.func @late_gate(%u: tensor<?x?x4xf32>, %w: tensor<4x1x3xf32>, %a: tensor<4x2xf32>, %bc: tensor<?x?x2xf32>, %d: tensor<4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  %s = flowhn.selective_scan %u, %u, %a, %bc, %bc, %d at(%begin, %length) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x2xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
  %z = flowhn.silu %u : tensor<?x?x4xf32>
  %y = flowhn.swiglu %z, %s : tensor<?x?x4xf32>
  %c = flowhn.causal_conv1d %u, %w at(%begin, %length) : (tensor<?x?x4xf32>, tensor<4x1x3xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x4xf32>
  %v = flowhn.silu %c : tensor<?x?x4xf32>
  return %y, %c, %v : tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// -----

// A product takes the type of the sum: nothing is rounded before the addition.
// CHECK-LABEL: func.func @rounded_residuals
//  CHECK-NEXT: %[[A:.+]] = flowhn.linear %{{.+}}[%{{.+}}] residual(%{{.+}}) : (tensor<?x?x4xbf16>, tensor<4x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
//  CHECK-NEXT: flowhn.linear %{{.+}}[%{{.+}}] residual(%[[A]]) : (tensor<?x?x4xbf16>, tensor<4x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xbf16>
func.func @rounded_residuals(%x: tensor<?x?x4xf32>, %y: tensor<?x?x4xbf16>, %z: tensor<?x?x4xbf16>, %w: tensor<4x4xf32>) -> tensor<?x?x4xbf16> {
  %a = flowhn.linear %y [%w] : (tensor<?x?x4xbf16>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %r = flowhn.add %x, %a : tensor<?x?x4xf32>
  %b = flowhn.linear %z [%w] : (tensor<?x?x4xbf16>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %s = flowhn.add %r, %b : tensor<?x?x4xf32> -> tensor<?x?x4xbf16>
  return %s : tensor<?x?x4xbf16>
}

// -----

// Of two products, the later one takes the other in.
// CHECK-LABEL: func.func @residuals
//  CHECK-SAME: (%[[X:.+]]: tensor<?x?x4xf32>, %[[Y:.+]]: tensor<?x?x4xf32>, %[[W:.+]]: tensor<4x4xf32>, %[[P:.+]]: tensor<4x8xf32>)
//  CHECK-NEXT: %[[F:.+]] = flowhn.fuse features(%[[X]], %[[Y]]) project(%[[P]]) residual(%[[X]])
//  CHECK-NEXT: %[[A:.+]] = flowhn.linear %[[F]][%[[W]]] :
//  CHECK-NEXT: %[[B:.+]] = flowhn.linear %[[Y]][%[[W]]] residual(%[[A]])
//  CHECK-NEXT: return %[[B]]
func.func @residuals(%x: tensor<?x?x4xf32>, %y: tensor<?x?x4xf32>, %w: tensor<4x4xf32>, %p: tensor<4x8xf32>) -> tensor<?x?x4xf32> {
  %f = flowhn.fuse features(%x, %y) project(%p) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x8xf32>) -> tensor<?x?x4xf32>
  %r = flowhn.add %x, %f : tensor<?x?x4xf32>
  %a = flowhn.linear %r [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %b = flowhn.linear %y [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %s = flowhn.add %b, %a : tensor<?x?x4xf32>
  return %s : tensor<?x?x4xf32>
}

// -----

// The product is read elsewhere, or the residual comes after it.
// CHECK-LABEL: func.func @residuals_apart
// CHECK-COUNT-2: flowhn.add
func.func @residuals_apart(%x: tensor<?x?x4xf32>, %y: tensor<?x?x4xf32>, %w: tensor<4x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  %a = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %s = flowhn.add %x, %a : tensor<?x?x4xf32>
  %b = flowhn.linear %y [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %r = flowhn.silu %x : tensor<?x?x4xf32>
  %t = flowhn.add %r, %b : tensor<?x?x4xf32>
  return %a, %s, %t : tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Prologues
//===----------------------------------------------------------------------===//

// The head norms packed tokens, two dimensions.
// CHECK-LABEL: func.func @head
// KERNEL: flowhn.rms_norm
// PROLOGUE-NOT: flowhn.rms_norm
// PROLOGUE: flowhn.linear %{{.+}}[%{{.+}}] norm(%{{.+}}) {eps = 1.000000e-05 : f64}
func.func @head(%x: tensor<?x4xf32>, %n: tensor<4xf32>, %w: tensor<6x4xf32>) -> tensor<?x6xf32> {
  %0 = flowhn.rms_norm %x, [%n] {eps = 1.0e-5 : f64} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %1 = flowhn.linear %0 [%w] : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  return %1 : tensor<?x6xf32>
}

// -----

// The normed tokens are a residual too: they must exist.
// CHECK-LABEL: func.func @norm_read_elsewhere
//       CHECK: %[[N:.+]] = flowhn.rms_norm
//       CHECK: flowhn.linear %[[N]][%{{.+}}] residual(%[[N]])
func.func @norm_read_elsewhere(%x: tensor<?x?x4xf32>, %n: tensor<4xf32>, %w: tensor<4x4xf32>) -> tensor<?x?x4xf32> {
  %0 = flowhn.rms_norm %x, [%n] {eps = 1.0e-5 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %1 = flowhn.linear %0 [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %2 = flowhn.add %0, %1 : tensor<?x?x4xf32>
  return %2 : tensor<?x?x4xf32>
}
