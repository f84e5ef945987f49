//===- MergeLayers.cpp - Merge linears and norms --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuseOps.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::flowhn;

/// Whether all of `weights` are stored in `type`: the panels of one kernel are.
static bool areStoredIn(ValueRange weights, Type type) {
  return llvm::all_of(weights, [&](Value weight) { return getElementTypeOrSelf(weight) == type; });
}

/// Whether `weight` is in front of `op` or can be moved there: a `get_parameter`
/// has no operands.
static bool canStandBefore(Value weight, Operation *op) {
  return isAvailableBefore(weight, op) || weight.getDefiningOp<GetParameterOp>();
}

/// Moves those of `weights` in front of `op` that are not there yet.
static void moveBefore(RewriterBase &rewriter, ArrayRef<Value> weights, Operation *op) {
  for (Value weight : weights)
    if (!isAvailableBefore(weight, op))
      rewriter.moveOpBefore(weight.getDefiningOp(), op);
}

/// Replaces `ops`, in this order, by `merged`, whose results are theirs in turn.
template <typename Op>
static void replaceInTurn(RewriterBase &rewriter, ArrayRef<Op> ops, Operation *merged) {
  ResultRange results = merged->getResults();
  for (Op op : ops) {
    unsigned count = op->getNumResults();
    rewriter.replaceOp(op, results.take_front(count));
    results = results.drop_front(count);
  }
}

template <typename Op> static Location fusedLoc(RewriterBase &rewriter, ArrayRef<Op> ops) {
  SmallVector<Location> locs = llvm::map_to_vector(ops, [](Op op) { return op.getLoc(); });
  return rewriter.getFusedLoc(locs);
}

namespace {

//===----------------------------------------------------------------------===//
// Linears over one input
//===----------------------------------------------------------------------===//

/// Whether nothing is fused into `op`.
bool isPlain(LinearOp op) {
  return !op.getNorm() && !op.getBias() && !op.getResidual() && !op.getActivation();
}

/// linear %x [%a], linear %x [%b] -> linear %x [%a, %b]
struct MergeLinears : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The plain linears over `first`'s input that can be merged into it, itself
  /// included, in program order.
  static SmallVector<LinearOp> collectPeers(LinearOp first) {
    Type type = getElementTypeOrSelf(first.getWeights().front());
    SmallVector<LinearOp> peers;
    for (Operation *user : first.getInput().getUsers()) {
      auto linear = dyn_cast<LinearOp>(user);
      if (!linear || !isPlain(linear) || linear->getBlock() != first->getBlock())
        continue;
      if (areStoredIn(linear.getWeights(), type))
        peers.push_back(linear);
    }
    llvm::sort(peers, [](LinearOp a, LinearOp b) { return a->isBeforeInBlock(b); });
    return peers;
  }

