//===- LastTokens.cpp - The last tokens of each sequence ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpConversions.h"

using namespace mlir;
using namespace mlir::flowhn;

/// The selected rows of each branch of `window` in the call.
static FailureOr<plan::LastRowsOp> createLastRows(ProcedureBuilder &procedure, WindowAttr window,
                                                  LastSelectedOp op) {
  FailureOr<Value> begin = procedure.getTable(op.getBegin(), op);
  FailureOr<Value> length = procedure.getTable(op.getLength(), op);
  FailureOr<Value> select = procedure.getTable(op.getTokens(), op);
  if (failed(begin) || failed(length) || failed(select))
    return failure();
  OpBuilder &builder = procedure.builder;
  Type index = builder.getIndexType(), table = begin->getType();
  return plan::LastRowsOp::create(
      builder, op.getLoc(),
      TypeRange{index, index, table, table, table, index, index, table, table, table}, *begin,
      *length, *select, window);
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, LastSelectedOp op) {
  if (!procedure.isEntry || procedure.spaceOf.lookup(op.getLength()) != procedure.callSpace)
    return op.emitOpError("needs the lengths of the call");
  FailureOr<plan::LastRowsOp> rows =
      createLastRows(procedure, WindowAttr::getAll(op.getContext()), op);
  if (failed(rows))
    return failure();
  const TokenSpace *last =
      procedure.createSpace({procedure.callSpace->batch, procedure.selectedSpace->rows,
                             rows->getAttentionMaxLength(), rows->getAttentionOffsets()});
  procedure.spaceOf[op.getLastBegin()] = procedure.spaceOf[op.getLastLength()] = last;
  procedure.lastTokens[last] = {procedure.callSpace, rows->getAttentionLast()};
  return success();
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, LastSegmentsOp op) {
  auto segments = op.getAttention().getDefiningOp<SegmentsOp>();
  auto selected = op.getLastLength().getDefiningOp<LastSelectedOp>();
  if (!segments || !selected || segments != op.getSsm().getDefiningOp<SegmentsOp>())
    return op.emitOpError("needs segments made by flowhn.segments, and what "
                          "flowhn.last_selected makes");
  FailureOr<plan::LastRowsOp> rows = createLastRows(procedure, segments.getWindow(), selected);
  if (failed(rows))
    return failure();
  Value batch = procedure.callSpace->batch;
  auto define = [&](Value all, Value result, const TokenSpace &space, Value index, Value last) {
    const TokenSpace *created = procedure.createSpace(space);
    procedure.segments[result] = {created, index};
    procedure.lastTokens[created] = {procedure.segments.lookup(all).space, last};
  };
  define(
      op.getAttention(), op.getLastAttention(),
      {batch, rows->getAttentionRows(), rows->getAttentionMaxLength(), rows->getAttentionOffsets()},
      rows->getAttentionIndex(), rows->getAttentionLast());
  define(op.getSsm(), op.getLastSsm(),
         {batch, rows->getSsmRows(), rows->getSsmMaxLength(), rows->getSsmOffsets()},
         rows->getSsmIndex(), rows->getSsmLast());
  return success();
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, LastTokensOp op) {
  FailureOr<Tokens> input = procedure.getDenseTokens(op.getInput(), op);
  const TokenSpace *kept = procedure.spaceOf.lookup(op.getKeep());
  Segment last = procedure.lastTokens.lookup(kept);
  if (failed(input) || failed(procedure.checkLength(op.getLength(), input->space, op)))
    return failure();
  if (last.space != input->space)
    return op.emitOpError("needs to keep tokens of its input that flowhn.last_selected or "
                          "flowhn.last_segments names");
  procedure.setTokens(op.getResult(), {input->buffer, input->column, kept, last.index});
  return success();
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, PackTokensOp op) {
  FailureOr<Tokens> input = procedure.getDenseTokens(op.getInput(), op);
  if (failed(input) || failed(procedure.checkLength(op.getLength(), input->space, op)))
    return failure();
  if (!op.getLength().getDefiningOp<LastSelectedOp>())
    return op.emitOpError("needs the tokens that the call selects");
  procedure.setTokens(op.getResult(), {input->buffer, input->column, procedure.selectedSpace, {}});
  return success();
}
