// Chips with warpgroup products have kernels more for products of few and of middling rows; a call
// gives its rows to one of them, and the others are skipped. Products of the same tokens share the
// numbers.
// RUN: flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_90a" | FileCheck %s
// RUN: flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_80" | FileCheck %s --check-prefix=ONE
// RUN: flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 | FileCheck %s --check-prefix=ONE

// CHECK-DAG: #[[EXCESS:.*]] = affine_map<()[s0] -> (s0 - 64, 0)>
// CHECK-DAG: #[[EXCESS_512:.*]] = affine_map<()[s0] -> (s0 - 512, 0)>
// CHECK-DAG: #[[EXCESS_608:.*]] = affine_map<()[s0] -> (s0 - 608, 0)>
// CHECK-DAG: #[[EXCESS_1536:.*]] = affine_map<()[s0] -> (s0 - 1536, 0)>
// CHECK-DAG: #[[EXCEEDS:.*]] = affine_map<()[s0] -> (s0, 1)>
// CHECK-DAG: #[[FEW:.*]] = affine_map<()[s0, s1] -> (s0 * (-s1 + 1))>
// CHECK-DAG: #[[MANY:.*]] = affine_map<()[s0, s1] -> (s0 * s1)>

flowhn.model @m split <none> {
  // CHECK: func.func @matmul_rows64_16x8_bf16
  // CHECK: max_rows = 64 : i64
  // CHECK: func.func @matmul_rows512_16x8_bf16
  // CHECK: max_rows = 512 : i64
  // CHECK: func.func @matmul_rows608_16x8_bf16
  // CHECK: max_rows = 608 : i64
  // CHECK: func.func @matmul_rows1536_16x8_bf16
  // CHECK: max_rows = 1536 : i64
  // CHECK: func.func @matmul_16x8_bf16
  // CHECK-NOT: max_rows
  // Products of float32 have one kernel everywhere.
  // CHECK: func.func @matmul_16x8_f32
  // ONE-NOT: max_rows

  // CHECK: func.func private @products(%{{.*}}: index, %[[ROWS:.*]]: index, %{{.*}}: index,
  // CHECK: %[[E:.*]] = affine.max #[[EXCESS]]()[%[[ROWS]]]
  // CHECK: %[[IS:.*]] = affine.min #[[EXCEEDS]]()[%[[E]]]
  // CHECK: %[[F:.*]] = affine.apply #[[FEW]]()[%[[ROWS]], %[[IS]]]
  // CHECK: %[[REST:.*]] = affine.apply #[[MANY]]()[%[[ROWS]], %[[IS]]]
  // CHECK: affine.max #[[EXCESS_512]]()[%[[ROWS]]]
  // CHECK: %[[SOME:.*]] = affine.apply #[[FEW]]()[%[[REST]], %{{.*}}]
  // CHECK: %[[NEXT:.*]] = affine.apply #[[MANY]]()[%[[REST]], %{{.*}}]
  // CHECK: affine.max #[[EXCESS_608]]()[%[[ROWS]]]
  // CHECK: %[[OTHER:.*]] = affine.apply #[[FEW]]()[%[[NEXT]], %{{.*}}]
  // CHECK: %[[LAST:.*]] = affine.apply #[[MANY]]()[%[[NEXT]], %{{.*}}]
  // CHECK: affine.max #[[EXCESS_1536]]()[%[[ROWS]]]
  // CHECK: %[[MORE:.*]] = affine.apply #[[FEW]]()[%[[LAST]], %{{.*}}]
  // CHECK: %[[M:.*]] = affine.apply #[[MANY]]()[%[[LAST]], %{{.*}}]
  // CHECK: plan.launch @kernels::@matmul_rows64_16x8_bf16(%[[F]], %[[X:[^,]*]], %[[W:[^,]*]], %[[Y:[^,)]*]])
  // CHECK: plan.launch @kernels::@matmul_rows512_16x8_bf16(%[[SOME]], %[[X]], %[[W]], %[[Y]])
  // CHECK: plan.launch @kernels::@matmul_rows608_16x8_bf16(%[[OTHER]], %[[X]], %[[W]], %[[Y]])
  // CHECK: plan.launch @kernels::@matmul_rows1536_16x8_bf16(%[[MORE]], %[[X]], %[[W]], %[[Y]])
  // CHECK: plan.launch @kernels::@matmul_16x8_bf16(%[[M]], %[[X]], %[[W]], %[[Y]])
  // CHECK-NOT: affine
  // CHECK: plan.launch @kernels::@matmul_rows64_16x8_bf16(%[[F]],
  // CHECK: plan.launch @kernels::@matmul_rows512_16x8_bf16(%[[SOME]],
  // CHECK: plan.launch @kernels::@matmul_rows608_16x8_bf16(%[[OTHER]],
  // CHECK: plan.launch @kernels::@matmul_rows1536_16x8_bf16(%[[MORE]],
  // CHECK: plan.launch @kernels::@matmul_16x8_bf16(%[[M]],
  // CHECK: plan.launch @kernels::@matmul_16x8_f32(%[[ROWS]],
  // ONE-COUNT-3: plan.launch
  // ONE-NOT: plan.launch
  func.func private @products(%x: tensor<?x?x8xbf16>, %z: tensor<?x?x8xf32>, %w: tensor<16x8xbf16>, %v: tensor<16x8xbf16>, %f: tensor<16x8xf32>) -> (tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<?x?x16xf32>) {
    %a = flowhn.linear %x [%w] : (tensor<?x?x8xbf16>, tensor<16x8xbf16>) -> tensor<?x?x16xbf16>
    %b = flowhn.linear %x [%v] : (tensor<?x?x8xbf16>, tensor<16x8xbf16>) -> tensor<?x?x16xbf16>
    %c = flowhn.linear %z [%f] : (tensor<?x?x8xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
    return %a, %b, %c : tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<?x?x16xf32>
  }
}
