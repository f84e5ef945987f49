// Slices of slices and slices of everything disappear; what is left of a sliced
// value names the value itself, so that later patterns need to look only once.
// RUN: flowhn-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @whole
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>
func.func @whole(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %0 = flowhn.slice %x from 0 : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  // CHECK-NEXT: return %[[X]]
  return %0 : tensor<?x?x8xf32>
}

// CHECK-LABEL: func.func @nested
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>
func.func @nested(%x: tensor<?x?x8xf32>) -> tensor<?x?x2xf32> {
  %0 = flowhn.slice %x from 3 : tensor<?x?x8xf32> -> tensor<?x?x4xf32>
  %1 = flowhn.slice %0 from 1 : tensor<?x?x4xf32> -> tensor<?x?x2xf32>
  // CHECK-NEXT: %[[S:.*]] = flowhn.slice %[[X]] from 4 : tensor<?x?x8xf32> -> tensor<?x?x2xf32>
  // CHECK-NEXT: return %[[S]]
  return %1 : tensor<?x?x2xf32>
}

// A part that is not the whole stays, even where it starts at 0.
// CHECK-LABEL: func.func @part
func.func @part(%x: tensor<?x?x8xf32>) -> tensor<?x?x4xf32> {
  // CHECK-NEXT: flowhn.slice %{{.*}} from 0 : tensor<?x?x8xf32> -> tensor<?x?x4xf32>
  %0 = flowhn.slice %x from 0 : tensor<?x?x8xf32> -> tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

// Layers have no effects: those that nobody reads go, with their parameters.
// CHECK-LABEL: flowhn.model @unused
flowhn.model @unused split<none> {
  flowhn.parameter @w : tensor<4x8xf32>
  // CHECK: func.func @forward
  func.func @forward(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
    %w = flowhn.get_parameter @w : tensor<4x8xf32>
    %0 = flowhn.linear %x [%w] : (tensor<?x?x8xf32>, tensor<4x8xf32>) -> tensor<?x?x4xf32>
    // CHECK-NEXT: return
    return %x : tensor<?x?x8xf32>
  }
}
