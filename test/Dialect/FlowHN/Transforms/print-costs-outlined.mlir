// An outlined block costs at every call what it cost inline: its parameters are
// arguments of static shape, its activations are not.
// RUN: flowhn-opt %s --flowhn-print-costs="tokens=10" -o /dev/null | FileCheck %s

// CHECK: 0 ssm 10 320 64 320
// CHECK-NEXT: 0 joint 10 0 0 0
// CHECK-NEXT: 1 ssm 10 320 64 320
// CHECK-NEXT: 1 joint 10 0 0 0
// CHECK-NEXT: - rest 10 0 0 0
// CHECK-NEXT: - total 10 640 128 640
flowhn.model @model split<none> {
  flowhn.parameter @w : tensor<4x4xf32>
  func.func private @block_0(%x: tensor<?x?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x?x4xf32> attributes {flowhn.block} {
    %f = flowhn.parallel -> tensor<?x?x4xf32> {
      ssm {
        %0 = flowhn.linear %x [%w] : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
        flowhn.yield %0 : tensor<?x?x4xf32>
      }
    }
    return %f : tensor<?x?x4xf32>
  }
  func.func @forward(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %w = flowhn.get_parameter @w : tensor<4x4xf32>
    %0 = call @block_0(%x, %w) {flowhn.index = 0} : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
    %1 = call @block_0(%0, %w) {flowhn.index = 1} : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
    return %1 : tensor<?x?x4xf32>
  }
}
