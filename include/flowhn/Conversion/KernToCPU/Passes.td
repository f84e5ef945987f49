//===- Passes.td - Kernels for the CPU ----------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_CONVERSION_KERNTOCPU_PASSES_TD
#define FLOWHN_CONVERSION_KERNTOCPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ChooseCPUConfigsPass : Pass<"kern-choose-cpu-configs", "::mlir::ModuleOp"> {
  let summary = "Choose the CPU configuration of every kernel";
  let options = [Option<"cpu", "cpu", "std::string", "\"host\"", "x86-64-v2|x86-64-v3|x86-64-v4|host">];
}

def ConvertKernToCPUPass : Pass<"convert-kern-to-cpu", "::mlir::ModuleOp"> {
  let summary = "Emit the loops and vectors of every kernel";
  let description = [{
    Gives each kernel function of `@kernels` two more arguments, the work item and
    the scratch memory, and replaces its kern op by scf, vector and memref ops.

    Numerics: REASSOCIATING: sums are formed in the order of the configuration.
  }];
  let options = [Option<"cpu", "cpu", "std::string", "\"host\"", "x86-64-v2|x86-64-v3|x86-64-v4|host">];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect", "::mlir::affine::AffineDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def LowerCPUKernelsToLLVMPass : Pass<"flowhn-lower-cpu-kernels-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower the emitted kernels to the LLVM dialect, with the runtime's calling convention";
  let description = [{
    Every kernel becomes `void kernel(const int64_t *args, int64_t item, void *scratch)`:
    args[i] is argument i of the kernel, an index or the address of a buffer.
    Exponentials, logarithms and the like have been expanded: nothing external is
    called. Works on the module `@kernels` alone and leaves the plan as it is.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // FLOWHN_CONVERSION_KERNTOCPU_PASSES_TD
