//===- RegisterModels.cpp - Attach the GPU models of kern -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterSupport.h"
#include "Sample.h"
#include "ScanInputs.h"

#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace mlir::kern;

#include "flowhn/Conversion/KernToGPU/GPUKernelInterface.cpp.inc"

void kern::registerGPUKernelModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, KernDialect *) {
    nvptx::attachArgmaxModel(*context);
    nvptx::attachAttentionModel(*context);
    nvptx::attachConv1DModel(*context);
    nvptx::attachMatmulModels(*context);
    nvptx::attachRowwiseModels(*context);
    nvptx::attachSampleModel(*context);
    nvptx::attachScanInputsModel(*context);
    nvptx::attachScanModel(*context);
    nvptx::attachScanStatesModels(*context);
  });
}
