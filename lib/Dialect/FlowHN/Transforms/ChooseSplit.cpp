//===- ChooseSplit.cpp - Which positions each block gives to attention ----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/BranchCosts.h"
#include "flowhn/Analysis/SplitPlan.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_CHOOSESPLITPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

using Plan = SmallVector<WindowAttr>;

//===----------------------------------------------------------------------===//
// What is said about a plan
//===----------------------------------------------------------------------===//

/// How many positions a window gives to attention, for people.
static std::string describeCount(WindowAttr window) {
  if (window.isAll())
    return "all";
  if (!window.getByCall())
    return std::to_string(window.getCount());
  return llvm::formatv("{0}/{1} of each call", window.getNumerator(), window.getDenominator());
}

/// The attention tokens of a plan: one count where all blocks agree, else a list.
static std::string describeCounts(ArrayRef<WindowAttr> plan) {
  if (plan.empty())
    return "none";
  SmallVector<std::string> counts = llvm::map_to_vector(plan, describeCount);
  if (llvm::all_equal(counts))
    return counts.front();
  return "[" + llvm::join(counts, ", ") + "]";
}

/// How far the smaller of two costs stays behind the larger one, in percent.
static std::string describeImbalance(int64_t a, int64_t b) {
  double larger = std::max(a, b);
  double behind = larger == 0 ? 0 : 100 * (larger - std::min(a, b)) / larger;
  return llvm::formatv("{0:F1} %", behind);
}

/// What a block's branches cost under a window: what a remark tells.
static std::string describeDecision(const BlockCosts &block, WindowAttr window) {
  Polynomial attention = block.branch(Branch::Attention).flops;
  Polynomial ssm = block.branch(Branch::SSM).flops;
  if (window.getPeriod() == 0)
    return llvm::formatv("attention sees {0}: attention {1}, ssm {2} FLOPs per row of n tokens "
                         "that the branch sees",
                         window.isAll() ? "all tokens" : describeCount(window), attention.str(),
                         ssm.str());
  int64_t context = window.getPeriod(), count = window.getCount();
  int64_t attentionFlops = attention(count), ssmFlops = ssm(context - count);
  return llvm::formatv("attention sees {0} of {1} positions: attention {2}, ssm {3} FLOPs per row, "
                       "imbalance {4}",
                       count, context, attentionFlops, ssmFlops,
                       describeImbalance(attentionFlops, ssmFlops));
}

/// One remark per distinct decision, with the blocks that it was made for.
static void remarkOnDecisions(ModelOp model, ArrayRef<BlockCosts> blocks,
                              ArrayRef<WindowAttr> plan) {
  llvm::MapVector<StringAttr, SmallVector<size_t>> decisions;
  for (auto [index, block, window] : llvm::enumerate(blocks, plan))
    decisions[StringAttr::get(model.getContext(), describeDecision(block, window))].push_back(
        index);
  for (auto &[decision, indices] : decisions) {
    InFlightDiagnostic remark = emitRemark(model.getLoc());
    remark << (indices.size() == 1 ? "in block " : "in blocks ");
    llvm::interleaveComma(indices, remark);
    remark << ", " << decision.getValue();
  }
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Checks that the blocks can join their branches as the strategy needs it: a
/// model that splits projects D features, one that does not the joined 2·D.
static LogicalResult verifyFuses(ModelOp model, Strategy strategy) {
  FuseKind expected = strategy == Strategy::None ? FuseKind::Features : FuseKind::Tokens;
  WalkResult result = model.walk([&](FuseOp fuse) {
    if (fuse.getKind() == expected)
      return WalkResult::advance();
    InFlightDiagnostic diag = model.emitOpError("strategy ")
                              << stringifyStrategy(strategy) << " needs blocks that fuse "
                              << stringifyFuseKind(expected) << ", got "
                              << stringifyFuseKind(fuse.getKind());
    diag.attachNote(fuse.getLoc()) << "the fuse is here";
    return WalkResult(diag);
  });
  return failure(result.wasInterrupted());
}

namespace {
struct ChooseSplitPass : flowhn::impl::ChooseSplitPassBase<ChooseSplitPass> {
  using ChooseSplitPassBase::ChooseSplitPassBase;

  void runOnOperation() override {
    for (ModelOp model : getOperation().getOps<ModelOp>())
      if (failed(chooseSplit(model)))
        return signalPassFailure();
  }

  LogicalResult chooseSplit(ModelOp model) {
    auto emitError = [&] { return model.emitOpError(); };
    SplitAttr split = overrideSplit(model.getSplit(), emitError);
    if (!split || failed(verifyFuses(model, split.getStrategy())))
      return failure();
    SmallVector<BlockCosts> blocks = computeModelCosts(model).blocks;
    FailureOr<Plan> plan = computeSplitPlan(split, blocks, emitError);
    if (failed(plan))
      return failure();
    warnAboutChange(model, split, blocks, *plan);
    remarkOnDecisions(model, blocks, *plan);
    model.setSplitAttr(split);
    model.setPlanAttr(
        ArrayAttr::get(&getContext(), SmallVector<Attribute>(plan->begin(), plan->end())));
    return success();
  }

  /// The model's split with the options in place of what it says; null on error.
  SplitAttr overrideSplit(SplitAttr split, function_ref<InFlightDiagnostic()> emitError) {
    std::optional<Strategy> newStrategy = split.getStrategy();
    if (!strategy.empty())
      newStrategy = symbolizeStrategy(strategy);
    std::optional<Circulation> newCirculation = split.getCirculation();
    if (!circulation.empty())
      newCirculation = symbolizeCirculation(circulation);
    if (!newStrategy || !newCirculation) {
      if (!newStrategy)
        emitError() << "strategy must be none, ae, fa or fac, got '" << strategy << "'";
      else
        emitError() << "circulation must be alternate or rotate, got '" << circulation << "'";
      return {};
    }
    if (!circulation.empty() && newStrategy != Strategy::FAC) {
      emitError() << "circulation needs strategy fac, got " << stringifyStrategy(*newStrategy);
      return {};
    }
    // Counts stay with the split unless it is left for one that has none.
    bool hasCounts = newStrategy == Strategy::FA || newStrategy == Strategy::FAC;
    SmallVector<int64_t> counts(attentionTokens.begin(), attentionTokens.end());
    if (counts.empty() && hasCounts)
      llvm::append_range(counts, split.getAttentionTokens());
    int64_t newContext = context == 0 ? split.getContextLength() : static_cast<int64_t>(context);
    return SplitAttr::getChecked(emitError, &getContext(), *newStrategy, *newCirculation,
                                 newContext, ArrayRef<int64_t>(counts), split.getByCall());
  }

  /// The count is part of the model: says so where the options change it.
  void warnAboutChange(ModelOp model, SplitAttr split, ArrayRef<BlockCosts> blocks,
                       const Plan &plan) {
    if (split == model.getSplit())
      return;
    // Without the options the split may fix no positions; then nothing is said.
    FailureOr<Plan> oldPlan = computeSplitPlan(model.getSplit(), blocks);
    if (failed(oldPlan) || *oldPlan == plan)
      return;
    emitWarning(model.getLoc()) << "overriding the split changes the function of the model: "
                                << model.getSplit() << " -> " << split
                                << " (attention tokens: " << describeCounts(*oldPlan) << " -> "
                                << describeCounts(plan) << ")";
  }
};
} // namespace
