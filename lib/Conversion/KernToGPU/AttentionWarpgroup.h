//===- AttentionWarpgroup.h - Attention by warpgroups -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONWARPGROUP_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONWARPGROUP_H

#include "HopperSupport.h"
#include "SoftmaxSupport.h"

#include <optional>
#include <vector>

namespace mlir::kern::nvptx {

/// How attention is divided among the warpgroups of a block, and the layout of its shared
/// memory: the queries, then `stages` tiles of keys, then as many of values, then barriers, then
/// marks of tiles of queries whose weights overflow.
/// A tile is a box of 64 features after the other; a box has rows of 128 bytes.
struct WarpgroupAttentionShape {
  int64_t headSize;
  int64_t warpgroups; ///< that multiply, 64 queries each
  int64_t keys, stages;
  int64_t residents = 1; ///< blocks of a multiprocessor, each with its part of the registers

  /// The shape that a configuration asks for.
  static WarpgroupAttentionShape of(AttentionOp op);
  /// The shape that suits an op, where warpgroups can take it.
  static std::optional<WarpgroupAttentionShape> choose(AttentionOp op,
                                                       const flowhn::GPUTargetInfo &target);
  /// The shapes that an op can have, the one that suits it first; none where warpgroups cannot
  /// take it.
  static std::vector<WarpgroupAttentionShape> getAll(AttentionOp op,
                                                     const flowhn::GPUTargetInfo &target);
  /// Whether a configuration asks for warpgroups.
  static bool isAskedFor(AttentionOp op);

  DictionaryAttr config(MLIRContext *context) const;
  /// Checks a configuration that may have been written by hand.
  LogicalResult check(AttentionOp op, const flowhn::GPUTargetInfo &target) const;
  /// Whether the registers of threads have room for the tiles.
  bool hasRegisters() const;

  int64_t blockRows() const { return 64 * warpgroups; }
  int64_t threads() const { return 128 * (1 + warpgroups); }              ///< one warpgroup copies
  int64_t featureSteps() const { return llvm::divideCeil(headSize, 16); } ///< of q · kᵀ
  int64_t boxes() const { return llvm::divideCeil(headSize, swizzledColumns); }
  /// What a thread may have after the split by roles; 0: what it has had at launch.
  int64_t producerRegisters() const;
  int64_t consumerRegisters() const;
  /// Whether weights are relative to a row's maximum over the first block of keys. The sums of
  /// larger heads leave no registers for it, and products are what these wait for.
  bool keepsFirstMaximum() const { return headSize <= 128; }
  /// Whether a turn's products are waited for at once: those of small heads end so soon that it is
  /// better to make factors of weights under the exponentials than to have products there. The
  /// keys and values of a stage then come and go together, and share barriers.
  bool waitsOnce() const { return headSize <= 32; }
  /// Whether a warp that does not multiply waits for copies in the place of those that do
  /// (docs/Rationale/WatchedCopies.md).
  bool isWatched() const { return waitsOnce() && residents == 1; }
  /// 32-bit registers of a thread that scores, weights and outputs take.
  int64_t tileRegisters() const { return keys / 2 + keys / 4 + headSize / 2; }

  // In bytes.
  int64_t keyBoxBytes() const { return keys * swizzledRowBytes; }
  int64_t queryBoxBytes() const { return blockRows() * swizzledRowBytes; }
  int64_t tileBytes() const { return boxes() * keyBoxBytes(); }
  int64_t keysAt() const { return boxes() * queryBoxBytes(); }
  int64_t valuesAt() const { return keysAt() + stages * tileBytes(); }
  int64_t barriersAt() const { return valuesAt() + stages * tileBytes(); }
  /// Full and empty: of each stage of keys and of values.
  int64_t stageBarriers() const { return (waitsOnce() ? 2 : 4) * stages; }
  /// Those, full and empty of the queries, and one of all tiles.
  int64_t numBarriers() const { return 3 + stageBarriers(); }
  int64_t marksAt() const { return barriersAt() + 8 * numBarriers(); }
  /// Tiles of a block of threads that are further apart share a mark.
  static constexpr int64_t numMarks = 255;
  /// One more tells whether there are any.
  int64_t sharedBytes() const { return marksAt() + 4 * (numMarks + 1); }
};

/// Emits the code of a block.
void emitWarpgroupAttention(GPUKernelBuilder &b, AttentionOp op,
                            const WarpgroupAttentionShape &shape);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONWARPGROUP_H
