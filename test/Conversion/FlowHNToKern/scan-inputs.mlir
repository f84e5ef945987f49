// Convolution, projection, norms and step sizes in front of a scan are one launch in calls of few
// rows, where the chip has a kernel for that; in these the four have no rows.
// RUN: flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_90a" | FileCheck %s
// RUN: flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_80" | FileCheck %s --check-prefix=NONE
// RUN: flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 | FileCheck %s --check-prefix=NONE
// NONE-NOT: scan_inputs

// CHECK-DAG: #[[EXCESS:.*]] = affine_map<()[s0] -> (s0 - 480, 0)>
// CHECK-DAG: #[[EXCESS_MANY:.*]] = affine_map<()[s0] -> (s0 - 1920, 0)>
// CHECK-DAG: #[[EXCEEDS:.*]] = affine_map<()[s0] -> (s0, 1)>
// CHECK-DAG: #[[FEW:.*]] = affine_map<()[s0, s1] -> (s0 * (-s1 + 1))>
// CHECK-DAG: #[[MANY:.*]] = affine_map<()[s0, s1] -> (s0 * s1)>

flowhn.model @m split <none> {
  // CHECK: func.func @scan_inputs_rows480_64x5x4
  // CHECK: kern.scan_inputs rows(%arg0, %arg1) %arg2, %arg3, %arg4, %arg5, %arg6, %arg7, %arg8 offsets(%arg9) -> %arg10, %arg11, %arg12
  // CHECK-SAME: {dt_rank = 5 : i64, eps = 9.99999997E-7 : f32, in_column = 64 : i64, max_rows = 480 : i64, states = 4 : i64}
  // CHECK: func.func @scan_inputs_rows1920_64x5x4
  // CHECK: max_rows = 1920 : i64

  // CHECK: func.func private @fused(%[[BATCH:.*]]: index, %[[ROWS:.*]]: index, %[[MAX:.*]]: index, %[[OFFSETS:[^:]*]]: memref<?xi32>, %[[X:[^:]*]]: memref<?x128xbf16>
  // CHECK: affine.max #[[EXCESS]]()[%[[ROWS]]]
  // CHECK: %[[F:.*]] = affine.apply #[[FEW]]()[%[[ROWS]], %{{.*}}]
  // CHECK: %[[OTHERS:.*]] = affine.apply #[[MANY]]()[%[[ROWS]], %{{.*}}]
  // CHECK: affine.max #[[EXCESS_MANY]]()[%[[ROWS]]]
  // CHECK: %[[M:.*]] = affine.apply #[[FEW]]()[%[[OTHERS]], %{{.*}}]
  // CHECK: %[[REST:.*]] = affine.apply #[[MANY]]()[%[[OTHERS]], %{{.*}}]
  // CHECK: plan.launch @kernels::@scan_inputs_rows480_64x5x4(%[[F]], %[[BATCH]], %[[X]], %[[CW:[^,]*]], %[[CB:[^,]*]], %[[W:[^,]*]], %[[N:[^,]*]], %[[V:[^,]*]], %[[B:[^,]*]], %[[OFFSETS]], %[[U:[^,]*]], %[[P:[^,]*]], %[[DELTA:[^,)]*]])
  // CHECK: plan.launch @kernels::@scan_inputs_rows1920_64x5x4(%[[M]], %[[BATCH]], %[[X]], %[[CW]], %[[CB]], %[[W]], %[[N]], %[[V]], %[[B]], %[[OFFSETS]], %[[U]], %[[P]], %[[DELTA]])
  // CHECK: affine.max #[[EXCESS_MANY]]()[%[[ROWS]]]
  // CHECK: %[[REST_MAX:.*]] = affine.apply #[[MANY]]()[%[[MAX]], %{{.*}}]
  // CHECK: plan.launch @kernels::@conv1d_64x4(%[[BATCH]], %[[REST_MAX]], %[[X]], %[[CW]], %[[OFFSETS]], %[[U]], %[[CB]])
  // Kernels for fewer rows than the calls that are left have are not launched.
  // CHECK-NEXT: plan.alloc
  // CHECK-NEXT: plan.launch @kernels::@matmul_13x64_bf16(%[[REST]], %[[U]], %[[W]],
  // CHECK-NEXT: plan.launch @kernels::@rms_norm_13(%[[REST]], %{{[^,]*}}, %[[P]], %[[N]])
  // CHECK-NEXT: plan.launch @kernels::@matmul_64x5_bf16(%[[REST]], %[[P]], %[[V]], %[[DELTA]], %[[B]])
  // CHECK: plan.launch @kernels::@scan
  func.func private @fused(%xz: tensor<?x?x128xbf16>, %cw: tensor<64x1x4xf32>, %cb: tensor<64xf32>, %w: tensor<13x64xf32>, %n0: tensor<5xf32>, %n1: tensor<4xf32>, %n2: tensor<4xf32>, %v: tensor<64x5xf32>, %b: tensor<64xf32>, %a: tensor<64x4xf32>, %d: tensor<64xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x64xbf16> {
    %x = flowhn.slice %xz from 64 : tensor<?x?x128xbf16> -> tensor<?x?x64xbf16>
    %u = flowhn.causal_conv1d %x, %cw at(%begin, %length) bias(%cb) activation silu : (tensor<?x?x64xbf16>, tensor<64x1x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<64xf32>) -> tensor<?x?x64xbf16>
    %p = flowhn.linear %u [%w] : (tensor<?x?x64xbf16>, tensor<13x64xf32>) -> tensor<?x?x13xf32>
    %q:3 = flowhn.rms_norm %p, [%n0, %n1, %n2] {eps = 1.0e-6 : f64} : (tensor<?x?x13xf32>, tensor<5xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x?x5xbf16>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>
    %delta = flowhn.linear %q#0 [%v] bias(%b) : (tensor<?x?x5xbf16>, tensor<64x5xf32>, tensor<64xf32>) -> tensor<?x?x64xbf16>
    %y = flowhn.selective_scan %u, %delta, %a, %q#1, %q#2, %d at(%begin, %length) : (tensor<?x?x64xbf16>, tensor<?x?x64xbf16>, tensor<64x4xf32>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>, tensor<64xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x64xbf16>
    return %y : tensor<?x?x64xbf16>
  }

  // Float32 has no products by warpgroups.
  // CHECK-LABEL: func.func private @float32(
  // CHECK-NOT: scan_inputs
  func.func private @float32(%x: tensor<?x?x64xf32>, %cw: tensor<64x1x4xf32>, %cb: tensor<64xf32>, %w: tensor<13x64xf32>, %n0: tensor<5xf32>, %n1: tensor<4xf32>, %n2: tensor<4xf32>, %v: tensor<64x5xf32>, %b: tensor<64xf32>, %a: tensor<64x4xf32>, %d: tensor<64xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x64xf32> {
    %u = flowhn.causal_conv1d %x, %cw at(%begin, %length) bias(%cb) activation silu : (tensor<?x?x64xf32>, tensor<64x1x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<64xf32>) -> tensor<?x?x64xf32>
    %p = flowhn.linear %u [%w] : (tensor<?x?x64xf32>, tensor<13x64xf32>) -> tensor<?x?x13xf32>
    %q:3 = flowhn.rms_norm %p, [%n0, %n1, %n2] {eps = 1.0e-6 : f64} : (tensor<?x?x13xf32>, tensor<5xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x?x5xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>
    %delta = flowhn.linear %q#0 [%v] bias(%b) : (tensor<?x?x5xf32>, tensor<64x5xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
    %y = flowhn.selective_scan %u, %delta, %a, %q#1, %q#2, %d at(%begin, %length) : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<64x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<64xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x64xf32>
    return %y : tensor<?x?x64xf32>
  }

  // The convolution does something else.
  // CHECK-LABEL: func.func private @no_activation(
  // CHECK-NOT: scan_inputs
  func.func private @no_activation(%x: tensor<?x?x64xbf16>, %cw: tensor<64x1x4xf32>, %cb: tensor<64xf32>, %w: tensor<13x64xf32>, %n0: tensor<5xf32>, %n1: tensor<4xf32>, %n2: tensor<4xf32>, %v: tensor<64x5xf32>, %b: tensor<64xf32>, %a: tensor<64x4xf32>, %d: tensor<64xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x64xbf16> {
    %u = flowhn.causal_conv1d %x, %cw at(%begin, %length) bias(%cb) : (tensor<?x?x64xbf16>, tensor<64x1x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<64xf32>) -> tensor<?x?x64xbf16>
    %p = flowhn.linear %u [%w] : (tensor<?x?x64xbf16>, tensor<13x64xf32>) -> tensor<?x?x13xf32>
    %q:3 = flowhn.rms_norm %p, [%n0, %n1, %n2] {eps = 1.0e-6 : f64} : (tensor<?x?x13xf32>, tensor<5xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x?x5xbf16>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>
    %delta = flowhn.linear %q#0 [%v] bias(%b) : (tensor<?x?x5xbf16>, tensor<64x5xf32>, tensor<64xf32>) -> tensor<?x?x64xbf16>
    %y = flowhn.selective_scan %u, %delta, %a, %q#1, %q#2, %d at(%begin, %length) : (tensor<?x?x64xbf16>, tensor<?x?x64xbf16>, tensor<64x4xf32>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>, tensor<64xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x64xbf16>
    return %y : tensor<?x?x64xbf16>
  }

  // So it does here.
  // CHECK-LABEL: func.func private @no_bias(
  // CHECK-NOT: scan_inputs
  func.func private @no_bias(%x: tensor<?x?x64xbf16>, %cw: tensor<64x1x4xf32>, %cb: tensor<64xf32>, %w: tensor<13x64xf32>, %n0: tensor<5xf32>, %n1: tensor<4xf32>, %n2: tensor<4xf32>, %v: tensor<64x5xf32>, %b: tensor<64xf32>, %a: tensor<64x4xf32>, %d: tensor<64xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x64xbf16> {
    %u = flowhn.causal_conv1d %x, %cw at(%begin, %length) activation silu : (tensor<?x?x64xbf16>, tensor<64x1x4xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x64xbf16>
    %p = flowhn.linear %u [%w] : (tensor<?x?x64xbf16>, tensor<13x64xf32>) -> tensor<?x?x13xf32>
    %q:3 = flowhn.rms_norm %p, [%n0, %n1, %n2] {eps = 1.0e-6 : f64} : (tensor<?x?x13xf32>, tensor<5xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x?x5xbf16>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>
    %delta = flowhn.linear %q#0 [%v] bias(%b) : (tensor<?x?x5xbf16>, tensor<64x5xf32>, tensor<64xf32>) -> tensor<?x?x64xbf16>
    %y = flowhn.selective_scan %u, %delta, %a, %q#1, %q#2, %d at(%begin, %length) : (tensor<?x?x64xbf16>, tensor<?x?x64xbf16>, tensor<64x4xf32>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>, tensor<64xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x64xbf16>
    return %y : tensor<?x?x64xbf16>
  }

  // No whole tiles.
  // CHECK-LABEL: func.func private @odd_channels(
  // CHECK-NOT: scan_inputs
  func.func private @odd_channels(%x: tensor<?x?x72xbf16>, %cw: tensor<72x1x4xf32>, %cb: tensor<72xf32>, %w: tensor<13x72xf32>, %n0: tensor<5xf32>, %n1: tensor<4xf32>, %n2: tensor<4xf32>, %v: tensor<72x5xf32>, %b: tensor<72xf32>, %a: tensor<72x4xf32>, %d: tensor<72xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x72xbf16> {
    %u = flowhn.causal_conv1d %x, %cw at(%begin, %length) bias(%cb) activation silu : (tensor<?x?x72xbf16>, tensor<72x1x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<72xf32>) -> tensor<?x?x72xbf16>
    %p = flowhn.linear %u [%w] : (tensor<?x?x72xbf16>, tensor<13x72xf32>) -> tensor<?x?x13xf32>
    %q:3 = flowhn.rms_norm %p, [%n0, %n1, %n2] {eps = 1.0e-6 : f64} : (tensor<?x?x13xf32>, tensor<5xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x?x5xbf16>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>
    %delta = flowhn.linear %q#0 [%v] bias(%b) : (tensor<?x?x5xbf16>, tensor<72x5xf32>, tensor<72xf32>) -> tensor<?x?x72xbf16>
    %y = flowhn.selective_scan %u, %delta, %a, %q#1, %q#2, %d at(%begin, %length) : (tensor<?x?x72xbf16>, tensor<?x?x72xbf16>, tensor<72x4xf32>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>, tensor<72xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x72xbf16>
    return %y : tensor<?x?x72xbf16>
  }

  // What is no scan reads the step sizes too.
  // CHECK-LABEL: func.func private @read_elsewhere(
  // CHECK-NOT: scan_inputs
  func.func private @read_elsewhere(%x: tensor<?x?x64xbf16>, %cw: tensor<64x1x4xf32>, %cb: tensor<64xf32>, %w: tensor<13x64xf32>, %n0: tensor<5xf32>, %n1: tensor<4xf32>, %n2: tensor<4xf32>, %v: tensor<64x5xf32>, %b: tensor<64xf32>, %a: tensor<64x4xf32>, %d: tensor<64xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x64xbf16> {
    %u = flowhn.causal_conv1d %x, %cw at(%begin, %length) bias(%cb) activation silu : (tensor<?x?x64xbf16>, tensor<64x1x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<64xf32>) -> tensor<?x?x64xbf16>
    %p = flowhn.linear %u [%w] : (tensor<?x?x64xbf16>, tensor<13x64xf32>) -> tensor<?x?x13xf32>
    %q:3 = flowhn.rms_norm %p, [%n0, %n1, %n2] {eps = 1.0e-6 : f64} : (tensor<?x?x13xf32>, tensor<5xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x?x5xbf16>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>
    %delta = flowhn.linear %q#0 [%v] bias(%b) : (tensor<?x?x5xbf16>, tensor<64x5xf32>, tensor<64xf32>) -> tensor<?x?x64xbf16>
    %y = flowhn.selective_scan %u, %delta, %a, %q#1, %q#2, %d at(%begin, %length) : (tensor<?x?x64xbf16>, tensor<?x?x64xbf16>, tensor<64x4xf32>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>, tensor<64xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x64xbf16>
    %z = flowhn.add %y, %delta : tensor<?x?x64xbf16>
    return %z : tensor<?x?x64xbf16>
  }
}
