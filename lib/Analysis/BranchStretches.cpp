//===- BranchStretches.cpp - Two branches side by side --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/BranchStretches.h"

#include "flowhn/Analysis/KernelWork.h"

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::KernelClass;

bool BranchStretch::forks() const {
  return llvm::all_of(ops, [](ArrayRef<Operation *> branch) {
    return llvm::any_of(branch, [](Operation *op) {
      std::optional<KernelWork> work = getKernelWork(op);
      return work && work->kernelClass != KernelClass::Rowwise;
    });
  });
}

bool BranchStretch::areNorms() const {
  return llvm::all_of(ops, [](ArrayRef<Operation *> branch) {
    auto isKernel = [](Operation *op) { return getKernelWork(op).has_value(); };
    auto kernel = llvm::find_if(branch, isKernel);
    return kernel != branch.end() && isa<RMSNormOp>(*kernel) &&
           std::find_if(kernel + 1, branch.end(), isKernel) == branch.end();
  });
}

namespace {
/// The products of a branch, before and behind that which mixes its tokens.
struct BranchProducts {
  explicit BranchProducts(Region &branch) {
    SmallVector<LinearOp> *part = &before;
    for (Operation &op : branch.front()) {
      if (isa<AttentionOp, SelectiveScanOp>(op))
        part = &behind;
      else if (auto product = dyn_cast<LinearOp>(op))
        part->push_back(product);
    }
  }
  SmallVector<LinearOp> before, behind;
};
} // namespace

static bool areGroupable(LinearOp lhs, LinearOp rhs) {
  auto elementType = [](LinearOp op) {
    return cast<RankedTensorType>(op.getInput().getType()).getElementType();
  };
  auto isGated = [](LinearOp op) { return op.getActivation() == Activation::SwiGLU; };
  Type type = elementType(lhs);
  return type == elementType(rhs) && type.getIntOrFloatBitWidth() == 16 &&
         isGated(lhs) == isGated(rhs);
}

SmallVector<BranchStretch> mlir::flowhn::alignBranches(ParallelOp parallel) {
  if (parallel.getBranches().size() != 2)
    return {};
  std::array<Block *, 2> blocks = {&parallel.getBranches()[0].front(),
                                   &parallel.getBranches()[1].front()};
  BranchProducts first(parallel.getBranches()[0]), second(parallel.getBranches()[1]);
  std::array<Block::iterator, 2> next = {blocks[0]->begin(), blocks[1]->begin()};
  SmallVector<BranchStretch> stretches;
  auto endStretch = [&](std::array<Operation *, 2> ends) {
    BranchStretch &stretch = stretches.emplace_back();
    for (unsigned branch : {0, 1}) {
      for (; next[branch] != ends[branch]->getIterator(); ++next[branch])
        stretch.ops[branch].push_back(&*next[branch]);
      if ((stretch.products[branch] = dyn_cast<LinearOp>(ends[branch])))
        ++next[branch];
    }
  };
  for (auto part : {&BranchProducts::before, &BranchProducts::behind})
    for (auto [lhs, rhs] : llvm::zip(first.*part, second.*part))
      if (areGroupable(lhs, rhs))
        endStretch({lhs, rhs});
  if (!stretches.empty())
    endStretch({blocks[0]->getTerminator(), blocks[1]->getTerminator()});
  return stretches;
}
