//===- Check.h - Against reference results ----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_RUN_CHECK_H
#define FLOWHN_TOOLS_RUN_CHECK_H

#include "Chunks.h"
#include "flowhn/Runtime/Session.h"

#include <optional>
#include <string>

namespace flowhn::tools {

/// How far results may be from the reference, and what is compared.
struct CheckOptions {
  std::string file; ///< a safetensors file
  /// Of ‖out−ref‖/‖ref‖ of a whole tensor; by default 1e-4, in 16 bits 2e-2.
  std::optional<double> tolerance;
  /// The same of a tensor's worst row; by default `tolerance`, in 16 bits three times that.
  std::optional<double> rowTolerance;
  bool hidden = false; ///< also hidden.L.i
  /// How the sequences are fed to a generator; none: whole, to the session.
  std::optional<Chunks> chunks;
  std::vector<int64_t> lengths; ///< only these; empty: all of the file
};

/// Runs every `input_ids.L` of the file and prints one line for each `logits.L`,
/// `hidden.L.i` (the first sequence before block i, and after the last norm) and
/// `greedy` (a prompt and its greedy continuation). True when all are within the
/// tolerance; an entry that is missing or has another shape is an error. Every greedy
/// token must agree; in 16 bits, where rounding decides near-ties, the first after the
/// prompt, or half of all where the file does not say how long the prompt is.
Expected<bool> checkResults(Session &session, const CheckOptions &options);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_RUN_CHECK_H
