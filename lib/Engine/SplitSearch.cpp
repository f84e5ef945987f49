//===- SplitSearch.cpp - A split for a model without weights --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Engine/SplitSearch.h"

#include "Compilation.h"
#include "flowhn/Analysis/SplitTimes.h"
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Support/Guard.h"
#include "flowhn/Target/NVPTX/Calibrations.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cmath>

using namespace flowhn;
using mlir::flowhn::BlockTimes;
using mlir::flowhn::BlockUse;
using mlir::flowhn::Compilation;
using mlir::flowhn::SplitTimes;

namespace {

Status checkModel(const Model &model) {
  if (!model.weightsFolder().empty())
    return invalidArgument("'" + model.name() +
                           "' has weights, and keeps the count that they "
                           "were trained with: a split is searched for a config alone");
  if (!model.config())
    return invalidArgument("'" + model.name() + "' is IR: a split is searched for a config");
  return {};
}

Status checkOptions(const CompileOptions &options, const SplitSearchOptions &search) {
  if (search.objective != "makespan" && search.objective != "throughput")
    return invalidArgument("the objective of a split must be makespan or throughput, got '" +
                           search.objective + "'");
  if (!(search.leastShare >= 0 && search.leastShare <= search.mostShare && search.mostShare <= 1))
    return invalidArgument("the shares of attention must satisfy 0 <= least <= most <= 1, got " +
                           std::to_string(search.leastShare) + " and " +
                           std::to_string(search.mostShare));
  if (options.target != "nvptx")
    return unsupported("times are predicted for the target nvptx alone, not for " + options.target);
  if (options.typicalTokens != 0)
    return invalidArgument("a split is searched for rows of whole contexts, got typical rows of " +
                           std::to_string(options.typicalTokens) + " tokens");
  return {};
}

/// The schedule that a count is to be best for; none: whichever is fastest with it.
std::optional<mlir::flowhn::Schedule> scheduleOf(const CompileOptions &options,
                                                 const SplitSearchOptions &search) {
  if (search.objective == "throughput")
    return mlir::flowhn::Schedule::Serial;
  return mlir::flowhn::symbolizeSchedule(options.branchSchedule);
}

/// The blocks of a scheduled model, each with the count that is best for it.
std::vector<FoundBlock> searchBlocks(mlir::flowhn::ModelOp model,
                                     const mlir::flowhn::TimeModel &times,
                                     const SplitSearchOptions &search, int64_t batch,
                                     std::optional<mlir::flowhn::Schedule> schedule) {
  int64_t context = model.getSplit().getContextLength();
  int64_t most = std::llround(std::floor(search.mostShare * context));
  int64_t least = std::min<int64_t>(std::llround(std::ceil(search.leastShare * context)), most);
  llvm::DenseMap<mlir::Region *, SplitTimes> known; // of equal blocks
  std::vector<FoundBlock> blocks;
  for (const BlockUse &use : mlir::flowhn::findBlocks(model)) {
    // A step has the blocks of the model once more.
    if (use.op->getParentOfType<mlir::func::FuncOp>()->hasAttr(mlir::flowhn::stepAttrName))
      continue;
    auto [found, isNew] = known.try_emplace(use.region);
    if (isNew)
      found->second = findFastestCount(times, mlir::flowhn::getBlockWork(*use.region),
                                       {batch, context}, least, most, schedule);
    const BlockTimes &t = found->second.times;
    blocks.push_back(
        {found->second.count, t.attention, t.ssm, t.joint, t.serial, t.streams, t.grouped});
  }
  return blocks;
}

Expected<FoundSplit> search(const Model &model, const CompileOptions &options,
                            const SplitSearchOptions &searched, CompileReport &report) {
  FLOWHN_RETURN_IF_ERROR(checkModel(model));
  FLOWHN_RETURN_IF_ERROR(checkOptions(options, searched));
  auto targets = mlir::flowhn::resolveTargets(options);
  FLOWHN_RETURN_IF_ERROR(targets.status());
  const auto &chip = std::get<mlir::flowhn::GPUTargetInfo>(targets->front());
  auto table = mlir::flowhn::loadCalibration(chip, options.calibration);
  FLOWHN_RETURN_IF_ERROR(table.status());
  Compilation compilation(model, options, report);
  FLOWHN_RETURN_IF_ERROR(compilation.runTo(CompilePhase::Scheduled));
  mlir::flowhn::ModelOp op = compilation.modelOp();
  mlir::flowhn::SplitAttr split = op.getSplit();
  bool isCounted = split.getStrategy() == mlir::flowhn::Strategy::FA ||
                   split.getStrategy() == mlir::flowhn::Strategy::FAC;
  if (!isCounted || split.getContextLength() == 0)
    return invalidArgument("'" + model.name() +
                           "' has no count to search: that takes the strategy fa or fac and a "
                           "context length");
  FoundSplit found;
  found.blocks = searchBlocks(op, {chip, *table}, searched, options.typicalBatch,
                              scheduleOf(options, searched));
  found.chip = chip.chip;
  found.contextLength = split.getContextLength();
  found.batch = options.typicalBatch;
  return found;
}

} // namespace

std::vector<int64_t> FoundSplit::attentionTokens() const {
  std::vector<int64_t> counts;
  for (const FoundBlock &block : blocks)
    counts.push_back(block.attentionTokens);
  if (!counts.empty() && llvm::all_equal(counts))
    counts.resize(1);
  return counts;
}

Expected<FoundSplit> flowhn::searchSplit(const Model &model, const CompileOptions &options,
                                         const SplitSearchOptions &searched,
                                         CompileReport *report) {
  CompileReport unused;
  return guarded("the split search",
                 [&] { return search(model, options, searched, report ? *report : unused); });
}
