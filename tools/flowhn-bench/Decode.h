//===- Decode.h - How fast sequences go on ----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_DECODE_H
#define FLOWHN_TOOLS_BENCH_DECODE_H

#include "Measure.h"

namespace flowhn::tools {

/// So many sequences side by side, up to a position.
struct DecodePoint {
  int64_t batch = 0;
  int64_t context = 0;
};

/// "1x1024,64x1024".
Expected<std::vector<DecodePoint>> parseDecodePoints(const std::string &text);

/// Measures prefill and decoding at each point, prints a table, and writes JSON where
/// `options.json` says so. The last `options.repetitions` tokens of the context, 64 by
/// default, are decoded, the others are the prompt.
Status measureDecode(const Tool &tool, BenchOptions &options,
                     const std::vector<DecodePoint> &points);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_DECODE_H
