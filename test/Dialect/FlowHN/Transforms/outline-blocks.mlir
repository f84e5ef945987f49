// Blocks that compute the same become calls of one function, blocks that do not
// keep their own, and nothing of one block (parameters, positions, locations) is
// left in a function that others call.
// RUN: flowhn-opt %s --split-input-file --flowhn-outline-blocks | FileCheck %s
// RUN: flowhn-opt %s --split-input-file --flowhn-outline-blocks --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=LOC

// Parameters, positions and locations differ: one function. It takes the input,
// then what is captured, then the parameters, each in the order of first use; a
// parameter fetched outside of the block is one like the others.

// CHECK-LABEL: flowhn.model @shared
//       CHECK: func.func private @block_0(%[[X:.+]]: tensor<?x?x4xf32>, %[[BEGIN:.+]]: tensor<?xi32>, %[[LENGTH:.+]]: tensor<?xi32>, %[[ATT:.+]]: tensor<?x2x2xi32>, %[[SSM:.+]]: tensor<?x2x2xi32>, %[[W:.+]]: tensor<4x4xf32>, %[[NORM:.+]]: tensor<4xf32>) -> tensor<?x?x4xf32> attributes {flowhn.block} {
//  CHECK-NEXT:   %[[A:[a-z_0-9]+]], {{.*}}, %[[S:[a-z_0-9]+]], %{{[a-z_0-9]+}}, %{{[a-z_0-9]+}} = flowhn.split %[[X]] at(%[[BEGIN]], %[[LENGTH]]) segments(%[[ATT]], %[[SSM]]
//  CHECK-NEXT:   flowhn.parallel
//       CHECK:     flowhn.linear %[[A]][%[[W]]]
//       CHECK:     flowhn.rms_norm %[[S]], [%[[NORM]]]
//       CHECK:   %[[Y:.+]] = flowhn.fuse tokens({{.*}}) project(%[[W]])
//  CHECK-NEXT:   return %[[Y]] : tensor<?x?x4xf32>
//   CHECK-NOT: func.func private
//       CHECK: func.func @forward(%[[IN:.+]]: tensor<?x?x4xf32>, %[[B:.+]]: tensor<?xi32>, %[[L:.+]]: tensor<?xi32>)
//   CHECK-DAG:   %[[W0:.+]] = flowhn.get_parameter @w0
//   CHECK-DAG:   %[[N0:.+]] = flowhn.get_parameter @n0
//   CHECK-DAG:   %[[A0:.+]], %[[S0:.+]] = flowhn.segments <start = 0
//   CHECK-DAG:   %[[A1:.+]], %[[S1:.+]] = flowhn.segments <start = 4
//       CHECK:   %[[Y0:.+]] = call @block_0(%[[IN]], %[[B]], %[[L]], %[[A0]], %[[S0]], %[[W0]], %[[N0]]) {flowhn.index = 0 : i64}
//   CHECK-DAG:   %[[W1:.+]] = flowhn.get_parameter @w1
//   CHECK-DAG:   %[[N1:.+]] = flowhn.get_parameter @n1
//       CHECK:   %[[Y1:.+]] = call @block_0(%[[Y0]], %[[B]], %[[L]], %[[A1]], %[[S1]], %[[W1]], %[[N1]]) {flowhn.index = 1 : i64}
//       CHECK:   return %[[Y1]]

// A path that only begins like the block's ("layers.0" and "layers.01") is another's.
// LOC-LABEL: flowhn.model @shared
//       LOC: func.func private @block_0(%{{.+}}: tensor<?x?x4xf32> loc("block_0"), {{.*}}: tensor<4x4xf32> loc("block_0.w.weight")
//       LOC:   flowhn.linear {{.*}} loc(fused["block_0.w", "layers.01"])
//   LOC-NOT:   layers.0.
//       LOC: } loc("block_0")
//       LOC: call @block_0({{.*}} loc("layers.0")
//       LOC: call @block_0({{.*}} loc("layers.1")

