//===- Compare.h - Artifacts of one model side by side ----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_COMPARE_H
#define FLOWHN_TOOLS_BENCH_COMPARE_H

#include "Measure.h"

namespace flowhn::tools {

/// Times the model and the artifacts of `options.compare`, which have the same parameters, over
/// one set of weights. Their calls take turns, `options.repetitions` of each, by default 20, so
/// that clocks and temperature are the same for all. Prints a line for each, and writes JSON where
/// `options.json` says so.
Status compareArtifacts(const Tool &tool, BenchOptions &options);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_COMPARE_H
