// On the GPU a scan is three kernels, or one of its own where sequences are few. Which it is and its
// chunks are computed from the call: the rows, the longest sequence, the batch. Two scans of one
// shape share them, and so their memory.
// RUN: flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_90a" | FileCheck %s
// RUN: flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_90a" --plan-assign-buffers | FileCheck %s --check-prefix=PLACED

// 16 states: two threads per channel, so 5 blocks of 32 channels.
// CHECK-DAG: #[[LESS6:.*]] = affine_map<()[s0, s1] -> (s1 - (s0 * 20) floordiv 792)>
// CHECK-DAG: #[[LESS3:.*]] = affine_map<()[s0, s1] -> (s1 - (s0 * 20) floordiv 396)>
// CHECK-DAG: #[[LESS4:.*]] = affine_map<()[s0, s1] -> (s1 - (s0 * 20) floordiv 528)>
// CHECK-DAG: #[[POSITIVE:.*]] = affine_map<()[s0] -> (s0, 0)>
// CHECK-DAG: #[[ONE:.*]] = affine_map<()[s0] -> (s0, 1)>
// CHECK-DAG: #[[MIN:.*]] = affine_map<()[s0] -> (s0 - 64, 0)>
// CHECK-DAG: #[[MAX_FEW:.*]] = affine_map<()[s0] -> (s0 - 2048, 0)>
// CHECK-DAG: #[[FEW:.*]] = affine_map<()[s0, s1, s2, s3] -> (((s0 * (-s1 + 1)) * s2) * (-s3 + 1))>
// CHECK-DAG: #[[IF:.*]] = affine_map<()[s0, s1] -> (s0 * s1)>
// CHECK-DAG: #[[ELSE:.*]] = affine_map<()[s0, s1] -> (s0 * (-s1 + 1))>
// CHECK-DAG: #[[ROWS:.*]] = affine_map<()[s0, s1, s2] -> (((s0 * 5) ceildiv 67584) * 16, s1 * (-s2 + 1), 64)>
// CHECK-DAG: #[[COUNT:.*]] = affine_map<()[s0, s1] -> (s0 ceildiv s1, 1)>
// CHECK-DAG: #[[MANY:.*]] = affine_map<()[s0] -> (s0 - 8, 0)>
// CHECK-DAG: #[[COMBINED:.*]] = affine_map<()[s0, s1] -> (s0 * s1 - s1 + 1)>
// CHECK-DAG: #[[TOTAL:.*]] = affine_map<()[s0, s1, s2, s3] -> ((s0 floordiv s1 + s2) * s3)>

