//===- ScanInputsNorms.cpp - The norms of scan_inputs ---------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Each block of a cluster has some rows of the tile, and each of its warps a row at a time, whose
// projections it adds up from the shared memory of all blocks, in their order.

#include "ScanInputs.h"

#include "SequenceSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

namespace {
/// Emits the code of a warp that has rows of the block.
class NormEmitter {
public:
  explicit NormEmitter(const ScanInputsContext &context)
      : context(context), b(context.b), op(context.op), plan(context.plan),
        count(commonVector({plan.rank, plan.states, int64_t(op.getProjectionColumn()),
                            rowWidth(op.getProjections())},
                           4)) {}

  void emit();

private:
  /// Neighbouring columns of a lane, all of one section.
  struct Chunk {
    Value column;
    Value exists; ///< null where all chunks do
    SmallVector<Value> values;
  };

  const ScanInputsContext &context;
  GPUKernelBuilder &b;
  ScanInputsOp op;
  const ScanInputsPlan &plan;
  int64_t count; ///< columns of a chunk

  void emitRow(Value row);
  Chunk addSums(Value row, int64_t round);
  /// Where section 0, 1 or 2 (dt, b or c) ends.
  int64_t endOf(int64_t section) { return plan.rank + section * plan.states; }
  Value isInSection(const Chunk &chunk, int64_t section);
  Value sumSquares(ArrayRef<Chunk> chunks, int64_t section);
  SmallVector<Value> scalesOf(ArrayRef<Chunk> chunks);
  void store(const Chunk &chunk, Value row);
  void giveDt(const Chunk &chunk, Value row);
};
} // namespace

void NormEmitter::emit() {
  int64_t rows = plan.ownRows();
  Value first = b.mul(context.rank, rows);
  b.forLoop(context.warp, b.i32(rows), b.i32(plan.warps),
            [&](Value row) { emitRow(b.add(first, row)); });
}

void NormEmitter::emitRow(Value row) {
  SmallVector<Chunk> chunks;
  for (int64_t round = 0; round * 32 * count < plan.projected; ++round)
    chunks.push_back(addSums(row, round));
  SmallVector<Value> scales = scalesOf(chunks);
  for (Chunk &chunk : chunks) {
    Value scale = b.select(b.less(chunk.column, b.i32(endOf(1))), scales[1], scales[2]);
    scale = b.select(b.less(chunk.column, b.i32(endOf(0))), scales[0], scale);
    Value place = context.at(b.add(b.mul(chunk.column, 4), plan.normOffset()));
    for (auto [i, value] : llvm::enumerate(chunk.values)) {
      Value weight = b.loadRaw(b.f32(), b.shared(place, i * 4));
      value = b.mulf(b.mulf(value, scale), weight);
    }
    auto storeChunk = [&] { store(chunk, row); };
    if (chunk.exists)
      b.ifThen(chunk.exists, storeChunk);
    else
      storeChunk();
  }
}

/// The sums over all of k: those of the cluster's blocks in order.
NormEmitter::Chunk NormEmitter::addSums(Value row, int64_t round) {
  Chunk chunk;
  chunk.column = b.mul(b.add(context.lane, round * 32), count);
  if ((round + 1) * 32 * count > plan.projected) {
    chunk.exists = b.less(chunk.column, b.i32(plan.projected));
    chunk.column = b.min(chunk.column, b.i32(plan.projected - count));
  }
  Value element = b.add(b.mul(row, plan.sumStride()), chunk.column);
  Value place = context.at(b.mul(element, 4));
  Type type = count == 1 ? b.f32() : VectorType::get(count, b.f32());
  Value sum;
  for (int64_t block = 0; block < plan.clusterBlocks; ++block) {
    Value owned = plan.clusterBlocks > 1 ? inCluster(b, place, b.i32(block)) : place;
    Value part = b.loadRaw(type, owned, count * 4);
    sum = sum ? b.addf(sum, part) : part;
  }
  chunk.values = count == 1 ? SmallVector<Value>{sum} : b.elementsOf(sum);
  return chunk;
}

Value NormEmitter::isInSection(const Chunk &chunk, int64_t section) {
  Value isInside = b.less(chunk.column, b.i32(endOf(section)));
  if (section > 0)
    isInside = b.both(isInside, b.less(b.i32(endOf(section - 1) - 1), chunk.column));
  return b.both(isInside, chunk.exists);
}

/// Of the lane's columns in the section.
Value NormEmitter::sumSquares(ArrayRef<Chunk> chunks, int64_t section) {
  Value total = b.f32(0);
  for (const Chunk &chunk : chunks) {
    Value squares = b.f32(0);
    for (Value value : chunk.values)
      squares = b.fma(value, value, squares);
    total = b.addf(total, b.select(isInSection(chunk, section), squares, b.f32(0)));
  }
  return total;
}

/// 1 / sqrt(mean of squares + eps) over each section, which wait for each other's lanes together.
SmallVector<Value> NormEmitter::scalesOf(ArrayRef<Chunk> chunks) {
  SmallVector<Value> totals;
  for (int64_t section = 0; section < 3; ++section)
    totals.push_back(sumSquares(chunks, section));
  for (int64_t distance = 16; distance > 0; distance /= 2) {
    auto others =
        llvm::map_to_vector(totals, [&](Value total) { return b.shuffleXor(total, distance); });
    for (auto [total, other] : llvm::zip_equal(totals, others))
      total = b.addf(total, other);
  }
  for (auto [section, total] : llvm::enumerate(totals)) {
    int64_t width = section == 0 ? plan.rank : plan.states;
    Value mean = b.mulf(total, b.f32(1.0 / width));
    total = b.reciprocal(b.sqrt(b.addf(mean, b.f32(op.getEps().convertToDouble()))));
  }
  return totals;
}

void NormEmitter::store(const Chunk &chunk, Value row) {
  b.ifThenElse(
      b.less(chunk.column, b.i32(plan.rank)), [&] { giveDt(chunk, row); },
      [&] {
        Value whole = b.add(context.tileRow, row);
        Buffer out = b.buffer(op.getProjections());
        b.ifThen(b.less(whole, context.rows), [&] {
          Value column = b.add(chunk.column, op.getProjectionColumn());
          b.storeVector(chunk.values, out, b.rowOffset(out, whole, column));
        });
      });
}

/// Rounds a part of dt, and writes it where every block of the cluster has its left factor.
void NormEmitter::giveDt(const Chunk &chunk, Value row) {
  Type element = elementType(op.getU());
  SmallVector<Value> registers;
  for (int64_t i = 0; i + 1 < count; i += 2)
    registers.push_back(b.packPair(chunk.values[i], chunk.values[i + 1], element));
  Value stored = count == 1   ? b.truncate(chunk.values.front(), element)
                 : count == 2 ? registers.front()
                              : b.vectorOf(registers);
  Value piece = context.pieceOffset(row, chunk.column, plan.dtOffset());
  Value place = context.at(b.add(piece, b.mul(b.rem(chunk.column, 8), 2)));
  for (int64_t block = 0; block < plan.clusterBlocks; ++block) {
    Value owned = plan.clusterBlocks > 1 ? inCluster(b, place, b.i32(block)) : place;
    b.storeRaw(stored, owned, count * 2);
  }
}

void nvptx::emitNorms(const ScanInputsContext &context) { NormEmitter(context).emit(); }
