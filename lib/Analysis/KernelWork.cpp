//===- KernelWork.cpp - What the kernels of a block have to do ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/KernelWork.h"

#include "flowhn/Analysis/BranchStretches.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::KernelClass;
using ::flowhn::KernelSizes;

KernelSizes KernelWork::sizes(CallTokens tokens) const {
  switch (kernelClass) {
  case KernelClass::Matmul:
    return {tokens.all(), columns, inner, bytes.linear};
  case KernelClass::Attention:
  case KernelClass::Scan:
    return {tokens.batch, tokens.tokens, columns, inner};
  case KernelClass::Rowwise:
    return {saturatingProduct({bytes(tokens.tokens), tokens.batch})};
  }
  llvm_unreachable("every class is handled");
}

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static int64_t elementBytes(Value value) {
  return std::max<int64_t>(typeOf(value).getElementTypeBitWidth() / 8, 1);
}

/// Bytes of a token of some values.
static int64_t tokenBytes(ValueRange values) {
  int64_t bytes = 0;
  for (Value value : values)
    bytes = saturatingAdd(
        bytes, saturatingProduct({typeOf(value).getShape().back(), elementBytes(value)}));
  return bytes;
}

/// A product of `input` with `weights`, [out, in] each, that stores `outputs`.
static KernelWork getProduct(Value input, ValueRange weights, Value residual, ValueRange outputs) {
  KernelWork work{KernelClass::Matmul};
  for (Value weight : weights)
    work.columns = saturatingAdd(work.columns, typeOf(weight).getDimSize(0));
  work.inner = typeOf(weights.front()).getDimSize(1);
  work.elementBytes = elementBytes(input);
  work.bytes.linear = tokenBytes(outputs);
  if (residual)
    work.bytes.linear = saturatingAdd(work.bytes.linear, tokenBytes(residual));
  return work;
}

static KernelWork getAttention(AttentionOp op) {
  KernelWork work{KernelClass::Attention};
  work.columns = op.getHeads();
  work.inner = typeOf(op.getQuery()).getShape().back() / work.columns;
  return work;
}

static KernelWork getScan(SelectiveScanOp op) {
  KernelWork work{KernelClass::Scan};
  work.columns = typeOf(op.getALog()).getDimSize(0);
  work.inner = typeOf(op.getALog()).getDimSize(1);
  return work;
}

std::optional<KernelWork> mlir::flowhn::getKernelWork(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<KernelWork>>(op)
      .Case([](LinearOp linear) {
        return getProduct(linear.getInput(), linear.getWeights(), linear.getResidual(),
                          linear.getOutputs());
      })
      .Case([](FuseOp fuse) {
        return getProduct(fuse.getInputs().front(), fuse.getWeight(), fuse.getResidual(),
                          fuse->getResults());
      })
      .Case([](AttentionOp attention) { return getAttention(attention); })
      .Case([](SelectiveScanOp scan) { return getScan(scan); })
      // A split is a table of rows, which the kernels behind it read through.
      .Case<SplitOp, SegmentsOp>([](auto) { return std::nullopt; })
      .Default([](Operation *other) -> std::optional<KernelWork> {
        Polynomial bytes = activationBytes(other);
        if (bytes == Polynomial())
          return std::nullopt;
        KernelWork work{KernelClass::Rowwise};
        work.bytes = bytes;
        return work;
      });
}

namespace {
/// Values of a block that hold the last tokens of each row alone.
class LastTokens {
public:
  /// Whether `op` computes such values; those before it were added.
  bool add(Operation *op) {
    if (llvm::none_of(op->getOperands(), [&](Value operand) { return contains(operand); }))
      return false;
    values.insert_range(op->getResults());
    if (auto parallel = dyn_cast<ParallelOp>(op->getParentOp()); parallel && isa<YieldOp>(op))
      values.insert(parallel.getResult(op->getParentRegion()->getRegionNumber()));
    return true;
  }

private:
  bool contains(Value value) const {
    return values.contains(value) || isa_and_present<LastTokensOp>(value.getDefiningOp());
  }

  DenseSet<Value> values;
};
} // namespace

namespace {
/// Collects the kernels of a block in program order.
class BlockReader {
public:
  BlockWork read(Region &region) {
    region.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (auto parallel = dyn_cast<ParallelOp>(op)) {
        addBranches(parallel);
        return WalkResult::skip();
      }
      add(op, block.joint);
      return WalkResult::advance();
    });
    return std::move(block);
  }

private:
  /// Kernels of last tokens take next to nothing.
  void add(Operation *op, SmallVectorImpl<KernelWork> &kernels) {
    if (last.add(op) || isa<LastTokensOp>(op))
      return;
    if (std::optional<KernelWork> work = getKernelWork(op)) {
      kernels.push_back(*work);
      known.try_emplace(op, *work);
    }
  }

  void addBranches(ParallelOp parallel) {
    for (auto [kind, branch] :
         llvm::zip(parallel.getKinds().getAsRange<BranchAttr>(), parallel.getBranches())) {
      BranchWork &work = block.branches.emplace_back(BranchWork{kind.getValue(), {}});
      branch.walk([&](Operation *nested) { add(nested, work.kernels); });
    }
    for (const BranchStretch &stretch : alignBranches(parallel))
      addStretch(stretch);
  }

  void addStretch(const BranchStretch &stretch) {
    StretchWork &work = block.stretches.emplace_back();
    work.forks = stretch.forks();
    work.areNorms = stretch.areNorms();
    for (auto [kernels, ops] : llvm::zip(work.kernels, stretch.ops))
      for (Operation *op : ops)
        if (std::optional<KernelWork> found = find(op))
          kernels.push_back(*found);
    for (auto [product, op] : llvm::zip(work.products, stretch.products))
      product = find(op);
  }

  std::optional<KernelWork> find(Operation *op) const {
    auto work = known.find(op);
    return work == known.end() ? std::nullopt : std::optional(work->second);
  }

  BlockWork block;
  LastTokens last;
  DenseMap<Operation *, KernelWork> known;
};
} // namespace

BlockWork mlir::flowhn::getBlockWork(Region &region) { return BlockReader().read(region); }

SmallVector<BlockUse> mlir::flowhn::findBlocks(ModelOp model) {
  SmallVector<BlockUse> blocks;
  model.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto block = dyn_cast<BlockOp>(op)) {
      blocks.push_back({block, &block.getBody(), int64_t(block.getIndex())});
      return WalkResult::skip();
    }
    auto call = dyn_cast<func::CallOp>(op);
    auto index = call ? call->getAttrOfType<IntegerAttr>(blockIndexAttrName) : IntegerAttr();
    auto callee = index ? model.lookupSymbol<func::FuncOp>(call.getCallee()) : func::FuncOp();
    if (callee)
      blocks.push_back({call, &callee.getBody(), index.getInt()});
    return WalkResult::advance();
  });
  return blocks;
}
