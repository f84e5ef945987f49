//===- BranchCosts.cpp - Costs per block and branch -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/BranchCosts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace mlir::flowhn;

Cost &Cost::operator+=(const Cost &other) {
  flops += other.flops;
  parameterBytes = saturatingAdd(parameterBytes, other.parameterBytes);
  activationBytes += other.activationBytes;
  return *this;
}

Cost BlockCosts::branch(Branch kind) const {
  Cost sum;
  for (const BranchCost &branch : branches)
    if (branch.kind == kind)
      sum += branch.cost;
  return sum;
}

/// What one op costs, apart from what is in its regions.
static Cost costOf(Operation *op) {
  Cost cost;
  if (auto costOp = dyn_cast<CostOpInterface>(op))
    cost.flops = costOp.getFlops();
  cost.parameterBytes = parameterBytes(op);
  cost.activationBytes = activationBytes(op);
  return cost;
}

SmallVector<BranchCost, 2> flowhn::computeBranchCosts(ParallelOp parallel) {
  SmallVector<BranchCost, 2> costs;
  for (auto [kind, region] :
       llvm::zip(parallel.getKinds().getAsRange<BranchAttr>(), parallel.getBranches())) {
    BranchCost &branch = costs.emplace_back(BranchCost{kind.getValue(), {}});
    region.walk([&](Operation *op) { branch.cost += costOf(op); });
  }
  return costs;
}

/// The costs of a region that is one block.
static BlockCosts computeBlockCosts(Operation *op, Region &region) {
  BlockCosts block{op, {}, {}};
  region.walk<WalkOrder::PreOrder>([&](Operation *nested) {
    if (auto parallel = dyn_cast<ParallelOp>(nested)) {
      llvm::append_range(block.branches, computeBranchCosts(parallel));
      return WalkResult::skip();
    }
    block.joint += costOf(nested);
    return WalkResult::advance();
  });
  return block;
}

namespace {
/// Walks the functions of a model that are neither blocks themselves nor its step, which
/// computes what they compute.
class ModelWalker {
public:
  explicit ModelWalker(ModelOp model) : model(model) {}

  ModelCosts run() {
    for (Operation &op : *model.getBody().begin())
      if (!isOutlinedBlock(&op) && !op.hasAttr(stepAttrName))
        op.walk<WalkOrder::PreOrder>([&](Operation *nested) { return visit(nested); });
    return std::move(costs);
  }

private:
  static bool isOutlinedBlock(Operation *op) {
    return isa_and_nonnull<func::FuncOp>(op) && op->hasAttr(blockFunctionAttrName);
  }

  WalkResult visit(Operation *op) {
    if (auto block = dyn_cast<BlockOp>(op)) {
      costs.blocks.push_back(computeBlockCosts(block, block.getBody()));
      return WalkResult::skip();
    }
    if (auto call = dyn_cast<func::CallOp>(op))
      if (Operation *callee = symbols.lookupSymbolIn(model, call.getCalleeAttr());
          isOutlinedBlock(callee)) {
        addCall(call, cast<func::FuncOp>(callee));
        return WalkResult::advance();
      }
    costs.rest += costOf(op);
    return WalkResult::advance();
  }

  void addCall(func::CallOp call, func::FuncOp callee) {
    auto [it, isNew] = outlined.try_emplace(callee);
    if (isNew)
      it->second = computeBlockCosts(callee, callee.getBody());
    costs.blocks.push_back(it->second);
    costs.blocks.back().op = call;
  }

  ModelOp model;
  SymbolTableCollection symbols;
  DenseMap<Operation *, BlockCosts> outlined;
  ModelCosts costs;
};
} // namespace

ModelCosts flowhn::computeModelCosts(ModelOp model) { return ModelWalker(model).run(); }
