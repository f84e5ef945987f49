//===- ScanChunks.cpp - Scans whose chunks run side by side ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A scan in chunks computes each exponential twice: it pays where the sequences of a
// call alone leave most of the chip idle. Where they leave less of it idle, and are not too long,
// it takes less to divide a channel's states among more threads. Which calls those are is decided
// when they come; for the others the kernels have no blocks, and are skipped.
//
//===----------------------------------------------------------------------===//

#include "OpConversions.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"

using namespace mlir;
using namespace mlir::flowhn;

/// Rows of a chunk at least: what loads and stores of states cost is spread over them.
static constexpr int64_t minChunkRows = 64;
/// Chunks are a multiple of so many rows, whole tiles of the kernels.
static constexpr int64_t chunkRowsMultiple = 16;
/// Chunks up to which each makes the states that it starts from itself.
static constexpr int64_t foldedChunks = 8;
/// How often over the blocks of a scan in chunks fill the chip.
static constexpr int64_t waves = 4;

/// Blocks of whole sequences for each multiprocessor, in quarters: with fewer than the first there
/// are chunks, with fewer than the second and no more rows than that the states of a channel have
/// more threads, with fewer than the third there are chunks of longer sequences.
static constexpr int64_t chunkQuarters = 3, fewQuarters = 6, longChunkQuarters = 4;
static constexpr int64_t minFewRows = minChunkRows, maxFewRows = 2048;

namespace {
/// Makes the values of a call that say how its sequences fall into chunks.
class ChunkBuilder {
public:
  ChunkBuilder(ProcedureBuilder &procedure, Location loc, const TokenSpace &space,
               int64_t channelBlocks, const GPUTargetInfo &gpu)
      : builder(procedure.builder), loc(loc), space(space), gpu(gpu),
        work(symbol(0) * channelBlocks) {}

  ScanChunks create();

private:
  OpBuilder &builder;
  Location loc;
  const TokenSpace &space;
  const GPUTargetInfo &gpu;
  AffineExpr work; ///< of the rows that are symbol 0: a row of a block of channels is the unit

  AffineExpr symbol(unsigned position) { return builder.getAffineSymbolExpr(position); }
  AffineExpr constant(int64_t value) { return builder.getAffineConstantExpr(value); }
  Value apply(AffineExpr result, ValueRange symbols);
  Value max(ArrayRef<AffineExpr> results, ValueRange symbols);
  Value createHasLess(int64_t quarters);
  Value createAreFew();
};
} // namespace

Value ChunkBuilder::apply(AffineExpr result, ValueRange symbols) {
  return affine::AffineApplyOp::create(builder, loc, AffineMap::get(0, symbols.size(), result),
                                       symbols);
}

Value ChunkBuilder::max(ArrayRef<AffineExpr> results, ValueRange symbols) {
  auto map = AffineMap::get(0, symbols.size(), results, builder.getContext());
  return affine::AffineMaxOp::create(builder, loc, map, symbols);
}

/// 1 in calls whose sequences have less than so many quarters of a block for each multiprocessor
/// at a time, else 0: the longest one has more than its share of the work.
Value ChunkBuilder::createHasLess(int64_t quarters) {
  AffineExpr share = (4 * work).floorDiv(quarters * gpu.multiprocessors);
  Value excess = apply(symbol(1) - share, {space.rows, space.maxLength});
  return createExceeds(builder, loc, excess, 0);
}

/// 1 in calls whose sequences' channels have more threads, else 0.
Value ChunkBuilder::createAreFew() {
  Value operands[] = {createHasLess(fewQuarters), createHasLess(chunkQuarters),
                      createExceeds(builder, loc, space.maxLength, minFewRows),
                      createExceeds(builder, loc, space.maxLength, maxFewRows)};
  return apply(symbol(0) * (1 - symbol(1)) * symbol(2) * (1 - symbol(3)), operands);
}

