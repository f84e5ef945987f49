// A token split moves nothing: the first norm of a branch gathers its rows, residuals
// of the branch's input are gathered, the last product of a branch scatters into the
// joined buffer. Branches run on their own streams, in their own arenas.
// RUN: flowhn-opt %s --convert-flowhn-to-kern=cpu=x86-64-v3 | FileCheck %s

flowhn.model @m split <ae, by_call> {
  // CHECK: func.func @rms_norm_8(
  // CHECK: kern.rowwise rows(%arg0) %arg1 -> %arg2 extras(%arg3) gather(%arg4)
  // CHECK: func.func @matmul_8x8_f32(
  // CHECK: kern.matmul {{.*}} extras(%[[X:.*]]) gather(%[[INDEX:.*]]) scatter(%[[INDEX]])
  // CHECK: accesses = [#kern.access<gathered>]
  // CHECK: func.func @matmul_8x8_f32_0(
  // CHECK-NOT: gather
  // CHECK: accesses = [#kern.access<row>]

  // CHECK-LABEL: func.func private @block
  // CHECK-SAME: (%[[BATCH:[^ ]*]]: index, %[[ROWS:[^ ]*]]: index, %{{[^ ]*}}: index, %{{[^ ]*}}: memref<?xi32>, %[[X:[^ ]*]]: memref<?x8xf32>,
  // CHECK-SAME: %[[AROWS:[^ ]*]]: index, %[[AMAX:[^ ]*]]: index, %[[AOFF:[^ ]*]]: memref<?xi32>, %[[AINDEX:[^ ]*]]: memref<?xi32>,
  // CHECK-SAME: %[[SROWS:[^ ]*]]: index, %{{[^ ]*}}: index, %{{[^ ]*}}: memref<?xi32>, %[[SINDEX:[^ ]*]]: memref<?xi32>,
  // CHECK-SAME: %[[OUT:[^ ]*]]: memref<?x8xf32>,
  // CHECK: plan.fork [0, 1]
  // CHECK: %[[NORMED:.*]] = plan.alloc %[[AROWS]] in "attention" : memref<?x8xf32>
  // CHECK: plan.launch @kernels::@rms_norm_8(%[[AROWS]], %[[X]], %[[NORMED]], %{{.*}}, %[[AINDEX]]) stream 0
  // CHECK: %[[JOINED:.*]] = plan.alloc %[[ROWS]] in "shared" : memref<?x8xf32>
  // CHECK: plan.launch @kernels::@matmul_8x8_f32(%[[AROWS]], %[[NORMED]], %{{.*}}, %[[JOINED]], %[[X]], %[[AINDEX]]) stream 0
  // CHECK: plan.alloc %[[SROWS]] in "ssm"
  // CHECK: plan.launch @kernels::@rms_norm_8(%[[SROWS]], %[[X]], %{{.*}}, %{{.*}}, %[[SINDEX]]) stream 1
  // CHECK: plan.launch @kernels::@matmul_8x8_f32(%[[SROWS]], %{{.*}}, %{{.*}}, %[[JOINED]], %[[X]], %[[SINDEX]]) stream 1
  // CHECK: plan.join [0, 1]
  // CHECK: plan.launch @kernels::@matmul_8x8_f32_0(%[[ROWS]], %[[JOINED]], %{{.*}}, %[[OUT]], %[[X]]) stream 0
  func.func private @block(%x: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %as: tensor<?x2x2xi32>, %ss: tensor<?x2x2xi32>, %n: tensor<8xf32>, %wa: tensor<8x8xf32>, %ws: tensor<8x8xf32>, %wf: tensor<8x8xf32>) -> tensor<?x?x8xf32> {
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%as, %ss : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x8xf32>, tensor<?xi32>
    %f:2 = flowhn.parallel schedule(streams) -> tensor<?x?x8xf32>, tensor<?x?x8xf32> {
    attention {
      %t = flowhn.rms_norm %a, [%n] {eps = 1.0e-6 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
      %y = flowhn.linear %t [%wa] residual(%a) : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
      flowhn.yield %y : tensor<?x?x8xf32>
    }
    ssm {
      %t = flowhn.rms_norm %s, [%n] {eps = 1.0e-6 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
      %y = flowhn.linear %t [%ws] residual(%s) : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
      flowhn.yield %y : tensor<?x?x8xf32>
    }
    }
    %y = flowhn.fuse tokens(%f#0, %f#1) project(%wf) at(%begin, %length) segments(%as, %ss) residual(%x) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x2x2xi32>, tensor<?x2x2xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    return %y : tensor<?x?x8xf32>
  }

  // Serial branches stay on one stream and share an arena. A branch that yields its
  // input, or the result of a kernel that cannot scatter, is copied into the join.
  // CHECK-LABEL: func.func private @serial
  // CHECK-NOT: plan.fork
  // CHECK: %[[A:.*]] = plan.alloc %{{.*}} in "branch" : memref<?x8xf32>
  // CHECK: plan.launch @kernels::@copy_8
  // CHECK: plan.launch @kernels::@attention_2x2x4({{.*}}) stream 0
  // CHECK: plan.launch @kernels::@copy_8
  // CHECK: plan.launch @kernels::@copy_8
  func.func private @serial(%x: tensor<?x?x8xf32>, %begin: tensor<?xi32>, %length: tensor<?xi32>, %as: tensor<?x2x2xi32>, %ss: tensor<?x2x2xi32>, %wf: tensor<8x8xf32>) -> tensor<?x?x8xf32> {
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%as, %ss : tensor<?x2x2xi32>, tensor<?x2x2xi32>) : tensor<?x?x8xf32>, tensor<?xi32>
    %f:2 = flowhn.parallel schedule(serial) -> tensor<?x?x8xf32>, tensor<?x?x8xf32> {
    attention {
      %y = flowhn.attention %a, %a, %a at(%ab, %al) heads(2, 2) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x?x8xf32>
      flowhn.yield %y : tensor<?x?x8xf32>
    }
    ssm {
      flowhn.yield %s : tensor<?x?x8xf32>
    }
    }
    %y = flowhn.fuse tokens(%f#0, %f#1) project(%wf) at(%begin, %length) segments(%as, %ss) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x2x2xi32>, tensor<?x2x2xi32>) -> tensor<?x?x8xf32>
    return %y : tensor<?x?x8xf32>
  }

  // Joined features lie side by side in one buffer, in the order of the fuse.
  // CHECK-LABEL: func.func private @features
  // CHECK: %[[BOTH:.*]] = plan.alloc %{{.*}} in "shared" : memref<?x16xf32>
  // CHECK: plan.launch @kernels::@[[FIRST:.*]](%{{.*}}, %{{.*}}, %{{.*}}, %[[BOTH]]) stream 0
  // CHECK: plan.launch @kernels::@[[SECOND:.*]](%{{.*}}, %{{.*}}, %{{.*}}, %[[BOTH]]) stream 1
  // CHECK: plan.launch @kernels::@matmul_8x16_f32(%{{.*}}, %[[BOTH]],
  func.func private @features(%x: tensor<?x?x8xf32>, %wa: tensor<8x8xf32>, %ws: tensor<8x8xf32>, %wf: tensor<8x16xf32>) -> tensor<?x?x8xf32> {
    %f:2 = flowhn.parallel schedule(streams) -> tensor<?x?x8xf32>, tensor<?x?x8xf32> {
    attention {
      %y = flowhn.linear %x [%wa] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
      flowhn.yield %y : tensor<?x?x8xf32>
    }
    ssm {
      %y = flowhn.linear %x [%ws] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
      flowhn.yield %y : tensor<?x?x8xf32>
    }
    }
    %y = flowhn.fuse features(%f#1, %f#0) project(%wf) : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x16xf32>) -> tensor<?x?x8xf32>
    return %y : tensor<?x?x8xf32>
  }
}
