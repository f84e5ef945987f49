//===- Autotune.h - Measures the configurations of kernels ------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_AUTOTUNE_H
#define FLOWHN_TOOLS_BENCH_AUTOTUNE_H

#include "Measure.h"

namespace flowhn::tools {

/// Measures the model's kernels with each of the configurations that they can have, on a GPU, in
/// the call of the options and in calls of fewer rows, and adds the times to the table that
/// `options.autotune` names. Without a compiler an artifact has one configuration of each
/// (flowhn-compile --candidate). Prints what was fastest.
Status autotune(const Tool &tool, BenchOptions &options);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_AUTOTUNE_H
