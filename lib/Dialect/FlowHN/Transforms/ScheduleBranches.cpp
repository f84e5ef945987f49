//===- ScheduleBranches.cpp - Serial or concurrent branches ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/BranchCosts.h"
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

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

namespace {

/// Which rows of the plan a branch is run with: those of the block it stands in,
/// or of every call of the function it was outlined to.
class PlanRows {
public:
  explicit PlanRows(ModelOp model) : plan(model.getPlanAttr()) {
    model.walk([&](func::CallOp call) {
      if (auto index = call->getAttrOfType<IntegerAttr>(blockIndexAttrName))
        callRows[call.getCallee()].push_back(index.getInt());
    });
  }

  /// Whether a branch of `parallel` is empty in every block that runs it. Without
  /// a plan, none is known to be.
  bool hasEmptyBranch(ParallelOp parallel) const {
    SmallVector<int64_t> rows = rowsOf(parallel);
    if (!plan || rows.empty())
      return false;
    return llvm::any_of(parallel.getKinds().getAsRange<BranchAttr>(), [&](BranchAttr kind) {
      return llvm::all_of(rows, [&](int64_t row) {
        return row < int64_t(plan.size()) && isEmpty(kind.getValue(), cast<WindowAttr>(plan[row]));
      });
    });
  }

private:
  SmallVector<int64_t> rowsOf(ParallelOp parallel) const {
    if (auto block = parallel->getParentOfType<BlockOp>())
      return {int64_t(block.getIndex())};
    auto function = parallel->getParentOfType<func::FuncOp>();
    return function ? callRows.lookup(function.getSymName()) : SmallVector<int64_t>();
  }

  ArrayAttr plan;
  llvm::StringMap<SmallVector<int64_t>> callRows;
};

struct ScheduleBranchesPass : flowhn::impl::ScheduleBranchesPassBase<ScheduleBranchesPass> {
  using ScheduleBranchesPassBase::ScheduleBranchesPassBase;

  void runOnOperation() override {
    std::optional<Schedule> forced = symbolizeSchedule(mode);
    if (!forced && mode != "auto") {
      emitError(getOperation().getLoc())
          << "flowhn-schedule-branches: 'mode' must be 'auto', 'streams' or 'serial', got '"
          << mode << "'";
      return signalPassFailure();
    }
    for (auto model : getOperation().getOps<ModelOp>()) {
      PlanRows rows(model);
      model.walk([&](ParallelOp parallel) { schedule(parallel, forced, rows); });
    }
  }

  /// Sets the schedule of `parallel`. Branches that all have work may overlap;
  /// next to a branch without any there is nothing to overlap with.
  void schedule(ParallelOp parallel, std::optional<Schedule> forced, const PlanRows &rows) {
    bool worthwhile = parallel.getBranches().size() >= 2 && !rows.hasEmptyBranch(parallel);
    Schedule chosen = forced.value_or(worthwhile ? Schedule::Streams : Schedule::Serial);
    parallel.setSchedule(chosen);
    emitRemark(parallel.getLoc()) << "branches scheduled: " << stringifySchedule(chosen)
                                  << ", FLOPs per row of n tokens: " << describeFlops(parallel);
  }
};

} // namespace
