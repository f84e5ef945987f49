//===- StateLayout.cpp - Where the states of sequences lie ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StateLayout.h"
#include "Partition.h"

#include <limits>

using namespace flowhn;

namespace {

/// Where a state starts: whole cache lines.
constexpr int64_t alignment = 64;
/// Tables of rows are 32-bit.
constexpr int64_t maxRows = std::numeric_limits<int32_t>::max();
constexpr int64_t maxBytes = int64_t(1) << 56;

std::vector<const fb::State *> statesOf(const fb::Plan &plan) {
  if (!plan.states())
    return {};
  return {plan.states()->begin(), plan.states()->end()};
}

bool keepsTokens(const fb::State &state) { return state.kind() == fb::StateKind::KV; }

/// Rows that a sequence has filled after `seen` positions.
int64_t rowsAfter(const fb::State &state, int64_t seen) {
  return keepsTokens(state) ? countAttentionPositions(state.window(), seen) : 1;
}

} // namespace

Expected<StateLayout> StateLayout::create(const fb::Plan &plan, int64_t slots, int64_t context) {
  StateLayout layout;
  layout.positions = context;
  layout.slots = slots;
  for (const fb::State *state : statesOf(plan)) {
    int64_t rows = rowsAfter(*state, context), bytes = 0;
    int64_t spare = keepsTokens(*state) ? 1 : 0;
    if (rows > 0 && slots > (maxRows - spare) / rows)
      return resourceExhausted(std::to_string(slots) + " sequences of " + std::to_string(rows) +
                               " rows of state '" + state->name()->str() +
                               "', more than 2^31 - 1 rows in all");
    if (__builtin_mul_overflow(slots * rows + spare, state->row_bytes(), &bytes) ||
        bytes > maxBytes)
      return resourceExhausted("state '" + state->name()->str() + "' of " + std::to_string(slots) +
                               " sequences is too large to count");
    layout.states.push_back({state, rows});
    layout.first.push_back(layout.total);
    layout.total += (bytes + alignment - 1) / alignment * alignment;
    if (layout.total > maxBytes)
      return resourceExhausted("the states of " + std::to_string(slots) +
                               " sequences are too large to count");
  }
  return layout;
}

int64_t StateLayout::spareRow(const fb::Window *window) const {
  return slots * countAttentionPositions(window, positions);
}

std::vector<StateRange> StateLayout::rangesOf(int64_t slot, int64_t seen) const {
  std::vector<StateRange> ranges;
  for (size_t i = 0; i < states.size(); ++i) {
    const auto &[state, rows] = states[i];
    ranges.push_back({first[i] + slot * rows * state->row_bytes(),
                      rowsAfter(*state, seen) * state->row_bytes()});
  }
  return ranges;
}

std::vector<StateRange> StateLayout::startOf(int64_t slot) const { return rangesOf(slot, 0); }

int64_t flowhn::bytesPerSequence(const fb::Plan &plan, int64_t context, bool split) {
  int64_t bytes = 0;
  for (const fb::State *state : statesOf(plan))
    bytes +=
        (keepsTokens(*state) && !split ? context : rowsAfter(*state, context)) * state->row_bytes();
  return bytes;
}
