//===- AttentionTiles.h - Tiles of kern.attention on the CPU ----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A lane is one query row of one head, so the softmax needs no sums across lanes
// and no head size leaves lanes idle. An item holds the query vectors
//   heads × (rows / lanes)
// of one key/value head; each scalar of K and V that is read serves all of them.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOCPU_ATTENTIONTILES_H
#define FLOWHN_LIB_CONVERSION_KERNTOCPU_ATTENTIONTILES_H

#include "SequenceSupport.h"

namespace mlir::kern {

/// The configuration of an attention kernel and the scratch it implies.
struct AttentionShape {
  int64_t headSize;
  int64_t lanes;
  int64_t heads;    ///< query heads of an item, which share a key/value head
  int64_t rows;     ///< query rows of an item, a multiple of `lanes`
  int64_t keys;     ///< keys of a block, a multiple of `keyTile`
  int64_t keyTile;  ///< keys whose scores are summed in registers
  int64_t features; ///< result features that are summed in registers

  explicit AttentionShape(AttentionOp op);

  int64_t rowVectors() const { return rows / lanes; }
  int64_t vectors() const { return heads * rowVectors(); }

  // Scratch: queries and results [headSize, width], scores [keys, width].
  int64_t width() const { return vectors() * lanes; }
  int64_t queryBytes() const { return headSize * width() * 4; }
  int64_t scratchBytes() const { return 2 * queryBytes() + keys * width() * 4; }
};

/// What an item works on.
struct AttentionItem {
  Sequence sequence;       ///< of keys
  Sequence queries;        ///< of the sequence's last rows; all of them where nothing else is said
  Value begin;             ///< first query row, in `queries`
  Value position;          ///< the same, in the sequence
  Value limit;             ///< keys that any of its rows sees
  Value firstHead, kvHead; ///< first query head, and the key/value head of all
};

/// Maxima and sums of exponentials so far, per query vector.
struct SoftmaxState {
  SmallVector<Value> maxima, sums;
};

/// Emits the steps of one item.
class AttentionTiles {
public:
  AttentionTiles(KernelBuilder &b, AttentionOp op, const AttentionItem &item, Value scratch);

  /// Scratch: queries, transposed and scaled for base 2, and results of 0.
  void loadQueries();
  /// Attends to the keys from `firstKey` on: a whole block that every row sees, or,
  /// if `causal`, what each row sees of it.
  SoftmaxState attend(Value firstKey, bool causal, const SoftmaxState &state);
  void storeResults(ValueRange sums);

private:
  KernelBuilder &b;
  AttentionOp op;
  AttentionShape shape;
  const AttentionItem &item;
  Value queries, results, scores;

  SmallVector<Value> emitScores(Value firstKey, Value count, bool causal, ValueRange maxima);
  SmallVector<Value> emitScoreTile(Value firstKey, Value key, bool causal);
  SmallVector<Value> emitWeights(Value firstKey, Value count, bool causal, ValueRange maxima,
                                 ValueRange sums);
  void emitValues(Value firstKey, Value count, ValueRange decays);
  void emitValueTile(Value firstKey, Value count, ValueRange decays, Value feature, int64_t size);
  void forEachQuery(llvm::function_ref<void(Value row, Value head, Value position)> body);
  Value isVisible(Value key, int64_t vector);
  Value column(int64_t vector) { return b.index(vector * b.lanes); }
  Value mul(Value lhs, Value rhs);
};

} // namespace mlir::kern

#endif // FLOWHN_LIB_CONVERSION_KERNTOCPU_ATTENTIONTILES_H
