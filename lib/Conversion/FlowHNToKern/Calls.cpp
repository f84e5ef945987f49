//===- Calls.cpp - Calls of outlined blocks -------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpConversions.h"

using namespace mlir;
using namespace mlir::flowhn;

/// Whether `tokens`, of `width` features, are the whole rows of a buffer.
static bool isWholeBuffer(ProcedureBuilder &procedure, const Tokens &tokens, int64_t width) {
  auto type = cast<MemRefType>(tokens.buffer.getType());
  return tokens.column == 0 && !tokens.index &&
         type == procedure.getRowsType(width, type.getElementType());
}

void mlir::flowhn::tap(ProcedureBuilder &procedure, Location loc, const Twine &name,
                       const Tokens &tokens, int64_t width) {
  if (!procedure.isEntry || !isWholeBuffer(procedure, tokens, width))
    return;
  plan::TapOp::create(procedure.builder, loc, procedure.builder.getStringAttr(name),
                      tokens.space->rows, tokens.buffer, width);
}

/// The buffer of `value`, as whole rows.
static FailureOr<Value> getWholeBuffer(ProcedureBuilder &procedure, Value value, Operation *user) {
  FailureOr<Tokens> tokens = procedure.getTokens(value, user);
  if (failed(tokens) || isWholeBuffer(procedure, *tokens, getFeatures(value)))
    return failed(tokens) ? FailureOr<Value>() : tokens->buffer;
  Value buffer = procedure.createBuffer(user->getLoc(), tokens->space, getFeatures(value),
                                        getElementType(value));
  copyTokens(procedure, user->getLoc(), cast<RankedTensorType>(value.getType()), *tokens,
             {buffer, 0, tokens->space, {}});
  return buffer;
}

/// The tokens that all token operands of `call` belong to.
static FailureOr<const TokenSpace *> getCallSpace(ProcedureBuilder &procedure, func::CallOp call) {
  const TokenSpace *space = nullptr;
  for (Value operand : call.getOperands()) {
    if (getArgumentKind(operand.getType()) != ArgumentKind::Tokens)
      continue;
    FailureOr<Tokens> tokens = procedure.getTokens(operand, call);
    if (failed(tokens))
      return failure();
    if (space && tokens->space != space)
      return call.emitOpError("needs operands that are the same tokens of the call");
    space = tokens->space;
  }
  space = space ? space : procedure.callSpace;
  if (!space->batch)
    return call.emitOpError("needs whole sequences, got selected tokens");
  return space;
}

/// Adds what operand `value` of `call` passes in front of the results.
static LogicalResult addOperands(ProcedureBuilder &procedure, func::CallOp call, Value value,
                                 const TokenSpace *space, SmallVectorImpl<Value> &operands) {
  switch (getArgumentKind(value.getType())) {
  case ArgumentKind::Tokens: {
    FailureOr<Value> buffer = getWholeBuffer(procedure, value, call);
    if (failed(buffer))
      return failure();
    operands.push_back(*buffer);
    return success();
  }
  case ArgumentKind::Segment: {
    Segment segment = procedure.segments.lookup(value);
    if (!segment.space)
      return call.emitOpError("needs segments made by flowhn.segments");
    operands.append(
        {segment.space->rows, segment.space->maxLength, segment.space->offsets, segment.index});
    return success();
  }
  case ArgumentKind::State:
    operands.append(procedure.states.lookup(value).operands());
    return success();
  case ArgumentKind::Table:
    return procedure.checkLength(value, space, call);
  case ArgumentKind::Parameter:
    return success();
  }
  llvm_unreachable("every kind is handled");
}

/// The value that `call` passes for a capture of its callee.
static FailureOr<Value> getCapture(ProcedureBuilder &procedure, func::CallOp call,
                                   const Capture &capture) {
  if (auto *argument = std::get_if<BlockArgument>(&capture))
    return procedure.getTable(call.getOperand(argument->getArgNumber()), call);
  ParameterUse use = std::get<ParameterUse>(capture);
  auto bind = [&](Value &tensor) {
    if (auto argument = dyn_cast_if_present<BlockArgument>(tensor))
      tensor = call.getOperand(argument.getArgNumber());
  };
  llvm::for_each(use.sources, bind);
  bind(use.columnScale);
  return procedure.getParameter(use, call);
}

/// The buffer that a callee stores `result` in: where it is wanted, if that is a
/// whole buffer.
static Value createResultBuffer(ProcedureBuilder &procedure, Value result,
                                const TokenSpace *space) {
  Tokens place = procedure.createResult(result, space);
  if (isWholeBuffer(procedure, place, getFeatures(result)))
    return place.buffer;
  Value buffer =
      procedure.createBuffer(result.getLoc(), space, getFeatures(result), getElementType(result));
  procedure.setTokens(result, {buffer, 0, space, {}});
  return buffer;
}

/// Lets a caller see what goes into block `flowhn.index`.
static LogicalResult tapBlockInput(ProcedureBuilder &procedure, func::CallOp call) {
  auto index = call->getAttrOfType<IntegerAttr>(blockIndexAttrName);
  if (!index || call.getNumOperands() == 0)
    return success();
  FailureOr<Tokens> input = procedure.getTokens(call.getOperand(0), call);
  if (failed(input))
    return failure();
  tap(procedure, call.getLoc(), "hidden." + Twine(index.getInt()), *input,
      getFeatures(call.getOperand(0)));
  return success();
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, func::CallOp op) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, op.getCalleeAttr());
  FailureOr<const Procedure *> target = procedure.context.getProcedure(callee, op);
  FailureOr<const TokenSpace *> space = getCallSpace(procedure, op);
  if (failed(target) || failed(space) || failed(tapBlockInput(procedure, op)))
    return failure();
  SmallVector<Value> operands = {(*space)->batch, (*space)->rows, (*space)->maxLength,
                                 (*space)->offsets};
  for (Value operand : op.getOperands())
    if (failed(addOperands(procedure, op, operand, *space, operands)))
      return failure();
  for (Value result : op.getResults())
    operands.push_back(createResultBuffer(procedure, result, *space));
  for (const Capture &capture : (*target)->captures) {
    FailureOr<Value> value = getCapture(procedure, op, capture);
    if (failed(value))
      return failure();
    operands.push_back(*value);
  }
  auto call = func::CallOp::create(procedure.builder, op.getLoc(), (*target)->function, operands);
  for (StringRef name : {blockIndexAttrName, timesAttrName})
    if (Attribute attribute = op->getAttr(name))
      call->setAttr(name, attribute);
  return success();
}
