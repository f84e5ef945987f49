//===- StateLayout.h - Where the states of sequences lie --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_STATELAYOUT_H
#define FLOWHN_LIB_RUNTIME_STATELAYOUT_H

#include "flowhn/Artifact/Plan_generated.h"
#include "flowhn/Support/Status.h"

#include <cstdint>
#include <vector>

namespace flowhn {

/// Bytes of a memory of states.
struct StateRange {
  int64_t offset = 0;
  int64_t bytes = 0;
};

/// The states of a plan for a number of sequences in flight (slots) and a context, one behind
/// the other, each with the rows of all slots, those of keys and values with a spare one behind.
class StateLayout {
public:
  /// ResourceExhausted when there are more rows or bytes than can be counted.
  static Expected<StateLayout> create(const fb::Plan &plan, int64_t slots, int64_t context);

  /// First byte of each state of the plan.
  const std::vector<int64_t> &offsets() const { return first; }
  int64_t bytes() const { return total; }
  int64_t context() const { return positions; }
  /// Of keys and values with this window, the row that belongs to no slot.
  int64_t spareRow(const fb::Window *window) const;

  /// What a sequence in `slot` that has seen `seen` positions keeps, state by state; of keys and
  /// values only rows that are filled.
  std::vector<StateRange> rangesOf(int64_t slot, int64_t seen) const;
  /// What of it must be zero before the sequence begins.
  std::vector<StateRange> startOf(int64_t slot) const;

private:
  struct State {
    const fb::State *state;
    int64_t rows; ///< of a slot
  };
  std::vector<State> states;
  std::vector<int64_t> first;
  int64_t total = 0, positions = 0, slots = 0;
};

/// Bytes that one sequence of `context` positions keeps; `split`: as the plan says, else as if
/// every position went to both branches.
int64_t bytesPerSequence(const fb::Plan &plan, int64_t context, bool split);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_STATELAYOUT_H
