//===- Machine.h - What runs of an interpreted kernel -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_MACHINE_H
#define FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_MACHINE_H

#include "GlobalMemory.h"
#include "SharedMemory.h"

#include <deque>
#include <functional>
#include <optional>
#include <random>

namespace flowhn::ptx {

/// A tensor in global memory, of 2-byte elements, as bulk copies see it.
struct TensorMap {
  uint64_t address;
  int64_t rows, columns, pitch; // in elements
  int32_t boxColumns, boxRows;
  int32_t isConstant; // no kernel writes it
};

struct Launch {
  int grid[3];
  int threads, sharedBytes, clusterBlocks;
  std::span<const uint64_t> arguments;
  std::span<const TensorMap> maps; // behind the arguments
};

/// An mbarrier: pending arrivals and bytes, and what is known to those who see its phases end.
struct MBarrier {
  int count, pending;
  int rank, agent;                      // of its block, and in the memory of that
  std::vector<Clock> arrived, released; // by block
  int64_t bytes = 0;                    // below 0 where they come before they are announced
  int phase = 0, phases = 0;

  void arrive(int arrivals);
  /// Bytes of a copy that was started when `begun` phases had ended.
  void complete(int64_t size, int begun);
  void endPhase();
};

/// A barrier of a block that has a number.
struct NamedBarrier {
  int arrivals = 0, generation = 0, warps = 0;
  Clock arrived;
  std::map<int, Clock> released; // by generation
};

/// That of a cluster's threads.
struct ClusterBarrier {
  int arrivals = 0, generation = 0;
  std::vector<Clock> arrived, released; // by block
};

struct Block {
  Block(std::array<int, 3> index, int rank, int warps, int clusterWarps, size_t sharedBytes)
      : index(index), rank(rank), warps(warps), left(warps), shared(clusterWarps, sharedBytes) {}

  std::array<int, 3> index;
  int rank, warps, left;
  SharedMemory shared;
  std::map<uint64_t, MBarrier> barriers; // by address
  std::map<int, NamedBarrier> named;
};

class Cluster;

/// 32 lanes, which part at branches and meet again behind them.
class Warp {
public:
  Warp(Cluster &cluster, Block &block, int number);

  /// Goes on until it waits, ends or has had its turn; returns whether it did anything.
  bool run();
  bool hasEnded() const { return stack.empty(); }
  /// What it waits at.
  const Instruction &current() const;

  /// The instruction is left when `isOver`, which also does what follows.
  void waitUntil(std::function<bool()> isOver) { pending = std::move(isOver); }

  // Registers.
  const Lanes &lanes(Operand operand) const { return registers[operand.slot]; }
  template <typename T> T read(Operand operand, int lane) const {
    return static_cast<T>(registers[operand.slot][lane]);
  }
  uint64_t first(Operand operand) const { return registers[operand.slot][0]; }
  void write(Operand operand, int lane, uint64_t value) {
    registers[operand.slot][lane] = narrow(value, operand.bits);
  }
  void writeAll(Operand operand, const Lanes &values, Mask mask);

  /// Addresses of an operand in [brackets], in every lane.
  Lanes addresses(const Argument &argument) const;
  /// Memory that other kernels use is not touched before a wait for them, in kernels that wait.
  void checkWaited(const Instruction &instruction, Mask mask) const;
  SharedMemory &shared() { return block.shared; }

  Cluster &cluster;
  Block &block;
  int number;      // in its block
  int agent;       // in its cluster
  Mask waited = 0; // for other kernels

  // What it started: groups of copies, products and bulk stores, with their counts.
  struct Copy {
    uint64_t shared, global, bytes, read;
  };
  std::vector<Copy> copies;
  std::deque<std::vector<Copy>> copyGroups;
  std::vector<std::function<void()>> stores;
  std::deque<std::vector<std::function<void()>>> storeGroups;
  int copyCount = 0, productCount = 0, storeCount = 0;
  std::optional<int> clusterGeneration; // that it has arrived at

  /// The register holds, or belongs to, sums of group `productCount + 1`.
  void noteSum(Operand operand) { sums[operand.slot] = productCount + 1; }
  void endSums(int count);

private:
  struct Path {
    int next, end;
    Mask mask;
  };
  static constexpr int turnLength = 400; // instructions

  static uint64_t narrow(uint64_t value, int bits) {
    return bits == 64 ? value : bits == 1 ? value != 0 : value & ((uint64_t(1) << bits) - 1);
  }
  bool step();
  Mask condition(const Instruction &instruction, Mask mask) const;
  void branch(const Instruction &instruction, Mask taken);
  void leave(Mask lanes);
  void execute(const Instruction &instruction, Mask mask);
  void checkSums(const Instruction &instruction);

  std::vector<Lanes> registers;
  std::vector<Path> stack;
  std::function<bool()> pending;
  std::map<int, int> sums; // by register, the group of products that it is of
};

/// Blocks that run side by side, in an order that is drawn.
class Cluster {
public:
  Cluster(const Program &program, const Launch &launch, GlobalMemory &global, std::mt19937 &random,
          std::span<const std::array<int, 3>> blocks);

  void run();

  const Program &program;
  const Launch &launch;
  GlobalMemory &global;
  std::deque<Block> blocks;
  ClusterBarrier barrier;
  std::vector<std::function<void()>> loads; // bulk copies on their way

  int threads() const { return warps.size() * laneCount; }
  /// Whose shared memory is touched.
  Block &blockOf(uint64_t rank);
  MBarrier &barrierAt(Warp &warp, Block &block, uint64_t address);

  // What agents know of every block's memory, handed to a barrier and learned from it.
  std::vector<Clock> noClocks() const;
  void publish(int agent, std::vector<Clock> &clocks);
  void learn(int agent, const std::vector<Clock> &clocks);

private:
  void shuffle(std::vector<Warp *> &running);
  bool finishLoad();
  [[noreturn]] void reportDeadlock(const std::vector<Warp *> &running);

  std::mt19937 &random;
  std::deque<Warp> warps;
};

/// Addresses of shared memory in a cluster: the block's rank above the offset.
constexpr int rankShift = 24;
constexpr uint64_t sharedOffset = (1 << rankShift) - 1;
/// Where shared memory is among generic addresses.
constexpr uint64_t sharedWindow = 0x7f0000000000;

/// Where the layout with swizzles of 128 bytes has what belongs at an address.
inline uint64_t swizzle(uint64_t address) { return address ^ (address >> 3 & 0x70); }

/// The lanes of a mask.
template <typename Function> void forLanes(Mask mask, Function function) {
  for (; mask; mask &= mask - 1)
    function(__builtin_ctz(mask));
}

/// The numbers of a mask's lanes, one behind the other.
class Selected {
public:
  Selected(const Lanes &lanes, Mask mask) {
    forLanes(mask, [&](int lane) { values[count++] = lanes[lane]; });
  }
  operator std::span<const uint64_t>() const { return {values.data(), count}; }
  std::span<const uint64_t> span() const { return *this; }

private:
  Lanes values;
  size_t count = 0;
};

} // namespace flowhn::ptx

#endif // FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_MACHINE_H
