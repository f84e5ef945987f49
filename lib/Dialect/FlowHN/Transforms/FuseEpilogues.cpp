//===- FuseEpilogues.cpp - Fuse activations, gates, residuals -------------===//
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

/// swiglu(%g, %u) of %g, %u = linear %x [%a, %b] -> linear %x [%a, %b] activation swiglu
struct FuseSwiGLU : OpRewritePattern<SwiGLUOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SwiGLUOp op, PatternRewriter &rewriter) const override {
    auto linear = op.getGate().getDefiningOp<LinearOp>();
    if (!linear || linear != op.getValue().getDefiningOp<LinearOp>() ||
        linear.getWeights().size() != 2 || linear.getActivation())
      return rewriter.notifyMatchFailure(op, "gate and value are not the products of one linear");
    if (!op.getGate().hasOneUse() || !op.getValue().hasOneUse())
      return rewriter.notifyMatchFailure(op, "gate or value is used elsewhere");
    // Merged linears stand in program order; the activation wants the gate first.
    SmallVector<Value, 2> weights;
    for (Value product : {op.getGate(), op.getValue()})
      weights.push_back(linear.getWeights()[cast<OpResult>(product).getResultNumber()]);
    rewriter.setInsertionPoint(linear);
    auto activation = ActivationAttr::get(getContext(), Activation::SwiGLU);
    auto fused = LinearOp::create(rewriter, linear.getLoc(), TypeRange(op.getType()),
                                  linear.getInput(), weights, linear.getNorm(), /*bias=*/Value(),
                                  /*residual=*/Value(), activation, linear.getEpsAttr());
    rewriter.replaceOp(op, fused.getResult(0));
    rewriter.eraseOp(linear);
    return success();
  }
};

/// silu(causal_conv1d %x) -> causal_conv1d %x activation silu
struct FuseConvolutionSiLU : OpRewritePattern<SiLUOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SiLUOp op, PatternRewriter &rewriter) const override {
    auto convolution = op.getInput().getDefiningOp<CausalConv1DOp>();
    if (!convolution || op.getInput() != convolution.getResult() || convolution.getActivation())
      return rewriter.notifyMatchFailure(op, "its input is no plain convolution");
    if (!op.getInput().hasOneUse())
      return rewriter.notifyMatchFailure(op, "the convolution's result is used elsewhere");
    rewriter.modifyOpInPlace(convolution, [&] { convolution.setActivation(Activation::SiLU); });
    rewriter.replaceOp(op, convolution.getResult());
    return success();
  }
};

/// swiglu(%z, selective_scan) -> selective_scan gate(%z)
struct FuseScanGate : OpRewritePattern<SwiGLUOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SwiGLUOp op, PatternRewriter &rewriter) const override {
    auto scan = op.getValue().getDefiningOp<SelectiveScanOp>();
    if (!scan || scan.getGate())
      return rewriter.notifyMatchFailure(op, "it gates no plain scan");
    if (!op.getValue().hasOneUse())
      return rewriter.notifyMatchFailure(op, "the scan's result is used elsewhere");
    if (!isAvailableBefore(op.getGate(), scan))
      return rewriter.notifyMatchFailure(op, "the gate is computed after the scan");
    rewriter.modifyOpInPlace(scan, [&] { scan.getGateMutable().assign(op.getGate()); });
    rewriter.replaceOp(op, scan.getResult());
    return success();
  }
};

/// add(%r, op) -> op residual(%r), for an op that multiplies by weights. Its result takes
/// the type of the sum.
template <typename Op> struct FuseResidual : OpRewritePattern<AddOp> {
  using OpRewritePattern<AddOp>::OpRewritePattern;

  /// Whether `product` can take `residual` in.
  static bool canTakeIn(Value product, Value residual) {
    auto op = product.getDefiningOp<Op>();
    return op && op->getNumResults() == 1 && !op.getResidual() && product.hasOneUse() &&
           isAvailableBefore(residual, op);
  }

  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    Value product = op.getRhs(), residual = op.getLhs();
    if (!canTakeIn(product, residual))
      std::swap(product, residual);
    if (!canTakeIn(product, residual))
      return rewriter.notifyMatchFailure(op, "no operand is a product that can take the other in");
    auto producer = product.getDefiningOp<Op>();
    rewriter.modifyOpInPlace(producer, [&] {
      producer.getResidualMutable().assign(residual);
      product.setType(op.getType());
    });
    rewriter.replaceOp(op, product);
    return success();
  }
};

} // namespace

void mlir::flowhn::populateEpiloguePatterns(RewritePatternSet &patterns) {
  patterns.add<FuseSwiGLU, FuseConvolutionSiLU, FuseScanGate, FuseResidual<LinearOp>,
               FuseResidual<FuseOp>>(patterns.getContext());
}
