//===- HopperRowStores.cpp - Results that threads store -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// All blocks reach the end of a tile at about the same time. A residual that is read only
// then takes the memory's time for all of them at once, in which nobody multiplies: about 5 µs
// for 128 × 256 in float32, where the products of 2048 take 11. So half of it is read into
// registers and the other half into the L2 cache when the products begin.
//
//===----------------------------------------------------------------------===//

#include "MatmulHopper.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Columns that a thread stores at once: a quad, 16 bytes of float32. Two lanes exchange
/// halves of two neighbouring chunks of 8 columns for it.
static constexpr int64_t quadColumns = 4, pairColumns = 16;
/// Quads that are loaded together, before the first of them is stored.
static constexpr int64_t batchQuads = 8;

bool HopperRowStores::canStore(MatmulOp op, const HopperMatmulPlan &plan) {
  return !plan.storesTiles && plan.n % plan.outColumns() == 0 &&
         plan.outColumns() % pairColumns == 0 && rowWidth(op.getOut()) % quadColumns == 0 &&
         op.getOutColumn() % quadColumns == 0;
}

HopperRowStores::HopperRowStores(GPUKernelBuilder &b, MatmulOp op, const HopperMatmulPlan &plan,
                                 Value lane, MatmulEpilogue &epilogue)
    : b(b), plan(plan), epilogue(epilogue), out(b.buffer(op.getOut())),
      rows(b.extent(op.getRows())), scatter(op.getScatter()), lane(lane),
      isOdd(b.equal(b.rem(lane, 2), 1)), outColumn(op.getOutColumn()) {
  int64_t quads = plan.outColumns() / pairColumns;
  for (int64_t half = 0; half < 2; ++half)
    for (int64_t first = 0; first < quads; first += batchQuads)
      batches.push_back({half, first, std::min(first + batchQuads, quads)});
  // There are registers for one value beside each sum of a half.
  ahead = epilogue.numMatrices() == 1 ? batches.size() / 2 : 0;
}

void HopperRowStores::begin(const MatmulTile &tile) {
  Value inPair = b.add(b.mul(b.rem(lane, 2), 8), b.mul(b.div(b.rem(lane, 4), 2), quadColumns));
  column = b.add(tile.column, inPair);
  threadRows.clear();
  loaded.clear();
  for (int64_t half = 0; half < 2; ++half) {
    Value row = b.add(b.add(tile.row, b.div(lane, 4)), half * 8);
    // What is read for a row outside the result is dropped; it is read at its edge.
    Value inside = b.min(row, b.add(rows, -1));
    Value outRow = scatter ? b.lookUp(scatter, inside) : inside;
    threadRows.push_back({epilogue.extraRow(inside), outRow, b.less(row, rows)});
  }
  for (size_t i = 0; i < ahead; ++i)
    loadBatch();
  if (!ahead)
    return;
  // The four lanes of a row have a line each, of 32 float32.
  Value lineColumn = b.add(tile.column, b.mul(b.rem(lane, 4), 32));
  for (int64_t first = 0; first < plan.outColumns(); first += 128)
    epilogue.prefetch(threadRows[1].extras, b.min(b.add(lineColumn, first), b.i32(plan.n - 1)));
}

void HopperRowStores::loadBatch() {
  const Batch &batch = batches[loaded.size()];
  SmallVector<MatmulEpilogue::Loaded> &values = loaded.emplace_back();
  for (int64_t quad = batch.begin; quad < batch.end; ++quad)
    values.push_back(epilogue.load(threadRows[batch.half].extras,
                                   b.add(column, quad * pairColumns), quadColumns));
}

void HopperRowStores::store(ArrayRef<Value> sums) {
  for (auto [index, batch] : llvm::enumerate(batches)) {
    if (!ahead)
      loadBatch();
    storeBatch(batch, loaded[index], sums);
    if (ahead && loaded.size() < batches.size())
      loadBatch();
  }
}

void HopperRowStores::storeBatch(const Batch &batch, ArrayRef<MatmulEpilogue::Loaded> values,
                                 ArrayRef<Value> sums) {
  const Row &row = threadRows[batch.half];
  SmallVector<SmallVector<Value>> results;
  for (int64_t quad = batch.begin; quad < batch.end; ++quad) {
    SmallVector<Value> own;
    takeQuad(sums, batch.half, quad, own);
    results.push_back(epilogue.evaluate(own, values[quad - batch.begin], quadColumns));
  }
  b.ifThen(row.exists, [&] {
    for (auto [index, result] : llvm::enumerate(results)) {
      int64_t offset = (batch.begin + index) * pairColumns + outColumn;
      b.storeVector(result, out, b.rowOffset(out, row.out, b.add(column, offset)));
    }
  });
}

/// Appends the thread's quad of each group: an even lane gives its sums of the second chunk for
/// its neighbour's of the first.
void HopperRowStores::takeQuad(ArrayRef<Value> sums, int64_t half, int64_t quad,
                               SmallVector<Value> &result) {
  int64_t groupSums = sums.size() / plan.groups;
  for (int64_t group = 0; group < plan.groups; ++group) {
    auto first = sums.slice(group * groupSums + quad * 8 + half * 2, 2);
    auto second = sums.slice(group * groupSums + quad * 8 + 4 + half * 2, 2);
    SmallVector<Value, 2> low, high;
    for (int64_t i = 0; i < 2; ++i) {
      Value taken = b.shuffleXor(b.select(isOdd, first[i], second[i]), 1);
      low.push_back(b.select(isOdd, taken, first[i]));
      high.push_back(b.select(isOdd, second[i], taken));
    }
    llvm::append_range(result, low);
    llvm::append_range(result, high);
  }
}
