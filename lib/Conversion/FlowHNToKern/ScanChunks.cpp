//===- ScanChunks.cpp - Scans whose chunks run side by side ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A scan in chunks computes each exponential twice: it pays where the sequences of a
// call alone leave most of the chip idle. Which calls those are is decided when they
// come; for the others the kernels of the states have no blocks, and are skipped.
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
/// How often over the blocks of a scan in chunks fill the chip.
static constexpr int64_t waves = 4;

/// The values of a call that say how its sequences fall into chunks.
static ScanChunks createChunks(ProcedureBuilder &procedure, Location loc, const TokenSpace &space,
                               int64_t channelBlocks, const GPUTargetInfo &gpu) {
  OpBuilder &builder = procedure.builder;
  auto symbol = [&](unsigned position) { return builder.getAffineSymbolExpr(position); };
  auto constant = [&](int64_t value) { return builder.getAffineConstantExpr(value); };
  auto mapOf = [&](ArrayRef<AffineExpr> results, unsigned numSymbols) {
    return AffineMap::get(0, numSymbols, results, builder.getContext());
  };
  // A row of a block of channels is the unit of work.
  AffineExpr work = symbol(0) * channelBlocks;
  // Sequences one after the other fill the chip where each is at most a
  // multiprocessor's share of the work.
  Value excess = affine::AffineMaxOp::create(
      builder, loc, mapOf({symbol(1) - work.floorDiv(gpu.multiprocessors), constant(0)}, 2),
      ValueRange{space.rows, space.maxLength});
  Value isChunked = affine::AffineMinOp::create(builder, loc, mapOf({symbol(0), constant(1)}, 1),
                                                ValueRange{excess});
  AffineExpr spread =
      work.ceilDiv(chunkRowsMultiple * waves * gpu.scanResidentBlocks()) * chunkRowsMultiple;
  ScanChunks chunks;
  chunks.rows = affine::AffineMaxOp::create(
      builder, loc, mapOf({spread, symbol(1) * (1 - symbol(2)), constant(minChunkRows)}, 3),
      ValueRange{space.rows, space.maxLength, isChunked});
  chunks.count = affine::AffineMaxOp::create(builder, loc,
                                             mapOf({symbol(0).ceilDiv(symbol(1)), constant(1)}, 2),
                                             ValueRange{space.maxLength, chunks.rows});
  chunks.total = affine::AffineApplyOp::create(
      builder, loc, mapOf((symbol(0).floorDiv(symbol(1)) + symbol(2)) * symbol(3), 4),
      ValueRange{space.rows, chunks.rows, space.batch, isChunked});
  return chunks;
}

static Value createStates(ProcedureBuilder &procedure, Location loc, Value total,
                          ArrayRef<int64_t> row) {
  SmallVector<int64_t> shape = {ShapedType::kDynamic};
  llvm::append_range(shape, row);
  auto type = MemRefType::get(shape, procedure.builder.getF32Type());
  return plan::AllocOp::create(procedure.builder, loc, type, total, procedure.scope.arena);
}

void mlir::flowhn::splitScan(ProcedureBuilder &procedure, kern::ScanOp scan,
                             const TokenSpace &space, const GPUTargetInfo &gpu, StringRef suffix) {
  OpBuilder &builder = procedure.builder;
  Location loc = scan.getLoc();
  ArrayRef<int64_t> shape = scan.getA().getType().getShape();
  int64_t channelBlocks = gpu.scanChannelBlocks(shape[0], shape[1]);
  ScanChunks &chunks = procedure.scanChunks[{&space, channelBlocks}];
  if (!chunks.rows)
    chunks = createChunks(procedure, loc, space, channelBlocks, gpu);
  Value states = createStates(procedure, loc, chunks.total, shape);
  Value sums = createStates(procedure, loc, chunks.total, shape.drop_front());
  auto local = kern::ScanStatesOp::create(
      builder, loc, scan.getBatch(), chunks.count, chunks.rows, scan.getU(), scan.getDelta(),
      scan.getA(), scan.getB(), scan.getOffsets(), states, sums, scan.getUColumn(),
      scan.getDeltaColumn(), scan.getBColumn(), /*config=*/nullptr);
  procedure.launch(local, ("scan_states_" + suffix).str());
  auto combine = kern::ScanCombineOp::create(builder, loc, scan.getBatch(), chunks.count,
                                             chunks.rows, scan.getA(), sums, scan.getOffsets(),
                                             states, scan.getInitial(), scan.getSlots(),
                                             /*config=*/nullptr);
  StringRef name = scan.getSlots() ? "scan_combine_continued_" : "scan_combine_";
  procedure.launch(combine, (name + suffix).str());
  scan.getChunksMutable().assign(chunks.count);
  scan.getChunkRowsMutable().assign(chunks.rows);
  scan.getChunkStatesMutable().assign(states);
}
