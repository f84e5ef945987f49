//===- FlowHNOps.h - Ops of flowhn ------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_IR_FLOWHNOPS_H
#define FLOWHN_DIALECT_FLOWHN_IR_FLOWHNOPS_H

#include "flowhn/Dialect/FlowHN/IR/Polynomial.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::flowhn {

/// Marks the `func.func` of an outlined block.
inline constexpr llvm::StringLiteral blockFunctionAttrName = "flowhn.block";
/// On a `func.call` of an outlined block: the block's index, its row of the plan.
inline constexpr llvm::StringLiteral blockIndexAttrName = "flowhn.index";
/// On a `flowhn.block` or a `func.call` of an outlined one: what it is predicted to take.
inline constexpr llvm::StringLiteral stepAttrName = "flowhn.step";
inline constexpr llvm::StringLiteral timesAttrName = "flowhn.times";
/// On a `flowhn.model`: what its tokens are ("bytes").
inline constexpr llvm::StringLiteral tokenizerAttrName = "flowhn.tokenizer";

/// Whether a value is a parameter: a `flowhn.get_parameter` result, or a function
/// argument of static shape (blocks are outlined with their parameters as arguments).
bool isParameter(Value value);

/// Bytes of the operands of an op that are parameters: read once per call.
int64_t parameterBytes(Operation *op);

/// Bytes of the activations an op reads and writes, per row of n tokens: one
/// element per feature of every tokens × features operand and result, and each
/// state once. A state of dynamic capacity counts the n tokens of the call.
/// The branches of a split share its n tokens. Slices, yields, ops with regions and
/// ops of other dialects move nothing.
Polynomial activationBytes(Operation *op);

} // namespace mlir::flowhn

#include "flowhn/Dialect/FlowHN/IR/FlowHNDialect.h.inc"

#include "flowhn/Dialect/FlowHN/IR/FlowHNEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "flowhn/Dialect/FlowHN/IR/FlowHNAttributes.h.inc"

#define GET_TYPEDEF_CLASSES
#include "flowhn/Dialect/FlowHN/IR/FlowHNTypes.h.inc"

#include "flowhn/Dialect/FlowHN/IR/FlowHNInterfaces.h.inc"

#define GET_OP_CLASSES
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h.inc"

#endif // FLOWHN_DIALECT_FLOWHN_IR_FLOWHNOPS_H
