//===- AttentionState.cpp - What attention knows after some keys ----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionState.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

AttentionRows AttentionRows::load(GPUKernelBuilder &b, AttentionOp op, Value number) {
  AttentionRows rows;
  rows.keys = rows.queries = Sequence::load(b, op.getOffsets(), number);
  rows.before = b.i32(0);
  if (op.getQueryOffsets()) {
    rows.queries = Sequence::load(b, op.getQueryOffsets(), number);
    rows.before = b.sub(rows.keys.length, rows.queries.length);
  } else if (op.getFirstKeys()) {
    rows.before = b.lookUp(op.getKeysBefore(), number);
    rows.keys = {b.lookUp(op.getFirstKeys(), number), b.add(rows.before, rows.queries.length)};
  }
  return rows;
}

SoftmaxState SoftmaxState::empty(GPUKernelBuilder &b, const AttentionShape &shape,
                                 const SoftmaxRow &row) {
  SoftmaxState state;
  state.outputs.assign(shape.rowTiles() * shape.featureTiles(), Fragment(4, b.f32(0)));
  state.rows.assign(2 * shape.rowTiles(), row);
  return state;
}

SmallVector<Value> SoftmaxState::pack() const {
  SmallVector<Value> values;
  for (const Fragment &tile : outputs)
    llvm::append_range(values, tile);
  for (const SoftmaxRow &row : rows)
    llvm::append_range(values, ArrayRef{row.maximum, row.sum});
  return values;
}

SoftmaxState SoftmaxState::unpack(const AttentionShape &shape, ValueRange values) {
  SoftmaxState state;
  int64_t tiles = shape.rowTiles() * shape.featureTiles();
  for (int64_t tile = 0; tile < tiles; ++tile)
    state.outputs.emplace_back(values.slice(4 * tile, 4));
  for (ValueRange rest = values.drop_front(4 * tiles); !rest.empty(); rest = rest.drop_front(2))
    state.rows.push_back({rest[0], rest[1]});
  return state;
}

/// The values of one of the thread's rows in tiles that lie side by side.
static SmallVector<Value *> valuesOf(MutableArrayRef<Fragment> tiles, int64_t tilesPerRow,
                                     int64_t row) {
  SmallVector<Value *> own;
  for (Fragment &tile : tiles.slice(row / 2 * tilesPerRow, tilesPerRow))
    for (int64_t column = 0; column < 2; ++column)
      own.push_back(&tile[row % 2 * 2 + column]);
  return own;
}

SmallVector<Value *> SoftmaxState::outputsOf(const AttentionShape &shape, int64_t row) {
  return valuesOf(outputs, shape.featureTiles(), row);
}

void SoftmaxState::attend(GPUKernelBuilder &b, AttentionTiles &tiles, const AttentionShape &shape,
                          Value offset, Value scale, llvm::function_ref<Value(int64_t row)> bound) {
  SmallVector<Fragment> scores = tiles.scores(b.add(offset, shape.keysAt()));
  // No branch: the comparisons are few beside the products, and in one basic block they
  // are scheduled among them.
  int64_t numRows = 2 * shape.rowTiles();
  for (int64_t row = 0; row < numRows; ++row)
    hideScores(b, valuesOf(scores, shape.keyTiles(), row), bound(row));
  for (int64_t row = 0; row < numRows; ++row) {
    Value rescale = weighScores(b, valuesOf(scores, shape.keyTiles(), row), rows[row], scale);
    for (Value *output : outputsOf(shape, row))
      *output = b.mulf(*output, rescale);
  }
  tiles.accumulate(scores, b.add(offset, shape.valuesAt()), outputs);
}
