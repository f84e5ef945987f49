//===- SplitSearch.h - A split for a model without weights ------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ENGINE_SPLITSEARCH_H
#define FLOWHN_ENGINE_SPLITSEARCH_H

#include "flowhn/Engine/Compiler.h"

namespace flowhn {

struct SplitSearchOptions {
  /// makespan: the least predicted time of a block with its branches scheduled as
  /// CompileOptions::branchSchedule says, auto: as is fastest;
  /// throughput: the least of both branches together, one after the other.
  std::string objective = "makespan";
  /// The share of the context that attention gets, at least and at most.
  double leastShare = 0.25, mostShare = 0.75;
};

/// What was found for one block; times in seconds.
struct FoundBlock {
  int64_t attentionTokens = 0;
  double attention = 0, ssm = 0, joint = 0; ///< the branches, and what sees every token
  double serial = 0, streams = 0;           ///< the block, its branches in turn or side by side
  double grouped = 0; ///< the same with products in one launch; 0 where it has none
};

struct FoundSplit {
  std::vector<FoundBlock> blocks;
  std::string chip;          ///< that times are predicted for
  int64_t contextLength = 0; ///< that counts are of
  int64_t batch = 0;         ///< rows of the call that times are predicted for, of whole contexts

  /// One count where all blocks agree, else one per block: `attention_tokens` of config.json.
  std::vector<int64_t> attentionTokens() const;
};

/// Searches, for each block of `model`, the number of attention positions whose predicted time
/// on the first of the chips is the least; of equals the smallest. Every count within the
/// shares is tried. The model must have no weights, which were trained with one count: a
/// config with the strategy fa or fac and a context. InvalidArgument where it is another, or
/// an option is out of range; Unsupported for a target whose times are not predicted.
Expected<FoundSplit> searchSplit(const Model &model, const CompileOptions &options,
                                 const SplitSearchOptions &search, CompileReport *report = nullptr);

} // namespace flowhn

#endif // FLOWHN_ENGINE_SPLITSEARCH_H
