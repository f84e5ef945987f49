//===- TargetInfo.cpp - What is known of a CPU ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Target/CPU/TargetInfo.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir::flowhn;

namespace {
/// A level of the x86-64 psABI. Cache sizes are those of the smallest machines
/// that people run a level on.
struct Level {
  llvm::StringLiteral name;
  int64_t vectorBits, vectorRegisters, l1Bytes, l2Bytes;
  llvm::ArrayRef<llvm::StringLiteral> features; ///< beyond the level below
};

constexpr llvm::StringLiteral featuresV2[] = {"cx16", "popcnt", "sahf", "sse4.2", "ssse3"};
constexpr llvm::StringLiteral featuresV3[] = {"avx2", "bmi",   "bmi2", "f16c",
                                              "fma",  "lzcnt", "movbe"};
constexpr llvm::StringLiteral featuresV4[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq",
                                              "avx512vl"};

const Level levels[] = {
    {"x86-64-v2", 128, 16, 32 << 10, 256 << 10, featuresV2},
    {"x86-64-v3", 256, 16, 32 << 10, 512 << 10, featuresV3},
    {"x86-64-v4", 512, 32, 32 << 10, 1 << 20, featuresV4},
};
} // namespace

/// The highest level whose features, and those of all below, this machine has.
static ::flowhn::Expected<const Level *> hostLevel() {
  llvm::Triple triple(llvm::sys::getProcessTriple());
  if (triple.getArch() != llvm::Triple::x86_64)
    return ::flowhn::unsupported("cpu 'host' is " + triple.getArchName().str() +
                                 ", and kernels are emitted for x86-64 only: name one of its "
                                 "levels to compile for another machine");
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  const Level *highest = nullptr;
  for (const Level &level : levels) {
    if (!llvm::all_of(level.features, [&](auto feature) { return host.lookup(feature); }))
      break;
    highest = &level;
  }
  if (!highest)
    return ::flowhn::unsupported("this machine is below x86-64-v2, the lowest level that "
                                 "kernels are emitted for");
  return highest;
}

static ::flowhn::Expected<const Level *> findLevel(std::string_view cpu) {
  if (cpu == "host")
    return hostLevel();
  for (const Level &level : levels)
    if (std::string_view(level.name) == cpu)
      return &level;
  std::string known;
  for (const Level &level : levels)
    known += level.name.str() + ", ";
  return ::flowhn::invalidArgument("unknown cpu '" + std::string(cpu) + "': expected " + known +
                                   "or host");
}

::flowhn::Expected<CPUTargetInfo> CPUTargetInfo::get(std::string_view cpu) {
  auto level = findLevel(cpu);
  if (!level.ok())
    return level.status();
  const Level &found = **level;
  return CPUTargetInfo{found.name.str(), "x86_64-unknown-linux-gnu",
                       found.vectorBits, found.vectorRegisters,
                       found.l1Bytes,    found.l2Bytes};
}

int64_t CPUTargetInfo::panelColumns(int64_t n, int64_t groups) const {
  // Vectors a tile is wide, the best first. With 32 registers, 3 vectors by 8 rows
  // and 4 by 6 keep both multipliers busy; with 16, two vectors by 6 rows do.
  static constexpr int64_t wide[] = {3, 4, 5, 2, 6, 1}, wideGrouped[] = {2, 1, 3};
  static constexpr int64_t narrow[] = {2, 1}, narrowGrouped[] = {1};
  llvm::ArrayRef<int64_t> candidates =
      vectorRegisters >= 32 ? (groups > 1 ? llvm::ArrayRef(wideGrouped) : llvm::ArrayRef(wide))
                            : (groups > 1 ? llvm::ArrayRef(narrowGrouped) : llvm::ArrayRef(narrow));

  // The least padding wins, where it is more than the difference between tiles.
  int64_t best = 0, leastCost = 0;
  for (auto [rank, vectors] : llvm::enumerate(candidates)) {
    int64_t columns = vectors * lanes();
    int64_t cost = llvm::alignTo(n, columns) * (100 + 2 * static_cast<int64_t>(rank));
    if (best == 0 || cost < leastCost) {
      best = columns;
      leastCost = cost;
    }
  }
  return best;
}
