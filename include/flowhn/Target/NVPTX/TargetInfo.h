//===- TargetInfo.h - What is known of a GPU --------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TARGET_NVPTX_TARGETINFO_H
#define FLOWHN_TARGET_NVPTX_TARGETINFO_H

#include "flowhn/Support/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlir::flowhn {

/// Facts about a GPU that kernels are emitted for.
struct GPUTargetInfo {
  std::string chip;                 ///< LLVM's name: "sm_90a"
  std::string features;             ///< LLVM's features: the PTX version
  int64_t multiprocessors = 132;    ///< blocks of a persistent launch
  int64_t sharedBytes = 227 << 10;  ///< a block's dynamic shared memory at most
  int64_t registers = 64 << 10;     ///< of a multiprocessor
  int64_t registersPerThread = 255; ///< at most
  int64_t rowAlignment = 16;        ///< bytes: rows that the copy engine reads lie so far apart
  /// Whether four warps multiply tiles of shared memory together, which bulk copies fill.
  bool hasWarpgroupProducts = false;
  /// Whether blocks form clusters that read each other's shared memory, and a kernel that starts
  /// before the one in front of it ends can wait for that: sm_90 and newer.
  bool hasClusters = false;

  /// Whether a multiprocessor has room for so many blocks with so many bytes of dynamic shared
  /// memory each.
  bool holdsBlocks(int64_t blocks, int64_t bytes) const {
    constexpr int64_t reservedBytes = 1024; // of each block
    return blocks * (bytes + reservedBytes) <= sharedBytes + reservedBytes;
  }

  /// Queries of a sequence up to which attention splits the keys over blocks, where so many
  /// query heads share them; 0: it does not.
  int64_t splitAttentionQueries(int64_t sharingHeads) const;
  /// Queries of a sequence up to which attention leaves half of a multiprocessor to other kernels,
  /// or to more of its own blocks; 0: it does not.
  int64_t halvedAttentionQueries(int64_t headSize) const;
  /// Sequences whose heads of keys fill the chip, a block each.
  int64_t fullAttentionSequences(int64_t kvHeads) const {
    return (2 * multiprocessors + kvHeads - 1) / kvHeads;
  }

  /// Rows up to which a product of `elementBytes` has a kernel of its own, ascending; the last
  /// kernel has the calls of more.
  std::vector<int64_t> productRowBounds(int64_t elementBytes) const;

  /// Rows up to which what a scan of `channels` reads, by way of so many projected columns, is made
  /// by one kernel (kern.scan_inputs), ascending, one kernel for each; empty: it never is.
  std::vector<int64_t> scanInputRowBounds(int64_t channels, int64_t projected) const;

  // What the chip does at best: sm_90a's are measured, of an H200 at its own clocks
  // (docs/Performance.md), the others' are their data sheets'.
  double byteRate = 4.2e12;         ///< bytes read and written per second
  double matmulRate = 790e12;       ///< FLOP/s of bfloat16 products
  double exponentialRate = 4.18e12; ///< ex2 per second
  /// FLOP/s of attention: exponentials weigh the more the smaller a head is.
  double attentionRate(int64_t headSize) const {
    return matmulRate * (headSize > 64 ? 675.0 : 520.0) / 790.0;
  }

  /// Threads of a block that may have `registersPerThread` each.
  int64_t fullThreads() const { return registers / (registersPerThread + 1); }

  /// Whether a tile of the matmul of single warps, `rows` × `columns` sums of one warp,
  /// suits the chip: whole fragments of mma.sync, in half of the registers. Factors of 4
  /// bytes, which are split in two, leave room for half as many sums.
  bool isWarpTile(int64_t rows, int64_t columns, int64_t groups, int64_t elementBytes) const {
    return rows % 16 == 0 && columns % 16 == 0 && columns % (8 * groups) == 0 &&
           elementBytes * rows * columns <= 32 * (registersPerThread + 1);
  }

  /// Whether a tile of the matmul of warpgroups, `rows` × `columns` sums of one block, suits
  /// the chip: 64 rows to a warpgroup, its sums in registers.
  bool isMatmulTile(int64_t rows, int64_t columns, int64_t groups) const {
    return (rows == 64 || rows == 128) && columns >= 16 * groups && columns <= 256 &&
           columns % (8 * groups) == 0;
  }

  /// Threads of a block that scans.
  int64_t scanThreads = 64;
  /// The neighbouring threads that a scan divides the states of a channel among: more where
  /// sequences are few.
  int64_t scanLanes(int64_t states, bool areFew = false) const;
  /// Channels whose states so many threads share.
  int64_t scanLaneChannels(int64_t lanes) const;
  /// Rows of its own that a thread of a scan computes without a branch between them. It keeps
  /// `states`, and loads or stores them where it `movesStates`.
  int64_t scanRounds(int64_t states, bool movesStates) const;
  /// Blocks side by side that scan `channels`.
  int64_t scanChannelBlocks(int64_t states, int64_t channels) const;
  /// Of how many exponentials of a local scan, which has little else to do, one is made of
  /// products and sums instead; 0 for none.
  int64_t scanPolynomialPeriod() const;
  /// Blocks of a scan that run at a time, with two lanes to a channel of 16 states.
  int64_t scanResidentBlocks() const {
    constexpr int64_t registersOfThread = 128;
    return multiprocessors * (registers / (registersOfThread * scanThreads));
  }

  /// The chip named `chip`. Unknown names are an error that lists the known ones.
  static ::flowhn::Expected<GPUTargetInfo> get(std::string_view chip);
};

} // namespace mlir::flowhn

#endif // FLOWHN_TARGET_NVPTX_TARGETINFO_H
