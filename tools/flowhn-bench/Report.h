//===- Report.h - The benchmark's results -----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_REPORT_H
#define FLOWHN_TOOLS_BENCH_REPORT_H

#include "Measure.h"

#include <string>

namespace flowhn::tools {

/// For people, on standard output.
void printReport(const Measurements &result);

/// One line per kernel of one run, most time first.
void printKernels(const std::vector<KernelProfile> &kernels, bool onGPU);

/// "serial", "streams" or "grouped".
const char *nameOf(BranchSchedule schedule);

/// For programs: everything that was measured, in seconds, bytes and FLOP/s.
Status writeReport(const std::string &path, const Measurements &result);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_REPORT_H
