//===- CountFlops.cpp - Remarks on FLOPs ----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/BranchCosts.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_COUNTFLOPSPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

namespace {
struct CountFlopsPass : flowhn::impl::CountFlopsPassBase<CountFlopsPass> {
  void runOnOperation() override {
    getOperation().walk<WalkOrder::PreOrder>([](Operation *op) {
      if (auto costOp = dyn_cast<CostOpInterface>(op))
        emitRemark(op->getLoc()) << "costs " << costOp.getFlops().str()
                                 << " FLOPs per row of n tokens";
      else if (auto parallel = dyn_cast<ParallelOp>(op))
        remarkOnBranches(parallel);
      else if (auto model = dyn_cast<ModelOp>(op))
        remarkOnModel(model);
    });
    markAllAnalysesPreserved();
  }

  static void remarkOnBranches(ParallelOp parallel) {
    for (const BranchCost &branch : computeBranchCosts(parallel))
      emitRemark(parallel.getLoc()) << stringifyBranch(branch.kind) << " branch costs "
                                    << branch.cost.flops.str() << " FLOPs per row of n tokens";
  }

  static void remarkOnModel(ModelOp model) {
    ModelCosts costs = computeModelCosts(model);
    Polynomial attention, ssm, joint;
    for (auto [index, block] : llvm::enumerate(costs.blocks)) {
      Polynomial blockAttention = block.branch(Branch::Attention).flops;
      Polynomial blockSSM = block.branch(Branch::SSM).flops;
      remark(emitRemark(block.op->getLoc()) << "block " << index, blockAttention, blockSSM,
             block.joint.flops);
      attention += blockAttention;
      ssm += blockSSM;
      joint += block.joint.flops;
    }
    remark(emitRemark(model.getLoc()) << "model", attention, ssm, joint + costs.rest.flops);
  }

  static void remark(InFlightDiagnostic diag, const Polynomial &attention, const Polynomial &ssm,
                     const Polynomial &other) {
    diag << " costs, in the tokens n of a row that each part sees: attention " << attention.str()
         << ", ssm " << ssm.str() << ", the rest " << other.str()
         << " FLOPs; times the rows of the batch";
  }
};
} // namespace