flowhn.model @shared split<fac, rotate, context = 8> {
  flowhn.parameter @w0 : tensor<4x4xf32>
  flowhn.parameter @n0 : tensor<4xf32>
  flowhn.parameter @w1 : tensor<4x4xf32>
  flowhn.parameter @n1 : tensor<4xf32>
  func.func @forward(%x: tensor<?x?x4xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x4xf32> {
    %att0, %ssm0 = flowhn.segments <start = 0, count = 4, period = 8> at(%begin, %length) : tensor<?xi32> -> tensor<?x2x2xi32>
    %att1, %ssm1 = flowhn.segments <start = 4, count = 4, period = 8> at(%begin, %length) : tensor<?xi32> -> tensor<?x2x2xi32>
    %w0 = flowhn.get_parameter @w0 : tensor<4x4xf32> loc("layers.0.w.weight")
    %0 = flowhn.block 0(%x) {
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%att0, %ssm0 : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x4xf32>, tensor<?xi32> loc("layers.0.split")
      %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
      attention {
        %1 = flowhn.linear %a [%w0] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32> loc(fused["layers.0.w", "layers.01"])
        flowhn.yield %1 : tensor<?x?x4xf32>
      }
      ssm {
        %n0 = flowhn.get_parameter @n0 : tensor<4xf32>
        %1 = flowhn.rms_norm %s, [%n0] {eps = 1.0e-6 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
        flowhn.yield %1 : tensor<?x?x4xf32>
      }
      } loc("layers.0")
      %f = flowhn.fuse tokens(%b#0, %b#1) project(%w0) at(%begin, %length) segments(%att0, %ssm0) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x2x2xi32>, tensor<?x2x2xi32>) -> tensor<?x?x4xf32> loc("layers.0.fuse")
      flowhn.yield %f : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32> loc("layers.0")
    %1 = flowhn.block 1(%0) {
      %w1 = flowhn.get_parameter @w1 : tensor<4x4xf32>
      %a, %ab, %al, %s, %sb, %sl = flowhn.split %0 at(%begin, %length) segments(%att1, %ssm1 : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x4xf32>, tensor<?xi32>
      %b:2 = flowhn.parallel -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
      attention {
        %2 = flowhn.linear %a [%w1] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
        flowhn.yield %2 : tensor<?x?x4xf32>
      }
      ssm {
        %n1 = flowhn.get_parameter @n1 : tensor<4xf32>
        %2 = flowhn.rms_norm %s, [%n1] {eps = 1.0e-6 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
        flowhn.yield %2 : tensor<?x?x4xf32>
      }
      }
      %f = flowhn.fuse tokens(%b#0, %b#1) project(%w1) at(%begin, %length) segments(%att1, %ssm1) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x2x2xi32>, tensor<?x2x2xi32>) -> tensor<?x?x4xf32>
      flowhn.yield %f : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32> loc("layers.1")
    return %1 : tensor<?x?x4xf32>
  }
}

// -----

// What is compared: attributes, which values an op uses, and the types. Equal
// blocks need not stand side by side. A name that is taken is not taken again.

// CHECK-LABEL: flowhn.model @distinct
//   CHECK-DAG: func.func private @block_0()
//       CHECK: func.func private @[[EPS6:block_0_0]](
//       CHECK:   {eps = 9.9{{.*}}E-7 : f64}
//       CHECK: func.func private @block_1(
//       CHECK:   {eps = 1.000000e-05 : f64}
//       CHECK: func.func private @block_2(
//       CHECK:   flowhn.add %[[TWICE:.+]], %[[TWICE]]
//   CHECK-NOT: func.func private
//       CHECK: func.func @forward
//       CHECK: call @[[EPS6]]({{.*}}) {flowhn.index = 0 : i64}
//       CHECK: call @block_1({{.*}}) {flowhn.index = 1 : i64}
//       CHECK: call @block_2({{.*}}) {flowhn.index = 2 : i64}
//       CHECK: call @[[EPS6]]({{.*}}) {flowhn.index = 3 : i64}
flowhn.model @distinct split<none> {
  func.func private @block_0()
  flowhn.parameter @n : tensor<4xf32>
  func.func @forward(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %0 = flowhn.block 0(%x) {
      %w = flowhn.get_parameter @n : tensor<4xf32>
      %n = flowhn.rms_norm %x, [%w] {eps = 1.0e-6 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
      %r = flowhn.add %x, %n : tensor<?x?x4xf32>
      flowhn.yield %r : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %1 = flowhn.block 1(%0) {
      %w = flowhn.get_parameter @n : tensor<4xf32>
      %n = flowhn.rms_norm %0, [%w] {eps = 1.0e-5 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
      %r = flowhn.add %0, %n : tensor<?x?x4xf32>
      flowhn.yield %r : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %2 = flowhn.block 2(%1) {
      %w = flowhn.get_parameter @n : tensor<4xf32>
      %n = flowhn.rms_norm %1, [%w] {eps = 1.0e-6 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
      %r = flowhn.add %n, %n : tensor<?x?x4xf32>
      flowhn.yield %r : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %3 = flowhn.block 3(%2) {
      %w = flowhn.get_parameter @n : tensor<4xf32>
      %n = flowhn.rms_norm %2, [%w] {eps = 1.0e-6 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
      %r = flowhn.add %2, %n : tensor<?x?x4xf32>
      flowhn.yield %r : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %3 : tensor<?x?x4xf32>
  }
}

// -----

// Which captured value stands where matters, and so does the storage type.

// CHECK-LABEL: flowhn.model @captures
//       CHECK: func.func private @block_0(%{{[a-z0-9]+}}: tensor<?x?x4xf32>, %{{[a-z0-9]+}}: tensor<4x4xf32>)
//       CHECK: func.func private @block_1(%{{.+}}: tensor<?x?x4xf32>, %{{.+}}: tensor<?x?x4xf32>, %{{.+}}: tensor<4x4xf32>)
//       CHECK: func.func private @block_2(%{{.+}}: tensor<?x?x4xf32>, %{{.+}}: tensor<?x?x4xf32>, %{{.+}}: tensor<4x4xbf16>)
//   CHECK-NOT: func.func private
flowhn.model @captures split<none> {
  flowhn.parameter @w : tensor<4x4xf32>
  flowhn.parameter @v : tensor<4x4xbf16>
  func.func @forward(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %0 = flowhn.block 0(%x) {
      %w = flowhn.get_parameter @w : tensor<4x4xf32>
      %l = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
      flowhn.yield %l : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %1 = flowhn.block 1(%0) {
      %w = flowhn.get_parameter @w : tensor<4x4xf32>
      %l = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
      flowhn.yield %l : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %2 = flowhn.block 2(%1) {
      %w = flowhn.get_parameter @v : tensor<4x4xbf16>
      %l = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xbf16>) -> tensor<?x?x4xf32>
      flowhn.yield %l : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %2 : tensor<?x?x4xf32>
  }
}