flowhn.model @m split <none> {
  // CHECK: func.func @scan_130x16_few(
  // CHECK: kern.scan batch(%arg0, %arg1) %arg2
  // CHECK-SAME: offsets
  // CHECK: few_sequences
  // CHECK: func.func @scan_states_130x16(
  // CHECK: kern.scan_states
  // CHECK-SAME: b_column = 1 : i64
  // CHECK: func.func @scan_combine_130x16(
  // CHECK-NOT: initial
  // CHECK: func.func @scan_130x16(
  // CHECK: kern.scan batch(%arg0, %arg1) chunks(%arg2, %arg3) {{.*}} from(%{{.*}}) sums(%{{.*}}) {
  // CHECK: folded_chunks = 8

  // CHECK: func.func private @scan(%[[BATCH:.*]]: index, %[[N:.*]]: index, %[[MAX:.*]]: index,
  // CHECK: %[[E6:.*]] = affine.apply #[[LESS6]]()[%[[N]], %[[MAX]]]
  // CHECK: %[[P6:.*]] = affine.max #[[POSITIVE]]()[%[[E6]]]
  // CHECK: %[[L6:.*]] = affine.min #[[ONE]]()[%[[P6]]]
  // CHECK: affine.apply #[[LESS3]]()[%[[N]], %[[MAX]]]
  // CHECK: %[[L3:.*]] = affine.min
  // CHECK: affine.max #[[MIN]]()[%[[MAX]]]
  // CHECK: %[[LONG:.*]] = affine.min
  // CHECK: affine.max #[[MAX_FEW]]()[%[[MAX]]]
  // CHECK: %[[TOO_LONG:.*]] = affine.min
  // CHECK: %[[ARE_FEW:.*]] = affine.apply #[[FEW]]()[%[[L6]], %[[L3]], %[[LONG]], %[[TOO_LONG]]]
  // CHECK: %[[FEW_MAX:.*]] = affine.apply #[[IF]]()[%[[MAX]], %[[ARE_FEW]]]
  // CHECK: %[[OTHER_MAX:.*]] = affine.apply #[[ELSE]]()[%[[MAX]], %[[ARE_FEW]]]
  // CHECK: affine.apply #[[LESS4]]()[%[[N]], %[[MAX]]]
  // CHECK: %[[L4:.*]] = affine.min
  // CHECK: %[[IS:.*]] = affine.apply #[[ELSE]]()[%[[L4]], %[[ARE_FEW]]]
  // CHECK: %[[R:.*]] = affine.max #[[ROWS]]()[%[[N]], %[[MAX]], %[[IS]]]
  // CHECK: %[[C:.*]] = affine.max #[[COUNT]]()[%[[MAX]], %[[R]]]
  // CHECK: %[[T:.*]] = affine.apply #[[TOTAL]]()[%[[N]], %[[R]], %[[BATCH]], %[[IS]]]
  // CHECK: plan.launch @kernels::@scan_130x16_few(%[[BATCH]], %[[FEW_MAX]], {{.*}})
  // CHECK: %[[H:.*]] = plan.alloc %[[T]] in "shared" : memref<?x16x130xf32>
  // CHECK: %[[S:.*]] = plan.alloc %[[T]] in "shared" : memref<?x130xf32>
  // CHECK: plan.launch @kernels::@scan_states_130x16(%[[BATCH]], %[[C]], %[[R]], {{.*}}, %[[H]], %[[S]])
  // CHECK: affine.max #[[MANY]]()[%[[C]]]
  // CHECK: %[[ARE_MANY:.*]] = affine.min #[[ONE]]()
  // CHECK: %[[CC:.*]] = affine.apply #[[COMBINED]]()[%[[C]], %[[ARE_MANY]]]
  // CHECK: plan.launch @kernels::@scan_combine_130x16(%[[BATCH]], %[[CC]], %[[R]], {{.*}}, %[[S]], {{.*}}, %[[H]])
  // CHECK: plan.launch @kernels::@scan_130x16(%[[BATCH]], %[[OTHER_MAX]], %[[C]], %[[R]], {{.*}}, %[[H]], %[[S]])
  // CHECK-NOT: affine
  // CHECK-COUNT-4: plan.launch
  // PLACED: plan.arena "shared" units(%{{.*}}) bytes_per_unit 8896
  func.func private @scan(%u: tensor<?x?x130xbf16>, %dbc: tensor<?x?x33xbf16>, %a: tensor<130x16xf32>, %d: tensor<130xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>) -> tensor<?x?x130xbf16> {
    %b = flowhn.slice %dbc from 1 : tensor<?x?x33xbf16> -> tensor<?x?x16xbf16>
    %c = flowhn.slice %dbc from 17 : tensor<?x?x33xbf16> -> tensor<?x?x16xbf16>
    %y = flowhn.selective_scan %u, %u, %a, %b, %c, %d at(%begin, %length) : (tensor<?x?x130xbf16>, tensor<?x?x130xbf16>, tensor<130x16xf32>, tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<130xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x130xbf16>
    %z = flowhn.selective_scan %y, %u, %a, %b, %c, %d at(%begin, %length) : (tensor<?x?x130xbf16>, tensor<?x?x130xbf16>, tensor<130x16xf32>, tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<130xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x130xbf16>
    return %z : tensor<?x?x130xbf16>
  }
}
