//===- KernCosts.cpp - FLOPs and bytes of kern ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::kern;

static MemRefType typeOf(Value memref) { return cast<MemRefType>(memref.getType()); }

/// Bytes of `count` elements of `memref`.
static int64_t bytesOf(Value memref, int64_t count) {
  return count * typeOf(memref).getElementTypeBitWidth() / 8;
}

/// Bytes of a buffer that is read whole.
static int64_t bytesOf(Value memref) { return bytesOf(memref, typeOf(memref).getNumElements()); }

/// Bytes of the entries of a table, none where it is absent.
static int64_t tableBytes(Value table, int64_t entries) {
  return table ? bytesOf(table, entries) : 0;
}

/// Bytes of the extras of a kernel with `rows` × `width` results.
static int64_t extraBytes(ValueRange extras, ArrayAttr accesses, int64_t rows, int64_t width) {
  auto elements = [&](Access access) {
    return (access == Access::Column ? 1 : rows) * (access == Access::Scalar ? 1 : width);
  };
  int64_t bytes = 0;
  for (auto [extra, access] : llvm::zip_equal(extras, accesses.getAsRange<AccessAttr>()))
    bytes += bytesOf(extra, elements(access.getValue()));
  return bytes;
}

/// Bytes of `count` whole rows of states or sums, none where they are absent.
static int64_t stateBytes(Value memref, int64_t count) {
  if (!memref)
    return 0;
  int64_t elements = 1;
  for (int64_t extent : typeOf(memref).getShape().drop_front())
    elements *= extent;
  return bytesOf(memref, count * elements);
}

/// Rows of a batch of full sequences; `extents` are the batch and the maximum.
static int64_t rowsOf(ArrayRef<int64_t> extents) { return extents[0] * extents[1]; }

/// Chunks that are followed by another one, and their rows; `extents` are the batch, the
/// chunks of a sequence and the rows of a chunk.
static int64_t innerChunksOf(ArrayRef<int64_t> extents) { return extents[0] * (extents[1] - 1); }
static int64_t chunkRowsOf(ArrayRef<int64_t> extents) {
  return innerChunksOf(extents) * extents[2];
}

/// Bytes of the first rows of the sequences and the end of the last one.
static int64_t offsetBytes(Value offsets, ArrayRef<int64_t> extents) {
  return bytesOf(offsets, extents[0] + 1);
}

//===----------------------------------------------------------------------===//
// FLOPs
//===----------------------------------------------------------------------===//

int64_t MatmulOp::getFlops(ArrayRef<int64_t> extents) {
  return 2 * extents[0] * int64_t(getN()) * int64_t(getK()) * int64_t(getGroups());
}

int64_t RowwiseOp::getFlops(ArrayRef<int64_t> extents) { return 0; }

int64_t ArgmaxOp::getFlops(ArrayRef<int64_t> extents) { return 0; }

int64_t AttentionOp::getFlops(ArrayRef<int64_t> extents) {
  auto [batch, length] = std::pair(extents[0], extents[1]);
  int64_t queries = getMaxQueries() ? extents.back() : length;
  // Two products of 2 FLOPs each, over the pairs: query i of n sees all but n - 1 - i keys.
  int64_t pairs = queries * (2 * length - queries + 1) / 2;
  return 4 * batch * int64_t(getHeads()) * int64_t(getHeadSize()) * pairs;
}

int64_t Conv1DOp::getFlops(ArrayRef<int64_t> extents) {
  return 2 * rowsOf(extents) * typeOf(getWeight()).getNumElements();
}

int64_t ScanOp::getFlops(ArrayRef<int64_t> extents) {
  return 9 * rowsOf(extents) * typeOf(getA()).getNumElements();
}

int64_t ScanStatesOp::getFlops(ArrayRef<int64_t> extents) {
  return 7 * chunkRowsOf(extents) * typeOf(getA()).getNumElements();
}

