//===- SplitPlan.cpp - From a split strategy to windows -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/SplitPlan.h"

#include "flowhn/Analysis/SplitSearch.h"
#include <map>

using namespace mlir;
using namespace mlir::flowhn;

/// The windows of every block, block by block or by what a call brings.
template <typename GetWindow>
static SmallVector<WindowAttr> layOut(size_t numBlocks, GetWindow &&getWindow) {
  SmallVector<WindowAttr> plan;
  for (size_t block = 0; block < numBlocks; ++block)
    plan.push_back(getWindow(block));
  return plan;
}

/// Without a context: the split follows the length of each call.
static FailureOr<SmallVector<WindowAttr>>
layOutByCall(SplitAttr split, size_t numBlocks, function_ref<InFlightDiagnostic()> emitError) {
  MLIRContext *context = split.getContext();
  Strategy strategy = split.getStrategy();
  if (strategy == Strategy::AE)
    return layOut(numBlocks, [&](size_t block) {
      bool last = block % 2 == 0;
      return WindowAttr::getByCall(context, last, /*ceil=*/last, 1, 2);
    });
  bool isRotating = strategy == Strategy::FAC && split.getCirculation() == Circulation::Rotate;
  if (!split.getByCall() || isRotating) {
    if (emitError)
      emitError() << "strategy " << stringifyStrategy(strategy) << (isRotating ? ", rotate" : "")
                  << " needs a context length, got none";
    return failure();
  }
  // The fractions that the published code freezes.
  if (strategy == Strategy::FA)
    return layOut(numBlocks, [&](size_t) {
      return WindowAttr::getByCall(context, /*last=*/false, /*ceil=*/false, 59, 100);
    });
  return layOut(numBlocks, [&](size_t block) {
    return WindowAttr::getByCall(context, /*last=*/block % 2 == 0, /*ceil=*/false, 1, 2);
  });
}

/// The FLOP-balanced counts of blocks; equal blocks are searched once.
static SmallVector<int64_t> searchCounts(ArrayRef<BlockCosts> blocks, int64_t context) {
  auto key = [](const Polynomial &p) { return std::make_tuple(p.constant, p.linear, p.quadratic); };
  std::map<std::pair<decltype(key({})), decltype(key({}))>, int64_t> known;
  SmallVector<int64_t> counts;
  for (const BlockCosts &block : blocks) {
    Polynomial attention = block.branch(Branch::Attention).flops;
    Polynomial ssm = block.branch(Branch::SSM).flops;
    auto [it, isNew] = known.try_emplace({key(attention), key(ssm)});
    if (isNew)
      it->second = flopBalancedCount(attention, ssm, context);
    counts.push_back(it->second);
  }
  return counts;
}

/// How many positions of the context each block of `fa` or `fac` gives to attention.
static FailureOr<SmallVector<int64_t>> computeCounts(SplitAttr split, ArrayRef<BlockCosts> blocks,
                                                     function_ref<InFlightDiagnostic()> emitError) {
  int64_t context = split.getContextLength();
  ArrayRef<int64_t> given = split.getAttentionTokens();
  if (given.size() == 1)
    return SmallVector<int64_t>(blocks.size(), given.front());
  if (given.size() == blocks.size())
    return SmallVector<int64_t>(given);
  if (!given.empty()) {
    if (emitError)
      emitError() << "attention_tokens must hold one count, or one per block, got " << given.size()
                  << " counts for " << blocks.size() << " blocks";
    return failure();
  }
  if (!split.getByCall())
    return searchCounts(blocks, context);
  // The authors' fractions, the context standing for the length of the call.
  int64_t count = split.getStrategy() == Strategy::FA ? context * 59 / 100 : context / 2;
  return SmallVector<int64_t>(blocks.size(), count);
}

/// With a context: positions are fixed.
static FailureOr<SmallVector<WindowAttr>>
layOutFixed(SplitAttr split, ArrayRef<BlockCosts> blocks,
            function_ref<InFlightDiagnostic()> emitError) {
  int64_t period = split.getContextLength();
  auto getWindow = [&](int64_t start, int64_t count) {
    return WindowAttr::getFixed(split.getContext(), start % period, count, period);
  };
  if (split.getStrategy() == Strategy::AE)
    return layOut(blocks.size(), [&](size_t block) {
      int64_t half = period / 2;
      return block % 2 == 0 ? getWindow(half, period - half) : getWindow(0, half);
    });
  FailureOr<SmallVector<int64_t>> counts = computeCounts(split, blocks, emitError);
  if (failed(counts))
    return failure();
  if (split.getStrategy() == Strategy::FA)
    return layOut(blocks.size(), [&](size_t block) { return getWindow(0, (*counts)[block]); });
  if (split.getCirculation() == Circulation::Alternate)
    return layOut(blocks.size(), [&](size_t block) {
      int64_t count = (*counts)[block];
      return getWindow(block % 2 == 0 ? period - count : 0, count);
    });
  int64_t start = period;
  return layOut(blocks.size(), [&](size_t block) {
    int64_t count = (*counts)[block];
    start = (start + period - count) % period;
    return getWindow(start, count);
  });
}

FailureOr<SmallVector<WindowAttr>>
flowhn::computeSplitPlan(SplitAttr split, ArrayRef<BlockCosts> blocks,
                         function_ref<InFlightDiagnostic()> emitError) {
  if (split.getStrategy() == Strategy::None)
    return layOut(blocks.size(), [&](size_t) { return WindowAttr::getAll(split.getContext()); });
  if (split.getContextLength() == 0)
    return layOutByCall(split, blocks.size(), emitError);
  return layOutFixed(split, blocks, emitError);
}

int64_t flowhn::countAttentionTokens(WindowAttr window, int64_t length) {
  if (window.isAll())
    return length;
  if (window.getByCall()) {
    int64_t rounding = window.getCeil() ? window.getDenominator() - 1 : 0;
    return (length * window.getNumerator() + rounding) / window.getDenominator();
  }
  // The window [start, end) on the line, and what of it wrapped to the front.
  int64_t end = window.getStart() + window.getCount();
  int64_t straight = std::min({end, window.getPeriod(), length}) - window.getStart();
  int64_t wrapped = std::min(end - window.getPeriod(), length);
  return std::max<int64_t>(straight, 0) + std::max<int64_t>(wrapped, 0);
}

int64_t flowhn::countSSMTokens(WindowAttr window, int64_t length) {
  return window.isAll() ? length : length - countAttentionTokens(window, length);
}
