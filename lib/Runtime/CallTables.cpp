//===- CallTables.cpp - A call as the entry of a plan takes it ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CallTables.h"

#include <algorithm>
#include <limits>
#include <numeric>

using namespace flowhn;

static std::string row(size_t number) { return " of row " + std::to_string(number); }

Status flowhn::checkLengths(const Call &call, const Manifest &manifest) {
  int64_t context = manifest.model.contextLength, sum = 0;
  if (call.lengths.empty())
    return invalidArgument("a call of 0 rows");
  if (int64_t(call.lengths.size()) > manifest.limits.maxBatch)
    return resourceExhausted("a batch of " + std::to_string(call.lengths.size()) +
                             " exceeds the artifact's limit of " +
                             std::to_string(manifest.limits.maxBatch));
  for (size_t b = 0; b < call.lengths.size(); ++b) {
    int64_t length = call.lengths[b];
    if (length < 1)
      return invalidArgument("length " + std::to_string(length) + row(b) +
                             ", it must be at least 1");
    if (context && length > context)
      return invalidArgument("length " + std::to_string(length) + row(b) +
                             " exceeds the context of " + std::to_string(context));
    if (length > manifest.limits.maxTokens)
      return resourceExhausted("length " + std::to_string(length) + row(b) +
                               " exceeds the artifact's limit of " +
                               std::to_string(manifest.limits.maxTokens));
    sum += length;
  }
  if (sum != int64_t(call.ids.size()))
    return invalidArgument("the lengths add up to " + std::to_string(sum) + ", there are " +
                           std::to_string(call.ids.size()) + " token ids");
  if (sum > std::numeric_limits<int32_t>::max())
    return resourceExhausted("a call of " + std::to_string(sum) + " tokens exceeds the limit of " +
                             std::to_string(std::numeric_limits<int32_t>::max()));
  return {};
}

Status flowhn::checkIds(const Call &call, int64_t vocabSize) {
  const int32_t *id = call.ids.data();
  for (size_t b = 0; b < call.lengths.size(); ++b)
    for (int32_t position = 0; position < call.lengths[b]; ++position, ++id)
      if (*id < 0 || *id >= vocabSize)
        return invalidArgument("token " + std::to_string(*id) + " at position " +
                               std::to_string(position) + row(b) +
                               " is outside of the vocabulary of " + std::to_string(vocabSize));
  return {};
}

CallTables::CallTables(const Call &call) : begin(call.lengths.size(), 0), offsets{0} {
  for (int32_t length : call.lengths) {
    maxLength = std::max<int64_t>(maxLength, length);
    offsets.push_back(offsets.back() + length);
    if (call.logits == LogitsMode::Last)
      select.push_back(offsets.back() - 1);
  }
  if (call.logits == LogitsMode::All) {
    select.resize(call.ids.size());
    std::iota(select.begin(), select.end(), 0);
  }
}
