//===- AttentionTiles.cpp - Tiles of attention on tensor cores ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTiles.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

AttentionShape::AttentionShape(AttentionOp op)
    : type(elementType(op.getQuery())), headSize(op.getHeadSize()), keys(configValue(op, "keys")),
      rows(configValue(op, "rows")), stages(configValue(op, "stages")),
      warps(configValue(op, "warps")) {}

AttentionShape AttentionShape::choose(AttentionOp op, const flowhn::GPUTargetInfo &target) {
  Type type = elementType(op.getQuery());
  int64_t headSize = op.getHeadSize();
  // Two row tiles of a warp use each key and value twice; beyond 64 features of 16 bits their
  // sums would no longer fit in registers beside the scores. A float32 factor takes twice the
  // registers, and its products sums of their own.
  int64_t rows = headSize <= (type.isF32() ? 32 : 64) ? 32 : 16;
  int64_t keys = (headSize <= 128 ? 64 : 32) / (type.isF32() ? 2 : 1);
  AttentionShape shape(type, headSize, keys, rows);
  while (shape.sharedBytes() > target.sharedBytes && shape.keys > 16)
    shape.keys /= 2;
  while (shape.sharedBytes() > target.sharedBytes && shape.warps > 1)
    shape.warps /= 2;
  return shape;
}

DictionaryAttr AttentionShape::config() const {
  return makeConfig(type.getContext(),
                    {{"keys", keys}, {"rows", rows}, {"stages", stages}, {"warps", warps}});
}

