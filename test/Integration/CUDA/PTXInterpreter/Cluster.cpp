//===- Cluster.cpp - Blocks of an interpreted kernel that run side by side ===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>

using namespace flowhn::ptx;

Cluster::Cluster(const Program &program, const Launch &launch, GlobalMemory &global,
                 std::mt19937 &random, std::span<const std::array<int, 3>> indices)
    : program(program), launch(launch), global(global), random(random) {
  int blockWarps = launch.threads / laneCount, clusterWarps = blockWarps * indices.size();
  for (size_t rank = 0; rank < indices.size(); ++rank)
    blocks.emplace_back(indices[rank], rank, blockWarps, clusterWarps,
                        program.sharedBytes + launch.sharedBytes);
  barrier.arrived = noClocks();
  for (Block &block : blocks)
    for (int number = 0; number < blockWarps; ++number)
      warps.emplace_back(*this, block, number);
}

void Cluster::run() {
  std::vector<Warp *> running;
  running.reserve(warps.size());
  for (Warp &warp : warps)
    running.push_back(&warp);
  while (!running.empty()) {
    shuffle(running);
    bool progress = false;
    for (Warp *warp : running) {
      progress |= warp->run();
      if (warp->hasEnded())
        --warp->block.left;
    }
    progress |= std::erase_if(running, [](Warp *warp) { return warp->hasEnded(); }) > 0;
    // A load ends as late as it can: when everybody waits.
    if (!progress && !finishLoad())
      reportDeadlock(running);
  }
  if (!loads.empty())
    throw Fault("a block has ended with loads to its shared memory on their way");
}

/// As std::shuffle, which draws otherwise in every library.
void Cluster::shuffle(std::vector<Warp *> &running) {
  for (size_t left = running.size(); left > 1; --left)
    std::swap(running[left - 1], running[random() % left]);
}

bool Cluster::finishLoad() {
  if (loads.empty())
    return false;
  auto place = loads.begin() + random() % loads.size();
  std::function<void()> load = std::move(*place);
  loads.erase(place);
  load();
  return true;
}

void Cluster::reportDeadlock(const std::vector<Warp *> &running) {
  const Warp &warp = *running[0];
  throw Fault("deadlock: " + std::to_string(running.size()) + " warps wait, warp " +
              std::to_string(warp.number) + " of block " + std::to_string(warp.block.index[0]) +
              " at: " + warp.current().text);
}

Block &Cluster::blockOf(uint64_t rank) {
  if (rank >= blocks.size())
    throw Fault("shared memory of block " + std::to_string(rank) +
                " is touched, which there is not");
  if (!blocks[rank].left)
    throw Fault("shared memory of a block that has ended is touched");
  return blocks[rank];
}

MBarrier &Cluster::barrierAt(Warp &warp, Block &block, uint64_t address) {
  address &= sharedOffset;
  auto found = block.barriers.find(address);
  if (found == block.barriers.end())
    throw Fault("no mbarrier at " + std::to_string(address) + " of shared memory");
  block.shared.read(warp.agent, {&address, 1}, 8);
  return found->second;
}

std::vector<Clock> Cluster::noClocks() const {
  return std::vector<Clock>(blocks.size(), blocks[0].shared.noClock());
}

void Cluster::publish(int agent, std::vector<Clock> &clocks) {
  for (size_t rank = 0; rank < blocks.size(); ++rank)
    merge(clocks[rank], blocks[rank].shared.tick(agent));
}

void Cluster::learn(int agent, const std::vector<Clock> &clocks) {
  for (size_t rank = 0; rank < blocks.size(); ++rank)
    blocks[rank].shared.learn(agent, clocks[rank]);
}
