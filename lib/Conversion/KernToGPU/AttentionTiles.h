//===- AttentionTiles.h - Tiles of attention on tensor cores ----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONTILES_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONTILES_H

#include "MmaSupport.h"
#include "SequenceSupport.h"

namespace mlir::kern::nvptx {

/// How attention is divided among warps, and the layout of its shared memory: the
/// queries, then `stages` tiles of keys, then as many of values. Rows are padded to a
/// pitch that takes neighbouring rows to different banks.
struct AttentionShape {
  Type type; ///< of queries, keys and values: bf16, f16 or f32
  int64_t headSize, keys, rows, stages, warps;

  /// Of an op with a configuration.
  explicit AttentionShape(AttentionOp op);
  /// What suits an op without one, and fits into the shared memory of `target`.
  static AttentionShape choose(AttentionOp op, const flowhn::GPUTargetInfo &target);

  /// Checks a configuration that may have been written by hand.
  LogicalResult check(AttentionOp op, const flowhn::GPUTargetInfo &target) const;
  DictionaryAttr config() const;

  int64_t threads() const { return warps * 32; }
  int64_t blockRows() const { return warps * rows; }
  int64_t rowTiles() const { return rows / 16; } ///< of a warp
  int64_t keyTiles() const { return keys / 8; }  ///< of a block of keys
  int64_t featureTiles() const { return headSize / 8; }
  int64_t depth() const { return productDepth(type); }
  int64_t featureSteps() const { return llvm::divideCeil(headSize, depth()); } ///< of q · kᵀ
  int64_t keySteps() const { return keys / depth(); } ///< of weights · values

  // In bytes.
  int64_t elementBytes() const { return type.getIntOrFloatBitWidth() / 8; }
  int64_t pitch() const { return featureSteps() * depth() * elementBytes() + 16; }
  int64_t tileBytes() const { return keys * pitch(); }
  int64_t keysAt() const { return blockRows() * pitch(); }
  int64_t valuesAt() const { return keysAt() + stages * tileBytes(); }
  int64_t sharedBytes() const { return valuesAt() + stages * tileBytes(); }

  /// Whether a warp keeps its queries in registers; else it reads them from shared
  /// memory for every block of keys.
  bool keepsQueries() const { return rowTiles() * featureSteps() * elementBytes() <= 16; }

  /// Whether sums are rounded to nearest: those of many features leave no registers for it.
  bool roundsSums() const { return headSize <= 64; }

private:
  AttentionShape(Type type, int64_t headSize, int64_t keys, int64_t rows)
      : type(type), headSize(headSize), keys(keys), rows(rows), stages(2), warps(4) {}
};

/// The products of attention, by mma.sync on tiles in shared memory.
class AttentionTiles {
public:
  AttentionTiles(GPUKernelBuilder &b, const AttentionShape &shape)
      : AttentionTiles(b, shape, b.threadId(), b.sharedBase()) {}
  /// Of the threads that `thread` counts, with the shared memory from `base` on.
  AttentionTiles(GPUKernelBuilder &b, const AttentionShape &shape, Value thread, Value base);

  Value warp, lane;

  /// Where a tile of the buffers comes from.
  struct Source {
    Buffer buffer;
    Value column;   ///< first of the head's features
    int64_t vector; ///< elements that may be copied at once
  };

  /// The features of a head, or of `head` as a number of such widths, from `column` on.
  Source source(Value memref, int64_t column, Value head);

  /// Starts copying `rows` lines to `offset` bytes in shared memory; `place` says in which row
  /// and column each begins.
  using Place = llvm::function_ref<std::pair<Value, Value>(Value line)>;
  void copy(const Source &source, Place place, int64_t rows, Value offset);
  /// Starts copying `rows` rows from `row` on to `offset` bytes in shared memory. Rows
  /// behind `last` are copies of it: what they score is masked or not stored.
  void copy(const Source &source, Value row, Value last, int64_t rows, Value offset);
  /// Zeroes the features that fill up the last step of q · kᵀ, where there are any.
  void clearPadding();

  /// Reads the warp's queries, if they stay in registers.
  void loadQueries();
  /// q · kᵀ of the warp's rows against the keys at `offset`: rowTiles × keyTiles.
  SmallVector<Fragment> scores(Value offset);
  /// Adds weights · values to `sums`, which are rowTiles × featureTiles.
  void accumulate(ArrayRef<Fragment> weights, Value offset, MutableArrayRef<Fragment> sums);

private:
  GPUKernelBuilder &b;
  AttentionShape shape;
  Value base, thread;
  Value queryPlace, keyPlace, valuePlace; ///< the lane's rows inside a tile, in bytes
  SmallVector<Factor> queries;

  Factor loadQuery(int64_t rowTile, int64_t step);
  SmallVector<Factor> loadKeys(Value place, int64_t pair, int64_t step);
  Factor weightsOf(ArrayRef<Fragment> sums);
  SmallVector<Factor> loadValues(Value place, int64_t step, int64_t firstTile, int64_t count);
  void copyChunk(const Source &source, Value from, Value to);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONTILES_H
