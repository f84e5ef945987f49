//===- KernInterfaces.td - Op interfaces of kern ------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_KERN_IR_KERNINTERFACES_TD
#define FLOWHN_DIALECT_KERN_IR_KERNINTERFACES_TD

include "mlir/IR/OpBase.td"

def Kern_KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::mlir::kern";
  let description = [{
    What a kernel costs at given extents: the values of the op's index operands,
    in operand order.
  }];
  let methods = [
    InterfaceMethod<"FLOPs, a multiply-add counted as two; rows of a batch are taken to be full.",
      "int64_t", "getFlops", (ins "::llvm::ArrayRef<int64_t>":$extents)>,
    InterfaceMethod<"Bytes that must move at least once: operands read and the result written.",
      "int64_t", "getBytes", (ins "::llvm::ArrayRef<int64_t>":$extents)>,
  ];
}

#endif // FLOWHN_DIALECT_KERN_IR_KERNINTERFACES_TD
