//===- ScheduleBranches.cpp - Serial or concurrent branches ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/BranchCosts.h"
#include "flowhn/Analysis/BranchStretches.h"
#include "flowhn/Analysis/SplitPlan.h"
#include "flowhn/Analysis/TimeModel.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "flowhn/Target/NVPTX/Calibrations.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

namespace mlir::flowhn {
#define GEN_PASS_DEF_SCHEDULEBRANCHESPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

/// Whether `window` leaves `branch` without a token in every call.
static bool isEmpty(Branch branch, WindowAttr window) {
  if (window.isAll())
    return false;
  int64_t attention = window.getByCall() ? window.getNumerator() : window.getCount();
  int64_t whole = window.getByCall() ? window.getDenominator() : window.getPeriod();
  return branch == Branch::Attention ? attention == 0 : attention == whole;
}

/// `attention 8*n^2 + 1152*n, ssm 2304*n`: the FLOPs of each branch.
static std::string describeFlops(ParallelOp parallel) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(computeBranchCosts(parallel), stream, [&](const BranchCost &branch) {
    stream << stringifyBranch(branch.kind) << ' ' << branch.cost.flops.str();
  });
  return text;
}

/// What is beyond any number is as long as can be.
static int64_t nanoseconds(double seconds) {
  constexpr double most = 9e18;
  return std::llround(std::min(seconds * 1e9, most));
}

namespace {

/// The call that times are predicted for, and what predicts them.
struct Prediction {
  TimeModel model;
  std::string chip;
  bool hasWarpgroupProducts;
  int64_t batch, tokens;

  BlockTimes of(const BlockWork &work, WindowAttr window) const {
    CallTokens all{batch, tokens};
    if (!window)
      return model.predict(work, all, all, all);
    return model.predict(work, all, {batch, countAttentionTokens(window, tokens)},
                         {batch, countSSMTokens(window, tokens)});
  }
};

/// The uses of one block's code: the block itself, or the calls of an outlined one.
class BlockGroup {
public:
  explicit BlockGroup(Region *region) : region(region) {}
  void add(Operation *op, WindowAttr window) { uses.push_back({op, window, {}}); }

  /// Whether a branch of `parallel` is empty in every block that runs it. Without a plan,
  /// none is known to be.
  bool hasEmptyBranch(ParallelOp parallel) const {
    return llvm::any_of(parallel.getKinds().getAsRange<BranchAttr>(), [&](BranchAttr kind) {
      return llvm::all_of(
          uses, [&](const Use &use) { return use.window && isEmpty(kind.getValue(), use.window); });
    });
  }

  void predict(const Prediction &prediction) {
    BlockWork work = getBlockWork(*region);
    for (Use &use : uses)
      use.times = prediction.of(work, use.window);
  }

  /// The mean of the blocks.
  BlockTimes meanTimes() const {
    BlockTimes mean;
    for (double BlockTimes::*part :
         {&BlockTimes::attention, &BlockTimes::ssm, &BlockTimes::joint, &BlockTimes::serial,
          &BlockTimes::streams, &BlockTimes::grouped}) {
      for (const Use &use : uses)
        mean.*part += use.times.*part;
      mean.*part /= uses.size();
    }
    return mean;
  }

  /// Leaves the times on every block.
  void annotate(Schedule schedule, const Prediction &prediction) const {
    for (const Use &use : uses) {
      const BlockTimes &t = use.times;
      use.op->setAttr(
          timesAttrName,
          TimesAttr::get(use.op->getContext(), schedule, prediction.batch, prediction.tokens,
                         nanoseconds(t.attention), nanoseconds(t.ssm), nanoseconds(t.joint),
                         nanoseconds(t.serial), nanoseconds(t.streams), nanoseconds(t.grouped)));
    }
  }

private:
  struct Use {
    Operation *op;
    WindowAttr window; ///< null without a plan
    BlockTimes times;
  };
  Region *region;
  SmallVector<Use> uses;
};

/// The blocks of a model by the region that has their ops.
using BlockGroups = llvm::MapVector<Region *, BlockGroup>;

BlockGroups groupBlocks(ModelOp model) {
  ArrayAttr plan = model.getPlanAttr();
  BlockGroups groups;
  for (const BlockUse &use : findBlocks(model)) {
    bool isPlanned = plan && use.index < int64_t(plan.size());
    groups.try_emplace(use.region, use.region)
        .first->second.add(use.op, isPlanned ? cast<WindowAttr>(plan[use.index]) : WindowAttr());
  }
  return groups;
}

struct ScheduleBranchesPass : ::mlir::flowhn::impl::ScheduleBranchesPassBase<ScheduleBranchesPass> {
  using ScheduleBranchesPassBase::ScheduleBranchesPassBase;

