//===- ChooseGPUConfigs.cpp - Choose the configuration of every kernel ----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../KernToCPU/KernelModule.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_CHOOSEGPUCONFIGSPASS
#include "flowhn/Conversion/KernToGPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;

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
  }
};
} // namespace
