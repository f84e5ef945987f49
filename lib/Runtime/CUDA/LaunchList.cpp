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
constexpr uint32_t numEntryTables = SelectArgument + 1;

} // namespace

Status LaunchList::build(const EntryArguments &arguments, const TapTarget &tapTarget,
                         std::span<LaunchCounts> counts) {
  for (std::span<const int32_t> table :
       {arguments.ids, arguments.begin, arguments.length, arguments.offsets, arguments.select})
    appendTable(table);
  Expected<int64_t> bytes = walkPlan(plan, arguments, tapTarget, counts, *this);
  FLOWHN_RETURN_IF_ERROR(bytes.status());
  neededBytes = *bytes;
  return {};
}

void LaunchList::appendTable(std::span<const int32_t> table) {
  size_t offset = (image.size() + alignment - 1) / alignment * alignment;
  tableOffsets.push_back(offset);
  image.resize(offset + table.size_bytes());
  if (!table.empty())
    std::memcpy(image.data() + offset, table.data(), table.size_bytes());
}

Status LaunchList::addLaunch(const PlannedLaunch &launch) {
  Grid grid = launch.grid;
  if (int64_t limit = plan.kernels()->Get(launch.kernel)->gpu()->max_blocks(); limit > 0)
    grid.x = std::min(grid.x, limit);
  if (grid.x > maxBlocksX || grid.y > maxBlocksYZ || grid.z > maxBlocksYZ)
    return resourceExhausted(
        "a grid of " + std::to_string(grid.x) + " x " + std::to_string(grid.y) + " x " +
        std::to_string(grid.z) + " blocks, a device takes at most " + std::to_string(maxBlocksX) +
        " x " + std::to_string(maxBlocksYZ) + " x " + std::to_string(maxBlocksYZ));
  list.push_back(Launch{launch.kernel,
                        launch.block,
                        launch.stream,
                        {unsigned(grid.x), unsigned(grid.y), unsigned(grid.z)},
                        indexValues.size(),
                        launch.indices.size(),
                        places.size()});
  indexValues.insert(indexValues.end(), launch.indices.begin(), launch.indices.end());
  places.insert(places.end(), launch.memories.begin(), launch.memories.end());
  return {};
}

void LaunchList::beginBlock(int64_t block) {
  blockNumbers.push_back(block);
  list.push_back(BlockEdge{});
}

void LaunchList::fork(std::span<const uint32_t> streams) {
  list.push_back(Fork{{streams.begin(), streams.end()}});
}

void LaunchList::join(std::span<const uint32_t> streams) {
  list.push_back(Join{{streams.begin(), streams.end()}});
}

DeviceAddress LaunchList::addressOf(const Place &place, const DeviceBases &bases) const {
  switch (place.space) {
  case Place::Workspace:
    return bases.workspace + uint64_t(place.offset);
  case Place::Parameter:
    return (*bases.parameters)[place.number];
  case Place::Table:
    return bases.tables + tableOffsets[numEntryTables + place.number];
  case Place::State: // no artifact for a GPU has any
  case Place::Argument:
    break;
  }
  if (place.number == LogitsArgument)
    return bases.logits;
  if (place.number == TokensArgument)
    return bases.tokens;
  return bases.tables + tableOffsets[place.number];
}
