//===- ScanTiles.cpp - b and c of the scan in shared memory ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanTiles.h"

#include "MmaSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// float32 elements of the widest access to shared memory.
static constexpr int64_t maxSharedVector = 4;
/// Bytes of an asynchronous copy: 4, 8 or these.
static constexpr int64_t maxCopyBytes = 16;

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

ScanShape::ScanShape(Operation *op, MemRefType a, ArrayRef<ScanInput> projections,
                     ArrayRef<ScanInput> rowInputs)
    : states(a.getDimSize(0)), channels(a.getDimSize(1)), projections(projections.size()),
      laneChannels(configValue(op, "channels")), lanes(configValue(op, "lanes")),
      rows(configValue(op, "rows")), steps(configValue(op, "steps")),
      threads(configValue(op, "threads")), threadStates(llvm::divideCeil(states, lanes)) {
  threadStates = roundUp(
      threadStates, std::min<int64_t>(llvm::bit_ceil<uint64_t>(threadStates), maxSharedVector));
  placeCopies(projections, rowInputs);
}

static int64_t elementBytesOf(const ScanInput &input) {
  return elementType(input.rows).getIntOrFloatBitWidth() / 8;
}

void ScanShape::placeCopies(ArrayRef<ScanInput> projections, ArrayRef<ScanInput> rowInputs) {
  copiesEnd = roundUp(2 * tile() * 4, maxCopyBytes);
  // As wide as the buffers allow, but with work for every thread.
  SmallVector<int64_t> extents = {states};
  for (const ScanInput &input : projections)
    llvm::append_values(extents, rowWidth(input.rows), input.column);
  int64_t wide =
      llvm::bit_floor<uint64_t>(std::clamp<int64_t>(rows * states / threads, 1, sharedVector()));
  for (const ScanInput &input : projections) {
    ScanCopy &copy = projectionCopies.emplace_back(
        ScanCopy{commonVector(extents, wide), elementBytesOf(input), copiesEnd});
    copiesEnd += threadPieces() * threads * copy.bytes();
  }
  for (const ScanInput &input : rowInputs) {
    int64_t bytes = elementBytesOf(input);
    int64_t vector = commonVector({channels, blockChannels(), rowWidth(input.rows), input.column},
                                  maxCopyBytes / bytes);
    rowCopies.push_back({vector, bytes, copiesEnd});
    copiesEnd += roundUp(2 * rowBytes(rowCopies.back()), maxCopyBytes);
  }
}

int64_t ScanShape::threadPieces() const {
  return llvm::divideCeil(rows * states / projectionCopies.front().vector, threads);
}

int64_t ScanShape::sharedVector() const { return std::min(threadStates, maxSharedVector); }

LogicalResult nvptx::checkThreads(Operation *op, int64_t threads) {
  if (threads % 32 == 0 && threads <= 1024)
    return success();
  return op->emitOpError("needs 'threads' in multiples of 32 up to 1024 in its GPU "
                         "configuration, got ")
         << threads;
}

