//===- BulkCopies.cpp - Copies of whole tiles between global and shared memory ===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

#include <cstring>

using namespace flowhn::ptx;

namespace {
constexpr int elementBytes = 2, pieceBytes = 16, rowBytes = 128; // of tiles with swizzled pieces

/// A tile of a tensor and where it lies in shared memory.
struct Tile {
  const TensorMap *map;
  int64_t column, row;
  uint64_t shared;

  uint64_t bytes() const { return uint64_t(map->boxRows) * rowBytes; }
  bool holds(int64_t y, int64_t x) const {
    return y >= 0 && y < map->rows && x >= 0 && x < map->columns;
  }
  uint64_t global(int64_t y, int64_t x) const {
    return map->address + (y * map->pitch + x) * elementBytes;
  }
  /// Calls `function` with the place in shared memory of every 16 bytes, and the row and column
  /// of their first element.
  template <typename Function> void forPieces(Function function) const {
    for (int64_t y = 0; y < map->boxRows; ++y)
      for (int64_t x = 0; x < map->boxColumns; x += pieceBytes / elementBytes)
        function(swizzle(shared + y * rowBytes + x * elementBytes), row + y, column + x);
  }
};

int laneOf(const Instruction &instruction, Mask mask) {
  if (__builtin_popcount(mask) != 1)
    throw Fault("more than one lane starts " + instruction.text);
  return __builtin_ctz(mask);
}

Tile tileOf(Warp &warp, const Argument &tensor, const Argument &shared, int lane) {
  const Launch &launch = warp.cluster.launch;
  uint64_t number = (warp.lanes(tensor.parts[0])[lane] - parameterBase) / parameterBytes;
  if (number - launch.arguments.size() >= launch.maps.size() || tensor.parts.size() != 3)
    throw Unsupported("a copy without a tensor map among the parameters");
  return {&launch.maps[number - launch.arguments.size()], warp.read<int32_t>(tensor.parts[1], lane),
          warp.read<int32_t>(tensor.parts[2], lane), warp.addresses(shared)[lane]};
}

/// A copy starts at a multiple of 16 bytes in its rows, elsewhere it is an illegal instruction.
void checkStart(const Instruction &instruction, const Tile &tile) {
  if (tile.column * elementBytes % pieceBytes)
    throw Fault("misaligned: " + instruction.text + " from element " + std::to_string(tile.column) +
                " on");
}

void fill(GlobalMemory &global, Block &block, const Tile &tile) {
  tile.forPieces([&](uint64_t place, int64_t y, int64_t x) {
    uint16_t elements[pieceBytes / elementBytes] = {}; // what is outside is 0
    for (int i = 0; i < pieceBytes / elementBytes; ++i)
      if (tile.holds(y, x + i))
        std::memcpy(&elements[i], global.at(tile.global(y, x + i)), elementBytes);
    std::memcpy(block.shared.data() + place, elements, pieceBytes);
  });
}

/// A tile goes to its place in a block's memory, for the block's barrier at `address`.
void startLoadTo(Warp &warp, Block &block, uint64_t address, const Tile &tile) {
  Cluster &cluster = warp.cluster;
  MBarrier &barrier = cluster.barrierAt(warp, block, address);
  int phases = barrier.phases;
  block.shared.writeFor(warp.agent, barrier.agent, phases + 1, {&tile.shared, 1}, tile.bytes());
  cluster.loads.push_back([&cluster, &barrier, tile, phases] {
    fill(cluster.global, cluster.blockOf(barrier.rank), tile);
    barrier.complete(int64_t(tile.map->boxRows) * tile.map->boxColumns * elementBytes, phases);
  });
}

/// To the warp's own block, or to those of a mask.
template <bool IsMulticast> void startLoad(Warp &warp, const Instruction &instruction, Mask mask) {
  int lane = laneOf(instruction, mask);
  Tile tile = tileOf(warp, instruction.arguments[1], instruction.arguments[0], lane);
  if (!IsMulticast && tile.shared >> rankShift != uint64_t(warp.block.rank))
    throw Unsupported("a copy to another block: " + instruction.text);
  tile.shared &= sharedOffset;
  if (!tile.map->isConstant)
    warp.checkWaited(instruction, mask);
  checkStart(instruction, tile);
  if (tile.shared % 1024)
    throw Fault("misaligned: " + instruction.text + " to " + std::to_string(tile.shared));
  uint64_t barrier = warp.addresses(instruction.arguments[2])[lane];
  Mask ranks = 1u << warp.block.rank;
  if (IsMulticast)
    ranks = warp.read<uint16_t>(instruction.operand(3), lane);
  forLanes(ranks, [&](int rank) { startLoadTo(warp, warp.cluster.blockOf(rank), barrier, tile); });
}

void store(Warp &warp, const Tile &tile) {
  tile.forPieces([&](uint64_t place, int64_t y, int64_t x) {
    const uint8_t *piece = warp.shared().data() + place;
    for (int i = 0; i < pieceBytes / elementBytes; ++i)
      if (tile.holds(y, x + i))
        std::memcpy(warp.cluster.global.at(tile.global(y, x + i)), piece + i * elementBytes,
                    elementBytes);
  });
}

void startStore(Warp &warp, const Instruction &instruction, Mask mask) {
  int lane = laneOf(instruction, mask);
  Tile tile = tileOf(warp, instruction.arguments[0], instruction.arguments[1], lane);
  checkStart(instruction, tile);
  warp.checkWaited(instruction, mask);
  SharedMemory &shared = warp.shared();
  shared.readFor(warp.agent, shared.stores(warp.agent), warp.storeCount + 1, {&tile.shared, 1},
                 tile.bytes());
  int64_t columns = tile.map->columns;
  bool crossesEnd = tile.column < columns && columns < tile.column + tile.map->boxColumns;
  if (crossesEnd && columns * elementBytes % pieceBytes)
    throw Fault(instruction.text + " writes whole 16 bytes, of which element " +
                std::to_string(columns) + " is not in the tensor");
  warp.stores.push_back([&warp, tile] { store(warp, tile); });
}

void commit(Warp &warp, const Instruction &, Mask) {
  warp.storeGroups.push_back(std::move(warp.stores));
  warp.stores.clear();
  ++warp.storeCount;
}

/// Stores read their tiles when they are waited for, as late as can be.
void wait(Warp &warp, const Instruction &instruction, Mask) {
  size_t left = warp.first(instruction.operand(0));
  for (; warp.storeGroups.size() > left; warp.storeGroups.pop_front())
    for (const std::function<void()> &one : warp.storeGroups.front())
      one();
  SharedMemory &shared = warp.shared();
  shared.wait(warp.agent, shared.stores(warp.agent), warp.storeCount - int(left));
}
} // namespace

Handler flowhn::ptx::findBulkCopyHandler(const Opcode &opcode) {
  if (opcode.starts("cp.async.bulk.tensor.2d.global.shared::cta"))
    return startStore;
  if (opcode.starts("cp.async.bulk.tensor.2d.shared::cluster.global"))
    return opcode.has("multicast::cluster") ? startLoad<true> : startLoad<false>;
  if (opcode.starts("cp.async.bulk.commit_group"))
    return commit;
  return opcode.starts("cp.async.bulk.wait_group") ? wait : nullptr;
}
