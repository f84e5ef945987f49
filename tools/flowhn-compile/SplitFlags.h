//===- SplitFlags.h - Flags that search a split -----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_COMPILE_SPLITFLAGS_H
#define FLOWHN_TOOLS_COMPILE_SPLITFLAGS_H

#include "common/InputOptions.h"
#include "flowhn/Engine/SplitSearch.h"

#include <string>

namespace flowhn::tools {

/// --split-objective and --attention-share.
struct SplitFlags {
  SplitSearchOptions search = {.objective = ""}; ///< empty: nothing is searched
  std::string share;                             ///< "0.25:0.75"

  bool areGiven() const { return !search.objective.empty(); }
};

void addSplitSearchFlags(CLI::App &app, SplitFlags &flags);

/// Why the flags cannot go together, empty when they can; reads the share.
std::string splitFlagsProblem(const InputOptions &input, SplitFlags &flags);

/// Searches the split of a model without weights, prints it, and gives the model with it.
Expected<Model> searchAndPrintSplit(const Model &model, InputOptions &input,
                                    const SplitFlags &flags, CompileReport &report);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_COMPILE_SPLITFLAGS_H
