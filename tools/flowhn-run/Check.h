//===- Check.h - Against reference results ----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_RUN_CHECK_H
#define FLOWHN_TOOLS_RUN_CHECK_H

#include "flowhn/Runtime/Session.h"

#include <string>

namespace flowhn::tools {

/// How far results may be from the reference, and what is compared.
struct CheckOptions {
  std::string file;        ///< a safetensors file
  double tolerance = 1e-4; ///< of ‖out−ref‖/‖ref‖, for a whole tensor and its worst row
  bool hidden = false;     ///< also hidden.L.i
};

/// Runs every `input_ids.L` of the file and prints one line for each `logits.L`,
/// `hidden.L.i` (the first sequence before block i, and after the last norm) and
/// `greedy` (a prompt and its greedy continuation). True when all are within the
/// tolerance; an entry that is missing or has another shape is an error.
Expected<bool> checkResults(Session &session, const CheckOptions &options);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_RUN_CHECK_H