  void runOnOperation() override {
    forced = symbolizeSchedule(mode);
    if (!forced && mode != "auto") {
      emitError(getOperation().getLoc())
          << "flowhn-schedule-branches: 'mode' must be 'auto', 'grouped', 'streams' or 'serial', "
             "got '"
          << mode << "'";
      return signalPassFailure();
    }
    for (auto model : getOperation().getOps<ModelOp>())
      if (failed(schedule(model)))
        return signalPassFailure();
  }

  LogicalResult schedule(ModelOp model) {
    std::optional<Prediction> prediction;
    if (target == "nvptx" && failed(prepare(model, prediction)))
      return failure();
    BlockGroups groups = groupBlocks(model);
    WalkResult result = model.walk([&](ParallelOp parallel) {
      if (forced == Schedule::Grouped && failed(checkGrouped(parallel, prediction)))
        return WalkResult::interrupt();
      auto group = groups.find(blockRegionOf(parallel));
      schedule(parallel, group == groups.end() ? nullptr : &group->second, prediction);
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// Checks that launches can be shared by the branches of `parallel`.
  LogicalResult checkGrouped(ParallelOp parallel, const std::optional<Prediction> &prediction) {
    if (!prediction)
      return parallel.emitError("the schedule 'grouped' needs the target nvptx, got ") << target;
    if (!prediction->hasWarpgroupProducts)
      return parallel.emitError("the schedule 'grouped' needs a chip with warpgroup products, got ")
             << prediction->chip;
    if (alignBranches(parallel).empty())
      return parallel.emitError(
          "the schedule 'grouped' needs two branches with products of one 16-bit type");
    return success();
  }

  /// The region of the block, or of the function, that `parallel` stands in.
  static Region *blockRegionOf(ParallelOp parallel) {
    if (auto block = parallel->getParentOfType<BlockOp>())
      return &block.getBody();
    auto function = parallel->getParentOfType<func::FuncOp>();
    return function ? &function.getBody() : nullptr;
  }

  LogicalResult prepare(ModelOp model, std::optional<Prediction> &prediction) {
    auto gpu = GPUTargetInfo::get(chip);
    if (!gpu.ok())
      return model.emitError() << gpu.status().message();
    auto table = loadCalibration(*gpu, calibration);
    if (!table.ok())
      return model.emitError() << table.status().message();
    int64_t context = model.getSplit().getContextLength();
    constexpr int64_t tokensWithoutContext = 1024, mostRows = 65536;
    int64_t rowTokens = tokens > 0 ? int64_t(tokens) : context ? context : tokensWithoutContext;
    if (batch < 1 || batch > mostRows || tokens < 0 || (context && rowTokens > context))
      return model.emitError() << "times are predicted for 1 to " << mostRows
                               << " rows, of at most the context's " << context << " tokens, got "
                               << batch.getValue() << " x " << tokens.getValue();
    prediction.emplace(Prediction{TimeModel(*gpu, *table), gpu->chip, gpu->hasWarpgroupProducts,
                                  batch, rowTokens});
    return success();
  }

  /// Sets the schedule of `parallel`: the fastest one where times are predicted; else branches
  /// that all have work may overlap. Beside a branch without any there is nothing to overlap.
  void schedule(ParallelOp parallel, BlockGroup *group,
                const std::optional<Prediction> &prediction) {
    bool mayOverlap =
        parallel.getBranches().size() >= 2 && !(group && group->hasEmptyBranch(parallel));
    BlockTimes times;
    Schedule best = Schedule::Streams;
    if (group && prediction) {
      group->predict(*prediction);
      times = group->meanTimes();
      best = times.fastest();
    }
    Schedule chosen = forced.value_or(mayOverlap ? best : Schedule::Serial);
    parallel.setSchedule(chosen);
    InFlightDiagnostic remark = emitRemark(parallel.getLoc());
    remark << "branches scheduled: " << stringifySchedule(chosen)
           << ", FLOPs per row of n tokens: " << describeFlops(parallel);
    if (!group || !prediction)
      return;
    group->annotate(chosen, *prediction);
    remark << describeTimes(times, *prediction);
  }

  static std::string describeTimes(const BlockTimes &times, const Prediction &prediction) {
    std::string grouped =
        times.grouped > 0 ? llvm::formatv(", grouped {0:F1}", times.grouped * 1e6).str() : "";
    return llvm::formatv("; predicted for {0} x {1} tokens on {2}, in us: serial {3:F1}, streams "
                         "{4:F1}{5}, of which attention {6:F1}, ssm {7:F1}, the rest {8:F1}",
                         prediction.batch, prediction.tokens, prediction.chip, times.serial * 1e6,
                         times.streams * 1e6, grouped, times.attention * 1e6, times.ssm * 1e6,
                         times.joint * 1e6);
  }

  std::optional<Schedule> forced;
};

} // namespace
