//===- MemoryPeak.h - How fast this machine's memory reads ------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_MEMORYPEAK_H
#define FLOWHN_TOOLS_BENCH_MEMORYPEAK_H

namespace flowhn::tools {

/// Bytes per second that `threads` threads read at best, each its own part of 256 MiB, more
/// than caches hold; 0 without memory for that. Takes about half a second.
double measureMemoryRate(int threads);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_MEMORYPEAK_H
