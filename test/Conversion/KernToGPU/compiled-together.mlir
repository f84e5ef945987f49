// Kernels of one kern.code are one text and assembled at once; what the assembler says is about one
// of them all the same.
// RUN: rm -rf %t
// RUN: not flowhn-opt %s --flowhn-emit-ptx="directory=%t ptxas=%S/Inputs/spilling-ptxas.sh" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SPILLS
// RUN: not env STATUS=1 flowhn-opt %s --flowhn-emit-ptx="directory=%t ptxas=%S/Inputs/spilling-ptxas.sh" -o /dev/null 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: env STORES=0 flowhn-opt %s --flowhn-emit-ptx="directory=%t ptxas=%S/Inputs/spilling-ptxas.sh" -o /dev/null | FileCheck %s
// RUN: FileCheck %s --check-prefix=PTX < %t/both.ptx
// RUN: FileCheck %s --check-prefix=ALONE --implicit-check-not=.entry < %t/alone.ptx

// SPILLS: ptxas on kernel 'second': 8 bytes stack frame, 8 bytes spill stores
// REFUSED: ptxas refused kernels 'first', 'second': ptxas info
// CHECK: // both: 40 registers
// CHECK: // alone: 40 registers
// PTX: .entry first(
// PTX: .entry second(
// ALONE: .entry alone(

module @kernels {
  llvm.func @first(%to: !llvm.ptr<1>, %value: i32) attributes {kern.code = "both", kern.grid = affine_map<() -> (1)>, nvvm.kernel} {
    llvm.store %value, %to : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @alone() attributes {kern.grid = affine_map<() -> (1)>, nvvm.kernel} {
    llvm.return
  }
  llvm.func @second(%to: !llvm.ptr<1>) attributes {kern.code = "both", kern.grid = affine_map<() -> (1)>, nvvm.kernel} {
    %value = llvm.mlir.constant(1 : i32) : i32
    llvm.store %value, %to : i32, !llvm.ptr<1>
    llvm.return
  }
}
