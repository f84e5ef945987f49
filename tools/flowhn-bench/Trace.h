//===- Trace.h - One prefill on a time line ---------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_TRACE_H
#define FLOWHN_TOOLS_BENCH_TRACE_H

#include "Measure.h"

#include <string>

namespace flowhn::tools {

/// The traced launches as Chrome trace events, which Perfetto opens: one track per stream.
Status writeTrace(const std::string &path, const Measurements &result);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_TRACE_H
