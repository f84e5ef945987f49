// Branches whose products share launches: those before attention and scan in order, and those
// behind them, where they multiply alike. Both branches prepare their rows before it; norms of both
// share launches too, attention and scan run on two streams.
// RUN: flowhn-opt %s --convert-flowhn-to-kern=target=nvptx | FileCheck %s
// RUN: not flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not flowhn-opt %s --convert-flowhn-to-kern="target=nvptx chip=sm_80" 2>&1 | FileCheck %s --check-prefix=CHIP
// CPU: error: schedule(grouped) needs a GPU with warpgroup products, got a CPU
// CHIP: error: schedule(grouped) needs a GPU with warpgroup products, got sm_80

flowhn.model @m split <ae, by_call> {
  // CHECK-LABEL: func.func @grouped_matmul_8x8_16x8_bf16(
  // CHECK-SAME: kern.flops = [array<i64: 128, 1, 0>, array<i64: 256, 0, 1>]
  // CHECK: kern.grouped_matmul(%arg0, %arg1, %arg2, %arg3, %arg4, %arg5, %arg6, %arg7) {
  // CHECK-NEXT: ^bb0(%[[ROWS:[^ ]*]]: index,
  // CHECK: kern.matmul rows(%[[ROWS]])
  // CHECK: n = 8 : i64
  // CHECK: kern.matmul
  // CHECK: n = 16 : i64
  // The last products of both scatter into one buffer.
  // CHECK: func.func @grouped_matmul_8x8_8x8_bf16(

  // CHECK-LABEL: func.func private @block
  // CHECK-NOT: plan.fork
  // CHECK: plan.alloc %{{.*}} in "attention"
  // The branch with more rows says which kernels have both.
  // CHECK: %[[MOST:.*]] = affine.max #{{.*}}()[%arg5, %arg9]
  // CHECK-NEXT: affine.max #{{.*}}()[%[[MOST]]]
  // CHECK: plan.launch @kernels::@grouped_rms_norm_rows1536_8({{.*}}) stream 0 branch<attention|ssm> :
  // CHECK: plan.launch @kernels::@grouped_rms_norm_8({{.*}}) stream 0 branch<attention|ssm> :
  // CHECK-NOT: rms_norm
  // CHECK: plan.launch @kernels::@grouped_matmul_8x8_16x8_bf16({{.*}}) stream 0 branch<attention|ssm> :
  // CHECK-NEXT: plan.fork [0, 1]
  // CHECK: plan.launch @kernels::@attention_2x2x4({{.*}}) stream 0 branch<attention>
  // CHECK: plan.launch @kernels::@matmul_16x8_bf16({{.*}}) stream 1 branch<ssm>
  // CHECK: plan.launch @kernels::@scan_8x4({{.*}}) stream 1 branch<ssm>
  // CHECK: plan.join [0, 1]
  // CHECK: plan.launch @kernels::@grouped_matmul_8x8_8x8_bf16(%{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}}, %[[JOINED:[^,]*]], {{.*}}) stream 0 branch<attention|ssm> :
  // CHECK-NOT: plan.fork
  // CHECK: plan.launch @kernels::@matmul_8x8_bf16(%{{.*}}, %[[JOINED]], {{.*}}) stream 0 :
  func.func private @block(%x: tensor<?x?x8xbf16>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %as: tensor<?x2x2xi32>, %ss: tensor<?x2x2xi32>, %n: tensor<8xbf16>, %w: tensor<8x8xbf16>, %wide: tensor<16x8xbf16>, %a_log: tensor<8x4xf32>, %d: tensor<8xf32>) -> tensor<?x?x8xbf16> {
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%as, %ss : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x8xbf16>, tensor<?xi32>
    %f:2 = flowhn.parallel schedule(grouped) -> tensor<?x?x8xbf16>, tensor<?x?x8xbf16> {
    attention {
      %t = flowhn.rms_norm %a, [%n] {eps = 1.0e-6 : f64} : (tensor<?x?x8xbf16>, tensor<8xbf16>) -> tensor<?x?x8xbf16>
      %q = flowhn.linear %t [%w] : (tensor<?x?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x?x8xbf16>
      %y = flowhn.attention %q, %q, %q at(%ab, %al) heads(2, 2) : (tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xbf16>
      %o = flowhn.linear %y [%w] residual(%a) : (tensor<?x?x8xbf16>, tensor<8x8xbf16>, tensor<?x?x8xbf16>) -> tensor<?x?x8xbf16>
      flowhn.yield %o : tensor<?x?x8xbf16>
    }
    ssm {
      %t = flowhn.rms_norm %s, [%n] {eps = 1.0e-6 : f64} : (tensor<?x?x8xbf16>, tensor<8xbf16>) -> tensor<?x?x8xbf16>
      %u, %z = flowhn.linear %t [%w, %w] : (tensor<?x?x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>) -> (tensor<?x?x8xbf16>, tensor<?x?x8xbf16>)
      %p = flowhn.linear %u [%wide] : (tensor<?x?x8xbf16>, tensor<16x8xbf16>) -> tensor<?x?x16xbf16>
      %delta = flowhn.slice %p from 0 : tensor<?x?x16xbf16> -> tensor<?x?x8xbf16>
      %b = flowhn.slice %p from 8 : tensor<?x?x16xbf16> -> tensor<?x?x4xbf16>
      %c = flowhn.slice %p from 12 : tensor<?x?x16xbf16> -> tensor<?x?x4xbf16>
      %y = flowhn.selective_scan %u, %delta, %a_log, %b, %c, %d at(%sb, %sl) gate(%z) : (tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<8x4xf32>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>, tensor<8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?x8xbf16>) -> tensor<?x?x8xbf16>
      %o = flowhn.linear %y [%w] residual(%s) : (tensor<?x?x8xbf16>, tensor<8x8xbf16>, tensor<?x?x8xbf16>) -> tensor<?x?x8xbf16>
      flowhn.yield %o : tensor<?x?x8xbf16>
    }
    }
    %y = flowhn.fuse tokens(%f#0, %f#1) project(%w) at(%begin, %length) segments(%as, %ss) : (tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<8x8xbf16>, tensor<?xi32>, tensor<?xi32>, tensor<?x2x2xi32>, tensor<?x2x2xi32>) -> tensor<?x?x8xbf16>
    return %y : tensor<?x?x8xbf16>
  }
}
