//===- ScanInputs.h - kern.scan_inputs on the GPU ---------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A cluster of blocks has a tile of rows, each of its blocks a part of the channels, and all of
// them the columns between the two products: the first product is of a block's part of k, and the
// blocks add their sums through shared memory, each for its share of the rows; the second one makes
// a block's part of the columns.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANINPUTS_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANINPUTS_H

#include "HopperSupport.h"
#include "flowhn/Dialect/Kern/IR/KernFusedOps.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::kern::nvptx {

/// The sizes that the code is made of. Tiles in shared memory are 64 columns wide, swizzled.
struct ScanInputsPlan {
  ScanInputsPlan(ScanInputsOp op, int64_t clusterBlocks, int64_t tileRows);

  static constexpr int64_t warpgroups = 2, groupThreads = 128;
  static constexpr int64_t threads = warpgroups * groupThreads;
  static constexpr int64_t warps = threads / 32;
  static constexpr int64_t productRows = 64; ///< of a warpgroup's product
  static constexpr int64_t vector = 8;       ///< channels that a thread convolves

  int64_t clusterBlocks, tileRows;
  int64_t taps, rank, states;
  int64_t projected;     ///< columns of the first product
  int64_t columns;       ///< the same, as many to each warpgroup, in eights
  int64_t blockChannels; ///< of a block

  int64_t channelTiles() const { return blockChannels / swizzledColumns; }
  int64_t rankTiles() const { return llvm::divideCeil(rank, swizzledColumns); }
  int64_t rankSteps() const { return llvm::divideCeil(rank, 16); }
  int64_t groupColumns() const { return columns / warpgroups; }
  int64_t ownRows() const { return tileRows / clusterBlocks; } ///< whose sums a block adds
  int64_t tileBytes() const { return tileRows * swizzledRowBytes; }

  // Threads that convolve: `lanes` side by side have the channels, and each so many rows.
  int64_t lanes() const { return blockChannels / vector; }
  int64_t threadRows() const {
    return std::max<int64_t>(1, llvm::PowerOf2Ceil(llvm::divideCeil(tileRows, threads / lanes())));
  }
  /// Rows before a tile of which it matters whether a sequence begins there.
  int64_t flagsBefore() const { return std::max<int64_t>(taps - 2, 0); }
  int64_t flags() const { return flagsBefore() + tileRows; }

  // The weights of both products, one after the other, in one place.
  int64_t xWeightTileBytes() const { return columns * swizzledRowBytes; }
  int64_t xWeightBytes() const { return channelTiles() * xWeightTileBytes(); }
  int64_t dtWeightTileBytes() const { return blockChannels * swizzledRowBytes; }
  int64_t dtWeightBytes() const { return rankTiles() * dtWeightTileBytes(); }
  int64_t dtWeightBox() const; ///< rows that one copy brings

  // Shared memory. Where the tiles of u were lie the sums, then those of delta. A product of 64
  // rows may read behind a tile of fewer, and drops what that gives: dt behind u, weights behind
  // dt.
  int64_t sumStride() const { return llvm::alignTo(columns + 24, 32) - 24; } ///< 4 rows in 32 banks
  int64_t sumsBytes() const { return tileRows * sumStride() * 4; }
  int64_t dtOffset() const {
    return llvm::alignTo(std::max(channelTiles() * tileBytes(), sumsBytes()), 1024);
  }
  int64_t weightOffset() const { return dtOffset() + rankTiles() * tileBytes(); }
  int64_t biasOffset() const { return weightOffset() + std::max(xWeightBytes(), dtWeightBytes()); }
  int64_t normOffset() const { return biasOffset() + blockChannels * 4; }
  int64_t barrierOffset() const { return llvm::alignTo(normOffset() + projected * 4, 16); }
  int64_t flagOffset() const { return barrierOffset() + 16; }
  int64_t sharedBytes() const { return flagOffset() + flags() * 4; }
  /// Of a multiprocessor, two where they have room.
  int64_t residentBlocks(const mlir::flowhn::GPUTargetInfo &target) const;
};

/// Where a thread is, and in which block.
struct ScanInputsContext {
  GPUKernelBuilder &b;
  ScanInputsOp op;
  const ScanInputsPlan &plan;
  Value base; ///< of shared memory
  Value thread, warp, lane;
  Value rank;         ///< of the block in its cluster
  Value rows;         ///< of the launch
  Value tileRow;      ///< the cluster's first row
  Value firstChannel; ///< the block's first channel

  Value at(int64_t offset) const { return b.shared(base, offset); }
  Value at(Value offset) const { return b.shared(base, offset); }
  /// An address as descriptors have it.
  Value address(int64_t offset) const;
  /// The 16 bytes of row `row` that have 16-bit column `column`, of tiles at `offset`.
  Value pieceOffset(Value row, Value column, int64_t offset) const;
};

/// u of the block's channels, to its tiles in shared memory. ScanInputsConvolution.cpp
void emitConvolution(const ScanInputsContext &context);

/// The thread's sums of the block's part of k, and how they get to shared memory.
/// ScanInputsProducts.cpp
SmallVector<Value> multiplyByXWeight(const ScanInputsContext &context);
void leaveSums(const ScanInputsContext &context, ArrayRef<Value> sums);
/// The projections of the block's rows: adds up the sums of the cluster, norms them, stores b and
/// c, and gives dt to all blocks. ScanInputsNorms.cpp
void emitNorms(const ScanInputsContext &context);
/// delta of the block's channels, by way of shared memory. ScanInputsProducts.cpp
void emitDelta(const ScanInputsContext &context, Value deltaMap);

void attachScanInputsModel(MLIRContext &context);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANINPUTS_H
