//===- PruneDeadPositions.cpp - Only the tokens that are read -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_PRUNEDEADPOSITIONSPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

namespace {

/// Values that mixers read, with what those are made of: all their tokens are needed.
class FullValues {
public:
  /// Adds those of the mixers in `region`.
  void add(Region &region) {
    region.walk([&](Operation *op) {
      if (auto attention = dyn_cast<AttentionOp>(op))
        addAll({attention.getKey(), attention.getValue()});
      else if (auto scan = dyn_cast<SelectiveScanOp>(op))
        addAll({scan.getInput(), scan.getDelta(), scan.getB(), scan.getC()});
      else if (auto convolution = dyn_cast<CausalConv1DOp>(op))
        addAll({convolution.getInput()});
    });
  }

  bool contains(Value value) const { return values.contains(value); }

private:
  void addAll(ValueRange roots) {
    SmallVector<Value> next(roots);
    while (!next.empty()) {
      Value value = next.pop_back_val();
      Operation *op = value.getDefiningOp();
      if (values.insert(value).second && op)
        llvm::append_range(next, op->getOperands());
    }
  }

  DenseSet<Value> values;
};

/// Rewrites what is computed of the selected tokens of a call.
class Pruner {
public:
  Pruner(LastSelectedOp selected, Region &body)
      : selected(selected), builder(selected.getContext()) {
    full.add(body);
    keptLengths[selected.getLength()] = selected.getLastLength();
  }

  /// The tokens of `value` that are selected.
  Value keep(Value value);

private:
  Value compute(Value value);
  /// The selected tokens of a value that is there in full, tokens of `length`.
  Value takeLast(Value value, Value length);
  /// A block, whose result nothing else reads, yields selected tokens from then on.
  Value keepBlock(BlockOp op);
  Value keepRowwise(OpResult result);
  Value keepBranch(ParallelOp op, unsigned branch);
  Value keepFuse(FuseOp op);
  Value keepAttention(AttentionOp op);
  /// How many tokens of each row are kept of those that `length` counts.
  Value keptLength(Value length);
  SplitOp keepSplit(SplitOp op);
  LastSegmentsOp keepSegments(Operation *user, Value attention, Value ssm);
  /// Of which tokens `value` holds all.
  Value lengthOf(Value value);

  LastSelectedOp selected;
  FullValues full;
  OpBuilder builder;
  DenseMap<Value, Value> kept, keptLengths;
  DenseMap<Operation *, SplitOp> splits;
  DenseMap<Operation *, ParallelOp> parallels;
  DenseMap<Value, LastSegmentsOp> segments; ///< by those of attention
};

} // namespace

/// Whether a token of the results is made of the same token of the operands alone.
static bool isRowwise(Operation *op) {
  return isa<AddOp, LinearOp, RMSNormOp, SiLUOp, SliceOp, SwiGLUOp>(op);
}

static bool isTokens(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<FloatType>(type.getElementType()) && !isParameter(value);
}

Value Pruner::keep(Value value) {
  if (Value known = kept.lookup(value))
    return known;
  Value result = compute(value);
  kept[value] = result;
  return result;
}

