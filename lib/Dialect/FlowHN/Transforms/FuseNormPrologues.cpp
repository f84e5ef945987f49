//===- FuseNormPrologues.cpp - Fuse norms into linears --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuseOps.h"

using namespace mlir;
using namespace mlir::flowhn;

namespace {

/// linear (rms_norm %x, [%n]) [%w] -> linear %x [%w] norm(%n)
struct FuseNormPrologue : OpRewritePattern<RMSNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RMSNormOp op, PatternRewriter &rewriter) const override {
    if (op.getWeights().size() != 1)
      return rewriter.notifyMatchFailure(op, "it norms several sections");
    Value normed = op.getResult(0);
    SmallVector<LinearOp> linears;
    for (OpOperand &use : normed.getUses()) {
      auto linear = dyn_cast<LinearOp>(use.getOwner());
      if (!linear || &use != &linear.getInputMutable() || linear.getNorm())
        return rewriter.notifyMatchFailure(op, "something other than a linear's input reads it");
      linears.push_back(linear);
    }
    for (LinearOp linear : linears)
      rewriter.modifyOpInPlace(linear, [&] {
        linear.getInputMutable().assign(op.getInput());
        linear.getNormMutable().assign(op.getWeights()[0]);
        linear.setEpsAttr(op.getEpsAttr());
      });
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void mlir::flowhn::populateNormProloguePatterns(RewritePatternSet &patterns) {
  patterns.add<FuseNormPrologue>(patterns.getContext());
}
