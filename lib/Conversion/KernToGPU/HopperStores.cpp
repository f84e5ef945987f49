//===- HopperStores.cpp - From sums of a warpgroup to results -------------===//
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

HopperStores::HopperStores(const HopperStoreContext &context, int64_t columns)
    : b(context.b), code(context.code), op(code.op()), plan(code.plan()), base(context.base),
      consumer(context.consumer), warp(b.div(context.thread, 32)), lane(b.rem(context.thread, 32)),
      isLeader(b.equal(context.thread, 0)), epilogue(b, op, lane), columns(columns) {}

BatchedStores::BatchedStores(const HopperStoreContext &context, int64_t columns, int64_t batches)
    : HopperStores(context, columns), batches(batches),
      // There are registers for one value beside each of half of the sums.
      ahead(epilogue.numMatrices() == 1 ? batches / 2 : 0), numRows(b.extent(op.getRows())) {}

void BatchedStores::begin(const MatmulTile &whole) {
  tile = {b.add(whole.row, b.mul(consumer, 64)), whole.column};
  Value first = b.add(tile.row, b.add(b.mul(warp, 16), b.div(lane, 4)));
  rows.clear();
  loaded.clear();
  for (int64_t half = 0; half < 2; ++half) {
    Value row = b.add(first, half * 8);
    // What is read for a row outside the result is dropped; it is read at its edge.
    rows.push_back({epilogue.extraRow(b.min(row, b.add(numRows, -1))), b.less(row, numRows)});
  }
  for (int64_t batch = 0; batch < ahead; ++batch)
    loadNext();
  if (ahead)
    prefetchRest();
}

void BatchedStores::store(ArrayRef<Value> sums) {
  for (int64_t batch = 0; batch < batches; ++batch) {
    if (!ahead)
      loadNext();
    storeBatch(batch, loaded[batch], sums);
    if (ahead && int64_t(loaded.size()) < batches)
      loadNext();
  }
}

void BatchedStores::prefetch(const Row &row, int64_t begin, int64_t end) {
  // The four lanes of a row have a line each, of 32 float32.
  Value column = b.add(tile.column, b.mul(b.rem(lane, 4), 32));
  for (int64_t first = begin; first < end; first += 128)
    epilogue.prefetch(row.extras, b.min(b.add(column, first), b.i32(plan.n - 1)));
}

namespace {
/// Stores of single columns or pairs, which may be checked.
class CheckedStores : public HopperStores {
public:
  CheckedStores(const HopperStoreContext &context, int64_t columns)
      : HopperStores(context, columns) {}

  void begin(const MatmulTile &whole) override {
    tile = {b.add(whole.row, b.add(b.mul(consumer, 64), b.mul(warp, 16))), whole.column};
  }
  void store(ArrayRef<Value> sums) override {
    epilogue.store(tile, sums, /*isWhole=*/plan.n % columns == 0);
  }
};
} // namespace

std::unique_ptr<HopperStores> nvptx::makeHopperStores(const HopperStoreContext &context,
                                                      int64_t columns) {
  if (context.code.plan().storesTiles && canStoreTiles(context.code.op(), columns))
    return makeTileStores(context, columns);
  if (canStoreRows(context.code, columns))
    return makeRowStores(context, columns);
  return std::make_unique<CheckedStores>(context, columns);
}
