//===- HopperRowStores.cpp - Results that threads store -------------------===//
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

/// Columns that a thread stores at once: a quad, 16 bytes of float32. Two lanes exchange
/// halves of two neighbouring chunks of 8 columns for it.
static constexpr int64_t quadColumns = 4, pairColumns = 16;
/// Quads that are loaded together, before the first of them is stored.
static constexpr int64_t batchQuads = 8;

namespace {
/// Stores a row of the thread after the other.
class RowStores : public BatchedStores {
public:
  RowStores(const HopperStoreContext &context, int64_t columns)
      : BatchedStores(context, columns, 2 * batchesPerRow(columns)), out(b.buffer(op.getOut())) {}

  void begin(const MatmulTile &whole) override;

protected:
  Batch loadBatch(int64_t batch) override;
  void storeBatch(int64_t batch, ArrayRef<MatmulEpilogue::Loaded> extras,
                  ArrayRef<Value> sums) override;
  void prefetchRest() override { prefetch(rows[1], 0, columns); }

private:
  /// Quads [begin, end) of one of the thread's rows.
  struct Quads {
    int64_t row, begin, end;
  };

  Buffer out;
  Value inPair; ///< column of the thread's quad in its pair of chunks
  SmallVector<Value, 2> outRows;

  static int64_t batchesPerRow(int64_t columns) {
    return llvm::divideCeil(columns / pairColumns, batchQuads);
  }
  Quads quadsOf(int64_t batch) const;
  /// Whether pairs of chunks of a tile can lie outside the result, as a whole.
  bool isChecked() const { return plan.n % columns != 0; }
  Value pairColumn(int64_t quad) { return b.add(tile.column, quad * pairColumns); }
  Value knownColumn(int64_t quad);
  SmallVector<Value> takeQuad(ArrayRef<Value> sums, int64_t row, int64_t quad);
};
} // namespace

RowStores::Quads RowStores::quadsOf(int64_t batch) const {
  int64_t perRow = batches / 2, begin = batch % perRow * batchQuads;
  return {batch / perRow, begin, std::min(begin + batchQuads, columns / pairColumns)};
}

void RowStores::begin(const MatmulTile &whole) {
  inPair = b.add(b.mul(b.rem(lane, 2), 8), b.mul(b.div(b.rem(lane, 4), 2), quadColumns));
  BatchedStores::begin(whole);
  outRows.clear();
  for (const Row &row : rows)
    outRows.push_back(b.lookUp(op.getScatter(), row.extras.row));
}

/// Where a quad's extras are read: what is read for one outside the result is dropped.
Value RowStores::knownColumn(int64_t quad) {
  Value column = pairColumn(quad);
  if (isChecked())
    column = b.min(column, b.i32(plan.n - pairColumns));
  return b.add(column, inPair);
}

BatchedStores::Batch RowStores::loadBatch(int64_t batch) {
  Quads quads = quadsOf(batch);
  Batch extras;
  for (int64_t quad = quads.begin; quad < quads.end; ++quad)
    extras.push_back(epilogue.load(rows[quads.row].extras, knownColumn(quad), quadColumns));
  return extras;
}

void RowStores::storeBatch(int64_t batch, ArrayRef<MatmulEpilogue::Loaded> extras,
                           ArrayRef<Value> sums) {
  Quads quads = quadsOf(batch);
  SmallVector<SmallVector<Value>> results;
  for (int64_t quad = quads.begin; quad < quads.end; ++quad)
    results.push_back(epilogue.evaluate(takeQuad(sums, quads.row, quad), extras[quad - quads.begin],
                                        quadColumns));
  b.ifThen(rows[quads.row].exists, [&] {
    for (auto [index, result] : llvm::enumerate(results)) {
      Value column = pairColumn(quads.begin + index);
      auto store = [&, result = ArrayRef(result)] {
        Value place = b.add(b.add(column, inPair), code.outColumn);
        Value rowStart = b.mul(b.widen(outRows[quads.row]), code.outStride);
        b.storeVector(result, out, b.add(rowStart, b.widen(place)));
      };
      if (isChecked())
        b.ifThen(b.less(column, b.i32(plan.n)), store);
      else
        store();
    }
  });
}

/// The thread's quad of each group: an even lane gives its sums of the second chunk for its
/// neighbour's of the first.
SmallVector<Value> RowStores::takeQuad(ArrayRef<Value> sums, int64_t row, int64_t quad) {
  Value isOdd = b.equal(b.rem(lane, 2), 1);
  auto first = epilogue.slice(sums, 2 * quad, row, 0, 2);
  auto second = epilogue.slice(sums, 2 * quad + 1, row, 0, 2);
  SmallVector<Value> result;
  for (int64_t group = 0; group < plan.groups; ++group) {
    SmallVector<Value, 2> low, high;
    for (int64_t i = 2 * group; i < 2 * group + 2; ++i) {
      Value taken = b.shuffleXor(b.select(isOdd, first[i], second[i]), 1);
      low.push_back(b.select(isOdd, taken, first[i]));
      high.push_back(b.select(isOdd, second[i], taken));
    }
    llvm::append_range(result, low);
    llvm::append_range(result, high);
  }
  return result;
}

bool nvptx::canStoreRows(const ProductCode &code, int64_t columns) {
  MatmulOp op = code.op();
  return code.plan().n % pairColumns == 0 && columns % pairColumns == 0 &&
         rowWidth(op.getOut()) % quadColumns == 0 && op.getOutColumn() % quadColumns == 0;
}

std::unique_ptr<HopperStores> nvptx::makeRowStores(const HopperStoreContext &context,
                                                   int64_t columns) {
  return std::make_unique<RowStores>(context, columns);
}
