//===- ScanInputs.cpp - kern.scan_inputs for the GPU ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanInputs.h"

#include "SequenceSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

static constexpr int64_t mostClusterBlocks = 8;
/// The columns between the products at most: those of a warpgroup's products together.
static constexpr int64_t mostProjected = 256;
/// Rows of a box of the copy engine at most.
static constexpr int64_t mostBoxRows = 256;

ScanInputsPlan::ScanInputsPlan(ScanInputsOp op, int64_t clusterBlocks, int64_t tileRows)
    : clusterBlocks(clusterBlocks), tileRows(tileRows), taps(op.getTaps()), rank(op.getDtRank()),
      states(op.getStates()), projected(op.getProjected()),
      columns(llvm::alignTo(projected, 8 * warpgroups)),
      blockChannels(op.getChannels() / clusterBlocks) {}

int64_t ScanInputsPlan::dtWeightBox() const {
  int64_t rows = mostBoxRows;
  while (blockChannels % rows != 0)
    rows -= swizzledColumns;
  return rows;
}

int64_t ScanInputsPlan::residentBlocks(const GPUTargetInfo &target) const {
  return target.holdsBlocks(2, sharedBytes()) ? 2 : 1;
}

Value ScanInputsContext::address(int64_t offset) const {
  return LLVM::PtrToIntOp::create(b.builder, b.loc, b.i32(), at(offset));
}

Value ScanInputsContext::pieceOffset(Value row, Value column, int64_t offset) const {
  Value tile = b.div(column, swizzledColumns);
  Value piece = b.bitXor(b.div(b.rem(column, swizzledColumns), 8), b.rem(row, 8));
  Value inTile = b.add(b.mul(row, swizzledRowBytes), b.mul(piece, 16));
  return b.add(b.add(b.mul(tile, plan.tileBytes()), inTile), offset);
}

//===----------------------------------------------------------------------===//
// A block
//===----------------------------------------------------------------------===//

namespace {
/// Emits the code of a thread block.
class ScanInputsEmitter {
public:
  ScanInputsEmitter(GPUKernelBuilder &b, ScanInputsOp op, const ScanInputsPlan &plan)
      : b(b), op(op), plan(plan), context(locate(b, op, plan)) {}

  void emit();

private:
  GPUKernelBuilder &b;
  ScanInputsOp op;
  const ScanInputsPlan &plan;
  ScanInputsContext context;
  Value isLeader;

  static ScanInputsContext locate(GPUKernelBuilder &b, ScanInputsOp op, const ScanInputsPlan &plan);
  Value xWeightBarrier() { return context.at(plan.barrierOffset()); }
  Value dtWeightBarrier() { return context.at(plan.barrierOffset() + 8); }
  Value weightsAt(int64_t offset) { return context.at(plan.weightOffset() + offset); }
  void copyXWeight(Value map);
  void copyDtWeight(Value map);
  void prepare();
  void clearPadding();
  void readVectors();
  void markStarts();
};
} // namespace

ScanInputsContext ScanInputsEmitter::locate(GPUKernelBuilder &b, ScanInputsOp op,
                                            const ScanInputsPlan &plan) {
  Value thread = b.threadId(), block = b.blockId();
  Value rank = b.rem(block, plan.clusterBlocks);
  return {b,
          op,
          plan,
          b.sharedBase(),
          thread,
          b.broadcastLane0(b.div(thread, 32)),
          b.rem(thread, 32),
          rank,
          b.extent(op.getRows()),
          b.mul(b.div(block, plan.clusterBlocks), plan.tileRows),
          b.mul(rank, plan.blockChannels)};
}

void ScanInputsEmitter::emit() {
  auto constant = [&](int64_t value) { return b.builder.getAffineConstantExpr(value); };
  Value xWeightMap = b.tensorMap(
      {op.getXWeight(), op.getChannels(), constant(plan.projected), swizzledColumns, plan.columns});
  Value dtWeightMap = b.tensorMap({op.getDtWeight(), plan.rank, constant(op.getChannels()),
                                   swizzledColumns, plan.dtWeightBox()});
  Value deltaMap = b.tensorMap({op.getDelta(), int64_t(op.getDeltaColumn()) + op.getChannels(),
                                b.builder.getAffineDimExpr(0), swizzledColumns, plan.tileRows});
  isLeader = b.equal(context.thread, 0);
  startNextGrid(b);
  b.ifThen(isLeader, [&] {
    copyXWeight(xWeightMap);
    prefetchMap(b, dtWeightMap);
    prefetchMap(b, deltaMap);
  });
  prepare();
  b.barrier();
  waitForGrids(b);
  markStarts();
  readVectors();
  emitConvolution(context);
  fenceShared(b);
  b.barrier();
  waitBarrier(b, xWeightBarrier(), b.i32(0));
  SmallVector<Value> sums = multiplyByXWeight(context);
  // Nobody reads u and the weights any more.
  b.barrier();
  b.ifThen(isLeader, [&] { copyDtWeight(dtWeightMap); });
  leaveSums(context, sums);
  syncCluster(b, plan.clusterBlocks);
  emitNorms(context);
  syncCluster(b, plan.clusterBlocks);
  fenceShared(b);
  waitBarrier(b, dtWeightBarrier(), b.i32(0));
  emitDelta(context, deltaMap);
}

