//===- GPUKernelInterface.td - Kernels for the GPU ----------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_CONVERSION_KERNTOGPU_GPUKERNELINTERFACE_TD
#define FLOWHN_CONVERSION_KERNTOGPU_GPUKERNELINTERFACE_TD

include "mlir/IR/OpBase.td"

def GPUKernelInterface : OpInterface<"GPUKernelInterface"> {
  let cppNamespace = "::mlir::kern";
  let description = [{
    How the GPU target runs a kern op: attached as an external model. A launch is a
    grid of thread blocks, each of which runs the emitted code.
  }];
  let methods = [
    InterfaceMethod<"The configuration chosen for the target: a dictionary of tile sizes, kept on the op.",
      "::mlir::DictionaryAttr", "chooseGPUConfig", (ins "const ::mlir::flowhn::GPUTargetInfo &":$target)>,
    InterfaceMethod<"The configurations that there are to choose among, the chosen one first, then what promises most.",
      "::llvm::SmallVector<::mlir::DictionaryAttr>", "getGPUConfigs", (ins "const ::mlir::flowhn::GPUTargetInfo &":$target),
      /*methodBody=*/"", /*defaultImplementation=*/[{
        return {::llvm::cast<::mlir::kern::GPUKernelInterface>($_op.getOperation()).chooseGPUConfig(target)};
      }]>,
    InterfaceMethod<"Emit the code of a thread block at the builder's insertion point and say how it is launched. Leaves the op itself in place.",
      "::mlir::FailureOr<::mlir::kern::GPULaunch>", "emitGPU",
      (ins "::mlir::OpBuilder &":$builder, "const ::mlir::flowhn::GPUTargetInfo &":$target)>,
  ];
}

#endif // FLOWHN_CONVERSION_KERNTOGPU_GPUKERNELINTERFACE_TD
