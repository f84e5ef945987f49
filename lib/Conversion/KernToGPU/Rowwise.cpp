//===- Rowwise.cpp - kern.rowwise on the GPU ------------------------------===//
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

#include "EmitterSupport.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

static constexpr int64_t warpLanes = 32;
/// Elements that a lane has in flight: enough to keep the memory busy with the few warps
/// that their registers leave room for.
static constexpr int64_t laneElements = 64;

/// The most neighbours, up to 16 bytes of 16-bit elements, that every access of `op` is
/// aligned for.
static int64_t chooseVector(RowwiseOp op) {
  SmallVector<int64_t> alignments(op.getSections().drop_front());
  auto addRows = [&](Value memref, int64_t column) {
    alignments.push_back(rowWidth(memref));
    alignments.push_back(column);
  };
  addRows(op.getInput(), op.getInColumn());
  if (!op.storesScalars())
    addRows(op.getOut(), op.getOutColumn());
  bool isWide = llvm::any_of(op->getOperands(), [&](Value operand) {
    auto memref = dyn_cast<MemRefType>(operand.getType());
    bool isScalars = operand == op.getOut() && op.storesScalars();
    return memref && memref.getElementType().isF32() && !isScalars;
  });
  int64_t count = isWide ? 4 : 8;
  while (llvm::any_of(alignments, [&](int64_t a) { return a % count != 0; }))
    count /= 2;
  return count;
}

namespace {
/// Columns [begin, end) of a row, in batches.
struct Section {
  Section(int64_t begin, int64_t end, int64_t count)
      : begin(begin), end(end), chunkColumns(warpLanes * count),
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

/// Emits the code of one warp.
class RowwiseEmitter {
public:
  RowwiseEmitter(GPUKernelBuilder &b, RowwiseOp op, int64_t count)
      : b(b), op(op), count(count), input(b.buffer(op.getInput())), out(b.buffer(op.getOut())),
        extras(b.extras(op)) {}

  void emit(int64_t rowsPerBlock);

private:
  using BatchBody = llvm::function_ref<SmallVector<Value>(ArrayRef<Chunk>, ValueRange)>;

  GPUKernelBuilder &b;
  RowwiseOp op;
  int64_t count; ///< neighbours of an access
  Buffer input, out;
  Extras extras;
  Value row, sourceRow, targetRow, lane;

  SmallVector<Chunk> loadBatch(const Section &section, Value begin);
  SmallVector<Value> overBatches(const Section &section, ValueRange inits, BatchBody body);
  SmallVector<Value> sumSquares(ArrayRef<Chunk> chunks, ValueRange sums);
  Value meanOf(ArrayRef<Value> sums, int64_t width);
  void emitSection(const Section &section);
  void storeMean(Value mean);
  void storeChunk(const Chunk &chunk, Value mean);
};
} // namespace

void RowwiseEmitter::emit(int64_t rowsPerBlock) {
  Value thread = b.threadId();
  lane = b.rem(thread, warpLanes);
  Value warp = b.broadcastLane0(b.div(thread, warpLanes));
  row = b.add(b.mul(b.blockId(), rowsPerBlock), warp);
  b.ifThen(b.less(row, b.extent(op.getRows())), [&] {
    sourceRow = b.lookUp(op.getGather(), row);
    targetRow = b.lookUp(op.getScatter(), row);
    ArrayRef<int64_t> bounds = op.getSections();
    for (auto [begin, end] : llvm::zip(bounds, bounds.drop_front()))
      emitSection(Section(begin, end, count));
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
SmallVector<Value> RowwiseEmitter::overBatches(const Section &section, ValueRange inits,
                                               BatchBody body) {
  if (section.isOneBatch())
    return body(loadBatch(section, b.i32(section.begin)), inits);
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
Value RowwiseEmitter::meanOf(ArrayRef<Value> sums, int64_t width) {
  Value total = sums.front();
  for (Value sum : llvm::drop_begin(sums))
    total = b.addf(total, sum);
  for (int64_t distance = warpLanes / 2; distance > 0; distance /= 2)
    total = b.addf(total, b.shuffleXor(total, distance));
  return b.mulf(total, b.f32(1.0 / width));
}

void RowwiseEmitter::emitSection(const Section &section) {
  Value mean;
  SmallVector<Chunk> kept;
  if (op.getReduction() == Reduction::MeanOfSquares) {
    SmallVector<Value> zeros(count, b.f32(0));
    auto sums = overBatches(section, zeros, [&](ArrayRef<Chunk> chunks, ValueRange carried) {
      if (section.isOneBatch())
        kept.assign(chunks.begin(), chunks.end());
      return sumSquares(chunks, carried);
    });
    mean = meanOf(sums, section.width());
  }
  if (op.storesScalars())
    return storeMean(mean);
  auto storeChunks = [&](ArrayRef<Chunk> chunks, ValueRange) {
    for (const Chunk &chunk : chunks)
      storeChunk(chunk, mean);
    return SmallVector<Value>();
  };
  if (kept.empty())
    overBatches(section, {}, storeChunks);
  else
    storeChunks(kept, {});
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

namespace {
struct RowwiseModel : GPUKernelInterface::ExternalModel<RowwiseModel, RowwiseOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &) const {
    return makeConfig(op->getContext(),
                      {{"rows", 8}, {"vector", chooseVector(cast<RowwiseOp>(op))}});
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto rowwise = cast<RowwiseOp>(op);
    if (failed(checkConfig(op, {"rows", "vector"})))
      return failure();
    int64_t rows = configValue(op, "rows"), vector = configValue(op, "vector");
    if (rows > 32 || vector > chooseVector(rowwise) || !llvm::isPowerOf2_64(vector))
      return op->emitOpError("takes up to 32 rows of a block and a power of two up to ")
             << chooseVector(rowwise) << " of neighbours, got " << rows << " and " << vector;
    GPUKernelBuilder b(builder, op, target);
    RowwiseEmitter(b, rowwise, vector).emit(rows);
    AffineExpr blocks = builder.getAffineDimExpr(0).ceilDiv(rows);
    return GPULaunch{AffineMap::get(1, 0, blocks), /*maxBlocks=*/0, rows * warpLanes,
                     /*sharedBytes=*/0, /*flopRate=*/0};
  }
};
} // namespace

void nvptx::attachRowwiseModel(MLIRContext &context) {
  RowwiseOp::attachInterface<RowwiseModel>(context);
}
