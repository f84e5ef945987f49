// Every constraint of plan's ops is checked; the labels name the constraint.
// RUN: flowhn-opt %s -split-input-file -verify-diagnostics

// @parameter_c1
// expected-error @+1 {{needs a source}}
plan.parameter @p : memref<4xf32> from [] as row_major

// -----

// @parameter_c1
// expected-error @+1 {{needs sources that agree in all dimensions but the first, got 'tensor<2x4xf32>' and 'tensor<2x5xf32>'}}
plan.parameter @p : memref<4x4xf32> from [#plan.source<"a" : tensor<2x4xf32>>, #plan.source<"b" : tensor<2x5xf32>>] as row_major

// -----

// @parameter_c1
// expected-error @+1 {{needs sources of static shape with a dimension, got 'tensor<?x4xf32>'}}
plan.parameter @p : memref<4x4xf32> from [#plan.source<"a" : tensor<?x4xf32>>] as row_major

// -----

// @parameter_c2
// expected-error @+1 {{needs panel >= 1 and groups >= 1, got panel 0 and groups 1}}
plan.parameter @p : memref<1x4x4xf32> from [#plan.source<"a" : tensor<4x4xf32>>] as panels

// -----

// @parameter_c2
// expected-error @+1 {{needs groups that divide the 5 rows of its sources, got 2}}
plan.parameter @p : memref<1x4x8xf32> from [#plan.source<"a" : tensor<5x4xf32>>] as panels {panel = 4, groups = 2}

// -----

// @parameter_c2
// expected-error @+1 {{takes panel and groups with the layout panels only}}
plan.parameter @p : memref<4x4xf32> from [#plan.source<"a" : tensor<4x4xf32>>] as row_major {panel = 4}

// -----

// @parameter_c3
// expected-error @+1 {{needs the type of its sources in this layout, 'memref<3x6xf32>', got 'memref<6x3xf32>'}}
plan.parameter @p : memref<6x3xf32> from [#plan.source<"a" : tensor<6x1x3xf32>>] as transposed

// -----

// @parameter_c3
// expected-error @+1 {{has more elements than 64 bits can count}}
plan.parameter @p : memref<4xf32> from [#plan.source<"a" : tensor<4611686018427387904x4xf32>>] as row_major

// -----

// @parameter_c4
// expected-error @+1 {{stores elements of 'f32' as the narrower 'bf16' without 'rounds'}}
plan.parameter @p : memref<4xbf16> from [#plan.source<"a" : tensor<4xf32>>] as row_major

// -----

// @parameter_c4
// expected-error @+1 {{stores elements of 'f16' as the narrower 'bf16' without 'rounds'}}
plan.parameter @p : memref<4xbf16> from [#plan.source<"a" : tensor<4xf16>>] as row_major

// -----

// @parameter_c4
// expected-error @+1 {{stores elements of 'f32' as the narrower 'bf16' without 'rounds'}}
plan.parameter @p : memref<6x4xbf16> from [#plan.source<"a" : tensor<6x4xbf16>>] as row_major {column_scale = #plan.source<"v" : tensor<4xbf16>>}

// -----

// @parameter_c5
// expected-error @+1 {{takes a column_scale of one element per column, on matrices without a transform that are not transposed, got 'tensor<6xbf16>' on 'tensor<6x4xbf16>'}}
plan.parameter @p : memref<6x4xf32> from [#plan.source<"a" : tensor<6x4xbf16>>] as row_major {column_scale = #plan.source<"v" : tensor<6xbf16>>}

// -----

// @parameter_c5
// expected-error @+1 {{takes a column_scale of one element per column, on matrices without a transform that are not transposed, got 'tensor<6xbf16>' on 'tensor<6xbf16>'}}
plan.parameter @p : memref<6xf32> from [#plan.source<"v" : tensor<6xbf16>>] as row_major {column_scale = #plan.source<"v" : tensor<6xbf16>>}

// -----

// @parameter_c5
// expected-error @+1 {{takes a column_scale of one element per column, on matrices without a transform that are not transposed, got 'tensor<4xbf16>' on 'tensor<6x4xbf16>'}}
plan.parameter @p : memref<4x6xf32> from [#plan.source<"a" : tensor<6x4xbf16>>] as transposed {column_scale = #plan.source<"v" : tensor<4xbf16>>}

// -----

// @parameter_c5
// expected-error @+1 {{takes a column_scale of one element per column, on matrices without a transform that are not transposed, got 'tensor<4xbf16>' on 'tensor<6x4xbf16>'}}
plan.parameter @p : memref<6x4xf32> from [#plan.source<"a" : tensor<6x4xbf16>>] as row_major {column_scale = #plan.source<"v" : tensor<4xbf16>>, transform = #plan<transform neg_exp>}

// -----

// @get_parameter_c1
func.func @f() {
  // expected-error @+1 {{needs a plan.parameter, got @missing}}
  %p = plan.get_parameter @missing : memref<4xf32>
  return
}

// -----

// @get_parameter_c1
// expected-note @+1 {{the parameter is here}}
plan.parameter @p : memref<4xf32> from [#plan.source<"a" : tensor<4xf32>>] as row_major
func.func @f() {
  // expected-error @+1 {{needs the parameter's type 'memref<4xf32>', got 'memref<5xf32>'}}
  %p = plan.get_parameter @p : memref<5xf32>
  return
}

// -----

// @partition_c1
func.func @f(%begin: memref<?xi32>, %length: memref<?xi32>) {
  // expected-error @+1 {{has nothing to part with the window all}}
  %p:8 = plan.partition <all> at(%begin, %length)
  return
}

// -----

// @alloc_c1
func.func @f(%rows: index) {
  // expected-error @+1 {{needs one dynamic dimension, its first, and the identity layout, got 'memref<4x?xf32>'}}
  %b = plan.alloc %rows in "shared" : memref<4x?xf32>
  return
}

// -----

// @view_c1
func.func @f(%rows: index) {
  %arena = plan.arena "shared" units(%rows) bytes_per_unit 128
  // expected-error @+1 {{needs an offset >= 0 that is a multiple of 64, got 32}}
  %b = plan.view %arena at 32 : memref<?x4xf32>
  return
}

// -----

// @view_c1
func.func @f(%rows: index) {
  %arena = plan.arena "shared" units(%rows) bytes_per_unit 128
  // expected-error @+1 {{ends behind its arena: offset 64 and 68 bytes per row of 128 bytes per unit}}
  %b = plan.view %arena at 64 : memref<?x17xf32>
  return
}

// -----

// @view_c1
func.func @f(%rows: index) {
  %arena = plan.arena "shared" units(%rows) bytes_per_unit 128
  // expected-error @+1 {{needs rows of a static number of bytes, got 'memref<4xf32>'}}
  %b = plan.view %arena at 64 : memref<4xf32>
  return
}

// -----

// @launch_c1
func.func @k(%rows: index) { return }
func.func @f(%rows: index) {
  // expected-error @+1 {{needs a kernel of the module @kernels, got @k}}
  plan.launch @k(%rows) stream 0 : index
  return
}

// -----

// @launch_c1
module @kernels {
  func.func @k(%rows: index) { return }
}
func.func @f(%rows: index) {
  // expected-error @+1 {{needs a kernel, got the function @kernels::@k}}
  plan.launch @kernels::@k(%rows) stream 0 : index
  return
}

// -----

// @launch_c2
module @kernels {
  // expected-note @+1 {{the kernel is here}}
  func.func @k(%rows: index, %x: memref<?x4xf32>) attributes {kern.kernel} { return }
}
func.func @f(%rows: index, %x: memref<?x5xf32>) {
  // expected-error @+1 {{passes ('index', 'memref<?x5xf32>') to a kernel that takes ('index', 'memref<?x4xf32>')}}
  plan.launch @kernels::@k(%rows, %x) stream 0 : index, memref<?x5xf32>
  return
}

// -----

// @fork_c1
func.func @f() {
  // expected-error @+1 {{needs different streams >= 0, got stream 1 twice}}
  plan.fork [1, 1]
  return
}

// -----

// @join_c1
func.func @f() {
  // expected-error @+1 {{needs a stream}}
  plan.join []
  return
}

// -----

// @state_c1
// expected-error @+1 {{needs one dynamic dimension, its first, and the identity layout, got 'memref<4x8xf32>'}}
plan.state @s : memref<4x8xf32> scan

// -----

// @state_c2
// expected-error @+1 {{needs the window of its rows, which follows no call, exactly where it is of kind kv}}
plan.state @s : memref<?x8xf32> kv

// -----

// @get_state_c1
plan.state @s : memref<?x8xf32> scan
func.func @f() {
  // expected-error @+1 {{needs a plan.state of type 'memref<?x4xf32>', got @s}}
  %s = plan.get_state @s : memref<?x4xf32>
  return
}
