//===- AttentionTiles.cpp - Tiles of attention on tensor cores ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTiles.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

AttentionShape::AttentionShape(AttentionOp op)
    : headSize(op.getHeadSize()), keys(configValue(op, "keys")), rows(configValue(op, "rows")),
      stages(configValue(op, "stages")), warps(configValue(op, "warps")) {}

LogicalResult AttentionShape::check(AttentionOp op, const flowhn::GPUTargetInfo &target) const {
  for (Value value : {op.getQuery(), op.getKey(), op.getValue()})
    if (Type type = cast<MemRefType>(value.getType()).getElementType(); !type.isBF16())
      return op.emitOpError("needs bfloat16 queries, keys and values on the GPU, got ") << type;
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
  if (sharedBytes() > target.sharedBytes)
    return op.emitOpError("needs ") << sharedBytes() << " bytes of shared memory, and a block of "
                                    << target.chip << " has " << target.sharedBytes;
  return success();
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

AttentionTiles::AttentionTiles(GPUKernelBuilder &b, const AttentionShape &shape)
    : b(b), shape(shape), base(b.sharedBase()), thread(b.threadId()) {
  warp = b.div(thread, 32);
  lane = b.rem(thread, 32);
  // A lane gives the address of one row of one 8 × 8 matrix. The matrices of queries
  // and values go down the rows first, those of keys along them first.
  Value row = b.rem(lane, 8), first = b.rem(b.div(lane, 8), 2), second = b.div(lane, 16);
  auto place = [&](Value down, Value along) {
    return b.add(b.mul(b.add(b.mul(down, 8), row), shape.pitch()), b.mul(along, 16));
  };
  queryPlace = b.add(place(first, second), b.mul(warp, shape.rows * shape.pitch()));
  keyPlace = place(second, first);
  valuePlace = place(first, second);
}

void AttentionTiles::copy(const Source &source, Value row, Value last, int64_t rows, Value offset) {
  int64_t perRow = shape.headSize / source.vector, count = rows * perRow;
  for (int64_t start = 0; start < count; start += shape.threads()) {
    Value number = b.add(thread, start);
    auto copyOne = [&] {
      Value line = b.div(number, perRow), feature = b.mul(b.rem(number, perRow), source.vector);
      Value from =
          b.rowOffset(source.buffer, b.min(b.add(row, line), last), b.add(source.column, feature));
      Value place = b.add(b.mul(line, shape.pitch()), b.mul(feature, 2));
      copyChunk(source, b.at(source.buffer.pointer, from, source.buffer.elementType),
                b.shared(base, b.add(offset, place)));
    };
    if (start + shape.threads() > count)
      b.ifThen(b.less(number, b.i32(count)), copyOne);
    else
      copyOne();
  }
}

/// Asynchronously where the hardware can: 4 bytes or more at once.
void AttentionTiles::copyChunk(const Source &source, Value from, Value to) {
  if (source.vector == 1) {
    b.storeRaw(b.loadRaw(source.buffer.elementType, from), to);
    return;
  }
  uint32_t bytes = source.vector * 2;
  auto cache = bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(b.builder, b.loc, to, from, bytes, cache, /*cpSize=*/Value());
}

void AttentionTiles::clearPadding() {
  if (shape.headSize % 16 == 0)
    return;
  // 8 features of every row of queries and keys, two at a time.
  int64_t rows = shape.blockRows() + shape.stages * shape.keys;
  Value zero = b.i32(0);
  b.forLoop(thread, b.i32(rows * 4), b.i32(shape.threads()), [&](Value number) {
    Value row = b.mul(b.div(number, 4), shape.pitch()), pair = b.mul(b.rem(number, 4), 4);
    b.storeRaw(zero, b.shared(b.shared(base, b.add(row, pair)), shape.headSize * 2));
  });
}

void AttentionTiles::commit() { NVVM::CpAsyncCommitGroupOp::create(b.builder, b.loc); }

void AttentionTiles::wait(int64_t pending) {
  NVVM::CpAsyncWaitGroupOp::create(b.builder, b.loc, static_cast<uint32_t>(pending));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Reads `count` 8 × 8 matrices, a register each.
SmallVector<Value> AttentionTiles::loadMatrices(Value address, int64_t count, bool transposed) {
  MLIRContext *context = b.builder.getContext();
  Type type = LLVM::LLVMStructType::getLiteral(context, SmallVector<Type>(count, b.i32()));
  auto layout = transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row;
  Value loaded = NVVM::LdMatrixOp::create(
      b.builder, b.loc, type, address, b.builder.getI32IntegerAttr(count),
      NVVM::MMALayoutAttr::get(context, layout), NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16));
  SmallVector<Value> matrices;
  for (int64_t index = 0; index < count; ++index)
    matrices.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, loaded, index));
  return matrices;
}

