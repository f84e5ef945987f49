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

/// What kernels take on a chip: of sm_90a as measured on an H200 (H200.json), of others
/// shares of their data sheets' rates that the H200 reaches of its own.
::flowhn::Calibration getCalibration(const GPUTargetInfo &chip);

/// Whether a table ships by that name, the one of the GPU that it was measured on: "H200",
/// "H100".
bool isShippedCalibration(std::string_view name);

/// The table that ships by the name `source`, else that of the file. An error where it is none.
::flowhn::Expected<::flowhn::Calibration> readCalibration(const std::string &source);

/// The same, or where `source` is empty what is known of the chip. An error too where the table is
/// of another chip.
::flowhn::Expected<::flowhn::Calibration> loadCalibration(const GPUTargetInfo &chip,
                                                          const std::string &source);

} // namespace mlir::flowhn

#endif // FLOWHN_TARGET_NVPTX_CALIBRATIONS_H
