//===- States.cpp - Memory that layers keep between calls -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpConversions.h"

using namespace mlir;
using namespace mlir::flowhn;

/// Rows as kernels read them: of a scan [states, channels].
static MemRefType getMemoryType(StateType type, const KernelTarget &target) {
  ArrayRef<int64_t> shape = type.getRow().getShape();
  Type element = type.getRow().getElementType();
  switch (type.getKind()) {
  case StateKind::KV:
    return MemRefType::get({ShapedType::kDynamic, target.rowElements(shape[0], element)}, element);
  case StateKind::Conv:
    return MemRefType::get({ShapedType::kDynamic, shape[0], shape[1]}, element);
  case StateKind::Scan:
    return MemRefType::get({ShapedType::kDynamic, shape[1], shape[0]}, element);
  }
  llvm_unreachable("every kind is handled");
}

plan::StateOp mlir::flowhn::declareState(OpBuilder &builder, StateOp state,
                                         const KernelTarget &target) {
  auto model = cast<ModelOp>(state->getParentOp());
  WindowAttr window;
  if (state.getType().getKind() == StateKind::KV) {
    window = WindowAttr::getAll(state.getContext());
    ArrayAttr plan = model.getPlanAttr();
    if (state.getBlock() && plan && *state.getBlock() < plan.size())
      window = cast<WindowAttr>(plan[*state.getBlock()]);
  }
  return plan::StateOp::create(builder, state.getLoc(), state.getSymName(),
                               getMemoryType(state.getType(), target), state.getType().getKind(),
                               window, state.getBlockAttr());
}

/// The rows of the cache that a call reads and writes, once for each window.
static FailureOr<plan::CacheRowsOp> getCacheRows(ProcedureBuilder &procedure, GetStateOp op,
                                                 WindowAttr window, Value slots) {
  plan::CacheRowsOp &known = procedure.cacheRows[window];
  if (known)
    return known;
  func::FuncOp source = op->getParentOfType<func::FuncOp>();
  FailureOr<Value> begin = procedure.getTable(source.getArgument(1), op);
  FailureOr<Value> length = procedure.getTable(source.getArgument(2), op);
  if (failed(begin) || failed(length))
    return failure();
  Type table = slots.getType();
  known = plan::CacheRowsOp::create(procedure.builder, op.getLoc(), table, table, table, *begin,
                                    *length, slots, window);
  return known;
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, GetStateOp op) {
  if (!procedure.isEntry)
    return op.emitOpError("belongs in the function that steps through sequences");
  FailureOr<Value> slots = procedure.getTable(op.getSlots(), op);
  if (failed(slots))
    return failure();
  plan::StateOp declared = procedure.context.states.lookup(op.getNameAttr().getAttr());
  Value memory = plan::GetStateOp::create(procedure.builder, op.getLoc(), declared.getType(),
                                          declared.getSymName());
  State &state = procedure.states[op.getResult()];
  if (!declared.getWindow()) {
    state = {memory, *slots, {}, {}, {}};
    return success();
  }
  FailureOr<plan::CacheRowsOp> rows = getCacheRows(procedure, op, *declared.getWindow(), *slots);
  if (failed(rows))
    return failure();
  state = {memory, {}, rows->getFirst(), rows->getBefore(), rows->getRows()};
  return success();
}

SmallVector<Value> State::operands() const {
  return slots ? SmallVector<Value>{memory, slots}
               : SmallVector<Value>{memory, first, before, rows};
}

void ProcedureBuilder::addState(BlockArgument argument) {
  auto type = cast<StateType>(argument.getType());
  Location loc = argument.getLoc();
  auto addTable = [&] {
    return addArgument(MemRefType::get({ShapedType::kDynamic}, builder.getI32Type()), loc);
  };
  State &state = states[argument];
  state.memory = addArgument(getMemoryType(type, context.target), loc);
  if (type.getKind() != StateKind::KV) {
    state.slots = addTable();
    return;
  }
  for (Value *table : {&state.first, &state.before, &state.rows})
    *table = addTable();
}
