//===- GPUCode.h - PTX and machine code of kernels --------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ENGINE_GPUCODE_H
#define FLOWHN_LIB_ENGINE_GPUCODE_H

#include "TargetCode.h"

namespace mlir::flowhn {

/// What emitCode and emitObject do for a GPU.
::flowhn::Expected<std::vector<::flowhn::ArtifactSection>>
emitGPUCode(ModuleOp kernels, const GPUTargetInfo &target, const ::flowhn::CompileOptions &options,
            ::flowhn::CompileReport &report);
::flowhn::Expected<std::string> emitPTX(ModuleOp kernels, const GPUTargetInfo &target,
                                        const ::flowhn::CompileOptions &options,
                                        ::flowhn::CompileReport &report);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_ENGINE_GPUCODE_H
