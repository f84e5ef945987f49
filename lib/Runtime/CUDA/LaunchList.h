//===- LaunchList.h - What a device runs in a call --------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_LAUNCHLIST_H
#define FLOWHN_LIB_RUNTIME_CUDA_LAUNCHLIST_H

#include "../PlanWalk.h"
#include "DeviceParameters.h"

#include <optional>
#include <set>
#include <variant>

namespace flowhn::cuda {

/// Where the memory that a call may use lies on the device.
struct DeviceBases {
  DeviceAddress workspace = 0;
  DeviceAddress tables = 0;
  DeviceAddress logits = 0;
  DeviceAddress tokens = 0;
  DeviceAddress states = 0; ///< of a step
  const DeviceParameters *parameters = nullptr;
};

/// What a plan does in one call, with places that are not addresses yet, and the tables
/// that it reads.
class LaunchList : private PlanSink {
public:
  struct Launch {
    uint32_t kernel = 0;
    int64_t block = -1; ///< of the network; -1: none
    unsigned stream = 0;
    unsigned grid[3] = {};
    unsigned clusterBlocks = 0; ///< 0: as the code has it
    size_t firstIndex = 0, numIndices = 0, firstMemory = 0, numMemories = 0;
  };
  struct Fork {
    std::vector<uint32_t> streams;
  };
  struct Join {
    std::vector<uint32_t> streams;
  };
  /// Where a block begins or ends.
  struct BlockEdge {};
  using Command = std::variant<Launch, Fork, Join, BlockEdge, PlannedTap>;

  explicit LaunchList(const fb::Plan &plan) : plan(plan) {}

  /// ResourceExhausted for a grid that no device takes.
  Status build(const EntryArguments &arguments, const TapTarget &tapTarget,
               std::span<LaunchCounts> counts);

  /// Whether another call does the same with other tables, which are the list's then. Else its
  /// tables are nobody's.
  Expected<bool> refill(const EntryArguments &arguments);

  const std::vector<Command> &commands() const { return list; }
  /// Those that `BlockEdge` stand around, in order.
  const std::vector<int64_t> &blocks() const { return blockNumbers; }
  std::span<const int64_t> indices(const Launch &launch) const {
    return std::span(indexValues).subspan(launch.firstIndex, launch.numIndices);
  }
  /// The memory arguments of the launch, from its first on.
  const Place *memories(const Launch &launch) const { return places.data() + launch.firstMemory; }

  /// The call's tables and those that the plan makes, as they lie on the device; the ids
  /// come first.
  std::span<const std::byte> tables() const { return image; }
  int64_t workspaceBytes() const { return neededBytes; }
  /// Whether it has so few tokens that products leave room for the next kernel beside them.
  bool isSmall() const { return entry[1] <= maxSmallTokens; }
  /// Whether it has so few that it matters when a kernel starts.
  bool isShort() const { return entry[1] <= maxShortTokens; }
  DeviceAddress addressOf(const Place &place, const DeviceBases &bases) const;

  /// What the list does, whatever the tables hold: where it is the same, and the bases are, one
  /// graph runs both.
  std::vector<int64_t> shape() const;

private:
  void addTables(const TableCommand &command, std::span<const int64_t> indices) override {
    tableMakers.push_back({command, {indices.begin(), indices.end()}});
  }
  void addTable(std::vector<int32_t> table) override { appendTable(table); }
  Status addLaunch(const PlannedLaunch &launch) override;
  void fork(std::span<const uint32_t> streams) override;
  void join(std::span<const uint32_t> streams) override;
  void dropFork();
  void beginBlock(int64_t block) override;
  void endBlock() override { list.push_back(BlockEdge{}); }
  void addTap(const PlannedTap &tap) override { list.push_back(tap); }
  void startTables(const EntryArguments &arguments);
  Expected<bool> remakeTables(const EntryArguments &arguments);
  void appendTable(std::span<const int32_t> table);

  const fb::Plan &plan;
  std::vector<Command> list;
  std::set<uint32_t> running;      ///< beside stream 0
  std::optional<size_t> firstFork; ///< in the list: what started all that are
  std::vector<int64_t> indexValues;
  std::vector<Place> places;
  std::vector<std::byte> image;
  std::vector<uint64_t> tableOffsets; ///< the entry's, then the plan's
  std::vector<int64_t> stateOffsets;  ///< of a step's layout
  int64_t neededBytes = 0;

  static constexpr int64_t maxSmallTokens = 64, maxShortTokens = 4096;

  // What decides everything but the tables.
  std::vector<int64_t> entry; ///< index values
  struct TableMaker {
    TableCommand command;
    std::vector<int64_t> indices;
  };
  std::vector<TableMaker> tableMakers;
  std::vector<int64_t> blockNumbers;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_LAUNCHLIST_H