ScanChunks ChunkBuilder::create() {
  ScanChunks chunks;
  Value areFew = createAreFew();
  AffineExpr whereFew = symbol(0) * symbol(1), elsewhere = symbol(0) * (1 - symbol(1));
  chunks.fewLength = apply(whereFew, {space.maxLength, areFew});
  chunks.maxLength = apply(elsewhere, {space.maxLength, areFew});
  Value isChunked = apply(elsewhere, {createHasLess(longChunkQuarters), areFew});
  AffineExpr spread =
      work.ceilDiv(chunkRowsMultiple * waves * gpu.scanResidentBlocks()) * chunkRowsMultiple;
  chunks.rows = max({spread, symbol(1) * (1 - symbol(2)), constant(minChunkRows)},
                    {space.rows, space.maxLength, isChunked});
  chunks.count = max({symbol(0).ceilDiv(symbol(1)), constant(1)}, {space.maxLength, chunks.rows});
  chunks.total = apply((symbol(0).floorDiv(symbol(1)) + symbol(2)) * symbol(3),
                       {space.rows, chunks.rows, space.batch, isChunked});
  return chunks;
}

/// The chunks that a kernel of its own combines: 1 in calls whose chunks do so.
static Value createCombinedCount(OpBuilder &builder, Location loc, Value count) {
  AffineExpr chunks = builder.getAffineSymbolExpr(0), areMany = builder.getAffineSymbolExpr(1);
  Value operands[] = {count, createExceeds(builder, loc, count, foldedChunks)};
  return affine::AffineApplyOp::create(
      builder, loc, AffineMap::get(0, 2, chunks * areMany + 1 - areMany), ValueRange(operands));
}

static void launchForFew(ProcedureBuilder &procedure, kern::ScanOp scan, const ScanChunks &chunks,
                         StringRef name) {
  auto few = cast<kern::ScanOp>(procedure.builder.clone(*scan));
  few.getMaxLengthMutable().assign(chunks.fewLength);
  few.setFewSequences(true);
  procedure.launch(few, (name + "_few").str());
}

static Value createStates(ProcedureBuilder &procedure, Location loc, Value total,
                          ArrayRef<int64_t> row) {
  SmallVector<int64_t> shape = {ShapedType::kDynamic};
  llvm::append_range(shape, row);
  auto type = MemRefType::get(shape, procedure.builder.getF32Type());
  return plan::AllocOp::create(procedure.builder, loc, type, total, procedure.scope.arena);
}

void mlir::flowhn::splitScan(ProcedureBuilder &procedure, kern::ScanOp scan,
                             const TokenSpace &space, const GPUTargetInfo &gpu, StringRef name,
                             StringRef suffix) {
  OpBuilder &builder = procedure.builder;
  Location loc = scan.getLoc();
  ArrayRef<int64_t> shape = scan.getA().getType().getShape();
  int64_t channelBlocks = gpu.scanChannelBlocks(shape[0], shape[1]);
  ScanChunks &chunks = procedure.scanChunks[{&space, channelBlocks}];
  if (!chunks.rows)
    chunks = ChunkBuilder(procedure, loc, space, channelBlocks, gpu).create();
  launchForFew(procedure, scan, chunks, name);
  scan.getMaxLengthMutable().assign(chunks.maxLength);
  Value states = createStates(procedure, loc, chunks.total, shape);
  Value sums = createStates(procedure, loc, chunks.total, shape.drop_front());
  auto local = kern::ScanStatesOp::create(
      builder, loc, scan.getBatch(), chunks.count, chunks.rows, scan.getU(), scan.getDelta(),
      scan.getA(), scan.getB(), scan.getOffsets(), states, sums, scan.getUColumn(),
      scan.getDeltaColumn(), scan.getBColumn(), /*config=*/nullptr);
  procedure.launch(local, ("scan_states_" + suffix).str());
  // States that a sequence goes on from leave no registers for it.
  bool folds = !scan.getInitial();
  if (folds && !chunks.combinedCount)
    chunks.combinedCount = createCombinedCount(builder, loc, chunks.count);
  Value combined = folds ? chunks.combinedCount : chunks.count;
  auto combine = kern::ScanCombineOp::create(builder, loc, scan.getBatch(), combined, chunks.rows,
                                             scan.getA(), sums, scan.getOffsets(), states,
                                             scan.getInitial(), scan.getSlots(),
                                             /*config=*/nullptr);
  StringRef combineName = scan.getSlots() ? "scan_combine_continued_" : "scan_combine_";
  procedure.launch(combine, (combineName + suffix).str());
  scan.getChunksMutable().assign(chunks.count);
  scan.getChunkRowsMutable().assign(chunks.rows);
  scan.getChunkStatesMutable().assign(states);
  if (folds) {
    scan.getChunkSumsMutable().assign(sums);
    scan.setFoldedChunks(foldedChunks);
  }
}
