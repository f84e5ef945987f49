// Every op of plan prints as it is read, in custom and in generic form.
// RUN: flowhn-opt %s | flowhn-opt | FileCheck %s
// RUN: flowhn-opt %s --mlir-print-op-generic | flowhn-opt | FileCheck %s

// CHECK: plan.parameter @table : memref<8x4xbf16> from [#plan.source<"embed" : tensor<8x4xbf16>>] as {{ *}}row_major
plan.parameter @table : memref<8x4xbf16> from [#plan.source<"embed" : tensor<8x4xbf16>>] as row_major
// CHECK: plan.parameter @norms : memref<7xf32> from [#plan.source<"a" : tensor<3xf32>>, #plan.source<"b" : tensor<4xbf16>>]
plan.parameter @norms : memref<7xf32> from [#plan.source<"a" : tensor<3xf32>>, #plan.source<"b" : tensor<4xbf16>>] as row_major
// CHECK: plan.parameter @conv : memref<3x6xf16> from {{.*}} as {{ *}}transposed
plan.parameter @conv : memref<3x6xf16> from [#plan.source<"conv" : tensor<6x1x3xf16>>] as transposed
// CHECK: plan.parameter @decay : memref<16x6xf32> from {{.*}} as {{ *}}transposed {transform = #plan<transform neg_exp>}
plan.parameter @decay : memref<16x6xf32> from [#plan.source<"A_log" : tensor<6x16xbf16>>] as transposed {transform = #plan<transform neg_exp>}
// CHECK: plan.parameter @scaled : memref<6x4xbf16> from {{.*}} as {{ *}}row_major {column_scale = #plan.source<"norm" : tensor<4xf32>>, rounds}
plan.parameter @scaled : memref<6x4xbf16> from [#plan.source<"proj" : tensor<6x4xbf16>>] as row_major {column_scale = #plan.source<"norm" : tensor<4xf32>>, rounds}
// CHECK: plan.parameter @gates : memref<2x4x8xf32> from {{.*}} as {{ *}}panels {groups = 2 : i64, panel = 4 : i64}
plan.parameter @gates : memref<2x4x8xf32> from [#plan.source<"gate" : tensor<5x4xf32>>, #plan.source<"up" : tensor<5x4xf32>>] as panels {panel = 4, groups = 2}

// CHECK: plan.state @blocks.0.kv : memref<?x8xbf16> {{ *}}kv rows(<start = 2, count = 3, period = 8>) block 0
plan.state @blocks.0.kv : memref<?x8xbf16> kv rows(<start = 2, count = 3, period = 8>) block 0
// CHECK: plan.state @scan : memref<?x2x4xf32> {{ *}}scan{{$}}
plan.state @scan : memref<?x2x4xf32> scan

module @kernels {
  func.func @scale(%rows: index, %x: memref<?x4xf32>) attributes {kern.kernel} {
    return
  }
  func.func @nullary() attributes {kern.kernel} {
    return
  }
}

// CHECK-LABEL: func.func @forward
func.func @forward(%batch: index, %rows: index, %begin: memref<?xi32>, %length: memref<?xi32>) {
  // CHECK: plan.get_parameter @table : memref<8x4xbf16>
  %table = plan.get_parameter @table : memref<8x4xbf16>
  // CHECK: plan.get_state @blocks.0.kv : memref<?x8xbf16>
  %kv = plan.get_state @blocks.0.kv : memref<?x8xbf16>
  // CHECK: plan.cache_rows <start = 2, count = 3, period = 8> at(%{{.*}}, %{{.*}}) slots(%{{.*}})
  %c:3 = plan.cache_rows <start = 2, count = 3, period = 8> at(%begin, %length) slots(%length)
  // CHECK: %[[ROWS:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} = plan.partition <start = 2, count = 3, period = 8> at(%{{.*}}, %{{.*}})
  %p:8 = plan.partition <start = 2, count = 3, period = 8> at(%begin, %length)
  // CHECK: plan.last_rows <all> at(%{{.*}}, %{{.*}}) select(%{{.*}})
  %l:10 = plan.last_rows <all> at(%begin, %length) select(%length)
  // CHECK: %[[BUFFER:.*]] = plan.alloc %[[ROWS]] in "attention" : memref<?x4xf32>
  %buffer = plan.alloc %p#0 in "attention" : memref<?x4xf32>
  // CHECK: %[[ARENA:.*]] = plan.arena "shared" units(%{{.*}}) bytes_per_unit 128
  %arena = plan.arena "shared" units(%rows) bytes_per_unit 128
  // CHECK: %[[VIEW:.*]] = plan.view %[[ARENA]] at 64 : memref<?x4xf32>
  %view = plan.view %arena at 64 : memref<?x4xf32>
  // CHECK: plan.fork [0, 1]
  plan.fork [0, 1]
  // CHECK: plan.launch @kernels::@scale(%[[ROWS]], %[[BUFFER]]) stream 1 branch<ssm> block 5 : index, memref<?x4xf32>
  plan.launch @kernels::@scale(%p#0, %buffer) stream 1 branch<ssm> block 5 : index, memref<?x4xf32>
  // CHECK: plan.launch @kernels::@scale(%[[ROWS]], %[[BUFFER]]) stream 0 branch<attention|ssm> : index, memref<?x4xf32>
  plan.launch @kernels::@scale(%p#0, %buffer) stream 0 branch<attention|ssm> : index, memref<?x4xf32>
  // CHECK: plan.launch @kernels::@nullary() stream 0{{$}}
  plan.launch @kernels::@nullary() stream 0
  // CHECK: plan.join [0, 1]
  plan.join [0, 1]
  // CHECK: plan.fork [0, 9223372036854775807]
  plan.fork [0, 9223372036854775807]
  // CHECK: plan.tap "hidden.0" rows(%{{.*}}) %[[VIEW]] width 4 : memref<?x4xf32>
  plan.tap "hidden.0" rows(%rows) %view width 4 : memref<?x4xf32>
  return
}
