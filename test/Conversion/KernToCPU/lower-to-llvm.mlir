// Kernels get the runtime's calling convention: an entry that reads the arguments
// from an array and calls the body, whose buffers are bare pointers that do not
// alias. The vector width is kept from being halved, 16-bit floats are accessed as
// integers, and nothing is declared that would have to be linked.
// RUN: flowhn-opt %s --kern-choose-cpu-configs=cpu=x86-64-v4 --convert-kern-to-cpu=cpu=x86-64-v4 --flowhn-lower-cpu-kernels-to-llvm | FileCheck %s

// CHECK-LABEL: module @model
// What is not a kernel stays.
// CHECK: func.func @plan
module @model {
  func.func @plan(%n: index) -> index {
    return %n : index
  }

  // CHECK: module @kernels
  module @kernels {
    // CHECK: llvm.func internal @project.body(%{{.*}}: i64, %{{.*}}: !llvm.ptr {llvm.noalias, llvm.nonnull, llvm.noundef}
    // CHECK-SAME: no_inline, no_unwind, passthrough = {{\[\[}}"min-legal-vector-width", "512"]], prefer_vector_width = "512"
    // CHECK-NOT: bf16
    // CHECK: llvm.intr.masked.store {{.*}} : vector<16xi16>
    // CHECK: llvm.return

    // CHECK: llvm.func @project(%[[ARGS:.*]]: !llvm.ptr, %[[ITEM:.*]]: i64, %[[SCRATCH:.*]]: !llvm.ptr)
    // CHECK-SAME: kern.grid
    // CHECK-SAME: kern.scratch_bytes
    // CHECK: %[[ROWS:.*]] = llvm.load {{.*}} -> i64
    // CHECK: %[[LAST_ADDRESS:.*]] = llvm.getelementptr %[[ARGS]][3]
    // CHECK: %[[LAST:.*]] = llvm.load %[[LAST_ADDRESS]] : !llvm.ptr -> !llvm.ptr
    // CHECK: llvm.call @project.body(%[[ROWS]], {{.*}}, %[[LAST]], %[[ITEM]], %[[SCRATCH]])
    // CHECK-NOT: llvm.func
    func.func @project(%rows: index, %a: memref<?x768xf32>, %b: memref<1x768x32xf32>, %out: memref<?x21xbf16>) attributes {kern.kernel} {
      kern.matmul rows(%rows) %a, %b -> %out {
      ^bb0(%sum: f32):
        kern.yield %sum
      } {n = 21, k = 768, accesses = [], extra_columns = array<i64>} : (index, memref<?x768xf32>, memref<1x768x32xf32>, memref<?x21xbf16>) -> ()
      return
    }
  }
}