Value Pruner::compute(Value value) {
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

Value Pruner::lengthOf(Value value) {
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

Value Pruner::takeLast(Value value, Value length) {
  Value keptTokens = keptLength(length);
  builder.setInsertionPointAfterValue(value);
  // The kept tokens of a branch are known behind its split.
  Operation *definition = keptTokens.getDefiningOp();
  if (!value.getDefiningOp() || (definition->getBlock() == value.getDefiningOp()->getBlock() &&
                                 value.getDefiningOp()->isBeforeInBlock(definition)))
    builder.setInsertionPointAfter(definition);
  return LastTokensOp::create(builder, value.getLoc(), value, length, keptTokens);
}

Value Pruner::keepBlock(BlockOp op) {
  Operation *yield = op.getBody().front().getTerminator();
  yield->setOperand(0, keep(yield->getOperand(0)));
  return op.getResult();
}

Value Pruner::keepRowwise(OpResult result) {
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

Value Pruner::keepBranch(ParallelOp op, unsigned branch) {
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

Value Pruner::keepFuse(FuseOp op) {
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

Value Pruner::keepAttention(AttentionOp op) {
  Value query = keep(op.getQuery()), queries = keptLength(op.getLength());
  builder.setInsertionPointAfter(op);
  auto clone = cast<AttentionOp>(builder.clone(*op));
  clone.getQueryMutable().assign(query);
  clone.getQueriesMutable().assign(queries);
  return clone.getResult();
}

Value Pruner::keptLength(Value length) {
  if (Value known = keptLengths.lookup(length))
    return known;
  keepSplit(cast<SplitOp>(length.getDefiningOp()));
  return keptLengths.lookup(length);
}

SplitOp Pruner::keepSplit(SplitOp op) {
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

LastSegmentsOp Pruner::keepSegments(Operation *user, Value attention, Value ssm) {
  LastSegmentsOp &known = segments[attention];
  if (!known) {
    builder.setInsertionPointAfter(attention.getDefiningOp());
    known = LastSegmentsOp::create(builder, user->getLoc(), attention, ssm, selected.getLastBegin(),
                                   selected.getLastLength());
  }
  return known;
}

/// Puts the body of `callee` in place of `call`; the callee goes where nobody else calls it.
static void inlineCall(func::CallOp call, func::FuncOp callee) {
  IRMapping mapping;
  mapping.map(callee.getArguments(), call.getOperands());
  OpBuilder builder(call);
  auto index = call->getAttrOfType<IntegerAttr>(blockIndexAttrName);
  auto block = BlockOp::create(builder, call.getLoc(), call.getResult(0).getType(),
                               call.getOperand(0), index);
  builder.createBlock(&block.getBody());
  Block &body = callee.getBody().front();
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  Operation *result = body.getTerminator();
  YieldOp::create(builder, result->getLoc(), mapping.lookupOrDefault(result->getOperand(0)));
  call.getResult(0).replaceAllUsesWith(block.getResult());
  Operation *model = callee->getParentOp();
  call.erase();
  if (SymbolTable::symbolKnownUseEmpty(callee, model))
    callee.erase();
}

static void eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    if (isOpTriviallyDead(&op)) {
      op.erase();
      continue;
    }
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        eraseDeadOps(inner);
  }
}

/// The call of the last block, whose result `select` reads; null, with a diagnostic, where
/// there is none or somebody else reads it too.
static func::CallOp findLastBlock(SelectTokensOp select) {
  auto call = select.getInput().getDefiningOp<func::CallOp>();
  if (!call || !call->hasAttr(blockIndexAttrName) || !call->hasOneUse() ||
      call.getNumResults() != 1) {
    select.emitOpError("needs the result of an outlined block, which nothing else reads, to "
                       "prune positions");
    return {};
  }
  return call;
}

static LogicalResult prune(SelectTokensOp select) {
  auto forward = select->getParentOfType<func::FuncOp>();
  func::CallOp call = findLastBlock(select);
  if (!call)
    return failure();
  auto arguments = forward.getArguments();
  if (arguments.size() != 4 || select.getLength() != arguments[2] ||
      select.getTokens() != arguments[3])
    return select.emitOpError("needs a function of ids, begin, length and select to prune "
                              "positions");
  inlineCall(call, SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr()));
  Block &body = forward.getBody().front();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  auto selected = LastSelectedOp::create(builder, select.getLoc(), arguments[1].getType(),
                                         arguments[1].getType(), select.getTokens(), arguments[1],
                                         arguments[2]);
  Value last = Pruner(selected, forward.getBody()).keep(select.getInput());
  builder.setInsertionPoint(select);
  auto packed = PackTokensOp::create(builder, select.getLoc(), select.getResult().getType(), last,
                                     selected.getLastLength());
  select.getResult().replaceAllUsesWith(packed.getResult());
  eraseDeadOps(body);
  return success();
}

namespace {
struct PruneDeadPositionsPass : flowhn::impl::PruneDeadPositionsPassBase<PruneDeadPositionsPass> {
  void runOnOperation() override {
    for (ModelOp model : getOperation().getOps<ModelOp>()) {
      SmallVector<SelectTokensOp> selects;
      model.walk([&](SelectTokensOp op) { selects.push_back(op); });
      if (selects.size() != 1) {
        model.emitOpError("needs one flowhn.select_tokens to prune positions, got ")
            << selects.size();
        return signalPassFailure();
      }
      if (failed(prune(selects.front())))
        return signalPassFailure();
    }
  }
};
} // namespace
