//===- FuseOps.cpp - Fuse layers into fewer ops ---------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuseOps.h"

#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_FUSEOPSPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

bool mlir::flowhn::isAvailableBefore(Value value, Operation *op) {
  // A definition outside of the block dominates the whole of it.
  Operation *definition = value.getDefiningOp();
  return !definition || definition->getBlock() != op->getBlock() || definition->isBeforeInBlock(op);
}

namespace {

struct FuseOpsPass : flowhn::impl::FuseOpsPassBase<FuseOpsPass> {
  using FuseOpsPassBase::FuseOpsPassBase;

  void runOnOperation() override {
    if (norm != "kernel" && norm != "prologue") {
      emitError(getOperation().getLoc())
          << "flowhn-fuse-ops: 'norm' must be 'kernel' or 'prologue', got '" << norm << "'";
      return signalPassFailure();
    }
    // Linears merge while nothing is fused into them yet, and a merged linear
    // norms its input once: merging comes first, norms last.
    apply(populateMergePatterns);
    apply(populateEpiloguePatterns);
    if (norm == "prologue")
      apply(populateNormProloguePatterns);
  }

  void apply(function_ref<void(RewritePatternSet &)> populate) {
    RewritePatternSet patterns(&getContext());
    populate(patterns);
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal().setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