/// The weights do not depend on the kernel in front.
void ScanInputsEmitter::copyXWeight(Value map) {
  initBarrier(b, xWeightBarrier(), 1);
  initBarrier(b, dtWeightBarrier(), 1);
  fenceBarrierInit(b);
  arriveExpecting(b, xWeightBarrier(), b.i32(plan.xWeightBytes()));
  for (int64_t tile = 0; tile < plan.channelTiles(); ++tile)
    copyToShared(b, weightsAt(tile * plan.xWeightTileBytes()), map,
                 b.add(context.firstChannel, tile * swizzledColumns), b.i32(0), xWeightBarrier());
}

/// To where the first weights were, which nobody reads any more.
void ScanInputsEmitter::copyDtWeight(Value map) {
  arriveExpecting(b, dtWeightBarrier(), b.i32(plan.dtWeightBytes()));
  int64_t box = plan.dtWeightBox();
  for (int64_t tile = 0; tile < plan.rankTiles(); ++tile)
    for (int64_t row = 0; row < plan.blockChannels; row += box)
      copyToShared(b, weightsAt(tile * plan.dtWeightTileBytes() + row * swizzledRowBytes), map,
                   b.i32(tile * swizzledColumns), b.add(context.firstChannel, row),
                   dtWeightBarrier());
}

void ScanInputsEmitter::prepare() {
  b.forLoop(context.thread, b.i32(plan.flags()), b.i32(plan.threads), [&](Value flag) {
    b.storeRaw(b.i32(0), context.at(b.add(b.mul(flag, 4), plan.flagOffset())));
  });
  clearPadding();
}

/// The second product takes dt's columns in sixteens: those behind the last one are zero.
void ScanInputsEmitter::clearPadding() {
  int64_t padding = plan.rankSteps() * 16 - plan.rank;
  if (padding == 0)
    return;
  Type element = elementType(op.getU());
  b.forLoop(context.thread, b.i32(plan.tileRows * padding), b.i32(plan.threads), [&](Value i) {
    Value column = b.add(b.rem(i, padding), plan.rank);
    Value piece = context.pieceOffset(b.div(i, padding), column, plan.dtOffset());
    b.storeRaw(b.truncate(b.f32(0), element), context.at(b.add(piece, b.mul(b.rem(column, 8), 2))));
  });
}

/// What the norms and the second product read of each column.
void ScanInputsEmitter::readVectors() {
  Buffer bias = b.buffer(op.getDtBias()), norm = b.buffer(op.getNormWeight());
  auto copy = [&](const Buffer &from, Value first, int64_t count, int64_t offset) {
    b.forLoop(context.thread, b.i32(count), b.i32(plan.threads), [&](Value i) {
      b.storeRaw(b.load(from, b.widen(b.add(first, i))), context.at(b.add(b.mul(i, 4), offset)));
    });
  };
  copy(bias, context.firstChannel, plan.blockChannels, plan.biasOffset());
  copy(norm, b.i32(0), plan.projected, plan.normOffset());
}

/// Flags the rows of the tile, and shortly before it, that sequences begin with.
void ScanInputsEmitter::markStarts() {
  Value batch = b.extent(op.getBatch());
  Value first = b.sub(context.tileRow, b.i32(plan.flagsBefore()));
  b.forLoop(context.thread, batch, b.i32(plan.threads), [&](Value sequence) {
    Value flag = b.sub(b.lookUp(op.getOffsets(), sequence), first);
    b.ifThen(b.both(b.less(b.i32(-1), flag), b.less(flag, b.i32(plan.flags()))),
             [&] { b.storeRaw(b.i32(1), context.at(b.add(b.mul(flag, 4), plan.flagOffset()))); });
  });
}

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

