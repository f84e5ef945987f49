//===- MatmulEpilogue.cpp - From sums to the stored result ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A thread's sums, in chunks of 8 columns: lane l of a warp has columns 2 (l mod 4) and
// the next one of rows l / 4 and l / 4 + 8, four sums in this order. Groups lie side by
// side in a tile, so that the sums of one output column meet in one thread.
//
//===----------------------------------------------------------------------===//

#include "MatmulTiles.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

MatmulEpilogue::MatmulEpilogue(GPUKernelBuilder &b, MatmulOp op, const MatmulPlan &plan, Value base,
                               Value consumer, Value thread, Value outMap)
    : b(b), op(op), plan(plan), base(base), consumer(consumer), outMap(outMap),
      rows(b.extent(op.getRows())), warp(b.div(thread, 32)), lane(b.rem(thread, 32)),
      isLeader(b.equal(thread, 0)), out(b.buffer(op.getOut())), extras(b.extras(op)) {}

void MatmulEpilogue::emit(const MatmulTile &tile, Value sums) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < plan.tileColumns / 2; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, sums, i));
  if (plan.storesTiles)
    storeThroughShared(tile, values);
  else
    storeDirectly(tile, values);
}

void MatmulEpilogue::finish() {
  if (plan.storesTiles)
    b.ifThen(isLeader, [&] { waitCopiesRead(b, 0); });
}

MatmulEpilogue::ExtraRow MatmulEpilogue::extraRow(Value row) {
  return {row, b.lookUp(op.getGather(), row), b.loadScalars(extras, row)};
}

/// The region's results for `count` columns from column + first, of `half` of a chunk.
SmallVector<Value> MatmulEpilogue::evaluate(ArrayRef<Value> sums, int64_t chunk, int64_t half,
                                            const ExtraRow &at, Value column, int64_t first,
                                            int64_t count) {
  auto loaded =
      b.loadExtras(extras, at.row, at.gatheredRow, b.add(column, first), count, at.scalars);
  SmallVector<Value> results;
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<Value> arguments;
    for (int64_t group = 0; group < plan.groups; ++group)
      arguments.push_back(sums[(group * plan.outColumns() / 8 + chunk) * 4 + half * 2 + first + i]);
    for (ArrayRef<Value> extra : loaded)
      arguments.push_back(extra[i]);
    results.push_back(b.inlineRegion(op.getEpilogue(), arguments));
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Stores of each thread: any row, any width
//===----------------------------------------------------------------------===//

void MatmulEpilogue::storeDirectly(const MatmulTile &tile, ArrayRef<Value> sums) {
  Value firstRow = b.add(tile.row, b.add(b.mul(consumer, 64), b.mul(warp, 16)));
  Value column = b.add(tile.column, b.mul(b.rem(lane, 4), 2));
  for (int64_t half = 0; half < 2; ++half) {
    Value row = b.add(b.add(firstRow, b.div(lane, 4)), half * 8);
    b.ifThen(b.less(row, rows), [&] { storeRow(row, column, half, sums); });
  }
}

void MatmulEpilogue::storeRow(Value row, Value column, int64_t half, ArrayRef<Value> sums) {
  ExtraRow at = extraRow(row);
  Value outRow = b.lookUp(op.getScatter(), row);
  // Pairs where both columns are inside or outside, and where a pair is aligned.
  bool storesPairs = plan.n % 2 == 0 && op.getOutColumn() % 2 == 0 && out.stride % 2 == 0;
  int64_t count = storesPairs ? 2 : 1;
  for (int64_t chunk = 0; chunk < plan.outColumns() / 8; ++chunk) {
    Value chunkColumn = b.add(column, chunk * 8);
    for (int64_t first = 0; first < 2; first += count) {
      auto store = [&] {
        auto results = evaluate(sums, chunk, half, at, chunkColumn, first, count);
        Value place = b.add(chunkColumn, first + op.getOutColumn());
        b.storeVector(results, out, b.rowOffset(out, outRow, place));
      };
      if (plan.n % plan.outColumns() == 0)
        store();
      else
        b.ifThen(b.less(b.add(chunkColumn, first), b.i32(plan.n)), store);
    }
  }
}

//===----------------------------------------------------------------------===//
// Stores of the copy engine, 64 columns at a time, which drop what lies outside
//===----------------------------------------------------------------------===//

void MatmulEpilogue::storeThroughShared(const MatmulTile &tile, ArrayRef<Value> sums) {
  Value firstRow = b.add(tile.row, b.mul(consumer, 64));
  // What extras are read for outside the result is dropped; it is read at its edge.
  Value laneColumn = b.mul(b.rem(lane, 4), 2);
  SmallVector<ExtraRow, 2> extraRows;
  for (int64_t half = 0; half < 2; ++half) {
    Value row = b.add(b.add(firstRow, b.mul(warp, 16)), b.add(b.div(lane, 4), half * 8));
    extraRows.push_back(extraRow(b.min(row, b.add(rows, -1))));
  }
  Value matrixRow = b.add(b.mul(warp, 16), b.rem(lane, 16));
  Value rowBytes = b.mul(matrixRow, swizzledRowBytes);
  Value barrierId = b.add(consumer, 1);

  int64_t groups = plan.outColumns() / 64;
  for (int64_t group = 0; group < groups; ++group) {
    // Two tiles take turns: the copy of the one before the last has to have been read, and
    // of the last one too where an odd number of groups makes a tile follow on itself.
    Value tileOffset = b.add(b.mul(consumer, 2 * plan.outTileBytes()),
                             plan.outOffset() + group % 2 * plan.outTileBytes());
    int64_t pending = group == 0 && groups % 2 == 1 ? 0 : 1;
    b.ifThen(isLeader, [&] { waitCopiesRead(b, pending); });
    b.barrier(barrierId, 128);
    for (int64_t quarter = 0; quarter < 4; ++quarter) {
      SmallVector<Value> registers;
      for (int64_t matrix = 0; matrix < 4; ++matrix) {
        int64_t chunk = group * 8 + quarter * 2 + matrix / 2, half = matrix % 2;
        Value column = b.add(tile.column, b.add(laneColumn, chunk * 8));
        if (plan.n % plan.outColumns() != 0)
          column = b.min(column, b.i32(plan.n - 2));
        auto pair = evaluate(sums, chunk, half, extraRows[half], column, 0, 2);
        registers.push_back(b.packPair(pair[0], pair[1], out.elementType));
      }
      Value piece = b.bitXor(b.add(b.div(lane, 16), quarter * 2), b.rem(lane, 8));
      Value address = b.add(b.add(tileOffset, rowBytes), b.mul(piece, 16));
      storeMatrices(b, b.shared(base, address), registers);
    }
    fenceShared(b);
    b.barrier(barrierId, 128);
    b.ifThen(isLeader, [&] {
      copyToGlobal(b, outMap, b.shared(base, tileOffset),
                   b.add(tile.column, group * 64 + op.getOutColumn()), firstRow);
    });
  }
}
