//===- ProcedureSignature.cpp - What a procedure takes --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProcedureBuilder.h"

#include <array>

using namespace mlir;
using namespace mlir::flowhn;

ArgumentKind mlir::flowhn::getArgumentKind(Type type) {
  if (isa<StateType>(type))
    return ArgumentKind::State;
  auto tensor = cast<RankedTensorType>(type);
  if (tensor.hasStaticShape())
    return ArgumentKind::Parameter;
  if (!tensor.getElementType().isInteger())
    return ArgumentKind::Tokens;
  return tensor.getRank() == 3 ? ArgumentKind::Segment : ArgumentKind::Table;
}

/// Whether `type` is a tensor of `rank` dimensions of 32-bit integers.
static bool isIntegers(Type type, int64_t rank) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == rank && tensor.getElementType().isInteger(32);
}

static bool isEntryType(FunctionType type, bool isStep) {
  if (type.getNumInputs() != (isStep ? 5 : 4) || type.getNumResults() != 1 ||
      !isIntegers(type.getInput(0), 2))
    return false;
  auto logits = dyn_cast<RankedTensorType>(type.getResult(0));
  return llvm::all_of(type.getInputs().drop_front(),
                      [](Type input) { return isIntegers(input, 1); }) &&
         logits && logits.getRank() == 2 && !logits.isDynamicDim(1) &&
         logits.getElementType().isF32();
}

LogicalResult ProcedureBuilder::convertEntrySignature() {
  FunctionType type = source.getFunctionType();
  bool isStep = source->hasAttr(stepAttrName);
  if (!isEntryType(type, isStep))
    return source.emitOpError("is what a call of the model runs and needs to take ids, begin, "
                              "length")
           << (isStep ? ", select and slots" : " and select")
           << " and to return float32 logits, got " << type;
  Location loc = source.getLoc();
  Type index = builder.getIndexType(), table = getTableType(builder.getContext());
  Value batch = addArgument(index, loc), rows = addArgument(index, loc);
  Value maxLength = addArgument(index, loc), selected = addArgument(index, loc);
  chosen = addArgument(index, loc);
  if (isStep)
    drawn = addArgument(index, loc);
  Value ids = addArgument(table, loc), begin = addArgument(table, loc);
  Value length = addArgument(table, loc), offsets = addArgument(table, loc);
  Value select = addArgument(table, loc);
  callSpace = createSpace({batch, rows, maxLength, offsets});
  std::array<Value, 4> brought = {ids, begin, length, select};
  for (auto [argument, value] : llvm::zip(source.getArguments(), brought))
    tables[argument] = value;
  for (unsigned i : {0, 1, 2})
    spaceOf[source.getArgument(i)] = callSpace;
  selectedSpace = spaceOf[source.getArgument(3)] = createSpace({{}, selected, {}, {}});
  auto logits = cast<RankedTensorType>(type.getResult(0));
  // Callers get logits without gaps.
  results.push_back(addArgument(MemRefType::get(logits.getShape(), logits.getElementType()), loc));
  tokens = addArgument(table, loc);
  if (isStep) {
    tables[source.getArgument(4)] = addArgument(table, loc);
    draws = addArgument(table, loc);
    history = addArgument(table, loc);
  }
  return success();
}

LogicalResult ProcedureBuilder::convertSignature() {
  Location loc = source.getLoc();
  Type index = builder.getIndexType(), table = getTableType(builder.getContext());
  auto addSpace = [&](Value batch) {
    Value rows = addArgument(index, loc), maxLength = addArgument(index, loc);
    return createSpace({batch, rows, maxLength, addArgument(table, loc)});
  };
  callSpace = addSpace(addArgument(index, loc));
  for (BlockArgument argument : source.getArguments()) {
    if (!isa<RankedTensorType, StateType>(argument.getType()))
      return source.emitOpError("needs arguments that are ranked tensors or states, got ")
             << argument.getType();
    switch (getArgumentKind(argument.getType())) {
    case ArgumentKind::Tokens: {
      if (cast<RankedTensorType>(argument.getType()).getRank() != 3)
        return source.emitOpError("needs tokens of batch x tokens x features, got ")
               << argument.getType();
      MemRefType rows = getRowsType(getFeatures(argument), getElementType(argument));
      tokensOf[argument] = {addArgument(rows, argument.getLoc()), 0, callSpace, {}};
      break;
    }
    case ArgumentKind::Segment: {
      const TokenSpace *space = addSpace(callSpace->batch);
      segments[argument] = {space, addArgument(table, argument.getLoc())};
      break;
    }
    case ArgumentKind::Table:
      spaceOf[argument] = callSpace;
      break;
    case ArgumentKind::State:
      addState(argument);
      break;
    case ArgumentKind::Parameter:
      break;
    }
  }
  for (Type type : source.getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getRank() != 3 || !isa<FloatType>(tensor.getElementType()))
      return source.emitOpError("needs results that are batch x tokens x features, got ") << type;
    Type rows = getRowsType(tensor.getShape().back(), tensor.getElementType());
    results.push_back(addArgument(rows, loc));
  }
  return success();
}
