//===- RowwiseEmitter.cpp - Code of row-wise kernels ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A warp takes a row: it sums the squares of each section, then maps its elements, or the
// sum where that is all. It loads a batch of each lane's elements before it uses the first
// of them. A section of one batch stays in registers between the passes; of a wider one the
// second pass finds the row in the cache.
//
//===----------------------------------------------------------------------===//

#include "RowwiseEmitter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

static constexpr int64_t warpLanes = RowwiseShape::warpLanes;
/// Elements that a lane has in flight: enough to keep the memory busy with the few warps
/// that their registers leave room for.
static constexpr int64_t laneElements = 64;

namespace {
/// Columns [begin, end) of a row, in batches.
struct Section {
  Section(int64_t begin, int64_t end, int64_t count, int64_t lanes)
      : begin(begin), end(end), chunkColumns(lanes * count),
        chunks(std::min<int64_t>(llvm::divideCeil(width(), chunkColumns),
                                 std::max<int64_t>(laneElements / count, 1))) {}

  int64_t begin, end;
  int64_t chunkColumns; ///< of all lanes
  int64_t chunks;       ///< of a batch

  int64_t width() const { return end - begin; }
  int64_t batchColumns() const { return chunks * chunkColumns; }
  bool isOneBatch() const { return width() <= batchColumns(); }
  bool fillsBatches() const { return width() % batchColumns() == 0; }
};

/// Neighbours of a lane.
struct Chunk {
  Value column;
  Value exists; ///< null where all chunks do
  SmallVector<Value> values;
};

/// Emits the code of one thread. A row has a warp, or `warps` that are a block.
class RowwiseEmitter {
public:
  RowwiseEmitter(GPUKernelBuilder &b, RowwiseOp op, const RowwiseShape &shape)
      : b(b), op(op), count(shape.vector), warps(shape.warps), input(b.buffer(op.getInput())),
        out(b.buffer(op.getOut())), extras(b.extras(op)) {}

  /// Of block `block` among those that have the op's rows.
  void emit(Value block, int64_t rowsPerBlock);

private:
  using BatchBody = llvm::function_ref<SmallVector<Value>(ArrayRef<Chunk>, ValueRange)>;

  GPUKernelBuilder &b;
  RowwiseOp op;
  int64_t count; ///< neighbours of an access
  int64_t warps; ///< of a row
  Buffer input, out;
  Extras extras;
  Value row, sourceRow, targetRow;
  Value lane; ///< among all of the row

  SmallVector<Chunk> loadBatch(const Section &section, Value begin);
  SmallVector<Value> overBatches(const Section &section, ArrayRef<Chunk> kept, ValueRange inits,
                                 BatchBody body);
  SmallVector<Value> sumSquares(ArrayRef<Chunk> chunks, ValueRange sums);
  Value meanOf(ArrayRef<Value> sums, const Section &section);
  Value overWarps(Value total, const Section &section);
  /// `kept` is the section's batch, where it is one.
  void emitSection(const Section &section, ArrayRef<Chunk> kept);
  void storeMean(Value mean);
  void storeChunk(const Chunk &chunk, Value mean);
};
} // namespace

void RowwiseEmitter::emit(Value block, int64_t rowsPerBlock) {
  Value thread = b.threadId();
  lane = b.rem(thread, warps * warpLanes);
  Value first = b.mul(block, rowsPerBlock);
  row = warps > 1 ? first : b.add(first, b.broadcastLane0(b.div(thread, warpLanes)));
  b.ifThen(b.less(row, b.extent(op.getRows())), [&] {
    sourceRow = b.lookUp(op.getGather(), row);
    targetRow = b.lookUp(op.getScatter(), row);
    ArrayRef<int64_t> bounds = op.getSections();
    SmallVector<Section> sections;
    for (auto [begin, end] : llvm::zip(bounds, bounds.drop_front()))
      sections.emplace_back(begin, end, count, warps * warpLanes);
    // The row waits for the memory once, not for each section.
    SmallVector<SmallVector<Chunk>> kept;
    for (const Section &section : sections)
      kept.push_back(section.isOneBatch() ? loadBatch(section, b.i32(section.begin))
                                          : SmallVector<Chunk>());
    for (auto [section, chunks] : llvm::zip_equal(sections, kept))
      emitSection(section, chunks);
  });
}