LogicalResult nvptx::checkScanConfig(Operation *op) {
  if (failed(checkConfig(op, {"channels", "lanes", "rows", "steps", "threads"})))
    return failure();
  int64_t channels = configValue(op, "channels"), lanes = configValue(op, "lanes");
  int64_t rows = configValue(op, "rows"), steps = configValue(op, "steps");
  if (lanes > 32 || !llvm::isPowerOf2_64(lanes))
    return op->emitOpError("needs 'lanes' that are a power of two up to 32 in its GPU "
                           "configuration, got ")
           << lanes;
  if (failed(checkThreads(op, configValue(op, "threads"))))
    return failure();
  if (lanes % channels != 0)
    return op->emitOpError(
               "needs 'lanes' in multiples of 'channels' in its GPU configuration, got ")
           << lanes << " and " << channels;
  if (steps % (lanes / channels) != 0)
    return op->emitOpError("needs 'steps' in multiples of 'lanes' / 'channels' in its GPU "
                           "configuration, got ")
           << steps << " and " << lanes / channels;
  if (rows % steps != 0)
    return op->emitOpError("needs 'rows' in multiples of 'steps' in its GPU configuration, got ")
           << rows << " and " << steps;
  return success();
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

void nvptx::copyPiece(GPUKernelBuilder &b, const ScanCopy &copy, Value shared, const Buffer &buffer,
                      Value offset) {
  Value place = b.at(buffer.pointer, offset, buffer.elementType);
  if (copy.bytes() >= 4)
    copyAsync(b, shared, place, copy.bytes());
  else
    b.storeRaw(b.loadRaw(buffer.elementType, place), shared);
}

ScanTiles::ScanTiles(GPUKernelBuilder &builder, ArrayRef<ScanInput> projections,
                     const ScanShape &shape, const Sequence &sequence, Value part)
    : builder(builder), shape(shape), sequence(sequence),
      vector(shape.projectionCopies.front().vector), base(builder.sharedBase()),
      readOffset(builder.mul(part, shape.segment())) {
  for (const ScanInput &projection : projections)
    this->projections.emplace_back(builder.buffer(projection.rows), projection.column);
}

void ScanTiles::clear() {
  if (shape.paddedStates() == shape.states)
    return;
  Value zero = builder.f32(0);
  builder.forLoop(builder.threadId(), builder.i32(2 * shape.tile()), builder.i32(shape.threads),
                  [&](Value element) { builder.storeRaw(zero, address(element)); });
  builder.barrier();
}

SmallVector<ScanTiles::Piece> ScanTiles::pieces() {
  int64_t perRow = shape.states / vector, count = shape.rows * perRow;
  SmallVector<Piece> result;
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

/// The place that a piece of projection `which` is copied to: its thread's own.
Value ScanTiles::copied(int64_t piece, int64_t which) {
  const ScanCopy &copy = shape.projectionCopies[which];
  Value number = builder.add(builder.threadId(), piece * shape.threads);
  return builder.shared(builder.shared(base, copy.begin), builder.mul(number, copy.bytes()));
}

void ScanTiles::fetch(Value time) {
  Value last = builder.sub(sequence.length, builder.i32(1));
  for (auto [index, piece] : llvm::enumerate(pieces())) {
    // The threads without a piece, and those behind the sequence's end, read its last row.
    Value row = builder.add(sequence.begin, builder.min(builder.add(time, piece.row), last));
    for (auto [which, projection] : llvm::enumerate(projections)) {
      const auto &[buffer, column] = projection;
      copyPiece(builder, shape.projectionCopies[which], copied(index, which), buffer,
                builder.rowOffset(buffer, row, builder.add(piece.state, column)));
    }
  }
}

/// A piece as float32.
Value ScanTiles::extend(Value piece) {
  auto type = dyn_cast<VectorType>(piece.getType());
  if (!type)
    return builder.extend(piece);
  SmallVector<Value> values;
  for (int64_t index = 0; index < type.getNumElements(); ++index)
    values.push_back(builder.extend(
        LLVM::ExtractElementOp::create(builder.builder, builder.loc, piece, builder.i32(index))));
  return builder.vectorOf(values);
}

void ScanTiles::publish(Value newSide) {
  side = newSide;
  Value start = builder.mul(side, shape.tile());
  for (auto [index, piece] : llvm::enumerate(pieces())) {
    auto store = [&, index = index, piece = piece] {
      Value lane = builder.div(piece.state, shape.threadStates);
      Value inside = builder.rem(piece.state, shape.threadStates);
      Value place = builder.add(builder.mul(piece.row, shape.pitch()),
                                builder.add(builder.mul(lane, shape.segment()), inside));
      for (int64_t which = 0; which < shape.projections; ++which) {
        Type element = projections[which].first.elementType;
        Type type = vector == 1 ? element : Type(VectorType::get(vector, element));
        Value raw =
            builder.loadRaw(type, copied(index, which), shape.projectionCopies[which].bytes());
        Value offset = builder.add(builder.add(start, place), which * shape.projection());
        builder.storeRaw(extend(raw), address(offset), 4 * vector);
      }
    };
    if (piece.exists)
      builder.ifThen(piece.exists, store);
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