SmallVector<Value> AttentionTiles::loadQuery(int64_t rowTile, int64_t step) {
  Value place = b.shared(base, queryPlace);
  return loadMatrices(b.shared(place, rowTile * 16 * shape.pitch() + step * 32), 4,
                      /*transposed=*/false);
}

void AttentionTiles::loadQueries() {
  if (!shape.keepsQueries())
    return;
  for (int64_t rowTile = 0; rowTile < shape.rowTiles(); ++rowTile)
    for (int64_t step = 0; step < shape.featureSteps(); ++step)
      queries.push_back(loadQuery(rowTile, step));
}

/// sums += a · b for a 16 × 16 tile a and a 16 × 8 tile b.
void AttentionTiles::multiply(ValueRange lhs, ValueRange rhs, Fragment &sums) {
  std::array<NVVM::MMATypes, 2> types = {NVVM::MMATypes::bf16, NVVM::MMATypes::bf16};
  std::array<NVVM::MMALayout, 2> layouts = {NVVM::MMALayout::row, NVVM::MMALayout::col};
  Type type = LLVM::LLVMStructType::getLiteral(b.builder.getContext(),
                                               SmallVector<Type>(sums.size(), b.f32()));
  Value result = NVVM::MmaOp::create(b.builder, b.loc, type, lhs, rhs, sums, {16, 8, 16},
                                     std::nullopt, std::nullopt, types, layouts);
  for (auto [index, sum] : llvm::enumerate(sums))
    sum = LLVM::ExtractValueOp::create(b.builder, b.loc, result, index);
}

SmallVector<Fragment> AttentionTiles::scores(Value offset) {
  SmallVector<Fragment> sums(shape.rowTiles() * shape.keyTiles(), Fragment(4, b.f32(0)));
  Value place = b.shared(base, b.add(offset, keyPlace));
  for (int64_t step = 0; step < shape.featureSteps(); ++step) {
    SmallVector<SmallVector<Value>> a;
    for (int64_t rowTile = 0; rowTile < shape.rowTiles(); ++rowTile)
      a.push_back(shape.keepsQueries() ? queries[rowTile * shape.featureSteps() + step]
                                       : loadQuery(rowTile, step));
    for (int64_t pair = 0; pair < shape.keyTiles() / 2; ++pair) {
      SmallVector<Value> keys = loadMatrices(b.shared(place, pair * 16 * shape.pitch() + step * 32),
                                             4, /*transposed=*/false);
      for (int64_t rowTile = 0; rowTile < shape.rowTiles(); ++rowTile)
        for (int64_t half = 0; half < 2; ++half)
          multiply(a[rowTile], ArrayRef(keys).slice(2 * half, 2),
                   sums[rowTile * shape.keyTiles() + 2 * pair + half]);
    }
  }
  return sums;
}

void AttentionTiles::accumulate(ArrayRef<Fragment> weights, Value offset,
                                MutableArrayRef<Fragment> sums) {
  Type bf16 = b.builder.getBF16Type();
  Value place = b.shared(base, b.add(offset, valuePlace));
  for (int64_t step = 0; step < shape.keyTiles() / 2; ++step) {
    // Two neighbouring tiles of sums are, as they lie, one tile of factors.
    SmallVector<SmallVector<Value>> a(shape.rowTiles());
    for (int64_t rowTile = 0; rowTile < shape.rowTiles(); ++rowTile)
      for (const Fragment &tile : weights.slice(rowTile * shape.keyTiles() + 2 * step, 2))
        for (int64_t low : {0, 2})
          a[rowTile].push_back(b.packPair(tile[low], tile[low + 1], bf16));
    for (int64_t first = 0; first < shape.featureTiles(); first += 2) {
      int64_t count = std::min<int64_t>(2, shape.featureTiles() - first);
      SmallVector<Value> values =
          loadMatrices(b.shared(place, step * 16 * shape.pitch() + first * 16), 2 * count,
                       /*transposed=*/true);
      for (int64_t rowTile = 0; rowTile < shape.rowTiles(); ++rowTile)
        for (int64_t half = 0; half < count; ++half)
          multiply(a[rowTile], ArrayRef(values).slice(2 * half, 2),
                   sums[rowTile * shape.featureTiles() + first + half]);
    }
  }
}
