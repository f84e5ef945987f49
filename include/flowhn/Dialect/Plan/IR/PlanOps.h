//===- PlanOps.h - Ops of plan ----------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_IR_PLANOPS_H
#define FLOWHN_DIALECT_PLAN_IR_PLANOPS_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "flowhn/Dialect/Plan/IR/PlanDialect.h.inc"

#include "flowhn/Dialect/Plan/IR/PlanEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "flowhn/Dialect/Plan/IR/PlanTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "flowhn/Dialect/Plan/IR/PlanAttributes.h.inc"

#define GET_OP_CLASSES
#include "flowhn/Dialect/Plan/IR/PlanOps.h.inc"

namespace mlir::plan {

/// Marks the procedure that a call of the model runs.
inline constexpr llvm::StringLiteral entryAttrName = "plan.entry";
/// Marks the procedure that goes on with sequences in flight.
inline constexpr llvm::StringLiteral stepAttrName = "plan.step";
/// Buffers start at multiples of this many bytes.
inline constexpr int64_t bufferAlignment = 64;

/// The bytes of one row of `type`, rows being its first and only dynamic dimension;
/// nothing when it is no such type.
std::optional<int64_t> getRowBytes(MemRefType type);

} // namespace mlir::plan

#endif // FLOWHN_DIALECT_PLAN_IR_PLANOPS_H