  LogicalResult matchAndRewrite(LinearOp op, PatternRewriter &rewriter) const override {
    if (!isPlain(op))
      return rewriter.notifyMatchFailure(op, "something is fused into it already");
    SmallVector<LinearOp> peers = collectPeers(op);
    if (peers.size() < 2)
      return rewriter.notifyMatchFailure(
          op, "no other plain linear of its storage type reads its input");
    if (peers.front() != op)
      return rewriter.notifyMatchFailure(op, "an earlier linear takes it in");
    SmallVector<Value> weights;
    SmallVector<Type> types;
    for (LinearOp peer : peers) {
      llvm::append_range(weights, peer.getWeights());
      llvm::append_range(types, peer.getResultTypes());
    }
    if (!llvm::all_of(weights, [&](Value weight) { return canStandBefore(weight, op); }))
      return rewriter.notifyMatchFailure(op, "a weight is computed after it");

    moveBefore(rewriter, weights, op);
    auto merged = LinearOp::create(rewriter, fusedLoc<LinearOp>(rewriter, peers), types,
                                   op.getInput(), weights, /*norm=*/Value(), /*bias=*/Value(),
                                   /*residual=*/Value(), ActivationAttr(), /*eps=*/FloatAttr());
    replaceInTurn<LinearOp>(rewriter, peers, merged);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Norms over the sections of one value
//===----------------------------------------------------------------------===//

/// A norm of consecutive features of a value.
struct Section {
  SliceOp slice;
  RMSNormOp norm;
};

int64_t featuresOf(Value value) { return cast<ShapedType>(value.getType()).getShape().back(); }

/// rms_norm (slice %x), rms_norm (slice %x), … -> rms_norm %x, [%a, %b, …]
struct MergeNorms : OpRewritePattern<RMSNormOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The norms, each of one slice of `value` that it alone reads, by offset.
  static SmallVector<Section> collectSections(Value value) {
    SmallVector<Section> sections;
    for (Operation *user : value.getUsers()) {
      auto slice = dyn_cast<SliceOp>(user);
      if (!slice || !slice->hasOneUse())
        continue;
      auto norm = dyn_cast<RMSNormOp>(*slice->user_begin());
      if (norm && norm.getInput() == slice.getResult() && norm.getWeights().size() == 1)
        sections.push_back({slice, norm});
    }
    llvm::sort(sections,
               [](Section a, Section b) { return a.slice.getOffset() < b.slice.getOffset(); });
    return sections;
  }

  /// Whether `sections` follow on each other from feature 0 to the last of `value`.
  static bool cover(ArrayRef<Section> sections, Value value) {
    int64_t end = 0;
    for (Section section : sections) {
      if (int64_t(section.slice.getOffset()) != end)
        return false;
      end += featuresOf(section.slice.getResult());
    }
    return end == featuresOf(value);
  }

  LogicalResult matchAndRewrite(RMSNormOp op, PatternRewriter &rewriter) const override {
    auto slice = op.getInput().getDefiningOp<SliceOp>();
    if (!slice)
      return rewriter.notifyMatchFailure(op, "its input is no slice");
    Value value = slice.getInput();
    SmallVector<Section> sections = collectSections(value);
    if (sections.size() < 2 || !cover(sections, value))
      return rewriter.notifyMatchFailure(op, "the normed slices do not cover the whole value");
    SmallVector<RMSNormOp> norms =
        llvm::map_to_vector(sections, [](Section section) { return section.norm; });
    if (!llvm::all_of(norms, [&](RMSNormOp norm) {
          return norm->getBlock() == op->getBlock() && norm.getEpsAttr() == op.getEpsAttr();
        }))
      return rewriter.notifyMatchFailure(op, "the norms differ in eps or in where they stand");

    RMSNormOp first =
        *llvm::min_element(norms, [](RMSNormOp a, RMSNormOp b) { return a->isBeforeInBlock(b); });
    SmallVector<Value> weights =
        llvm::map_to_vector(norms, [](RMSNormOp norm) -> Value { return norm.getWeights()[0]; });
    if (!areStoredIn(weights, getElementTypeOrSelf(weights.front())))
      return rewriter.notifyMatchFailure(op, "the weights are stored in several types");
    if (!llvm::all_of(weights, [&](Value weight) { return canStandBefore(weight, first); }))
      return rewriter.notifyMatchFailure(op, "a weight is computed after the first norm");

    moveBefore(rewriter, weights, first);
    rewriter.setInsertionPoint(first);
    SmallVector<Type> types =
        llvm::map_to_vector(norms, [](RMSNormOp norm) { return norm.getResult(0).getType(); });
    auto merged = RMSNormOp::create(rewriter, fusedLoc<RMSNormOp>(rewriter, norms), types, value,
                                    weights, op.getEpsAttr());
    replaceInTurn<RMSNormOp>(rewriter, norms, merged);
    return success();
  }
};

} // namespace

void mlir::flowhn::populateMergePatterns(RewritePatternSet &patterns) {
  patterns.add<MergeLinears, MergeNorms>(patterns.getContext());
}
