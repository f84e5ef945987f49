//===- KernelTarget.h - The machine that kernels are for --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to lib/Conversion/FlowHNToKern.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELTARGET_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELTARGET_H

#include "flowhn/Target/CPU/TargetInfo.h"
#include "flowhn/Target/NVPTX/TargetInfo.h"

#include <optional>

namespace mlir::flowhn {

/// The machine that kernels are for, one of the two.
struct KernelTarget {
  std::optional<CPUTargetInfo> cpu;
  std::optional<GPUTargetInfo> gpu;
};

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELTARGET_H
