// The kernels' module says what parts of a call's tokens the branches have, in the mean of the blocks.
// RUN: flowhn-opt %s --split-input-file --convert-flowhn-to-kern="target=nvptx" | FileCheck %s

// CHECK: module @kernels attributes {kern.branch_shares = array<f64: 6.250000e-01, 3.750000e-01>}
flowhn.model @fixed split <fac, context = 64> plan [#flowhn.window<start = 0, count = 32, period = 64>, #flowhn.window<start = 32, count = 48, period = 64>] {
}

// -----

// CHECK: module @kernels attributes {kern.branch_shares = array<f64: 5.900000e-01, 0.41000000000000003>}
flowhn.model @by_call split <fa, by_call> plan [#flowhn.window<first floor 59/100>] {
}

// -----

// CHECK: module @kernels attributes {kern.branch_shares = array<f64: 1.000000e+00, 1.000000e+00>}
flowhn.model @all split <none> plan [#flowhn.window<all>] {
}

// -----

// CHECK: module @kernels {
flowhn.model @unplanned split <none> {
}

// -----

// The kernel of a product says which parts those are that it is launched for: a branch's, either's, or all.
// CHECK: func.func @matmul_8x8_f32({{.*}} kern.token_shares = array<f64: 3.750000e-01, 6.250000e-01>}
// CHECK: func.func @matmul_4x8_f32({{.*}} kern.token_shares = array<f64: 6.250000e-01>}
// CHECK: func.func @matmul_4x8_f32_0({{.*}} kern.token_shares = array<f64: 3.750000e-01>}
// CHECK: func.func @matmul_16x8_f32({{.*}} kern.token_shares = array<f64: 1.000000e+00>}
flowhn.model @launches split <fac, context = 64> plan [#flowhn.window<start = 0, count = 40, period = 64>] {
  func.func private @block(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %narrow: tensor<4x8xf32>, %both: tensor<16x8xf32>) -> tensor<?x?x16xf32> {
    %f:2 = flowhn.parallel schedule(streams) -> tensor<?x?x4xf32>, tensor<?x?x4xf32> {
    attention {
      %u = flowhn.linear %x [%w] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
      %y = flowhn.linear %u [%narrow] : (tensor<?x?x8xf32>, tensor<4x8xf32>) -> tensor<?x?x4xf32>
      flowhn.yield %y : tensor<?x?x4xf32>
    }
    ssm {
      %u = flowhn.linear %x [%w] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
      %y = flowhn.linear %u [%narrow] : (tensor<?x?x8xf32>, tensor<4x8xf32>) -> tensor<?x?x4xf32>
      flowhn.yield %y : tensor<?x?x4xf32>
    }
    }
    %y = flowhn.fuse features(%f#0, %f#1) project(%both) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
    return %y : tensor<?x?x16xf32>
  }
}

// -----

// What other functions launch is not the model's.
// CHECK: func.func @matmul_8x8_f32({{.*}} kern.token_shares = array<f64: 1.000000e+00>}
module @others {
  module @kernels {
    func.func @k(%r: index) attributes {kern.kernel} {
      return
    }
  }
  func.func @launches(%r: index) {
    plan.launch @kernels::@k(%r) stream 0 : index
    return
  }
}

flowhn.model @beside split <none> plan [#flowhn.window<all>] {
  func.func private @block(%x: tensor<?x?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x?x8xf32> {
    %y = flowhn.linear %x [%w] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
    return %y : tensor<?x?x8xf32>
  }
}
