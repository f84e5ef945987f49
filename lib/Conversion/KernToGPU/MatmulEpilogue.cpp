//===- MatmulEpilogue.cpp - From sums to stored results -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulTiles.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

MatmulEpilogue::MatmulEpilogue(GPUKernelBuilder &b, MatmulOp op, Value lane)
    : b(b), op(op), rows(b.extent(op.getRows())), lane(lane), out(b.buffer(op.getOut())),
      extras(b.extras(op)) {}

MatmulEpilogue::ExtraRow MatmulEpilogue::extraRow(Value row) {
  return {row, b.lookUp(op.getGather(), row), b.loadScalars(extras, row)};
}

MatmulEpilogue::Loaded MatmulEpilogue::load(const ExtraRow &at, Value column, int64_t count) {
  return b.loadExtras(extras, at.row, at.gatheredRow, column, count, at.scalars);
}

void MatmulEpilogue::prefetch(const ExtraRow &at, Value column) {
  for (auto [buffer, access, offset] :
       llvm::zip_equal(extras.buffers, extras.accesses, extras.columns)) {
    if (!isMatrix(access))
      continue;
    Value row = access == Access::Gathered ? at.gatheredRow : at.row;
    b.prefetch(buffer, b.rowOffset(buffer, row, b.add(column, offset)));
  }
}

int64_t MatmulEpilogue::numMatrices() const { return llvm::count_if(extras.accesses, isMatrix); }

SmallVector<Value> MatmulEpilogue::slice(ArrayRef<Value> sums, int64_t chunk, int64_t half,
                                         int64_t first, int64_t count) {
  int64_t groups = op.getGroups(), groupSums = sums.size() / groups;
  SmallVector<Value> result;
  for (int64_t group = 0; group < groups; ++group)
    llvm::append_range(result, sums.slice(group * groupSums + chunk * 4 + half * 2 + first, count));
  return result;
}

SmallVector<Value> MatmulEpilogue::evaluate(ArrayRef<Value> slice, const Loaded &loaded,
                                            int64_t count) {
  SmallVector<Value> results;
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<Value> arguments;
    for (size_t sum = i; sum < slice.size(); sum += count)
      arguments.push_back(slice[sum]);
    for (ArrayRef<Value> extra : loaded)
      arguments.push_back(extra[i]);
    results.push_back(b.inlineRegion(op.getEpilogue(), arguments));
  }
  return results;
}

/// Chunks whose extras are all loaded before the first of them is stored: no load waits for
/// a store that might be to its address, nor for the load before it. Where columns have to
/// be checked, each has an address of its own, and there are no registers for many.
static int64_t chunksAtOnce(bool isWhole) { return isWhole ? 16 : 2; }

void MatmulEpilogue::store(const MatmulTile &tile, ArrayRef<Value> sums, bool isWhole) {
  Value column = b.add(tile.column, b.mul(b.rem(lane, 4), 2));
  for (int64_t half = 0; half < 2; ++half) {
    Value row = b.add(b.add(tile.row, b.div(lane, 4)), half * 8);
    b.ifThen(b.less(row, rows), [&] { storeRow(row, column, half, sums, isWhole); });
  }
}

void MatmulEpilogue::storeRow(Value row, Value column, int64_t half, ArrayRef<Value> sums,
                              bool isWhole) {
  ExtraRow at = extraRow(row);
  Value outRow = b.lookUp(op.getScatter(), row);
  int64_t chunks = sums.size() / op.getGroups() / 4, step = chunksAtOnce(isWhole);
  for (int64_t first = 0; first < chunks; first += step)
    storeChunks(at, outRow, column, half, first, std::min(first + step, chunks), sums, isWhole);
}

void MatmulEpilogue::storeChunks(const ExtraRow &at, Value outRow, Value laneColumn, int64_t half,
                                 int64_t begin, int64_t end, ArrayRef<Value> sums, bool isWhole) {
  // Pairs where both columns are inside or outside, and where a pair is aligned.
  bool storesPairs = op.getN() % 2 == 0 && op.getOutColumn() % 2 == 0 && out.stride % 2 == 0;
  int64_t count = storesPairs ? 2 : 1;
  struct Place {
    Value column;
    SmallVector<Value> results;
  };
  SmallVector<Place> places;
  for (int64_t chunk = begin; chunk < end; ++chunk) {
    for (int64_t first = 0; first < 2; first += count) {
      Value column = b.add(laneColumn, chunk * 8 + first);
      Value inside = isWhole ? column : b.min(column, b.i32(op.getN() - count));
      places.push_back({column, evaluate(slice(sums, chunk, half, first, count),
                                         load(at, inside, count), count)});
    }
  }
  for (const auto &[column, results] : places) {
    auto store = [&, column = column, results = ArrayRef(results)] {
      Value place = b.add(column, op.getOutColumn());
      b.storeVector(results, out, b.rowOffset(out, outRow, place));
    };
    if (isWhole)
      store();
    else
      b.ifThen(b.less(column, b.i32(op.getN())), store);
  }
}
