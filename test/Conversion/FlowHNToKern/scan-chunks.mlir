// On the GPU a scan is three kernels. Its chunks are computed from the call: the rows, the
// longest sequence, the batch. Two scans of one shape share them, and so their memory.
// RUN: flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_90a" | FileCheck %s
// RUN: flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_90a" --plan-assign-buffers | FileCheck %s --check-prefix=PLACED

// 16 states: two threads per channel, so 5 blocks of 32 channels.
// CHECK-DAG: #[[EXCESS:.*]] = affine_map<()[s0, s1] -> (s1 - (s0 * 5) floordiv 132, 0)>
// CHECK-DAG: #[[CHUNKED:.*]] = affine_map<()[s0] -> (s0, 1)>
// CHECK-DAG: #[[ROWS:.*]] = affine_map<()[s0, s1, s2] -> (((s0 * 5) ceildiv 67584) * 16, s1 * (-s2 + 1), 64)>
// CHECK-DAG: #[[COUNT:.*]] = affine_map<()[s0, s1] -> (s0 ceildiv s1, 1)>
// CHECK-DAG: #[[TOTAL:.*]] = affine_map<()[s0, s1, s2, s3] -> ((s0 floordiv s1 + s2) * s3)>

flowhn.model @m split <none> {
  // CHECK: func.func @scan_states_130x16(
  // CHECK: kern.scan_states
  // CHECK-SAME: b_column = 1 : i64
  // CHECK: func.func @scan_combine_130x16(
  // CHECK-NOT: initial
  // CHECK: func.func @scan_130x16(
  // CHECK: kern.scan batch(%arg0, %arg1) chunks(%arg2, %arg3) {{.*}} from(%{{.*}}) {

  // CHECK: func.func private @scan(%[[BATCH:.*]]: index, %[[N:.*]]: index, %[[MAX:.*]]: index,
  // CHECK: %[[E:.*]] = affine.max #[[EXCESS]]()[%[[N]], %[[MAX]]]
  // CHECK: %[[IS:.*]] = affine.min #[[CHUNKED]]()[%[[E]]]
  // CHECK: %[[R:.*]] = affine.max #[[ROWS]]()[%[[N]], %[[MAX]], %[[IS]]]
  // CHECK: %[[C:.*]] = affine.max #[[COUNT]]()[%[[MAX]], %[[R]]]
  // CHECK: %[[T:.*]] = affine.apply #[[TOTAL]]()[%[[N]], %[[R]], %[[BATCH]], %[[IS]]]
  // CHECK: %[[H:.*]] = plan.alloc %[[T]] in "shared" : memref<?x16x130xf32>
  // CHECK: %[[S:.*]] = plan.alloc %[[T]] in "shared" : memref<?x130xf32>
  // CHECK: plan.launch @kernels::@scan_states_130x16(%[[BATCH]], %[[C]], %[[R]], {{.*}}, %[[H]], %[[S]])
  // CHECK: plan.launch @kernels::@scan_combine_130x16(%[[BATCH]], %[[C]], %[[R]], {{.*}}, %[[S]], {{.*}}, %[[H]])
  // CHECK: plan.launch @kernels::@scan_130x16(%[[BATCH]], %[[MAX]], %[[C]], %[[R]], {{.*}}, %[[H]])
  // CHECK-NOT: affine
  // CHECK-COUNT-3: plan.launch
  // PLACED: plan.arena "shared" units(%{{.*}}) bytes_per_unit 8896
  func.func private @scan(%u: tensor<?x?x130xbf16>, %dbc: tensor<?x?x33xbf16>, %a: tensor<130x16xf32>, %d: tensor<130xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x130xbf16> {
    %b = flowhn.slice %dbc from 1 : tensor<?x?x33xbf16> -> tensor<?x?x16xbf16>
    %c = flowhn.slice %dbc from 17 : tensor<?x?x33xbf16> -> tensor<?x?x16xbf16>
    %y = flowhn.selective_scan %u, %u, %a, %b, %c, %d at(%begin, %length) : (tensor<?x?x130xbf16>, tensor<?x?x130xbf16>, tensor<130x16xf32>, tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<130xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x130xbf16>
    %z = flowhn.selective_scan %y, %u, %a, %b, %c, %d at(%begin, %length) : (tensor<?x?x130xbf16>, tensor<?x?x130xbf16>, tensor<130x16xf32>, tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<130xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x130xbf16>
    return %z : tensor<?x?x130xbf16>
  }
}
