//===- PruneDeadPositions.cpp - Only the tokens that are read -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LastTokenPruner.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_PRUNEDEADPOSITIONSPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

/// Puts the body of `callee` in place of `call`; the callee goes where nobody else calls it.
static void inlineCall(func::CallOp call, func::FuncOp callee) {
  IRMapping mapping;
  mapping.map(callee.getArguments(), call.getOperands());
  OpBuilder builder(call);
  auto index = call->getAttrOfType<IntegerAttr>(blockIndexAttrName);
  auto block = BlockOp::create(builder, call.getLoc(), call.getResult(0).getType(),
                               call.getOperand(0), index);
  builder.createBlock(&block.getBody());
  Block &body = callee.getBody().front();
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  Operation *result = body.getTerminator();
  YieldOp::create(builder, result->getLoc(), mapping.lookupOrDefault(result->getOperand(0)));
  call.getResult(0).replaceAllUsesWith(block.getResult());
  Operation *model = callee->getParentOp();
  call.erase();
  if (SymbolTable::symbolKnownUseEmpty(callee, model))
    callee.erase();
}

static void eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    if (isOpTriviallyDead(&op)) {
      op.erase();
      continue;
    }
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        eraseDeadOps(inner);
  }
}

/// The call of the last block, whose result `select` reads; null, with a diagnostic, where
/// there is none or somebody else reads it too.
static func::CallOp findLastBlock(SelectTokensOp select) {
  auto call = select.getInput().getDefiningOp<func::CallOp>();
  if (!call || !call->hasAttr(blockIndexAttrName) || !call->hasOneUse() ||
      call.getNumResults() != 1) {
    select.emitOpError("needs the result of an outlined block, which nothing else reads, to "
                       "prune positions");
    return {};
  }
  return call;
}

static LogicalResult prune(SelectTokensOp select) {
  auto forward = select->getParentOfType<func::FuncOp>();
  func::CallOp call = findLastBlock(select);
  if (!call)
    return failure();
  auto arguments = forward.getArguments();
  if (arguments.size() != 4 || select.getLength() != arguments[2] ||
      select.getTokens() != arguments[3])
    return select.emitOpError("needs a function of ids, begin, length and select to prune "
                              "positions");
  inlineCall(call, SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr()));
  Block &body = forward.getBody().front();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  auto selected = LastSelectedOp::create(builder, select.getLoc(), arguments[1].getType(),
                                         arguments[1].getType(), select.getTokens(), arguments[1],
                                         arguments[2]);
  Value last = LastTokenPruner(selected, forward.getBody()).keep(select.getInput());
  builder.setInsertionPoint(select);
  auto packed = PackTokensOp::create(builder, select.getLoc(), select.getResult().getType(), last,
                                     selected.getLastLength());
  select.getResult().replaceAllUsesWith(packed.getResult());
  eraseDeadOps(body);
  return success();
}

namespace {
struct PruneDeadPositionsPass : flowhn::impl::PruneDeadPositionsPassBase<PruneDeadPositionsPass> {
  void runOnOperation() override {
    for (ModelOp model : getOperation().getOps<ModelOp>()) {
      SmallVector<SelectTokensOp> selects;
      model.walk([&](SelectTokensOp op) {
        auto function = op->getParentOfType<func::FuncOp>();
        if (!function || !function->hasAttr(stepAttrName))
          selects.push_back(op);
      });
      if (selects.size() != 1) {
        model.emitOpError("needs one flowhn.select_tokens to prune positions, got ")
            << selects.size();
        return signalPassFailure();
      }
      if (failed(prune(selects.front())))
        return signalPassFailure();
    }
  }
};
} // namespace
