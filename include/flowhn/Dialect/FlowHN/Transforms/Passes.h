//===- Passes.h - Passes over flowhn ----------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_TRANSFORMS_PASSES_H
#define FLOWHN_DIALECT_FLOWHN_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::flowhn {

#define GEN_PASS_DECL
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"

} // namespace mlir::flowhn

#endif // FLOWHN_DIALECT_FLOWHN_TRANSFORMS_PASSES_H
