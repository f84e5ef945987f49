//===- PlanWalk.h - What a plan does in one call ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_PLANWALK_H
#define FLOWHN_LIB_RUNTIME_PLANWALK_H

#include "PlanTables.h"

namespace flowhn {

/// The memory arguments of a plan's entry, in order.
enum EntryMemory : uint32_t {
  IdsArgument,
  BeginArgument,
  LengthArgument,
  OffsetsArgument,
  SelectArgument,
  LogitsArgument,
  TokensArgument,
  SlotsArgument, ///< this one and the others of the step alone
  DrawsArgument,
  HistoryArgument,
};
inline constexpr uint32_t numEntryMemories = HistoryArgument + 1;

/// A memory value: somewhere in the workspace, or all of something else.
struct Place {
  enum Space : uint8_t {
    Workspace,
    Parameter, ///< `number` of the plan
    Argument,  ///< an `EntryMemory`
    Table,     ///< the `number`th that the sink was given
    State,     ///< `number` of the plan
  };
  Space space = Workspace;
  uint32_t number = 0;
  int64_t offset = 0; ///< in the workspace
  int64_t bytes = 0;  ///< to the end of what it lies in
};

/// Work items or thread blocks.
struct Grid {
  int64_t x = 0, y = 1, z = 1;

  bool isEmpty() const { return x <= 0 || y <= 0 || z <= 0; }
};

/// A launch with work to do.
struct PlannedLaunch {
  uint32_t kernel = 0;
  unsigned stream = 0;
  Grid grid;
  int64_t block = -1; ///< of the network; -1: none
  fb::Branch branch = fb::Branch::None;
  std::span<const int64_t> indices; ///< index arguments, in order
  std::span<const Place> memories;  ///< the others, in order
};

/// A value that the caller asked for: `rows` rows, `stride` bytes from one to the next,
/// go to `to`, without gaps.
struct PlannedTap {
  std::byte *to = nullptr;
  Place from;
  int64_t rows = 0;
  int64_t rowBytes = 0;
  int64_t stride = 0;
};

/// Takes what a plan does, in order. Spans are valid during the call only.
class PlanSink {
public:
  virtual ~PlanSink() = default;

  /// What makes the next tables, and its index values. Another call does the same with other
  /// tables where these values and those of its entry are the same.
  virtual void addTables(const TableCommand & /*command*/, std::span<const int64_t> /*indices*/) {}
  /// The next table, of rows or of where sequences start.
  virtual void addTable(std::vector<int32_t> table) = 0;
  virtual Status addLaunch(const PlannedLaunch &launch) = 0;
  /// Streams that start, or end, beside stream 0.
  virtual void fork(std::span<const uint32_t> streams) = 0;
  virtual void join(std::span<const uint32_t> streams) = 0;
  /// The call of block `block` of the network begins, and ends. No stream but 0 runs.
  virtual void beginBlock(int64_t /*block*/) {}
  virtual void endBlock() {}
  /// Waits for everything before it.
  virtual void addTap(const PlannedTap &tap) = 0;
};

/// Walks the procedures of a plan for one call: evaluates sizes, shares out rows, lays
/// out the workspace. Gives the bytes of workspace that are needed. With `counts`, one
/// per kernel, adds up what is launched.
Expected<int64_t> walkPlan(const fb::Plan &plan, const EntryArguments &arguments,
                           const TapTarget &tapTarget, std::span<LaunchCounts> counts,
                           PlanSink &sink);

/// The index values that a plan's entry takes, in order, and its memories.
std::vector<int64_t> entryIndices(const EntryArguments &arguments);
std::vector<Place> entryMemories(const EntryArguments &arguments);

/// What one launch of `kernel` computes and moves.
LaunchCounts countsOf(const fb::Kernel &kernel, std::span<const int64_t> indices);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_PLANWALK_H
