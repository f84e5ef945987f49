//===- ChooseGPUConfigs.cpp - Choose the configuration of every kernel ----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../KernToCPU/KernelModule.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_CHOOSEGPUCONFIGSPASS
#include "flowhn/Conversion/KernToGPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;

static bool isSameCode(func::FuncOp lhs, func::FuncOp rhs) {
  return lhs.getFunctionType() == rhs.getFunctionType() &&
         OperationEquivalence::isRegionEquivalentTo(&lhs.getBody(), &rhs.getBody(),
                                                    OperationEquivalence::IgnoreLocations);
}

/// Launches kernels for more rows in place of those that promise fewer and got the same
/// configuration; the latter come first.
static void mergeKernelsByRows(ModuleOp root) {
  SmallVector<func::FuncOp> kernels = kern::findKernels(root);
  SmallVector<OwningOpRef<func::FuncOp>> bodies; // without what they promise
  SmallVector<bool> promises(kernels.size(), false);
  for (auto [kernel, promisesRows] : llvm::zip_equal(kernels, promises)) {
    bodies.push_back(kernel.clone());
    bodies.back()->walk(
        [&](kern::MatmulOp op) { promisesRows |= op.removeMaxRowsAttr() != nullptr; });
  }
  for (size_t i = 0; i < kernels.size(); ++i)
    for (size_t j = i + 1; promises[i] && j < kernels.size(); ++j)
      if (isSameCode(*bodies[i], *bodies[j])) {
        (void)SymbolTable::replaceAllSymbolUses(kernels[i], kernels[j].getSymNameAttr(), root);
        kernels[i].erase();
        break;
      }
}

namespace {
struct ChooseGPUConfigsPass : mlir::flowhn::impl::ChooseGPUConfigsPassBase<ChooseGPUConfigsPass> {
  using ChooseGPUConfigsPassBase::ChooseGPUConfigsPassBase;

  void runOnOperation() override {
    auto target = mlir::flowhn::GPUTargetInfo::get(chip);
    if (!target.ok()) {
      getOperation().emitError() << target.status().message();
      return signalPassFailure();
    }
    for (func::FuncOp kernel : kern::findKernels(getOperation()))
      for (auto op : kernel.getOps<kern::GPUKernelInterface>())
        // A configuration that is there already was pinned by hand.
        if (!op->hasAttr("config"))
          op->setAttr("config", op.chooseGPUConfig(*target));
    mergeKernelsByRows(getOperation());
  }
};
} // namespace
