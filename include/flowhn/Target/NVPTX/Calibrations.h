//===- Calibrations.h - The tables that ship --------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TARGET_NVPTX_CALIBRATIONS_H
#define FLOWHN_TARGET_NVPTX_CALIBRATIONS_H

#include "flowhn/Support/Calibration.h"
#include "flowhn/Target/NVPTX/TargetInfo.h"

namespace mlir::flowhn {

/// What kernels take on a chip: of sm_90a as measured on an H100 (H100.json), of others
/// shares of their data sheets' rates that the H100 reaches of its own.
::flowhn::Calibration getCalibration(const GPUTargetInfo &chip);

/// The table of the file `path`, or where that is empty the one above. An error where the
/// file is none, or is of another chip.
::flowhn::Expected<::flowhn::Calibration> loadCalibration(const GPUTargetInfo &chip,
                                                          const std::string &path);

} // namespace mlir::flowhn

#endif // FLOWHN_TARGET_NVPTX_CALIBRATIONS_H
