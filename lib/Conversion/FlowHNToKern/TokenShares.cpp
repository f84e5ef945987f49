//===- TokenShares.cpp - What kernels have of a call's tokens -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenShares.h"

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "flowhn/Dialect/Plan/IR/PlanOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::flowhn;

namespace {
/// The parts of a call's tokens that the branches have.
struct BranchShares {
  double attention = 0, ssm = 0;

  explicit BranchShares(ArrayAttr plan);

  /// What a launch for `branch`, or for none, has.
  double of(plan::BranchesAttr branch) const {
    if (!branch)
      return 1;
    return branch.getValue() == plan::Branches::Attention ? attention : ssm;
  }
};
} // namespace

BranchShares::BranchShares(ArrayAttr plan) {
  for (auto window : plan.getAsRange<WindowAttr>()) {
    double share = window.getByCall() ? double(window.getNumerator()) / window.getDenominator()
                   : window.isAll()   ? 1
                                      : double(window.getCount()) / window.getPeriod();
    attention += share;
    ssm += window.isAll() ? 1 : 1 - share;
  }
  attention /= double(plan.size());
  ssm /= double(plan.size());
}

static bool isOfOneProduct(func::FuncOp kernel) {
  return isa<kern::MatmulOp>(kernel.getBody().front().front());
}

void mlir::flowhn::annotateTokenShares(ModuleOp module, ModuleOp kernels, ArrayAttr plan) {
  BranchShares branches(plan);
  MLIRContext *context = module.getContext();
  kernels->setAttr(kern::branchSharesAttrName,
                   DenseF64ArrayAttr::get(context, {branches.attention, branches.ssm}));
  SymbolTable symbols(kernels);
  llvm::MapVector<func::FuncOp, SmallVector<double, 3>> sharesOf;
  for (auto procedure : module.getOps<func::FuncOp>())
    procedure.walk([&](plan::LaunchOp launch) {
      auto kernel = symbols.lookup<func::FuncOp>(launch.getKernel().getLeafReference());
      if (kernel && isOfOneProduct(kernel))
        sharesOf[kernel].push_back(branches.of(launch.getBranchAttr()));
    });
  for (auto &[kernel, shares] : sharesOf) {
    llvm::sort(shares);
    shares.erase(llvm::unique(shares), shares.end());
    kernel->setAttr(kern::tokenSharesAttrName, DenseF64ArrayAttr::get(context, shares));
  }
}
