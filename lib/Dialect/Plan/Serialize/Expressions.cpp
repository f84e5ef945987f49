//===- Expressions.cpp - Index arithmetic as instructions -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Expressions.h"

#include "mlir/IR/AffineExpr.h"

using namespace mlir;
using namespace mlir::plan;
using ::flowhn::fb::Instruction;
using ::flowhn::fb::Opcode;

static Opcode getOpcode(AffineExprKind kind) {
  switch (kind) {
  case AffineExprKind::Add:
    return Opcode::Add;
  case AffineExprKind::Mul:
    return Opcode::Mul;
  case AffineExprKind::FloorDiv:
    return Opcode::FloorDiv;
  case AffineExprKind::CeilDiv:
    return Opcode::CeilDiv;
  case AffineExprKind::Mod:
    return Opcode::Mod;
  default:
    llvm_unreachable("not a binary affine expression");
  }
}

static void append(AffineExpr expression, unsigned numDims, ArrayRef<int64_t> values,
                   Expression &result) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
    result.emplace_back(Opcode::Constant, constant.getValue());
  } else if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
    result.emplace_back(Opcode::Value, values[dim.getPosition()]);
  } else if (auto symbol = dyn_cast<AffineSymbolExpr>(expression)) {
    result.emplace_back(Opcode::Value, values[numDims + symbol.getPosition()]);
  } else {
    auto binary = cast<AffineBinaryOpExpr>(expression);
    append(binary.getLHS(), numDims, values, result);
    append(binary.getRHS(), numDims, values, result);
    result.emplace_back(getOpcode(expression.getKind()), 0);
  }
}

Expression mlir::plan::serializeConstant(int64_t value) {
  return {Instruction(Opcode::Constant, value)};
}

Expression mlir::plan::serializeMap(AffineMap map, ArrayRef<int64_t> values, unsigned position) {
  Expression result;
  append(map.getResult(position), map.getNumDims(), values, result);
  return result;
}

Expression mlir::plan::serializeResults(AffineMap map, ArrayRef<int64_t> values, Opcode joined) {
  Expression result;
  for (unsigned position = 0; position < map.getNumResults(); ++position) {
    llvm::append_range(result, serializeMap(map, values, position));
    if (position > 0)
      result.emplace_back(joined, 0);
  }
  return result;
}

Expression mlir::plan::serializePolynomial(ArrayAttr terms) {
  Expression result;
  if (!terms)
    return result;
  if (terms.empty())
    return serializeConstant(0);
  for (auto [position, attribute] : llvm::enumerate(terms)) {
    ArrayRef<int64_t> term = cast<DenseI64ArrayAttr>(attribute).asArrayRef();
    result.emplace_back(Opcode::Constant, term.front());
    for (auto [value, exponent] : llvm::enumerate(term.drop_front()))
      for (int64_t i = 0; i < exponent; ++i) {
        result.emplace_back(Opcode::Value, value);
        result.emplace_back(Opcode::Mul, 0);
      }
    if (position > 0)
      result.emplace_back(Opcode::Add, 0);
  }
  return result;
}
