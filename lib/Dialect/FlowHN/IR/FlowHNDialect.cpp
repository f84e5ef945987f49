//===- FlowHNDialect.cpp - The flowhn dialect -----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::flowhn;

#include "flowhn/Dialect/FlowHN/IR/FlowHNDialect.cpp.inc"

#include "flowhn/Dialect/FlowHN/IR/FlowHNInterfaces.cpp.inc"

/// `operand` or `operand -> sum`, where the types differ.
static ParseResult parseSumTypes(OpAsmParser &parser, Type &operand, Type &sum) {
  if (parser.parseType(operand))
    return failure();
  sum = operand;
  return succeeded(parser.parseOptionalArrow()) ? parser.parseType(sum) : ParseResult(success());
}

static void printSumTypes(OpAsmPrinter &printer, Operation *, Type operand, Type sum) {
  printer << operand;
  if (sum != operand)
    printer << " -> " << sum;
}

#define GET_OP_CLASSES
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.cpp.inc"

void FlowHNDialect::initialize() {
  registerAttributes();
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.cpp.inc"
      >();
}

LogicalResult FlowHNDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  auto refuse = [&](StringRef expected) {
    return op->emitOpError("attribute ") << attribute.getName() << " must be " << expected;
  };
  StringRef name = attribute.getName();
  // flowhn_c1
  if (name == blockFunctionAttrName &&
      (!isa<func::FuncOp>(op) || !isa<UnitAttr>(attribute.getValue())))
    return refuse("a unit attribute of a func.func");
  // flowhn_c2
  auto index = dyn_cast<IntegerAttr>(attribute.getValue());
  if (name == blockIndexAttrName && (!isa<func::CallOp>(op) || !index ||
                                     !index.getType().isSignlessInteger(64) || index.getInt() < 0))
    return refuse("an i64 >= 0 of a func.call");
  // flowhn_c3
  if (name == tokenizerAttrName && (!isa<ModelOp>(op) || !isa<StringAttr>(attribute.getValue())))
    return refuse("a string of a flowhn.model");
  // flowhn_c4
  if (name == timesAttrName &&
      (!isa<BlockOp, func::CallOp>(op) || !isa<TimesAttr>(attribute.getValue())))
    return refuse("#flowhn.times of a flowhn.block or func.call");
  // flowhn_c5
  if (name == stepAttrName && (!isa<func::FuncOp>(op) || !isa<UnitAttr>(attribute.getValue())))
    return refuse("a unit attribute of a func.func");
  return success();
}