LogicalResult AttentionShape::check(AttentionOp op, const flowhn::GPUTargetInfo &target) const {
  for (Value value : {op.getQuery(), op.getKey(), op.getValue()})
    if (Type other = elementType(value); other != type)
      return op.emitOpError("needs queries, keys and values of one type on the GPU, got ")
             << type << " and " << other;
  if (headSize % 8 != 0 || headSize < 16 || headSize > 256)
    return op.emitOpError("needs a head size from 16 to 256 that is a multiple of 8 on the GPU, "
                          "got ")
           << headSize;
  if (op.getScale().convertToFloat() <= 0)
    return op.emitOpError("needs a positive scale on the GPU");
  if (rows % 16 != 0 || keys % 16 != 0)
    return op.emitOpError("needs 'rows' and 'keys' in multiples of 16 in its GPU configuration, "
                          "got ")
           << rows << " and " << keys;
  if (stages < 2 || warps > 32)
    return op.emitOpError("needs at least 2 'stages' and at most 32 'warps' in its GPU "
                          "configuration, got ")
           << stages << " and " << warps;
  return checkSharedBytes(op, sharedBytes(), target);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

AttentionTiles::AttentionTiles(GPUKernelBuilder &b, const AttentionShape &shape, Value thread,
                               Value base)
    : b(b), shape(shape), base(base), thread(thread) {
  warp = b.div(thread, 32);
  lane = b.rem(thread, 32);
  // A lane gives the address of one row of one 8 × 16 byte matrix. The matrices of queries
  // and values go down the rows first, those of keys along them first.
  Value row = b.rem(lane, 8), first = b.rem(b.div(lane, 8), 2), second = b.div(lane, 16);
  auto place = [&](Value down, Value along) {
    return b.add(b.mul(b.add(b.mul(down, 8), row), shape.pitch()), b.mul(along, 16));
  };
  queryPlace = b.add(place(first, second), b.mul(warp, shape.rows * shape.pitch()));
  keyPlace = place(second, first);
  // Float32 cannot be transposed on the way: a lane reads two rows of one column.
  valuePlace = shape.type.isF32()
                   ? b.add(b.mul(b.rem(lane, 4), 2 * shape.pitch()), b.mul(b.div(lane, 4), 4))
                   : place(first, second);
}

AttentionTiles::Source AttentionTiles::source(Value memref, int64_t column, Value head) {
  return {b.buffer(memref), b.add(b.mul(head, shape.headSize), column),
          commonVector({rowWidth(memref), column}, 16 / shape.elementBytes())};
}

void AttentionTiles::copy(const Source &source, Value row, Value last, int64_t rows, Value offset) {
  auto place = [&](Value line) { return std::pair(b.min(b.add(row, line), last), source.column); };
  copy(source, place, rows, offset);
}

void AttentionTiles::copy(const Source &source, Place place, int64_t rows, Value offset) {
  int64_t perRow = shape.headSize / source.vector, count = rows * perRow;
  for (int64_t start = 0; start < count; start += shape.threads()) {
    Value number = b.add(thread, start);
    auto copyOne = [&] {
      Value line = b.div(number, perRow), feature = b.mul(b.rem(number, perRow), source.vector);
      auto [row, column] = place(line);
      Value from = b.rowOffset(source.buffer, row, b.add(column, feature));
      Value to = b.add(b.mul(line, shape.pitch()), b.mul(feature, shape.elementBytes()));
      copyChunk(source, b.at(source.buffer.pointer, from, source.buffer.elementType),
                b.shared(base, b.add(offset, to)));
    };
    if (start + shape.threads() > count)
      b.ifThen(b.less(number, b.i32(count)), copyOne);
    else
      copyOne();
  }
}

/// Asynchronously where the hardware can: 4 bytes or more at once.
void AttentionTiles::copyChunk(const Source &source, Value from, Value to) {
  int64_t bytes = source.vector * shape.elementBytes();
  if (bytes < 4) {
    b.storeRaw(b.loadRaw(source.buffer.elementType, from), to);
    return;
  }
  copyAsync(b, to, from, bytes);
}

void AttentionTiles::clearPadding() {
  if (shape.headSize % shape.depth() == 0)
    return;
  // 8 features of 16 bits of every row of queries and keys, two at a time.
  int64_t rows = shape.blockRows() + shape.stages * shape.keys;
  Value zero = b.i32(0);
  b.forLoop(thread, b.i32(rows * 4), b.i32(shape.threads()), [&](Value number) {
    Value row = b.mul(b.div(number, 4), shape.pitch()), pair = b.mul(b.rem(number, 4), 4);
    b.storeRaw(zero, b.shared(b.shared(base, b.add(row, pair)), shape.headSize * 2));
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Factor AttentionTiles::loadQuery(int64_t rowTile, int64_t step) {
  Value place = b.shared(base, queryPlace);
  return makeFactor(
      b, readMatrices(b, b.shared(place, rowTile * 16 * shape.pitch() + step * 32), 4), shape.type);
}

void AttentionTiles::loadQueries() {
  if (!shape.keepsQueries())
    return;
  for (int64_t rowTile = 0; rowTile < shape.rowTiles(); ++rowTile)
    for (int64_t step = 0; step < shape.featureSteps(); ++step)
      queries.push_back(loadQuery(rowTile, step));
}

/// The keys of tiles 2 · pair and 2 · pair + 1.
SmallVector<Factor> AttentionTiles::loadKeys(Value place, int64_t pair, int64_t step) {
  SmallVector<Value> keys =
      readMatrices(b, b.shared(place, pair * 16 * shape.pitch() + step * 32), 4);
  return {makeFactor(b, ArrayRef(keys).take_front(2), shape.type),
          makeFactor(b, ArrayRef(keys).drop_front(2), shape.type)};
}

SmallVector<Fragment> AttentionTiles::scores(Value offset) {
  auto multiplyTiles = shape.roundsSums() ? multiplyRounded : multiply;
  SmallVector<Fragment> sums(shape.rowTiles() * shape.keyTiles(), Fragment(4, b.f32(0)));
  Value place = b.shared(base, b.add(offset, keyPlace));
  for (int64_t step = 0; step < shape.featureSteps(); ++step) {
    SmallVector<Factor> rows;
    for (int64_t rowTile = 0; rowTile < shape.rowTiles(); ++rowTile)
      rows.push_back(shape.keepsQueries() ? queries[rowTile * shape.featureSteps() + step]
                                          : loadQuery(rowTile, step));
    for (int64_t pair = 0; pair < shape.keyTiles() / 2; ++pair)
      for (auto [half, keys] : llvm::enumerate(loadKeys(place, pair, step)))
        for (auto [rowTile, row] : llvm::enumerate(rows))
          multiplyTiles(b, row, keys, sums[rowTile * shape.keyTiles() + 2 * pair + half]);
  }
  return sums;
}

/// Tiles of sums that lie side by side as one tile of factors, of which 16 bits need
/// two. A thread's columns are where it has them: in float32 its inner index lane % 4
/// stands for key 2 (lane % 4) and the index behind, lane % 4 + 4, for the next key.
Factor AttentionTiles::weightsOf(ArrayRef<Fragment> sums) {
  SmallVector<Value> registers;
  if (shape.type.isF32())
    for (int64_t index : {0, 2, 1, 3})
      registers.push_back(sums.front()[index]);
  else
    for (const Fragment &tile : sums)
      for (int64_t low : {0, 2})
        registers.push_back(b.packPair(tile[low], tile[low + 1], shape.type));
  return makeFactor(b, registers, shape.type);
}

/// The values of `count` feature tiles, 1 or 2, for the keys of one step, in the order of
/// `weightsOf`.
SmallVector<Factor> AttentionTiles::loadValues(Value place, int64_t step, int64_t firstTile,
                                               int64_t count) {
  Value first =
      b.shared(place, step * shape.depth() * shape.pitch() + firstTile * 8 * shape.elementBytes());
  SmallVector<Value> values;
  if (shape.type.isF32())
    for (int64_t tile = 0; tile < count; ++tile)
      for (int64_t row = 0; row < 2; ++row)
        values.push_back(b.loadRaw(b.f32(), b.shared(first, row * shape.pitch() + tile * 32)));
  else
    values = readMatrices(b, first, 2 * count, /*transposed=*/true);
  SmallVector<Factor> factors;
  for (int64_t tile = 0; tile < count; ++tile)
    factors.push_back(makeFactor(b, ArrayRef(values).slice(2 * tile, 2), shape.type));
  return factors;
}

void AttentionTiles::accumulate(ArrayRef<Fragment> weights, Value offset,
                                MutableArrayRef<Fragment> sums) {
  auto multiplyTiles = shape.roundsSums() ? multiplyRounded : multiply;
  int64_t tilesPerStep = shape.keyTiles() / shape.keySteps();
  Value place = b.shared(base, b.add(offset, valuePlace));
  for (int64_t step = 0; step < shape.keySteps(); ++step) {
    SmallVector<Factor> rows;
    for (int64_t rowTile = 0; rowTile < shape.rowTiles(); ++rowTile)
      rows.push_back(
          weightsOf(weights.slice(rowTile * shape.keyTiles() + step * tilesPerStep, tilesPerStep)));
    for (int64_t first = 0; first < shape.featureTiles(); first += 2) {
      int64_t count = std::min<int64_t>(2, shape.featureTiles() - first);
      for (auto [half, values] : llvm::enumerate(loadValues(place, step, first, count)))
        for (auto [rowTile, row] : llvm::enumerate(rows))
          multiplyTiles(b, row, values, sums[rowTile * shape.featureTiles() + first + half]);
    }
  }
}