/// The lane's elements from column `begin` of the section on; zero where there are none.
SmallVector<Chunk> RowwiseEmitter::loadBatch(const Section &section, Value begin) {
  Value first = b.add(b.mul(lane, count), begin);
  SmallVector<Chunk> chunks;
  for (int64_t index = 0; index < section.chunks; ++index) {
    Chunk &chunk = chunks.emplace_back();
    chunk.column = b.add(first, index * section.chunkColumns);
    Value known = chunk.column;
    if (!section.fillsBatches()) {
      chunk.exists = b.less(chunk.column, b.i32(section.end));
      known = b.min(chunk.column, b.i32(section.end - count));
    }
    Value place = b.rowOffset(input, sourceRow, b.add(known, op.getInColumn()));
    chunk.values = b.loadVector(input, place, count);
    if (chunk.exists)
      for (Value &value : chunk.values)
        value = b.select(chunk.exists, value, b.f32(0));
  }
  return chunks;
}

/// Carries values from `inits` on over the batches of a section.
SmallVector<Value> RowwiseEmitter::overBatches(const Section &section, ArrayRef<Chunk> kept,
                                               ValueRange inits, BatchBody body) {
  if (section.isOneBatch())
    return body(kept, inits);
  return b.forLoop(
      b.i32(section.begin), b.i32(section.end), b.i32(section.batchColumns()), inits,
      [&](Value begin, ValueRange carried) { return body(loadBatch(section, begin), carried); });
}

SmallVector<Value> RowwiseEmitter::sumSquares(ArrayRef<Chunk> chunks, ValueRange sums) {
  SmallVector<Value> result(sums);
  for (const Chunk &chunk : chunks)
    for (auto [x, sum] : llvm::zip_equal(chunk.values, result))
      sum = b.fma(x, x, sum);
  return result;
}

/// The mean over all lanes, in every lane, in an order that depends on the width alone.
Value RowwiseEmitter::meanOf(ArrayRef<Value> sums, const Section &section) {
  Value total = sums.front();
  for (Value sum : llvm::drop_begin(sums))
    total = b.addf(total, sum);
  for (int64_t distance = warpLanes / 2; distance > 0; distance /= 2)
    total = b.addf(total, b.shuffleXor(total, distance));
  if (warps > 1)
    total = overWarps(total, section);
  return b.mulf(total, b.f32(1.0 / section.width()));
}

/// Through shared memory, where each section has room of its own.
Value RowwiseEmitter::overWarps(Value total, const Section &section) {
  int64_t number = llvm::find(op.getSections(), section.begin) - op.getSections().begin();
  Value place = b.shared(b.sharedBase(), number * warps * 4);
  Value warp = b.div(lane, warpLanes);
  b.ifThen(b.equal(b.rem(lane, warpLanes), 0),
           [&] { b.storeRaw(total, b.shared(place, b.mul(warp, 4))); });
  b.barrier();
  Value sum = b.f32(0);
  for (int64_t i = 0; i < warps; ++i)
    sum = b.addf(sum, b.loadRaw(b.f32(), b.shared(place, i * 4)));
  return sum;
}

void RowwiseEmitter::emitSection(const Section &section, ArrayRef<Chunk> kept) {
  Value mean;
  if (op.getReduction() == Reduction::MeanOfSquares) {
    SmallVector<Value> zeros(count, b.f32(0));
    auto sums = overBatches(section, kept, zeros, [&](ArrayRef<Chunk> chunks, ValueRange carried) {
      return sumSquares(chunks, carried);
    });
    mean = meanOf(sums, section);
  }
  if (op.storesScalars())
    return storeMean(mean);
  overBatches(section, kept, {}, [&](ArrayRef<Chunk> chunks, ValueRange) {
    for (const Chunk &chunk : chunks)
      storeChunk(chunk, mean);
    return SmallVector<Value>();
  });
}

void RowwiseEmitter::storeMean(Value mean) {
  b.ifThen(b.equal(lane, 0),
           [&] { b.store(b.inlineRegion(op.getBody(), mean), out, b.widen(targetRow)); });
}

void RowwiseEmitter::storeChunk(const Chunk &chunk, Value mean) {
  auto store = [&] {
    SmallVector<Value> results;
    auto loaded = b.loadExtras(extras, row, sourceRow, chunk.column, count);
    for (auto [i, x] : llvm::enumerate(chunk.values)) {
      SmallVector<Value> arguments = {x};
      if (mean)
        arguments.push_back(mean);
      for (ArrayRef<Value> extra : loaded)
        arguments.push_back(extra[i]);
      results.push_back(b.inlineRegion(op.getBody(), arguments));
    }
    Value place = b.rowOffset(out, targetRow, b.add(chunk.column, op.getOutColumn()));
    b.storeVector(results, out, place);
  };
  if (chunk.exists)
    b.ifThen(chunk.exists, store);
  else
    store();
}

void nvptx::emitRows(GPUKernelBuilder &b, RowwiseOp op, const RowwiseShape &shape, Value block) {
  RowwiseEmitter(b, op, shape).emit(block, shape.rows);
}
