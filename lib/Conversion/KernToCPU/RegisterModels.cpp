//===- RegisterModels.cpp - Attach the CPU models of kern -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterSupport.h"

#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace mlir::kern;

#include "flowhn/Conversion/KernToCPU/CPUKernelInterface.cpp.inc"

void kern::registerCPUKernelModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, KernDialect *) {
    attachArgmaxCPUModel(*context);
    attachAttentionCPUModel(*context);
    attachConv1DCPUModel(*context);
    attachMatmulCPUModel(*context);
    attachRowwiseCPUModel(*context);
    attachScanCPUModel(*context);
  });
}
