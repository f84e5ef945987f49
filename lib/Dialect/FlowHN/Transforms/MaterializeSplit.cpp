//===- MaterializeSplit.cpp - From rows of the plan to segments -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_MATERIALIZESPLITPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

namespace {
/// Rewrites the splits and fuses of one model.
class Materializer {
public:
  explicit Materializer(ModelOp model) : plan(model.getPlanAttr()) {}

  LogicalResult materialize(SplitOp split) {
    FailureOr<WindowAttr> window = getWindow(split, *split.getBlock());
    if (failed(window))
      return failure();
    if (window->isAll()) {
      // Every branch sees what the block sees.
      split.replaceAllUsesWith(ValueRange{split.getInput(), split.getBegin(), split.getLength(),
                                          split.getInput(), split.getBegin(), split.getLength()});
      split.erase();
      return success();
    }
    FailureOr<SegmentsOp> segments =
        getSegments(split, *window, split.getBegin(), split.getLength());
    if (failed(segments))
      return failure();
    split.getAttentionSegmentsMutable().assign(segments->getAttention());
    split.getSsmSegmentsMutable().assign(segments->getSsm());
    split.removeBlockAttr();
    return success();
  }

  LogicalResult materialize(FuseOp fuse) {
    FailureOr<WindowAttr> window = getWindow(fuse, *fuse.getBlock());
    if (failed(window))
      return failure();
    if (window->isAll())
      return fuse.emitOpError("tokens cannot join branches that saw every token, as block ")
             << *fuse.getBlock() << " of the plan says";
    FailureOr<SegmentsOp> segments = getSegments(fuse, *window, fuse.getBegin(), fuse.getLength());
    if (failed(segments))
      return failure();
    fuse.getAttentionSegmentsMutable().assign(segments->getAttention());
    fuse.getSsmSegmentsMutable().assign(segments->getSsm());
    fuse.removeBlockAttr();
    return success();
  }

private:
  FailureOr<WindowAttr> getWindow(Operation *op, uint64_t block) const {
    if (!plan)
      return op->emitOpError("needs the model's plan; run --flowhn-choose-split first");
    if (block >= plan.size())
      return op->emitOpError("needs row ")
             << block << " of the plan, got a plan of " << plan.size() << " rows";
    return cast<WindowAttr>(plan[block]);
  }

  /// The segments of a window in a call. They stand at the start of the function,
  /// in the order of their first use, so that blocks with one window share them.
  FailureOr<SegmentsOp> getSegments(Operation *op, WindowAttr window, Value begin, Value length) {
    auto function = op->getParentOfType<FunctionOpInterface>();
    Block *entry = function ? &function.getFunctionBody().front() : nullptr;
    for (Value value : {begin, length})
      if (auto argument = dyn_cast<BlockArgument>(value); !argument || argument.getOwner() != entry)
        return op->emitOpError("begin and length must be arguments of the function around");
    SegmentsOp &segments = known[{entry, window, begin, length}];
    if (segments)
      return segments;
    OpBuilder builder = OpBuilder::atBlockBegin(entry);
    Operation *&last = lastSegments[entry];
    if (last)
      builder.setInsertionPointAfter(last);
    Type type = RankedTensorType::get({ShapedType::kDynamic, 2, 2}, builder.getI32Type());
    segments = SegmentsOp::create(builder, op->getLoc(), type, type, begin, length, window);
    last = segments;
    return segments;
  }

  ArrayAttr plan;
  DenseMap<std::tuple<Block *, Attribute, Value, Value>, SegmentsOp> known;
  DenseMap<Block *, Operation *> lastSegments;
};

struct MaterializeSplitPass : flowhn::impl::MaterializeSplitPassBase<MaterializeSplitPass> {
  void runOnOperation() override {
    for (ModelOp model : getOperation().getOps<ModelOp>())
      if (failed(materialize(model)))
        return signalPassFailure();
  }

  static LogicalResult materialize(ModelOp model) {
    SmallVector<Operation *> users;
    model.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (auto split = dyn_cast<SplitOp>(op); split && split.getBlock())
        users.push_back(split);
      else if (auto fuse = dyn_cast<FuseOp>(op); fuse && fuse.getBlock())
        users.push_back(fuse);
    });
    Materializer materializer(model);
    for (Operation *op : users) {
      auto split = dyn_cast<SplitOp>(op);
      if (failed(split ? materializer.materialize(split)
                       : materializer.materialize(cast<FuseOp>(op))))
        return failure();
    }
    return success();
  }
};
} // namespace
