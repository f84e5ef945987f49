//===- LastTokenPruner.cpp - Computes last tokens alone -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LastTokenPruner.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::flowhn;

void FullValues::add(Region &region) {
  region.walk([&](Operation *op) {
    if (auto attention = dyn_cast<AttentionOp>(op))
      addAll({attention.getKey(), attention.getValue()});
    else if (auto scan = dyn_cast<SelectiveScanOp>(op))
      addAll({scan.getInput(), scan.getDelta(), scan.getB(), scan.getC()});
    else if (auto convolution = dyn_cast<CausalConv1DOp>(op))
      addAll({convolution.getInput()});
  });
}

void FullValues::addAll(ValueRange roots) {
  SmallVector<Value> next(roots);
  while (!next.empty()) {
    Value value = next.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (values.insert(value).second && op)
      llvm::append_range(next, op->getOperands());
  }
}

/// Whether a token of the results is made of the same token of the operands alone.
static bool isRowwise(Operation *op) {
  return isa<AddOp, LinearOp, RMSNormOp, SiLUOp, SliceOp, SwiGLUOp>(op);
}

static bool isTokens(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<FloatType>(type.getElementType()) && !isParameter(value);
}

Value LastTokenPruner::keep(Value value) {
  if (Value known = kept.lookup(value))
    return known;
  Value result = compute(value);
  kept[value] = result;
  return result;
}

Value LastTokenPruner::compute(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto split = dyn_cast_if_present<SplitOp>(op))
    return keepSplit(split)->getResult(cast<OpResult>(value).getResultNumber());
  if (!op || full.contains(value))
    return takeLast(value, lengthOf(value));
  if (auto block = dyn_cast<BlockOp>(op))
    return keepBlock(block);
  if (isRowwise(op))
    return keepRowwise(cast<OpResult>(value));
  if (auto parallel = dyn_cast<ParallelOp>(op))
    return keepBranch(parallel, cast<OpResult>(value).getResultNumber());
  if (auto fuse = dyn_cast<FuseOp>(op))
    return keepFuse(fuse);
  if (auto attention = dyn_cast<AttentionOp>(op))
    return keepAttention(attention);
  return takeLast(value, lengthOf(value));
}

Value LastTokenPruner::lengthOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto split = dyn_cast_if_present<SplitOp>(op))
    return value == split.getSsm() ? split.getSsmLength() : split.getAttentionLength();
  if (auto attention = dyn_cast_if_present<AttentionOp>(op))
    return attention.getLength();
  if (auto scan = dyn_cast_if_present<SelectiveScanOp>(op))
    return scan.getLength();
  if (auto convolution = dyn_cast_if_present<CausalConv1DOp>(op))
    return convolution.getLength();
  if (op && isRowwise(op))
    return lengthOf(op->getOperand(0));
  return selected.getLength();
}

Value LastTokenPruner::takeLast(Value value, Value length) {
  Value keptTokens = keptLength(length);
  builder.setInsertionPointAfterValue(value);
  // The kept tokens of a branch are known behind its split.
  Operation *definition = keptTokens.getDefiningOp();
  if (!value.getDefiningOp() || (definition->getBlock() == value.getDefiningOp()->getBlock() &&
                                 value.getDefiningOp()->isBeforeInBlock(definition)))
    builder.setInsertionPointAfter(definition);
  return LastTokensOp::create(builder, value.getLoc(), value, length, keptTokens);
}

Value LastTokenPruner::keepBlock(BlockOp op) {
  Operation *yield = op.getBody().front().getTerminator();
  yield->setOperand(0, keep(yield->getOperand(0)));
  return op.getResult();
}

Value LastTokenPruner::keepRowwise(OpResult result) {
  Operation *op = result.getOwner();
  IRMapping mapping;
  for (Value operand : op->getOperands())
    if (isTokens(operand))
      mapping.map(operand, keep(operand));
  builder.setInsertionPointAfter(op);
  Operation *clone = builder.clone(*op, mapping);
  for (auto [all, last] : llvm::zip_equal(op->getResults(), clone->getResults()))
    kept[all] = last;
  return clone->getResult(result.getResultNumber());
}

Value LastTokenPruner::keepBranch(ParallelOp op, unsigned branch) {
  ParallelOp clone = parallels.lookup(op);
  if (!clone) {
    builder.setInsertionPointAfter(op);
    clone = cast<ParallelOp>(builder.clone(*op));
    parallels[op] = clone;
    for (Region &region : clone.getBranches()) {
      full.add(region);
      Operation *yield = region.front().getTerminator();
      yield->setOperand(0, keep(yield->getOperand(0)));
    }
  }
  return clone->getResult(branch);
}

Value LastTokenPruner::keepFuse(FuseOp op) {
  IRMapping mapping;
  for (Value operand : op->getOperands())
    if (isTokens(operand))
      mapping.map(operand, keep(operand));
  if (op.getKind() == FuseKind::Tokens) {
    LastSegmentsOp last = keepSegments(op, op.getAttentionSegments(), op.getSsmSegments());
    mapping.map(op.getAttentionSegments(), last.getLastAttention());
    mapping.map(op.getSsmSegments(), last.getLastSsm());
    mapping.map(op.getBegin(), selected.getLastBegin());
    mapping.map(op.getLength(), selected.getLastLength());
  }
  builder.setInsertionPointAfter(op);
  return cast<FuseOp>(builder.clone(*op, mapping)).getResult();
}

Value LastTokenPruner::keepAttention(AttentionOp op) {
  Value query = keep(op.getQuery()), queries = keptLength(op.getLength());
  builder.setInsertionPointAfter(op);
  auto clone = cast<AttentionOp>(builder.clone(*op));
  clone.getQueryMutable().assign(query);
  clone.getQueriesMutable().assign(queries);
  return clone.getResult();
}

Value LastTokenPruner::keptLength(Value length) {
  if (Value known = keptLengths.lookup(length))
    return known;
  keepSplit(cast<SplitOp>(length.getDefiningOp()));
  return keptLengths.lookup(length);
}

SplitOp LastTokenPruner::keepSplit(SplitOp op) {
  if (SplitOp known = splits.lookup(op))
    return known;
  Value input = keep(op.getInput());
  LastSegmentsOp last = keepSegments(op, op.getAttentionSegments(), op.getSsmSegments());
  IRMapping mapping;
  mapping.map(op.getInput(), input);
  mapping.map(op.getBegin(), selected.getLastBegin());
  mapping.map(op.getLength(), selected.getLastLength());
  mapping.map(op.getAttentionSegments(), last.getLastAttention());
  mapping.map(op.getSsmSegments(), last.getLastSsm());
  builder.setInsertionPointAfter(op);
  auto split = cast<SplitOp>(builder.clone(*op, mapping));
  keptLengths[op.getAttentionLength()] = split.getAttentionLength();
  keptLengths[op.getSsmLength()] = split.getSsmLength();
  splits[op] = split;
  return split;
}

LastSegmentsOp LastTokenPruner::keepSegments(Operation *user, Value attention, Value ssm) {
  LastSegmentsOp &known = segments[attention];
  if (!known) {
    builder.setInsertionPointAfter(attention.getDefiningOp());
    known = LastSegmentsOp::create(builder, user->getLoc(), attention, ssm, selected.getLastBegin(),
                                   selected.getLastLength());
  }
  return known;
}
