//===- EntryValues.cpp - What a plan's entry is given ---------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanWalk.h"

using namespace flowhn;

std::vector<int64_t> flowhn::entryIndices(const EntryArguments &arguments) {
  int64_t numTokens = arguments.numTokens(), numDrawn = arguments.draws() ? numTokens : 0;
  std::vector<int64_t> indices = {int64_t(arguments.length.size()), int64_t(arguments.ids.size()),
                                  arguments.maxLength, int64_t(arguments.select.size()),
                                  numTokens - numDrawn};
  if (arguments.step)
    indices.push_back(numDrawn);
  return indices;
}

std::vector<Place> flowhn::entryMemories(const EntryArguments &arguments) {
  std::vector<Place> memories;
  auto add = [&](EntryMemory number, size_t elements) {
    memories.push_back({Place::Argument, number, 0, int64_t(elements) * 4});
  };
  add(IdsArgument, arguments.ids.size());
  add(BeginArgument, arguments.begin.size());
  add(LengthArgument, arguments.length.size());
  add(OffsetsArgument, arguments.offsets.size());
  add(SelectArgument, arguments.select.size());
  add(LogitsArgument, size_t(arguments.numLogits()));
  add(TokensArgument, size_t(arguments.numTokens()));
  if (!arguments.step)
    return memories;
  add(SlotsArgument, arguments.step->slots.size());
  add(DrawsArgument, arguments.step->draws.size());
  add(HistoryArgument, arguments.step->history.size());
  return memories;
}
