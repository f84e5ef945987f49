//===- LaunchList.cpp - What a device runs in a call ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchList.h"

#include <algorithm>
#include <cstring>
#include <limits>

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

constexpr size_t alignment = 256; ///< of a table
constexpr int64_t maxBlocksX = std::numeric_limits<int32_t>::max();
constexpr int64_t maxBlocksYZ = 65535;
/// Of the entry's memories, those in front of the results, and a step's own.
constexpr uint32_t stepTables = SelectArgument + 1;
constexpr uint32_t numEntryTables = stepTables + numEntryMemories - SlotsArgument;

/// Appends what tells one command from another.
struct ShapeOf {
  std::vector<int64_t> &shape;
  const LaunchList &list;

  void operator()(const LaunchList::Launch &launch) {
    std::span<const int64_t> indices = list.indices(launch);
    shape.insert(shape.end(), {launch.kernel, launch.stream, int64_t(indices.size()),
                               int64_t(launch.numMemories)});
    shape.insert(shape.end(), std::begin(launch.grid), std::end(launch.grid));
    shape.insert(shape.end(), indices.begin(), indices.end());
    for (const Place &place : std::span(list.memories(launch), launch.numMemories))
      shape.insert(shape.end(), {place.space, place.number, place.offset});
  }
  void operator()(const LaunchList::Fork &fork) { addStreams(fork.streams); }
  void operator()(const LaunchList::Join &join) { addStreams(join.streams); }
  void operator()(const LaunchList::BlockEdge &) {}
  void operator()(const PlannedTap &) {} // a list with taps is no graph

  void addStreams(const std::vector<uint32_t> &streams) {
    shape.push_back(int64_t(streams.size()));
    shape.insert(shape.end(), streams.begin(), streams.end());
  }
};

} // namespace

Status LaunchList::build(const EntryArguments &arguments, const TapTarget &tapTarget,
                         std::span<LaunchCounts> counts) {
  entry = entryIndices(arguments);
  if (arguments.step) {
    std::span<const int64_t> offsets = arguments.step->layout->offsets();
    stateOffsets.assign(offsets.begin(), offsets.end());
  }
  startTables(arguments);
  Expected<int64_t> bytes = walkPlan(plan, arguments, tapTarget, counts, *this);
  FLOWHN_RETURN_IF_ERROR(bytes.status());
  neededBytes = *bytes;
  return {};
}

Expected<bool> LaunchList::refill(const EntryArguments &arguments) {
  std::span<const int64_t> offsets;
  if (arguments.step)
    offsets = arguments.step->layout->offsets();
  if (entry != entryIndices(arguments) || !std::ranges::equal(offsets, stateOffsets))
    return false;
  std::vector<uint64_t> placed = tableOffsets;
  Expected<bool> isSame = remakeTables(arguments);
  if (isSame.ok() && *isSame && tableOffsets == placed)
    return true;
  tableOffsets = std::move(placed);
  FLOWHN_RETURN_IF_ERROR(isSame.status());
  return false;
}

/// Whether the plan's tables have as many rows as those that the launches were made for.
Expected<bool> LaunchList::remakeTables(const EntryArguments &arguments) {
  startTables(arguments);
  for (const TableMaker &maker : tableMakers) {
    Expected<MadeTables> made = makeTables(maker.command, arguments);
    FLOWHN_RETURN_IF_ERROR(made.status());
    if (made->indices != maker.indices)
      return false;
    for (const std::vector<int32_t> &table : made->tables)
      appendTable(table);
  }
  return true;
}

/// Those of the entry.
void LaunchList::startTables(const EntryArguments &arguments) {
  image.clear();
  tableOffsets.clear();
  for (std::span<const int32_t> table :
       {arguments.ids, arguments.begin, arguments.length, arguments.offsets, arguments.select})
    appendTable(table);
  const StepArguments step = arguments.step ? *arguments.step : StepArguments();
  for (std::span<const int32_t> table : {step.slots, step.draws, step.history})
    appendTable(table);
}

void LaunchList::appendTable(std::span<const int32_t> table) {
  size_t offset = (image.size() + alignment - 1) / alignment * alignment;
  tableOffsets.push_back(offset);
  image.resize(offset + table.size_bytes());
  if (!table.empty())
    std::memcpy(image.data() + offset, table.data(), table.size_bytes());
}

