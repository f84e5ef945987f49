//===- ChooseGPUConfigs.cpp - Choose the configuration of every kernel ----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../KernToCPU/KernelModule.h"
#include "Tuning.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "flowhn/Target/NVPTX/Calibrations.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_CHOOSEGPUCONFIGSPASS
#include "flowhn/Conversion/KernToGPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using ::flowhn::Calibration;
using mlir::flowhn::GPUTargetInfo;

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
    bodies.back()->walk([&, &promisesRows = promisesRows](Operation *op) {
      llvm::TypeSwitch<Operation *>(op).Case<kern::MatmulOp, kern::RowwiseOp>(
          [&](auto op) { promisesRows |= op.removeMaxRowsAttr() != nullptr; });
    });
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
    auto target = GPUTargetInfo::get(chip);
    if (!target.ok())
      return fail(target.status());
    auto table = mlir::flowhn::loadCalibration(*target, calibration);
    if (!table.ok())
      return fail(table.status());
    for (func::FuncOp kernel : kern::findKernels(getOperation()))
      for (auto op : kernel.getOps<kern::GPUKernelInterface>())
        if (failed(configure(kernel, op, *target, *table)))
          return signalPassFailure();
    mergeKernelsByRows(getOperation());
  }

  void fail(const ::flowhn::Status &status) {
    getOperation().emitError() << status.message();
    signalPassFailure();
  }

  LogicalResult configure(func::FuncOp kernel, kern::GPUKernelInterface op,
                          const GPUTargetInfo &target, const Calibration &table) {
    // A configuration that is there already was pinned by hand.
    if (op->hasAttr("config"))
      return success();
    SmallVector<DictionaryAttr> configs = op.getGPUConfigs(target);
    FailureOr<DictionaryAttr> chosen = configs.front();
    if (configs.size() > 1) {
      std::string key = kern::nvptx::getTuningKey(op);
      kernel->setAttr(kern::gpuTuningKeyAttrName, StringAttr::get(op->getContext(), key));
      auto points = table.configs.find(key);
      if (candidate >= 0)
        chosen = configs[candidate < int64_t(configs.size()) ? candidate : 0];
      else if (points != table.configs.end())
        chosen =
            kern::nvptx::chooseMeasuredConfig(op, configs, points->second, sourceName(), target);
    }
    if (failed(chosen))
      return failure();
    op->setAttr("config", *chosen);
    return success();
  }

  std::string sourceName() const {
    return calibration.empty() ? "the calibration of " + chip.getValue() : calibration.getValue();
  }
};
} // namespace
