//===- FlowHNParameterOps.cpp - Parameters and states of a model ----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"

using namespace mlir;
using namespace mlir::flowhn;

LogicalResult ParameterOp::verify() {
  // parameter_c1 is the constraint on the type.
  // parameter_c2
  bool isInteger = isa<IntegerType>(getType().getElementType());
  if (isInteger != getScale().has_value())
    return emitOpError(isInteger ? "of integer type needs a scale, got type "
                                 : "of floating-point type takes no scale, got type ")
           << getType();
  return success();
}

LogicalResult ParameterOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  if (!getScaleAttr())
    return success();
  // parameter_c3
  auto scale =
      symbolTable.lookupNearestSymbolFrom<ParameterOp>((*this)->getParentOp(), getScaleAttr());
  if (!scale)
    return emitOpError("scale must be a parameter of the model, got @") << *getScale();
  RankedTensorType type = scale.getType();
  int64_t rows = getType().getRank() == 0 ? 1 : getType().getDimSize(0);
  int64_t elements = type.getNumElements();
  if (!isa<FloatType>(type.getElementType()) || (elements != 1 && elements != rows))
    return emitOpError("scale must be of floating-point type with one element or ")
           << rows << ", got " << type;
  return success();
}

LogicalResult GetStateOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // get_state_c1
  auto state = symbolTable.lookupNearestSymbolFrom<StateOp>(*this, getNameAttr());
  if (!state)
    return emitOpError("must name a state of the model, got @") << getName();
  // get_state_c2
  if (state.getType() != getResult().getType())
    return emitOpError("must have the state's type ")
           << state.getType() << ", got " << getResult().getType();
  return success();
}

LogicalResult GetParameterOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // get_parameter_c1
  auto parameter = symbolTable.lookupNearestSymbolFrom<ParameterOp>(*this, getNameAttr());
  if (!parameter)
    return emitOpError("must name a parameter of the model, got @") << getName();
  // get_parameter_c2
  if (parameter.getType() != getResult().getType()) {
    InFlightDiagnostic diag = emitOpError("result must have the parameter's type ")
                              << parameter.getType() << ", got " << getResult().getType();
    diag.attachNote(parameter.getLoc()) << "the parameter is here";
    return diag;
  }
  return success();
}