Status LaunchList::addLaunch(const PlannedLaunch &launch) {
  const fb::GPULaunch &gpu = *plan.kernels()->Get(launch.kernel)->gpu();
  Grid grid = launch.grid;
  bool formsClusters = gpu.cluster_grid() > 0 && grid.x >= gpu.cluster_grid();
  if (gpu.max_blocks() > 0)
    grid.x = std::min(grid.x, gpu.max_blocks());
  if (grid.x > maxBlocksX || grid.y > maxBlocksYZ || grid.z > maxBlocksYZ)
    return resourceExhausted(
        "a grid of " + std::to_string(grid.x) + " x " + std::to_string(grid.y) + " x " +
        std::to_string(grid.z) + " blocks, a device takes at most " + std::to_string(maxBlocksX) +
        " x " + std::to_string(maxBlocksYZ) + " x " + std::to_string(maxBlocksYZ));
  list.push_back(Launch{launch.kernel,
                        launch.block,
                        launch.stream,
                        {unsigned(grid.x), unsigned(grid.y), unsigned(grid.z)},
                        formsClusters ? gpu.cluster_blocks() : 0,
                        indexValues.size(),
                        launch.indices.size(),
                        places.size(),
                        launch.memories.size()});
  indexValues.insert(indexValues.end(), launch.indices.begin(), launch.indices.end());
  places.insert(places.end(), launch.memories.begin(), launch.memories.end());
  return {};
}

void LaunchList::beginBlock(int64_t block) {
  blockNumbers.push_back(block);
  list.push_back(BlockEdge{});
}

void LaunchList::fork(std::span<const uint32_t> streams) {
  firstFork = running.empty() ? std::optional(list.size()) : std::nullopt;
  running.insert(streams.begin(), streams.end());
  running.erase(0);
  list.push_back(Fork{{streams.begin(), streams.end()}});
}

void LaunchList::join(std::span<const uint32_t> streams) {
  for (uint32_t stream : streams)
    running.erase(stream);
  list.push_back(Join{{streams.begin(), streams.end()}});
  if (running.empty() && firstFork)
    dropFork();
}

/// Where one stream alone works from the fork on, the other branch being empty, stream 0 does it
/// and nobody waits.
void LaunchList::dropFork() {
  auto first = list.begin() + std::ptrdiff_t(*firstFork);
  std::set<unsigned> working;
  for (auto command = first; command != list.end(); ++command)
    if (auto *launch = std::get_if<Launch>(&*command))
      working.insert(launch->stream);
  if (working.size() > 1)
    return;
  auto isOrder = [](const Command &command) {
    return std::holds_alternative<Fork>(command) || std::holds_alternative<Join>(command);
  };
  list.erase(std::remove_if(first, list.end(), isOrder), list.end());
  for (size_t i = *firstFork; i < list.size(); ++i)
    if (auto *launch = std::get_if<Launch>(&list[i]))
      launch->stream = 0;
}

DeviceAddress LaunchList::addressOf(const Place &place, const DeviceBases &bases) const {
  switch (place.space) {
  case Place::Workspace:
    return bases.workspace + uint64_t(place.offset);
  case Place::Parameter:
    return (*bases.parameters)[place.number];
  case Place::Table:
    return bases.tables + tableOffsets[numEntryTables + place.number];
  case Place::State:
    return bases.states + uint64_t(stateOffsets[place.number]);
  case Place::Argument:
    break;
  }
  if (place.number == LogitsArgument)
    return bases.logits;
  if (place.number == TokensArgument)
    return bases.tokens;
  if (place.number >= SlotsArgument)
    return bases.tables + tableOffsets[stepTables + place.number - SlotsArgument];
  return bases.tables + tableOffsets[place.number];
}

std::vector<int64_t> LaunchList::shape() const {
  std::vector<int64_t> shape(stateOffsets.begin(), stateOffsets.end());
  shape.insert(shape.end(), tableOffsets.begin(), tableOffsets.end());
  for (const Command &command : list) {
    shape.push_back(int64_t(command.index()));
    std::visit(ShapeOf{shape, *this}, command);
  }
  return shape;
}
