//===- HopperEpilogue.cpp - Results that leave by the copy engine ---------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulHopper.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

HopperEpilogue::HopperEpilogue(GPUKernelBuilder &b, MatmulOp op, const HopperMatmulPlan &plan,
                               Value base, Value consumer, Value thread, Value outMap)
    : b(b), op(op), plan(plan), base(base), consumer(consumer), outMap(outMap),
      rows(b.extent(op.getRows())), warp(b.div(thread, 32)), lane(b.rem(thread, 32)),
      isLeader(b.equal(thread, 0)), epilogue(b, op, lane) {
  if (HopperRowStores::canStore(op, plan))
    rowStores.emplace(b, op, plan, lane, epilogue);
}

MatmulTile HopperEpilogue::warpTile(const MatmulTile &tile) {
  return {b.add(tile.row, b.add(b.mul(consumer, 64), b.mul(warp, 16))), tile.column};
}

void HopperEpilogue::begin(const MatmulTile &tile) {
  if (rowStores)
    rowStores->begin(warpTile(tile));
}

void HopperEpilogue::emit(const MatmulTile &tile, Value sums) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < plan.tileColumns / 2; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, sums, i));
  if (plan.storesTiles)
    storeThroughShared(tile, values);
  else if (rowStores)
    rowStores->store(values);
  else
    epilogue.store(warpTile(tile), values, plan.n % plan.outColumns() == 0);
}

void HopperEpilogue::finish() {
  if (plan.storesTiles)
    b.ifThen(isLeader, [&] { waitCopiesRead(b, 0); });
}

/// Stores of the copy engine, 64 columns at a time, which drop what lies outside.
void HopperEpilogue::storeThroughShared(const MatmulTile &tile, ArrayRef<Value> sums) {
  Value firstRow = b.add(tile.row, b.mul(consumer, 64));
  // What extras are read for outside the result is dropped; it is read at its edge.
  Value laneColumn = b.mul(b.rem(lane, 4), 2);
  SmallVector<MatmulEpilogue::ExtraRow, 2> extraRows;
  for (int64_t half = 0; half < 2; ++half) {
    Value row = b.add(b.add(firstRow, b.mul(warp, 16)), b.add(b.div(lane, 4), half * 8));
    extraRows.push_back(epilogue.extraRow(b.min(row, b.add(rows, -1))));
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
        auto pair = epilogue.evaluate(sums, chunk, half, extraRows[half], column, 0, 2);
        registers.push_back(b.packPair(pair[0], pair[1], elementType(op.getOut())));
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
