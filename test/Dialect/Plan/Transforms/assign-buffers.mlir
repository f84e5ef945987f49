// Buffers of one arena and one number of rows share memory when their lifetimes
// do not meet; a buffer is live from its first use to its last.
// RUN: flowhn-opt %s --plan-assign-buffers | FileCheck %s

module @kernels {
  func.func @map(%rows: index, %x: memref<?x16xf32>, %y: memref<?x16xf32>) attributes {kern.kernel} { return }
}

// Three buffers in a chain: the third takes the place of the first.
// CHECK-LABEL: func.func @chain
// CHECK: %[[ARENA:.*]] = plan.arena "shared" units(%arg0) bytes_per_unit 128
// CHECK-NOT: plan.alloc
// CHECK: %[[A:.*]] = plan.view %[[ARENA]] at 0 : memref<?x16xf32>
// CHECK: %[[B:.*]] = plan.view %[[ARENA]] at 64 : memref<?x16xf32>
// CHECK: %[[C:.*]] = plan.view %[[ARENA]] at 0 : memref<?x16xf32>
// CHECK: plan.launch @kernels::@map(%arg0, %[[A]], %[[B]])
// CHECK: plan.launch @kernels::@map(%arg0, %[[B]], %[[C]])
func.func @chain(%rows: index) {
  %a = plan.alloc %rows in "shared" : memref<?x16xf32>
  %b = plan.alloc %rows in "shared" : memref<?x16xf32>
  %c = plan.alloc %rows in "shared" : memref<?x16xf32>
  plan.launch @kernels::@map(%rows, %a, %b) stream 0 : index, memref<?x16xf32>, memref<?x16xf32>
  plan.launch @kernels::@map(%rows, %b, %c) stream 0 : index, memref<?x16xf32>, memref<?x16xf32>
  return
}

// Rows of 4 bytes still start at multiples of 64; other rows are another arena.
// CHECK-LABEL: func.func @keys
// CHECK-DAG: plan.arena "shared" units(%arg0) bytes_per_unit 64
// CHECK-DAG: plan.arena "shared" units(%arg1) bytes_per_unit 64
// CHECK-DAG: plan.arena "branch" units(%arg0) bytes_per_unit 64
func.func @keys(%rows: index, %selected: index) {
  %a = plan.alloc %rows in "shared" : memref<?x1xf32>
  %b = plan.alloc %selected in "shared" : memref<?x1xf32>
  %c = plan.alloc %rows in "branch" : memref<?x1xf32>
  plan.tap "a" rows(%rows) %a width 1 : memref<?x1xf32>
  plan.tap "b" rows(%selected) %b width 1 : memref<?x1xf32>
  plan.tap "c" rows(%rows) %c width 1 : memref<?x1xf32>
  return
}

// Between a fork and its join two streams use "shared": in program order %a is dead
// when %b is written, but stream 1 may run first. "attention" is used by stream 0
// alone, whose order is the program's.
// CHECK-LABEL: func.func @streams
// CHECK: %[[SHARED:.*]] = plan.arena "shared" units(%arg0) bytes_per_unit 192
// CHECK: plan.view %[[SHARED]] at 0
// CHECK: plan.view %[[SHARED]] at 64
// CHECK: plan.view %[[SHARED]] at 128
// CHECK: %[[ATT:.*]] = plan.arena "attention" units(%arg0) bytes_per_unit 128
// CHECK: plan.view %[[ATT]] at 0
// CHECK: plan.view %[[ATT]] at 64
// CHECK: plan.view %[[ATT]] at 0
func.func @streams(%rows: index) {
  %x = plan.alloc %rows in "shared" : memref<?x16xf32>
  %a = plan.alloc %rows in "shared" : memref<?x16xf32>
  %b = plan.alloc %rows in "shared" : memref<?x16xf32>
  %p = plan.alloc %rows in "attention" : memref<?x16xf32>
  %q = plan.alloc %rows in "attention" : memref<?x16xf32>
  %r = plan.alloc %rows in "attention" : memref<?x16xf32>
  plan.fork [0, 1]
  plan.launch @kernels::@map(%rows, %x, %p) stream 0 : index, memref<?x16xf32>, memref<?x16xf32>
  plan.launch @kernels::@map(%rows, %p, %q) stream 0 : index, memref<?x16xf32>, memref<?x16xf32>
  plan.launch @kernels::@map(%rows, %q, %r) stream 0 : index, memref<?x16xf32>, memref<?x16xf32>
  plan.launch @kernels::@map(%rows, %r, %a) stream 0 : index, memref<?x16xf32>, memref<?x16xf32>
  plan.launch @kernels::@map(%rows, %x, %b) stream 1 : index, memref<?x16xf32>, memref<?x16xf32>
  plan.join [0, 1]
  return
}

// An arena starts at its first buffer: what is called before does not lie on top of it.
// CHECK-LABEL: func.func @late
// CHECK: call @chain
// CHECK: plan.arena "branch"
// CHECK: call @chain
func.func @late(%rows: index) {
  call @chain(%rows) : (index) -> ()
  %a = plan.alloc %rows in "branch" : memref<?x16xf32>
  call @chain(%rows) : (index) -> ()
  plan.tap "a" rows(%rows) %a width 16 : memref<?x16xf32>
  return
}
