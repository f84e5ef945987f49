// Where kernels may start before the one in front of them ends, each waits for that before its
// first access to memory, once it has let the next one start.
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu | FileCheck %s
// RUN: flowhn-opt %s --kern-choose-gpu-configs --convert-kern-to-gpu --flowhn-lower-gpu-kernels-to-llvm --flowhn-emit-ptx -o /dev/null | FileCheck %s --check-prefix=PTX
// RUN: flowhn-opt %s --kern-choose-gpu-configs=chip=sm_80 --convert-kern-to-gpu=chip=sm_80 | FileCheck %s --check-prefix=OLD

// OLD-NOT: griddepcontrol
// OLD-NOT: kern.waits

module @kernels {
  // CHECK-LABEL: func.func @copy
  // CHECK-SAME: kern.waits
  // CHECK-NEXT: nvvm.griddepcontrol launch_dependents
  // CHECK-NEXT: nvvm.griddepcontrol wait
  // CHECK-NOT: griddepcontrol
  // PTX-LABEL: .entry copy(
  // PTX-NOT: {{(ld|st)\.global}}
  // PTX: griddepcontrol.launch_dependents;
  // PTX-NOT: {{(ld|st)\.global}}
  // PTX: griddepcontrol.wait;
  // PTX: ld.global
  func.func @copy(%rows: index, %x: memref<?x16xf32>, %out: memref<?x16xf32>, %to: memref<?xi32>) attributes {kern.kernel} {
    kern.rowwise rows(%rows) %x -> %out scatter(%to) {
    ^bb0(%v: f32):
      kern.yield %v
    } {sections = array<i64: 0, 16>, reduction = #kern.reduction<none>, accesses = [], extra_columns = array<i64>} : (index, memref<?x16xf32>, memref<?x16xf32>, memref<?xi32>) -> ()
    return
  }
}
