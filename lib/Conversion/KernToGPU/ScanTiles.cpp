//===- ScanTiles.cpp - b and c of the scan in shared memory ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanTiles.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// float32 elements of the widest access to shared memory.
static constexpr int64_t maxSharedVector = 4;

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

ScanShape::ScanShape(Operation *op, MemRefType a, int64_t numProjections)
    : states(a.getDimSize(0)), channels(a.getDimSize(1)), projections(numProjections),
      laneChannels(configValue(op, "channels")), lanes(configValue(op, "lanes")),
      rows(configValue(op, "rows")), steps(configValue(op, "steps")),
      threads(configValue(op, "threads")), threadStates(llvm::divideCeil(states, lanes)) {
  threadStates = roundUp(
      threadStates, std::min<int64_t>(llvm::bit_ceil<uint64_t>(threadStates), maxSharedVector));
}

int64_t ScanShape::sharedVector() const { return std::min(threadStates, maxSharedVector); }

LogicalResult nvptx::checkThreads(Operation *op, int64_t threads) {
  if (threads % 32 == 0 && threads <= 1024)
    return success();
  return op->emitOpError("needs 'threads' in multiples of 32 up to 1024 in its GPU "
                         "configuration, got ")
         << threads;
}

LogicalResult ScanShape::check(Operation *op, const flowhn::GPUTargetInfo &target) const {
  if (lanes > 32 || !llvm::isPowerOf2_64(lanes))
    return op->emitOpError("needs 'lanes' that are a power of two up to 32 in its GPU "
                           "configuration, got ")
           << lanes;
  if (failed(checkThreads(op, threads)))
    return failure();
  if (lanes % laneChannels != 0)
    return op->emitOpError(
               "needs 'lanes' in multiples of 'channels' in its GPU configuration, got ")
           << lanes << " and " << laneChannels;
  if (steps % roundRows() != 0)
    return op->emitOpError("needs 'steps' in multiples of 'lanes' / 'channels' in its GPU "
                           "configuration, got ")
           << steps << " and " << roundRows();
  if (rows % steps != 0)
    return op->emitOpError("needs 'rows' in multiples of 'steps' in its GPU configuration, got ")
           << rows << " and " << steps;
  return checkSharedBytes(op, sharedBytes(), target);
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

ScanTiles::ScanTiles(GPUKernelBuilder &builder, ArrayRef<ScanProjection> projections,
                     const ScanShape &shape, const Sequence &sequence, Value part)
    : builder(builder), shape(shape), sequence(sequence), base(builder.sharedBase()),
      readOffset(builder.mul(part, shape.segment())) {
  SmallVector<int64_t> extents = {shape.states};
  for (const ScanProjection &projection : projections) {
    this->projections.emplace_back(builder.buffer(projection.rows), projection.column);
    llvm::append_values(extents, rowWidth(projection.rows), projection.column);
  }
  // As wide as the buffers allow, but with work for every thread.
  int64_t wide = llvm::bit_floor<uint64_t>(
      std::clamp<int64_t>(shape.rows * shape.states / shape.threads, 1, shape.sharedVector()));
  vector = commonVector(extents, wide);
}

void ScanTiles::clear() {
  if (shape.paddedStates() == shape.states)
    return;
  Value zero = builder.f32(0);
  builder.forLoop(builder.threadId(), builder.i32(2 * shape.tile()), builder.i32(shape.threads),
                  [&](Value element) { builder.storeRaw(zero, address(element)); });
  builder.barrier();
}

SmallVector<ScanTiles::Chunk> ScanTiles::chunks() {
  int64_t perRow = shape.states / vector, count = shape.rows * perRow;
  SmallVector<Chunk> result;
  for (int64_t first = 0; first < count; first += shape.threads) {
    Value number = builder.add(builder.threadId(), first);
    Value exists;
    if (first + shape.threads > count)
      exists = builder.less(number, builder.i32(count));
    result.push_back(
        {builder.div(number, perRow), builder.mul(builder.rem(number, perRow), vector), exists});
  }
  return result;
}

SmallVector<Value> ScanTiles::fetch(Value time) {
  Value last = builder.sub(sequence.length, builder.i32(1));
  SmallVector<Value> values;
  for (const Chunk &chunk : chunks()) {
    // The threads without a chunk, and those behind the sequence's end, read its last row.
    Value row = builder.add(sequence.begin, builder.min(builder.add(time, chunk.row), last));
    for (const auto &[buffer, column] : projections) {
      Value offset = builder.rowOffset(buffer, row, builder.add(chunk.state, column));
      Type type =
          vector == 1 ? buffer.elementType : Type(VectorType::get(vector, buffer.elementType));
      values.push_back(builder.loadRaw(type, builder.at(buffer.pointer, offset, buffer.elementType),
                                       vector * buffer.elementType.getIntOrFloatBitWidth() / 8));
    }
  }
  return values;
}

/// A chunk as float32.
Value ScanTiles::extend(Value chunk) {
  auto type = dyn_cast<VectorType>(chunk.getType());
  if (!type)
    return builder.extend(chunk);
  SmallVector<Value> values;
  for (int64_t index = 0; index < type.getNumElements(); ++index)
    values.push_back(builder.extend(
        LLVM::ExtractElementOp::create(builder.builder, builder.loc, chunk, builder.i32(index))));
  return builder.vectorOf(values);
}

void ScanTiles::publish(ValueRange values, Value newSide) {
  side = newSide;
  Value start = builder.mul(side, shape.tile());
  for (auto [index, chunk] : llvm::enumerate(chunks())) {
    auto store = [&, index = index, chunk = chunk] {
      Value lane = builder.div(chunk.state, shape.threadStates);
      Value inside = builder.rem(chunk.state, shape.threadStates);
      Value place = builder.add(builder.mul(chunk.row, shape.pitch()),
                                builder.add(builder.mul(lane, shape.segment()), inside));
      for (int64_t which = 0; which < shape.projections; ++which) {
        Value element = builder.add(builder.add(start, place), which * shape.projection());
        builder.storeRaw(extend(values[shape.projections * index + which]), address(element),
                         4 * vector);
      }
    };
    if (chunk.exists)
      builder.ifThen(chunk.exists, store);
    else
      store();
  }
}

ScanTiles::Row ScanTiles::load(Value step, int64_t index) {
  Value start = builder.add(builder.mul(side, shape.tile()), readOffset);
  start = builder.add(start, builder.mul(step, shape.pitch()));
  int64_t row = index * shape.pitch();
  Row result = {loadSegment(start, row), {}};
  if (shape.projections > 1)
    result.c = loadSegment(start, row + shape.projection());
  return result;
}

SmallVector<Value> ScanTiles::loadSegment(Value offset, int64_t constant) {
  int64_t width = shape.sharedVector();
  Type type = VectorType::get(width, builder.f32());
  SmallVector<Value> values;
  for (int64_t first = 0; first < shape.threadStates; first += width) {
    Value pointer = builder.shared(address(offset), 4 * (constant + first));
    Value loaded = builder.loadRaw(type, pointer, 4 * width);
    for (int64_t index = 0; index < width; ++index)
      values.push_back(
          LLVM::ExtractElementOp::create(builder.builder, builder.loc, loaded, builder.i32(index)));
  }
  return values;
}
