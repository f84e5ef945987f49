//===- AttentionWarpgroupEmitter.h - Attention by warpgroups ----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONWARPGROUPEMITTER_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONWARPGROUPEMITTER_H

#include "AttentionWarpgroup.h"
#include "SequenceSupport.h"

namespace mlir::kern::nvptx {

/// Emits the code of a block of threads.
class WarpgroupAttention {
public:
  WarpgroupAttention(GPUKernelBuilder &b, AttentionOp op, const WarpgroupAttentionShape &shape)
      : b(b), op(op), shape(shape), isExact(!shape.keepsFirstMaximum()) {}

  void emit();

private:
  /// A block of keys and, where a warp watches, where its stage's tiles and barriers lie behind
  /// those of the first one. No value serves both: descriptors want uniform registers and barriers
  /// others, and ptxas puts all that depends on a value where one of its users wants it.
  struct Place {
    Value block;
    Value tile;    ///< in units of 16 bytes
    Value barrier; ///< in bytes
  };

  /// What a thread carries from block to block of keys.
  struct State {
    Place before;               ///< of the block whose weights these are
    SmallVector<Value> weights; ///< of the block before, in pairs (i32), as a factor has them
    SmallVector<Value> outputs; ///< floats, as products leave them
    SoftmaxRow rows[2];         ///< rows lane / 4 and lane / 4 + 8 of the warp; of all blocks or,
                                ///< unless `isExact`, of the first one is the maximum

    SmallVector<Value> pack() const;
    State unpack(ValueRange values) const;
  };

  /// A tile of queries of one head and sequence.
  struct Tile {
    Value head;
    Sequence sequence;
    Value begin;     ///< its first query in its sequence; before it: -64 or -128
    Value numBlocks; ///< of keys that any of its queries sees
    Value mark;      ///< where it is marked, if its weights overflow
    Value number;    ///< how many tiles the block of threads had before
    Value firstStep; ///< how many blocks of keys those had
  };

  /// `number` and `firstStep` of the tile behind those that the block of threads had.
  using Counts = SmallVector<Value>;

  /// The queries of a tile that are one warpgroup's.
  struct Share {
    Value begin;     ///< its first query in its sequence
    Value numBlocks; ///< of keys that any of its queries sees
    Value numWhole;  ///< of keys that all of them see, the first ones
  };

  /// What a barrier of a stage tells.
  enum Event { KeysFull, KeysEmpty, ValuesFull, ValuesEmpty };

  GPUKernelBuilder &b;
  AttentionOp op;
  const WarpgroupAttentionShape &shape;
  Value queryMap, keyMap, valueMap;
  Value base, address, thread;
  Tile tile;               ///< whose code is emitted
  bool isExact;            ///< whether weights follow the maximum from block to block of keys
  bool multiplies = false; ///< whether it is code of threads that do
  // Of a thread that multiplies.
  Value consumer, warp, lane;
  Share share; ///< of `tile`

  Value makeMap(Value memref, int64_t column, int64_t heads, int64_t boxRows);
  Counts forEachTile(Counts counts, bool marked, llvm::function_ref<void()> body);
  void repeatMarked(Counts counts, llvm::function_ref<void()> body);
  void locate(Value number);
  Value countBlocks(Value end);

  Value stageOf(Value block);
  Place placeOf(Value block);
  Place placeBehind(const Place &place);
  Value barrier(Event event, Value block);
  Value barrier(Event event, const Place &place);
  void wait(Event event, Value block);
  void waitAttended();
  void release(Value barrier);
  // What is nothing where keys and values share barriers: they come with the keys, which go with
  // them.
  void releaseKeys(Value block);
  void waitValues(Value block);
  // What the turn tells where a warp watches, or what is waited for.
  void waitQueries();
  void waitKeys(Value block);
  Value queriesFull() { return b.shared(base, shape.barriersAt()); }
  Value queriesEmpty() { return b.shared(base, shape.barriersAt() + 8); }
  Value allAttended() { return b.shared(base, shape.marksAt() - 8); }
  Value anyMark() { return b.shared(base, shape.marksAt()); }
  void initBarriers();

  void produce();
  void watch();
  void copyAll();
  void copyQueries();
  void copyKeys(Value block);
  void copyValues(Value block);
  /// Copies the rows of a block of keys from `column` on to its stage of the tiles at
  /// `tilesAt`.
  void copyBlock(Value map, int64_t column, Value block, int64_t tilesAt, Value full);
  void copyTile(Value map, Value column, Value row, int64_t rows, Value offset, Value full);

  void consume();
  void attendTile();
  void attendShare();
  State attendFirst();
  State attend(Value block, State state, bool hasHidden);
  State attendLast(State state);
  void passUp(Value first);
  /// The descriptor of a block's tile among those at `tilesAt`.
  Value tileOf(const Place &place, int64_t tilesAt, int64_t chunkBytes = 16);
  SmallVector<Value> startScores(const Place &place);
  SmallVector<Value> startOutputs(const Place &place, const State &state);
  void endOutputs(const Place &place, ArrayRef<Value> outputs, State &state);
  void zeroPadding();
  void zeroTail();
  void joinWarpgroup();
  void hide(Value block, MutableArrayRef<Value> scores);
  /// Makes weights of scores; gives what earlier outputs of either row shrink by, unless the
  /// maximum stays.
  std::array<Value, 2> weigh(MutableArrayRef<Value> scores, State &state, bool keepsMaximum);
  SmallVector<Value> packWeights(ArrayRef<Value> weights);
  /// Threads that meet at a turn of a warpgroup.
  Value turnThreads(Value warpgroup);
  void takeTurn();
  void passTurn();
  Value rowOf(int64_t half);
  /// 16 bytes of zeros.
  Value zeroPiece() { return LLVM::ZeroOp::create(b.builder, b.loc, VectorType::get(4, b.i32())); }
  void store(const State &state);
  Value hasOverflown(ArrayRef<Value> outputs, Value sum);
  void markTile();
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONWARPGROUPEMITTER_H
