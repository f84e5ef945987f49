//===- Passes.td - From the model to kernels and a plan -----*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_CONVERSION_FLOWHNTOKERN_PASSES_TD
#define FLOWHN_CONVERSION_FLOWHNTOKERN_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertFlowHNToKernPass : Pass<"convert-flowhn-to-kern", "::mlir::ModuleOp"> {
  let summary = "Turn a model into kernels and the procedures that launch them";
  let options = [Option<"cpu", "cpu", "std::string", "\"host\"", "x86-64-v2|x86-64-v3|x86-64-v4|host">];
  let dependentDialects = ["::mlir::kern::KernDialect", "::mlir::plan::PlanDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::affine::AffineDialect"];
}

#endif // FLOWHN_CONVERSION_FLOWHNTOKERN_PASSES_TD
