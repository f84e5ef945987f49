//===- HopperTileStores.cpp - Results that leave by the copy engine -------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HopperStores.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

namespace {
/// Stores of the copy engine, 64 columns at a time, which drop what lies outside. Of a tile that is
/// not whole batches the last one begins earlier, and stores some columns again.
class TileStores : public BatchedStores {
public:
  TileStores(const HopperStoreContext &context, int64_t columns)
      : BatchedStores(context, columns, llvm::divideCeil(columns, batchColumns)) {}

protected:
  static constexpr int64_t batchColumns = 64, batchChunks = 8;

  Batch loadBatch(int64_t batch) override;
  void storeBatch(int64_t batch, ArrayRef<MatmulEpilogue::Loaded> extras,
                  ArrayRef<Value> sums) override;
  void prefetchRest() override {
    for (const Row &row : rows)
      prefetch(row, ahead * batchColumns, columns);
  }

private:
  int64_t firstChunk(int64_t batch) const {
    return std::min(batch * batchChunks, columns / 8 - batchChunks);
  }
  void fill(int64_t batch, Value tileOffset, ArrayRef<MatmulEpilogue::Loaded> extras,
            ArrayRef<Value> sums);
};
} // namespace

/// Of each chunk, the pairs of both rows.
BatchedStores::Batch TileStores::loadBatch(int64_t batch) {
  Batch extras;
  Value laneColumn = b.add(tile.column, b.mul(b.rem(lane, 4), 2));
  for (int64_t chunk = 0; chunk < batchChunks; ++chunk) {
    Value column = b.add(laneColumn, (firstChunk(batch) + chunk) * 8);
    // What is read for columns outside the result is dropped; it is read at its edge.
    if (plan.n % columns != 0)
      column = b.min(column, b.i32(plan.n - 2));
    for (const Row &row : rows)
      extras.push_back(epilogue.load(row.extras, column, 2));
  }
  return extras;
}

void TileStores::storeBatch(int64_t batch, ArrayRef<MatmulEpilogue::Loaded> extras,
                            ArrayRef<Value> sums) {
  // Two tiles take turns: the copy of the one before the last has to have been read. Those of the
  // part before have had all the time of this one's products.
  Value tileOffset = b.add(b.mul(consumer, 2 * plan.outTileBytes()),
                           plan.outOffset() + batch % 2 * plan.outTileBytes());
  Value barrierId = b.add(consumer, 1);
  if (batch != 1) {
    b.ifThen(isLeader, [&] { waitCopiesRead(b, batch == 0 ? 0 : 1); });
    b.barrier(barrierId, 128);
  }
  fill(batch, tileOffset, extras, sums);
  fenceShared(b);
  b.barrier(barrierId, 128);
  b.ifThen(isLeader, [&] {
    Value column = b.add(b.add(tile.column, code.outColumn), firstChunk(batch) * 8);
    copyToGlobal(b, code.outMap, b.shared(base, tileOffset), column, tile.row);
  });
}

/// Writes the results of a batch to a tile in shared memory.
void TileStores::fill(int64_t batch, Value tileOffset, ArrayRef<MatmulEpilogue::Loaded> extras,
                      ArrayRef<Value> sums) {
  Value matrixRow = b.add(b.mul(warp, 16), b.rem(lane, 16));
  Value rowOffset = b.add(tileOffset, b.mul(matrixRow, swizzledRowBytes));
  for (int64_t quarter = 0; quarter < 4; ++quarter) {
    SmallVector<Value> registers;
    for (int64_t matrix = 0; matrix < 4; ++matrix) {
      int64_t chunk = quarter * 2 + matrix / 2, half = matrix % 2;
      auto pair = epilogue.evaluate(epilogue.slice(sums, firstChunk(batch) + chunk, half, 0, 2),
                                    extras[chunk * 2 + half], 2);
      registers.push_back(b.packPair(pair[0], pair[1], elementType(op.getOut())));
    }
    Value piece = b.bitXor(b.add(b.div(lane, 16), quarter * 2), b.rem(lane, 8));
    storeMatrices(b, b.shared(base, b.add(rowOffset, b.mul(piece, 16))), registers);
  }
}

std::unique_ptr<HopperStores> nvptx::makeTileStores(const HopperStoreContext &context,
                                                    int64_t columns) {
  return std::make_unique<TileStores>(context, columns);
}
