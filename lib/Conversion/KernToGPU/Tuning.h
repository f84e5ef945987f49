//===- Tuning.h - Configurations that were measured -------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_TUNING_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_TUNING_H

#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "flowhn/Support/Calibration.h"

namespace mlir::kern::nvptx {

/// What a calibration knows the kernel of a product, a group of them or attention by: its sizes
/// and types, "matmul 2048x8192 bf16 + row f32 -> f32". Empty for the other ops.
std::string getTuningKey(Operation *op);

/// Of the configurations that `op` can have, the likeliest first, the one that took least in the
/// calls of `points` that launch this kernel of the op. A point whose configuration is none of
/// them is an error, which names the `source` of the points.
FailureOr<DictionaryAttr> chooseMeasuredConfig(Operation *op, ArrayRef<DictionaryAttr> configs,
                                               ArrayRef<::flowhn::ConfigPoint> points,
                                               StringRef source,
                                               const flowhn::GPUTargetInfo &target);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_TUNING_H