static int64_t chooseClusterBlocks(ScanInputsOp op) {
  int64_t blocks = mostClusterBlocks;
  while (blocks > 1 && op.getChannels() % (blocks * swizzledColumns) != 0)
    blocks /= 2;
  return blocks;
}

/// Tiles of 64 rows where those of 32 would be more clusters than the chip takes at a time, and
/// where they have room.
static int64_t chooseTileRows(ScanInputsOp op, int64_t clusterBlocks, const GPUTargetInfo &target) {
  constexpr int64_t few = 32, many = 64;
  int64_t rows = op.getMaxRows().value_or(many * target.multiprocessors);
  int64_t blocks = llvm::divideCeil(rows, few) * clusterBlocks;
  bool fits = ScanInputsPlan(op, clusterBlocks, many).sharedBytes() <= target.sharedBytes;
  return blocks <= target.multiprocessors || !fits ? few : many;
}

static LogicalResult checkOperands(ScanInputsOp op, const GPUTargetInfo &target) {
  Type element = elementType(op.getInput());
  auto is16Bit = [&](Value memref) { return elementType(memref) == element; };
  if (!target.hasWarpgroupProducts || element.isF32() || !is16Bit(op.getU()) ||
      !is16Bit(op.getDelta()) || !is16Bit(op.getXWeight()) || !is16Bit(op.getDtWeight()))
    return op.emitOpError("needs warpgroup products of one 16-bit type, got ")
           << element << " on " << target.chip;
  if (op.getChannels() % swizzledColumns != 0)
    return op.emitOpError("needs channels in multiples of ")
           << swizzledColumns << ", got " << op.getChannels();
  if (op.getProjected() > mostProjected)
    return op.emitOpError("takes up to ")
           << mostProjected << " columns between its products, got " << op.getProjected();
  int64_t alignment =
      commonVector({rowWidth(op.getInput()), int64_t(op.getInColumn()), rowWidth(op.getU()),
                    int64_t(op.getUColumn()), rowWidth(op.getDelta()), int64_t(op.getDeltaColumn()),
                    rowWidth(op.getXWeight()), rowWidth(op.getDtWeight())},
                   ScanInputsPlan::vector);
  if (alignment == ScanInputsPlan::vector)
    return success();
  return op.emitOpError("needs rows and columns in multiples of ")
         << ScanInputsPlan::vector << ", got " << alignment;
}

static LogicalResult checkPlan(ScanInputsOp op, const GPUTargetInfo &target) {
  if (failed(checkOperands(op, target)) || failed(checkConfig(op, {"cluster", "tile_rows"})))
    return failure();
  int64_t cluster = configValue(op, "cluster"), rows = configValue(op, "tile_rows");
  if (cluster > mostClusterBlocks || !llvm::isPowerOf2_64(cluster) ||
      op.getChannels() % (cluster * swizzledColumns) != 0)
    return op.emitOpError("needs a cluster of 1, 2, 4 or 8 blocks, each with a multiple of ")
           << swizzledColumns << " channels, got " << cluster << " for " << op.getChannels();
  if (rows != 32 && rows != 64)
    return op.emitOpError("needs tiles of 32 or 64 rows, got ") << rows;
  return checkSharedBytes(op, ScanInputsPlan(op, cluster, rows).sharedBytes(), target);
}

namespace {
struct ScanInputsModel : GPUKernelInterface::ExternalModel<ScanInputsModel, ScanInputsOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    auto inputs = cast<ScanInputsOp>(op);
    int64_t cluster = chooseClusterBlocks(inputs);
    return makeConfig(op->getContext(), {{"cluster", cluster},
                                         {"tile_rows", chooseTileRows(inputs, cluster, target)}});
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto inputs = cast<ScanInputsOp>(op);
    if (failed(checkPlan(inputs, target)))
      return failure();
    ScanInputsPlan plan(inputs, configValue(op, "cluster"), configValue(op, "tile_rows"));
    GPUKernelBuilder b(builder, op, target);
    ScanInputsEmitter(b, inputs, plan).emit();

    GPULaunch launch;
    AffineExpr tiles = builder.getAffineDimExpr(0).ceilDiv(plan.tileRows);
    launch.grid = AffineMap::get(2, 0, tiles * plan.clusterBlocks);
    launch.clusterBlocks = plan.clusterBlocks;
    launch.threads = plan.threads;
    launch.sharedBytes = plan.sharedBytes();
    launch.residentBlocks = plan.residentBlocks(target);
    launch.flopRate = target.matmulRate;
    return launch;
  }
};
} // namespace

void nvptx::attachScanInputsModel(MLIRContext &context) {
  ScanInputsOp::attachInterface<ScanInputsModel>(context);
}