int64_t ScanCombineOp::getFlops(ArrayRef<int64_t> extents) {
  return 4 * innerChunksOf(extents) * typeOf(getA()).getNumElements();
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

int64_t MatmulOp::getBytes(ArrayRef<int64_t> extents) {
  int64_t rows = extents[0], n = getN(), k = getK();
  return bytesOf(getA(), rows * k) + bytesOf(getB()) + bytesOf(getOut(), rows * n) +
         extraBytes(getExtras(), getAccesses(), rows, n) + tableBytes(getGather(), rows) +
         tableBytes(getScatter(), rows);
}

int64_t RowwiseOp::getBytes(ArrayRef<int64_t> extents) {
  int64_t rows = extents[0], width = getSections().back();
  return bytesOf(getInput(), rows * width) +
         bytesOf(getOut(), storesScalars() ? rows : rows * width) +
         extraBytes(getExtras(), getAccesses(), rows, width) + tableBytes(getGather(), rows) +
         tableBytes(getScatter(), rows);
}

int64_t ArgmaxOp::getBytes(ArrayRef<int64_t> extents) {
  int64_t rows = extents[0], n = getN();
  return bytesOf(getInput(), rows * n) + tableBytes(getOut(), rows);
}

int64_t AttentionOp::getBytes(ArrayRef<int64_t> extents) {
  int64_t rows = rowsOf(extents);
  int64_t width = int64_t(getHeads()) * int64_t(getHeadSize());
  int64_t kvWidth = int64_t(getKvHeads()) * int64_t(getHeadSize());
  int64_t queries = getMaxQueries() ? extents[0] * extents.back() : rows;
  return bytesOf(getQuery(), queries * width) + bytesOf(getKey(), rows * kvWidth) +
         bytesOf(getValue(), rows * kvWidth) + bytesOf(getOut(), queries * width) +
         offsetBytes(getOffsets(), extents) +
         (getQueryOffsets() ? offsetBytes(getQueryOffsets(), extents) : 0);
}

int64_t Conv1DOp::getBytes(ArrayRef<int64_t> extents) {
  int64_t rows = rowsOf(extents), channels = typeOf(getWeight()).getDimSize(1);
  return bytesOf(getInput(), rows * channels) + bytesOf(getWeight()) +
         bytesOf(getOut(), rows * channels) +
         extraBytes(getExtras(), getAccesses(), rows, channels) +
         stateBytes(getState(), 2 * extents[0]) + offsetBytes(getOffsets(), extents);
}

int64_t ScanOp::getBytes(ArrayRef<int64_t> extents) {
  int64_t rows = rowsOf(extents);
  int64_t states = typeOf(getA()).getDimSize(0), channels = typeOf(getA()).getDimSize(1);
  int64_t chunkStarts = getChunks() ? extents[0] * (extents[2] - 1) : 0;
  return bytesOf(getU(), rows * channels) + bytesOf(getDelta(), rows * channels) + bytesOf(getA()) +
         bytesOf(getB(), rows * states) + bytesOf(getC(), rows * states) +
         bytesOf(getOut(), rows * channels) +
         extraBytes(getExtras(), getAccesses(), rows, channels) +
         stateBytes(getChunkStates(), chunkStarts) + stateBytes(getInitial(), extents[0]) +
         stateBytes(getFinal(), extents[0]) + offsetBytes(getOffsets(), extents);
}

int64_t ScanStatesOp::getBytes(ArrayRef<int64_t> extents) {
  int64_t rows = chunkRowsOf(extents), chunks = innerChunksOf(extents);
  int64_t states = typeOf(getA()).getDimSize(0), channels = typeOf(getA()).getDimSize(1);
  return bytesOf(getU(), rows * channels) + bytesOf(getDelta(), rows * channels) + bytesOf(getA()) +
         bytesOf(getB(), rows * states) + stateBytes(getStates(), chunks) +
         stateBytes(getSums(), chunks) + offsetBytes(getOffsets(), extents);
}

int64_t ScanCombineOp::getBytes(ArrayRef<int64_t> extents) {
  int64_t chunks = innerChunksOf(extents);
  return bytesOf(getA()) + stateBytes(getStates(), 2 * chunks) + stateBytes(getSums(), chunks) +
         stateBytes(getInitial(), extents[0]) + offsetBytes(getOffsets(), extents);
}
