//===- Expressions.h - Index arithmetic as instructions ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_DIALECT_PLAN_SERIALIZE_EXPRESSIONS_H
#define FLOWHN_LIB_DIALECT_PLAN_SERIALIZE_EXPRESSIONS_H

#include "flowhn/Artifact/Plan_generated.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"

#include <vector>

namespace mlir::plan {

/// Postfix instructions, see Plan.fbs.
using Expression = std::vector<::flowhn::fb::Instruction>;

/// A constant.
Expression serializeConstant(int64_t value);

/// Result `position` of `map`; `values[i]` is the number of the index value that
/// stands for input i, dimensions before symbols.
Expression serializeMap(AffineMap map, ArrayRef<int64_t> values, unsigned position = 0);

/// All results of `map`, joined by a binary operation.
Expression serializeResults(AffineMap map, ArrayRef<int64_t> values, ::flowhn::fb::Opcode joined);

/// A polynomial as `kern.flops` holds it: terms [coefficient, exponent of each index
/// value]. Nothing for a null attribute.
Expression serializePolynomial(ArrayAttr terms);

} // namespace mlir::plan

#endif // FLOWHN_LIB_DIALECT_PLAN_SERIALIZE_EXPRESSIONS_H
