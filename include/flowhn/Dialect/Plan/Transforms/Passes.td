//===- Passes.td - Passes over plan -------------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_TRANSFORMS_PASSES_TD
#define FLOWHN_DIALECT_PLAN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignBuffersPass : Pass<"plan-assign-buffers", "::mlir::ModuleOp"> {
  let summary = "Give every buffer of a procedure its place in an arena";
}

#endif // FLOWHN_DIALECT_PLAN_TRANSFORMS_PASSES_TD
