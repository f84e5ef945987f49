//===- TargetInfo.cpp - What is known of a GPU ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Target/NVPTX/TargetInfo.h"

#include <algorithm>

using namespace mlir::flowhn;

namespace {
struct Chip {
  const char *name, *features; ///< the oldest PTX that has the chip and the kernels' instructions
  int64_t multiprocessors;
  int64_t sharedKiB; ///< of a block
  double byteRate, matmulRate;
  double clock; ///< Hz
  bool hasClusters;
};
} // namespace

// A100, A40, Orin, L40S, H200 twice, B200, RTX 5090.
static constexpr Chip chips[] = {
    {"sm_80", "+ptx70", 108, 163, 2.0e12, 312e12, 1.41e9, false},
    {"sm_86", "+ptx71", 84, 99, 0.7e12, 150e12, 1.74e9, false},
    {"sm_87", "+ptx74", 16, 163, 0.2e12, 42e12, 1.3e9, false},
    {"sm_89", "+ptx78", 142, 99, 0.86e12, 362e12, 2.52e9, false},
    {"sm_90", "+ptx78", 132, 227, 4.2e12, 790e12, 1.98e9, true},
    {"sm_90a", "+ptx80", 132, 227, 4.2e12, 790e12, 1.98e9, true},
    {"sm_100", "+ptx86", 148, 227, 7.7e12, 2250e12, 1.96e9, true},
    {"sm_120", "+ptx87", 170, 99, 1.79e12, 209e12, 2.41e9, true},
};

std::vector<int64_t> GPUTargetInfo::productRowBounds(int64_t elementBytes) const {
  // A product of few rows reads its weights and does little else; one of some more has few tiles.
  // Up to 608 has a branch of 1024 tokens, where branches divide them.
  if (hasWarpgroupProducts && elementBytes == 2)
    return {64, 512, 608, 1536};
  return {};
}

std::vector<int64_t> GPUTargetInfo::scanInputRowBounds(int64_t channels, int64_t projected) const {
  // Whole tiles of channels, the columns of a product, and weights that leave room for two blocks
  // to a multiprocessor, 8 of which have a part each: with one the four kernels take less.
  constexpr int64_t tileChannels = 64, mostProjected = 256, mostWeights = 256 << 10;
  if (!hasWarpgroupProducts || channels % tileChannels != 0 || projected > mostProjected ||
      channels * projected > mostWeights)
    return {};
  // 15 clusters of 8 blocks have a multiprocessor for each block: as many tiles of 32 rows, and
  // twice as many of 64.
  return {480, 1920};
}

int64_t GPUTargetInfo::splitAttentionQueries(int64_t sharingHeads) const {
  // What shares keys fills a tile of the tensor cores, or two.
  constexpr int64_t tileRows = 16;
  if (!hasClusters || sharingHeads > 2 * tileRows)
    return 0;
  return std::max<int64_t>(tileRows / sharingHeads, 1);
}

int64_t GPUTargetInfo::halvedAttentionQueries(int64_t headSize) const {
  // From 8192 on what blocks of four warpgroups share counts for more: 15 to 18 %.
  return hasWarpgroupProducts && headSize <= 32 ? 2048 : 0;
}

int64_t GPUTargetInfo::scanLanes(int64_t states, bool areFew) const {
  // At most 16 states of a channel to a thread, and 4 at least, which are one access.
  int64_t lanes = states > 4 ? 2 : 1;
  while (16 * lanes < states)
    lanes *= 2;
  return areFew ? std::min<int64_t>(2 * lanes, 32) : lanes; // of one warp
}

/// One is best where few warps have work, and costs 7 % where many have. With more lanes
/// than 8, several channels keep the rows of a round few.
int64_t GPUTargetInfo::scanLaneChannels(int64_t lanes) const {
  return std::max<int64_t>(lanes / 8, 1);
}

/// The states and their rates take registers, as much again where they are moved, and each
/// round a product of each state. Where states are moved a call is often so short that more warps
/// count for more than rounds.
int64_t GPUTargetInfo::scanRounds(int64_t states, bool movesStates) const {
  int64_t rounds = movesStates ? 4 : 8, kept = 32 + (movesStates ? 4 : 2) * states;
  while (rounds > 1 && kept + rounds * states > registersPerThread)
    rounds /= 2;
  return rounds;
}

int64_t GPUTargetInfo::scanPolynomialPeriod() const {
  // This chip has half as many units for products, for as many exponentials.
  return chip == "sm_80" ? 0 : 8;
}

int64_t GPUTargetInfo::scanChannelBlocks(int64_t states, int64_t channels) const {
  int64_t lanes = scanLanes(states), blockChannels = scanThreads * scanLaneChannels(lanes) / lanes;
  return (channels + blockChannels - 1) / blockChannels;
}

::flowhn::Expected<GPUTargetInfo> GPUTargetInfo::get(std::string_view name) {
  std::string known;
  for (const Chip &chip : chips) {
    if (name != chip.name) {
      known += (known.empty() ? "" : ", ") + std::string(chip.name);
      continue;
    }
    constexpr int64_t exponentialsPerCycle = 16;
    GPUTargetInfo target;
    target.chip = chip.name;
    target.features = chip.features;
    target.multiprocessors = chip.multiprocessors;
    target.sharedBytes = chip.sharedKiB << 10;
    target.hasWarpgroupProducts = name == "sm_90a";
    target.hasClusters = chip.hasClusters;
    target.byteRate = chip.byteRate;
    target.matmulRate = chip.matmulRate;
    target.exponentialRate = chip.multiprocessors * exponentialsPerCycle * chip.clock;
    return target;
  }
  return ::flowhn::unsupported("no kernels for the GPU '" + std::string(name) +
                               "': the known ones are " + known);
}
