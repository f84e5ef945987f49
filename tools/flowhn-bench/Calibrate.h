//===- Calibrate.h - Writes what times are predicted from -------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_CALIBRATE_H
#define FLOWHN_TOOLS_BENCH_CALIBRATE_H

#include "Measure.h"
#include "flowhn/Support/Calibration.h"

#include <string>

namespace flowhn::tools {

/// The table in the file `path`, of `chip`; where there is none what the compiler knows of the
/// chip, for the device that ran as `target`.
Expected<Calibration> openTable(const std::string &path, const std::string &chip,
                                const std::string &target);
Status writeTable(const std::string &path, const Calibration &table);

/// Adds what was measured to the table in the file `path`, which begins, where it is not there
/// yet, as what the compiler knows of the chip: its kernels, and where its branches ran side by
/// side how far they overlap. Prints what is in the table.
Status calibrate(const std::string &path, const Measurements &measured);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_CALIBRATE_H
