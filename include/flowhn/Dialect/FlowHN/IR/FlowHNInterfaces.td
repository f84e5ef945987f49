//===- FlowHNInterfaces.td - Op interfaces of flowhn --------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_IR_FLOWHNINTERFACES_TD
#define FLOWHN_DIALECT_FLOWHN_IR_FLOWHNINTERFACES_TD

include "mlir/IR/OpBase.td"

def FlowHN_CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::mlir::flowhn";
  let description = [{
    What an op costs, as a polynomial in n, the tokens of one row that it sees.
    FLOPs count multiply-adds as two, in the paper's convention: matrix products,
    convolution and scan; norms, activations and residuals count nothing.
  }];
  let methods = [
    InterfaceMethod<"FLOPs per row of n tokens.", "::mlir::flowhn::Polynomial", "getFlops">,
    InterfaceMethod<"Bytes of the op's parameters, read once per call.", "int64_t", "getParameterBytes",
      (ins), "", [{ return ::mlir::flowhn::parameterBytes($_op); }]>,
    InterfaceMethod<"Bytes of activations read and written per row of n tokens.",
      "::mlir::flowhn::Polynomial", "getActivationBytes",
      (ins), "", [{ return ::mlir::flowhn::activationBytes($_op); }]>,
  ];
}

#endif // FLOWHN_DIALECT_FLOWHN_IR_FLOWHNINTERFACES_TD
