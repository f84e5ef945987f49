//===- Passes.h - Passes over plan ------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_TRANSFORMS_PASSES_H
#define FLOWHN_DIALECT_PLAN_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::plan {

#define GEN_PASS_DECL
#include "flowhn/Dialect/Plan/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "flowhn/Dialect/Plan/Transforms/Passes.h.inc"

} // namespace mlir::plan

#endif // FLOWHN_DIALECT_PLAN_TRANSFORMS_PASSES_H
