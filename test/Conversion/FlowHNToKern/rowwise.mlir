// Norms and whatever fusion left over become row-wise kernels.
// RUN: flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 | FileCheck %s

flowhn.model @m split <none> {
  // x · (1 / sqrt(mean + eps)) · w.
  // CHECK: func.func @rms_norm_8(
  // CHECK: kern.rowwise rows(%arg0) %arg1 -> %arg2 extras(%arg3)
  // CHECK: ^bb0(%[[X:.*]]: f32, %[[MEAN:.*]]: f32, %[[W:.*]]: f32):
  // CHECK: %[[SUM:.*]] = arith.addf %[[MEAN]]
  // CHECK: %[[ROOT:.*]] = math.sqrt %[[SUM]]
  // CHECK: %[[SCALE:.*]] = arith.divf %{{.*}}, %[[ROOT]]
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[X]], %[[SCALE]]
  // CHECK: %[[Y:.*]] = arith.mulf %[[SCALED]], %[[W]]
  // CHECK: kern.yield %[[Y]]
  // CHECK: reduction = #kern.reduction<mean_of_squares>, sections = array<i64: 0, 8>
  func.func private @norm(%x: tensor<?x?x8xf32>, %w: tensor<8xbf16>) -> tensor<?x?x8xf32> {
    %y = flowhn.rms_norm %x, [%w] {eps = 1.0e-5 : f64} : (tensor<?x?x8xf32>, tensor<8xbf16>) -> tensor<?x?x8xf32>
    return %y : tensor<?x?x8xf32>
  }

  // Weights of different types are one float32 vector.
  // CHECK: func.func @rms_norm_7(
  // CHECK: sections = array<i64: 0, 3, 7>
  // CHECK: func.func @add_4(
  // CHECK: in_column = 3 : i64
  func.func private @sections(%x: tensor<?x?x7xf32>, %a: tensor<3xf32>, %b: tensor<4xbf16>) -> tensor<?x?x4xf32> {
    %y, %z = flowhn.rms_norm %x, [%a, %b] {eps = 1.0e-5 : f64} : (tensor<?x?x7xf32>, tensor<3xf32>, tensor<4xbf16>) -> tensor<?x?x3xf32>, tensor<?x?x4xf32>
    %s = flowhn.add %z, %z : tensor<?x?x4xf32>
    return %s : tensor<?x?x4xf32>
  }

  // CHECK: func.func @silu_8(
  // CHECK: func.func @swiglu_8(
  // CHECK: ^bb0(%[[GATE:.*]]: f32, %[[VALUE:.*]]: f32):
  // CHECK: %[[SILU:.*]] = arith.divf %[[GATE]]
  // CHECK: arith.mulf %[[SILU]], %[[VALUE]]
  func.func private @activations(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
    %s = flowhn.silu %x : tensor<?x?x8xf32>
    %y = flowhn.swiglu %s, %x : tensor<?x?x8xf32>
    return %y : tensor<?x?x8xf32>
  }

  // CHECK-LABEL: func.func private @norm
  // CHECK-SAME: %[[X:[^ ]*]]: memref<?x8xf32>, %[[OUT:[^ ]*]]: memref<?x8xf32>, %[[W:[^ ]*]]: memref<8xbf16>)
  // CHECK: plan.launch @kernels::@rms_norm_8(%{{.*}}, %[[X]], %[[OUT]], %[[W]])

  // CHECK-LABEL: func.func private @sections
  // CHECK-SAME: memref<?x7xf32>, %[[OUT:[^ ]*]]: memref<?x4xf32>, %{{.*}}: memref<7xf32>)
  // CHECK: %[[BOTH:.*]] = plan.alloc %{{.*}} in "shared" : memref<?x7xf32>
  // A buffer that a kernel reads twice is passed once.
  // CHECK: plan.launch @kernels::@add_4(%{{.*}}, %[[BOTH]], %[[OUT]]) stream 0 : index, memref<?x7xf32>, memref<?x4xf32>

  // An argument returned as it came is copied.
  // CHECK-LABEL: func.func private @identity
  // CHECK: plan.launch @kernels::@copy_8
  func.func private @identity(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
    return %x : tensor<?x?x8xf32>
  }
}
