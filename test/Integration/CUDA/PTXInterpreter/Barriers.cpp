//===- Barriers.cpp - Barriers, fences and waits --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

using namespace flowhn::ptx;

void MBarrier::arrive(int arrivals) {
  if (arrivals > pending)
    throw Fault("an mbarrier gets more arrivals than its count");
  pending -= arrivals;
  endPhase();
}

void MBarrier::complete(int64_t size, int begun) {
  if (phases != begun)
    throw Fault("a phase of an mbarrier has ended without the bytes of a copy that began in it");
  bytes -= size;
  endPhase();
}

void MBarrier::endPhase() {
  if (pending || bytes)
    return;
  phase ^= 1;
  pending = count;
  released = arrived;
  released[rank][agent] = ++phases;
}

namespace {
void ignore(Warp &, const Instruction &, Mask) {}

// Barriers of a block.

NamedBarrier &arriveAt(Warp &warp, const Instruction &instruction) {
  int number = warp.first(instruction.operand(0));
  bool isPart = instruction.arguments.size() > 1;
  int warps = isPart ? warp.first(instruction.operand(1)) / laneCount : warp.block.warps;
  NamedBarrier &barrier = warp.block.named[number];
  if (barrier.arrivals && barrier.warps != warps)
    throw Fault("barrier " + std::to_string(number) + " of " + std::to_string(laneCount * warps) +
                " threads, of " + std::to_string(laneCount * barrier.warps) + " for others");
  barrier.warps = warps;
  barrier.arrived.resize(warp.shared().noClock().size());
  merge(barrier.arrived, warp.shared().tick(warp.agent));
  if (++barrier.arrivals == warps) {
    barrier.arrivals = 0;
    barrier.released[barrier.generation++] = barrier.arrived;
  }
  return barrier;
}

void arriveAtBarrier(Warp &warp, const Instruction &instruction, Mask) {
  arriveAt(warp, instruction);
}

void syncAtBarrier(Warp &warp, const Instruction &instruction, Mask) {
  int generation = warp.block.named[warp.first(instruction.operand(0))].generation;
  NamedBarrier &barrier = arriveAt(warp, instruction);
  warp.waitUntil([&, generation] {
    if (barrier.generation == generation)
      return false;
    warp.shared().learn(warp.agent, barrier.released[generation]);
    return true;
  });
}

// The barrier of a cluster.

void arriveAtCluster(Warp &warp, const Instruction &instruction, Mask mask) {
  Cluster &cluster = warp.cluster;
  ClusterBarrier &barrier = cluster.barrier;
  if (warp.clusterGeneration)
    throw Fault("a warp arrives at the barrier of its cluster twice");
  warp.clusterGeneration = barrier.generation;
  barrier.arrivals += __builtin_popcount(mask);
  bool isRelaxed = instruction.flag;
  if (!isRelaxed)
    cluster.publish(warp.agent, barrier.arrived);
  if (barrier.arrivals == cluster.threads()) {
    barrier.arrivals = 0;
    ++barrier.generation;
    barrier.released = barrier.arrived;
  }
}

void waitForCluster(Warp &warp, const Instruction &, Mask) {
  if (!warp.clusterGeneration)
    throw Fault("a warp waits at the barrier of its cluster, where it has not arrived");
  warp.waitUntil([&] {
    Cluster &cluster = warp.cluster;
    if (cluster.barrier.generation == *warp.clusterGeneration)
      return false;
    warp.clusterGeneration.reset();
    cluster.learn(warp.agent, cluster.barrier.released);
    return true;
  });
}

// Barriers in shared memory.

uint64_t addressIn(Warp &warp, const Argument &argument, Mask mask) {
  return warp.addresses(argument)[__builtin_ctz(mask)];
}

void initialize(Warp &warp, const Instruction &instruction, Mask mask) {
  uint64_t address = addressIn(warp, instruction.arguments[0], mask);
  warp.shared().write(warp.agent, {&address, 1}, 8);
  int count = warp.read<int>(instruction.operand(1), __builtin_ctz(mask));
  std::vector<Clock> none = warp.cluster.noClocks();
  warp.block.barriers[address] = {count, count, warp.block.rank, warp.shared().newBarrier(),
                                  none,  none};
}

/// A last operand is how many bytes are announced, or how many arrivals it is.
template <bool Expects> void arrive(Warp &warp, const Instruction &instruction, Mask mask) {
  Cluster &cluster = warp.cluster;
  Lanes addresses = warp.addresses(instruction.arguments[1]);
  bool isRemote = instruction.flag, hasCount = instruction.arguments.size() > 2;
  forLanes(mask, [&](int lane) {
    Block &block = isRemote ? cluster.blockOf(addresses[lane] >> rankShift) : warp.block;
    MBarrier &barrier = cluster.barrierAt(warp, block, addresses[lane]);
    int count = hasCount ? warp.read<int>(instruction.operand(2), lane) : 1;
    if (Expects)
      barrier.bytes += count;
    cluster.publish(warp.agent, barrier.arrived);
    barrier.arrive(Expects ? 1 : count);
  });
}

/// The loop around it ends when its first turn does.
void waitForPhase(Warp &warp, const Instruction &instruction, Mask mask) {
  uint64_t address = addressIn(warp, instruction.arguments[1], mask);
  MBarrier &barrier = warp.cluster.barrierAt(warp, warp.block, address);
  int phase = warp.read<int>(instruction.operand(2), __builtin_ctz(mask));
  warp.waitUntil([&warp, &barrier, &instruction, phase, mask] {
    if (barrier.phase == phase)
      return false;
    warp.cluster.learn(warp.agent, barrier.released);
    forLanes(mask, [&](int lane) { warp.write(instruction.operand(0), lane, 1); });
    return true;
  });
}

Handler findMBarrierHandler(const Opcode &opcode, Instruction &instruction) {
  if (opcode.words[1] == "init")
    return initialize;
  instruction.flag = opcode.has("shared::cluster");
  if (opcode.words[1] == "arrive" && !opcode.has("relaxed"))
    return opcode.has("expect_tx") ? arrive<true> : arrive<false>;
  return opcode.words[1] == "try_wait" ? waitForPhase : nullptr;
}

// Kernels in front, and what orders generic accesses before those of copies and products.

void waitForKernels(Warp &warp, const Instruction &, Mask mask) { warp.waited |= mask; }

void fenceProxies(Warp &warp, const Instruction &, Mask) { warp.shared().fence(warp.agent); }
} // namespace

Handler flowhn::ptx::findBarrierHandler(const Opcode &opcode, Instruction &instruction) {
  instruction.flag = opcode.has("relaxed");
  if (opcode.starts("barrier.cluster.arrive"))
    return arriveAtCluster;
  if (opcode.starts("barrier.cluster.wait"))
    return waitForCluster;
  if (opcode.text == "bar.arrive" || opcode.text == "barrier.cta.arrive")
    return arriveAtBarrier;
  if (opcode.text == "bar.sync" || opcode.text == "barrier.cta.sync")
    return syncAtBarrier;
  if (opcode.words[0] == "mbarrier")
    return findMBarrierHandler(opcode, instruction);
  if (opcode.text == "griddepcontrol.wait")
    return waitForKernels;
  if (opcode.starts("fence.proxy.async"))
    return fenceProxies;
  // Lanes are in order, and the others change nothing that is computed.
  for (const char *name :
       {"bar.warp.sync", "griddepcontrol.launch_dependents", "fence.", "setmaxnreg.", "prefetch."})
    if (opcode.starts(name))
      return ignore;
  return nullptr;
}
