// A linear is one matmul, with everything fused into it in the matmul's region;
// several weights are one parameter and their results ranges of one buffer.
// RUN: flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 | FileCheck %s

flowhn.model @m split <none> {
  flowhn.parameter @wq : tensor<6x8xbf16>
  flowhn.parameter @wk : tensor<2x8xbf16>
  flowhn.parameter @wg : tensor<5x8xf32>
  flowhn.parameter @wu : tensor<5x8xf32>
  flowhn.parameter @norm : tensor<8xf32>

  // CHECK: plan.parameter @"wq+wk" : memref<{{[0-9]+}}x8x{{[0-9]+}}xbf16> from [#plan.source<"wq" : tensor<6x8xbf16>>, #plan.source<"wk" : tensor<2x8xbf16>>] as {{ *}}panels
  // CHECK: plan.parameter @"wg+wu" : {{.*}} panels {groups = 2 : i64, panel = {{[0-9]+}} : i64}

  // CHECK-LABEL: module @kernels

  // CHECK: func.func @matmul_8x8_bf16
  // CHECK-SAME: kern.flops = [array<i64: 128, 1>], kern.kernel, kern.sizes = array<i64: 8, 8>}
  // CHECK: kern.matmul rows(%arg0) %arg1, %arg2 -> %arg3
  // CHECK: ^bb0(%[[SUM:.*]]: f32):
  // CHECK-NEXT: kern.yield %[[SUM]]
  // CHECK: k = 8 : i64, n = 8 : i64
  func.func private @merged(%x: tensor<?x?x8xf32>, %wq: tensor<6x8xbf16>, %wk: tensor<2x8xbf16>) -> (tensor<?x?x6xf32>, tensor<?x?x2xf32>) {
    %q, %k = flowhn.linear %x [%wq, %wk] : (tensor<?x?x8xf32>, tensor<6x8xbf16>, tensor<2x8xbf16>) -> (tensor<?x?x6xf32>, tensor<?x?x2xf32>)
    return %q, %k : tensor<?x?x6xf32>, tensor<?x?x2xf32>
  }

  // CHECK: func.func @matmul_2x5x8_f32
  // CHECK: ^bb0(%[[GATE:.*]]: f32, %[[UP:.*]]: f32):
  // CHECK: %[[EXP:.*]] = math.exp
  // CHECK: arith.addf %[[EXP]]
  // CHECK: %[[SILU:.*]] = arith.divf %[[GATE]]
  // CHECK: %[[H:.*]] = arith.mulf %[[SILU]], %[[UP]]
  // CHECK: kern.yield %[[H]]
  // CHECK: groups = 2 : i64
  func.func private @swiglu(%x: tensor<?x?x8xf32>, %wg: tensor<5x8xf32>, %wu: tensor<5x8xf32>) -> tensor<?x?x5xf32> {
    %h = flowhn.linear %x [%wg, %wu] activation swiglu : (tensor<?x?x8xf32>, tensor<5x8xf32>, tensor<5x8xf32>) -> tensor<?x?x5xf32>
    return %h : tensor<?x?x5xf32>
  }

  // The norm's weight is in the product's, and its sums take the scale of their row.
  // CHECK: func.func @rms_scale_8
  // CHECK: func.func @matmul_5x8_f32
  // CHECK: kern.matmul {{.*}} extras(%[[SCALE:.*]], %[[BIAS:.*]], %[[RESIDUAL:.*]])
  // CHECK: ^bb0(%[[SUM:.*]]: f32, %[[S:.*]]: f32, %[[B:.*]]: f32, %[[R:.*]]: f32):
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[SUM]], %[[S]]
  // CHECK: %[[BIASED:.*]] = arith.addf %[[SCALED]], %[[B]]
  // CHECK: %[[ACT:.*]] = arith.divf %[[BIASED]]
  // CHECK: %[[OUT:.*]] = arith.addf %[[ACT]], %[[R]]
  // CHECK: kern.yield %[[OUT]]
  // CHECK: accesses = [#kern.access<scalar>, #kern.access<column>, #kern.access<row>]
  func.func private @extras(%x: tensor<?x?x8xf32>, %w: tensor<5x8xf32>, %norm: tensor<8xf32>, %bias: tensor<5xf32>, %r: tensor<?x?x5xf32>) -> tensor<?x?x5xf32> {
    %y = flowhn.linear %x [%w] norm(%norm) bias(%bias) activation silu residual(%r) {eps = 1.0e-6 : f64} : (tensor<?x?x8xf32>, tensor<5x8xf32>, tensor<8xf32>, tensor<5xf32>, tensor<?x?x5xf32>) -> tensor<?x?x5xf32>
    return %y : tensor<?x?x5xf32>
  }

  // The results of @merged are where they are asked for only after copies.
  // CHECK-LABEL: func.func private @merged
  // CHECK-SAME: (%[[BATCH:.*]]: index, %[[ROWS:.*]]: index, %{{.*}}: index, %{{.*}}: memref<?xi32>, %[[X:.*]]: memref<?x8xf32>, %[[Q:.*]]: memref<?x6xf32>, %[[K:.*]]: memref<?x2xf32>, %[[W:.*]]: memref<{{.*}}xbf16>)
  // CHECK: %[[QK:.*]] = plan.alloc %[[ROWS]] in "shared" : memref<?x8xf32>
  // CHECK: plan.launch @kernels::@matmul_8x8_bf16(%[[ROWS]], %[[X]], %[[W]], %[[QK]])
  // CHECK: plan.launch @kernels::@copy_6(%[[ROWS]], %[[QK]], %[[Q]])
  // CHECK: plan.launch @kernels::@copy_2(%[[ROWS]], %[[QK]], %[[K]])

  // The product goes straight to the result.
  // CHECK-LABEL: func.func private @swiglu
  // CHECK-SAME: %[[X:[^ ]*]]: memref<?x8xf32>, %[[OUT:[^ ]*]]: memref<?x5xf32>
  // CHECK-NOT: plan.alloc
  // CHECK: plan.launch @kernels::@matmul_2x5x8_f32(%{{.*}}, %[[X]], %{{.*}}, %[[OUT]])

  // CHECK-LABEL: func.func private @extras
  // CHECK: %[[SCALE:.*]] = plan.alloc %{{.*}} in "shared" : memref<?xf32>
  // CHECK: plan.launch @kernels::@rms_scale_8(%{{.*}}, %[[X:.*]], %[[SCALE]])
  // CHECK: plan.launch @kernels::@matmul_5x8_f32(%{{.*}}, %[[X]], %{{.*}}, %{{.*}}, %[[SCALE]],

  // CHECK-LABEL: func.func private @names
  // CHECK: %[[QK:.*]] = plan.get_parameter @"wq+wk"
  // CHECK: call @merged({{.*}}, %[[QK]])
  // CHECK: %[[GU:.*]] = plan.get_parameter @"wg+wu"
  // CHECK: call @swiglu({{.*}}, %[[GU]])
  func.func private @names(%x: tensor<?x?x8xf32>) -> tensor<?x?x5xf32> {
    %wq = flowhn.get_parameter @wq : tensor<6x8xbf16>
    %wk = flowhn.get_parameter @wk : tensor<2x8xbf16>
    %wg = flowhn.get_parameter @wg : tensor<5x8xf32>
    %wu = flowhn.get_parameter @wu : tensor<5x8xf32>
    %q, %k = func.call @merged(%x, %wq, %wk) : (tensor<?x?x8xf32>, tensor<6x8xbf16>, tensor<2x8xbf16>) -> (tensor<?x?x6xf32>, tensor<?x?x2xf32>)
    %y = func.call @swiglu(%x, %wg, %wu) : (tensor<?x?x8xf32>, tensor<5x8xf32>, tensor<5x8xf32>) -> tensor<?x?x5xf32>
    return %y : tensor<?x?x5xf32>
  }
}
