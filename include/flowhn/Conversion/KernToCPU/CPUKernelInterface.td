//===- CPUKernelInterface.td - Kernels for the CPU ----------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_CONVERSION_KERNTOCPU_CPUKERNELINTERFACE_TD
#define FLOWHN_CONVERSION_KERNTOCPU_CPUKERNELINTERFACE_TD

include "mlir/IR/OpBase.td"

def CPUKernelInterface : OpInterface<"CPUKernelInterface"> {
  let cppNamespace = "::mlir::kern";
  let description = [{
    How the CPU target runs a kern op: attached as an external model. A launch is
    a grid of independent work items; any thread may run any item, so results do
    not depend on the number of threads.
  }];
  let methods = [
    InterfaceMethod<"The configuration chosen for the target: a dictionary of tile sizes, kept on the op.",
      "::mlir::DictionaryAttr", "chooseCPUConfig", (ins "const ::mlir::flowhn::CPUTargetInfo &":$target)>,
    InterfaceMethod<"Work items of a launch: a map from the op's index operands, in order, to one count.",
      "::mlir::AffineMap", "getCPUGrid">,
    InterfaceMethod<"Bytes of scratch memory a worker needs, 64-byte aligned, its contents undefined.",
      "int64_t", "getCPUScratchBytes">,
    InterfaceMethod<"Emit the code of one work item at the builder's insertion point. `item` is its index; `scratch` a memref<?xi8>. Leaves the op itself in place.",
      "::mlir::LogicalResult", "emitCPU",
      (ins "::mlir::OpBuilder &":$builder, "const ::mlir::flowhn::CPUTargetInfo &":$target, "::mlir::Value":$item, "::mlir::Value":$scratch)>,
  ];
}

#endif // FLOWHN_CONVERSION_KERNTOCPU_CPUKERNELINTERFACE_TD
