//===- ScanTiles.h - b and c of the scan in shared memory -------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Asynchronous copies bring a tile while the one before is computed with. Loads would do so
// too, but ptxas has six scoreboards: an exponential that gets the one of a load under way
// waits for the memory.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANTILES_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANTILES_H

#include "SequenceSupport.h"

namespace mlir::kern::nvptx {

/// What a scan reads row by row: rows of a buffer, from a column on.
struct ScanInput {
  Value rows;
  int64_t column;
};

/// How an input's part of a tile comes to shared memory.
struct ScanCopy {
  int64_t vector; ///< elements at once
  int64_t elementBytes;
  int64_t begin; ///< in bytes of shared memory

  int64_t bytes() const { return vector * elementBytes; }
};

/// How a scan is divided among threads, and the layout of its shared memory.
///
/// A tile holds, for each of its rows, b and then c (its projections): one segment of
/// float32 per lane, the states of that lane. There are two tiles, one being read while
/// the other is filled. Behind them lie b and c as they are copied, in places of the thread that
/// copies and converts them, and twice a tile's rows of what belongs to the block's channels.
struct ScanShape {
  int64_t states, channels, projections;
  int64_t laneChannels; ///< whose states `lanes` threads share
  int64_t lanes, rows, steps, threads;
  int64_t threadStates; ///< of one channel: 1, 2 or a multiple of 4
  SmallVector<ScanCopy> projectionCopies, rowCopies;

  /// Of an op whose configuration has been checked and whose `a` is of the type
  /// [states, channels].
  ScanShape(Operation *op, MemRefType a, ArrayRef<ScanInput> projections,
            ArrayRef<ScanInput> rowInputs);

  int64_t paddedStates() const { return threadStates * lanes; }
  /// Rows of a round: each lane owns one of them for one channel.
  int64_t roundRows() const { return lanes / laneChannels; }
  int64_t blockChannels() const { return threads / roundRows(); }
  int64_t channelBlocks() const { return llvm::divideCeil(channels, blockChannels()); }

  /// Neighbouring states that a thread reads or writes at once.
  int64_t sharedVector() const;
  /// Pieces of b, and of c, that a thread moves for a tile.
  int64_t threadPieces() const;
  /// Bytes of a tile's rows of what is copied by `copy`.
  int64_t rowBytes(const ScanCopy &copy) const {
    return rows * blockChannels() * copy.elementBytes;
  }

  // In float32 elements. The space between segments keeps the lanes of a warp on
  // different banks, of which there are 32.
  int64_t segment() const { return threadStates + (paddedStates() > 32 ? 4 : 0); }
  int64_t projection() const { return lanes * segment(); }
  int64_t pitch() const { return projections * projection(); }
  int64_t tile() const { return rows * pitch(); }

  int64_t sharedBytes() const { return copiesEnd; }

private:
  int64_t copiesEnd;

  void placeCopies(ArrayRef<ScanInput> projections, ArrayRef<ScanInput> rowInputs);
};

/// Checks the configuration of a scan, which may have been written by hand.
LogicalResult checkScanConfig(Operation *op);
/// Checks that a block may have `threads` threads.
LogicalResult checkThreads(Operation *op, int64_t threads);

/// Copies `copy.vector` neighbours without waiting for them, where they are wide enough for
/// that.
void copyPiece(GPUKernelBuilder &b, const ScanCopy &copy, Value shared, const Buffer &buffer,
               Value offset);

/// Moves b and c of a sequence through shared memory.
class ScanTiles {
public:
  /// b and c of the calling thread's states in one row; no c where it is not moved.
  struct Row {
    SmallVector<Value> b, c;
  };

  ScanTiles(GPUKernelBuilder &builder, ArrayRef<ScanInput> projections, const ScanShape &shape,
            const Sequence &sequence, Value part);

  /// Makes the states that only fill up a lane's share zero, where there are any.
  void clear();
  /// Begins to copy the calling thread's share of the tile from row `time` on.
  void fetch(Value time);
  /// Writes what has been copied to a side of shared memory, 0 or 1.
  void publish(Value side);
  /// The row `step + index` of the side published last.
  Row load(Value step, int64_t index);

private:
  /// Neighbouring states in a row that a thread moves.
  struct Piece {
    Value row, state;
    Value exists; ///< null where every thread has this piece
  };

  GPUKernelBuilder &builder;
  ScanShape shape;
  Sequence sequence;
  SmallVector<std::pair<Buffer, int64_t>> projections; ///< and their columns
  int64_t vector;                                      ///< states of a piece
  Value base;
  Value readOffset; ///< elements from the side's start to the thread's segment
  Value side;       ///< the side published last

  SmallVector<Piece> pieces();
  Value copied(int64_t piece, int64_t which);
  Value extend(Value piece);
  SmallVector<Value> loadSegment(Value offset, int64_t constant);
  Value address(Value element) { return builder.shared(base, builder.mul(element, 4)); }
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANTILES_H
