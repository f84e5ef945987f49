//===- ChooseCPUConfigs.cpp - Choose the configuration of every kernel ----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"
#include "flowhn/Conversion/KernToCPU/KernToCPU.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_CHOOSECPUCONFIGSPASS
#include "flowhn/Conversion/KernToCPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;

namespace {
struct ChooseCPUConfigsPass : mlir::flowhn::impl::ChooseCPUConfigsPassBase<ChooseCPUConfigsPass> {
  using ChooseCPUConfigsPassBase::ChooseCPUConfigsPassBase;

  void runOnOperation() override {
    auto target = mlir::flowhn::CPUTargetInfo::get(cpu);
    if (!target.ok()) {
      getOperation().emitError() << target.status().message();
      return signalPassFailure();
    }
    for (func::FuncOp kernel : kern::findKernels(getOperation()))
      kernel.walk([&](kern::CPUKernelInterface op) {
        // A configuration that is there already was pinned by hand.
        if (!op->hasAttr("config"))
          op->setAttr("config", op.chooseCPUConfig(*target));
      });
  }
};
} // namespace
