//===- AttentionSplit.h - Attention of few queries --------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONSPLIT_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONSPLIT_H

#include "AttentionTiles.h"

#include <optional>

namespace mlir::kern::nvptx {

/// How the keys of few queries are split: over `splits` blocks, which form a cluster where there
/// are several, and the warps of each. A block has a sequence and a head of keys, and all query
/// heads that read it. Its shared memory: what each warp has, then the block's sums.
struct SplitAttentionShape {
  AttentionShape warp; ///< as if a warp were a block: its queries and stages
  int64_t warps, splits;
  int64_t sharing; ///< query heads of a head of keys
  int64_t queries; ///< of a sequence at most

  /// The shape that a configuration asks for.
  static SplitAttentionShape of(AttentionOp op);
  /// The shape that suits an op, where its keys can be split.
  static std::optional<SplitAttentionShape> choose(AttentionOp op,
                                                   const flowhn::GPUTargetInfo &target);
  /// Whether a configuration asks for it.
  static bool isAskedFor(AttentionOp op);

  DictionaryAttr config() const;
  /// Checks a configuration that may have been written by hand.
  LogicalResult check(AttentionOp op, const flowhn::GPUTargetInfo &target) const;

  int64_t threads() const { return 32 * warps; }
  /// Keys from one block of a warp's to the next.
  int64_t keyStep() const { return splits * warps * warp.keys; }

  // Sums of a row: of each feature, then the row's maximum and the sum of its weights.
  int64_t sumFloats() const { return warp.headSize + 2; }
  int64_t sumsBytes() const { return 4 * warp.rows * sumFloats(); }
  int64_t warpBytes() const { return warp.sharedBytes(); }
  int64_t sumsAt() const { return warps * warpBytes(); }
  int64_t sharedBytes() const { return sumsAt() + sumsBytes(); }
};

/// Emits the code of a block.
void emitSplitAttention(GPUKernelBuilder &b, AttentionOp op, const SplitAttentionShape &shape);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONSPLIT_H
