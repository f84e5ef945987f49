//===- MatmulHopper.cpp - Matmul by warpgroups and bulk copies ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A block has one warpgroup that copies tiles of a and b to shared memory and one or two
// that multiply them, 64 rows each. The copies run `stages` tiles ahead: a stage is full
// when its bytes have come and empty when every warp of the consumers has said so.
//
// Blocks are persistent: each takes tiles of the result a grid apart, so that the copies
// of a tile begin during the epilogue of the one before. When a round of tiles is left that
// would occupy less than half of the blocks, each of its tiles is made as two halves, by two
// blocks: the order in which a result's products are added stays the same.
//
//===----------------------------------------------------------------------===//

#include "HopperStores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// Registers of a thread in a block of three warpgroups, which starts with 168 each.
static constexpr int64_t producerRegisters = 40;
static constexpr int64_t consumerRegisters = 232;

HopperMatmulPlan::HopperMatmulPlan(MatmulOp op, int64_t tileRows, int64_t tileColumns,
                                   int64_t stages)
    : MatmulPlan(op, tileRows, tileColumns, stages) {
  // Scattered rows are no box.
  storesTiles = !op.getScatter() && outColumns() % 64 == 0 && !elementType(op.getOut()).isF32() &&
                hasAlignedRows(op.getOut()) && isAlignedColumn(op.getOut(), op.getOutColumn()) &&
                isAlignedColumn(op.getOut(), op.getOutColumn() + n);
}

static HopperMatmulPlan planOf(MatmulOp op) {
  return HopperMatmulPlan(op, configValue(op, "tile_rows"), configValue(op, "tile_columns"),
                          configValue(op, "stages"));
}

//===----------------------------------------------------------------------===//
// The configuration
//===----------------------------------------------------------------------===//

/// Columns of a tile. A narrow tile reads more bytes per product: measured on an H200,
/// 128 columns reach under half of the rate of 256.
static int64_t chooseTileColumns(int64_t n, int64_t groups) {
  int64_t columns = n * groups;
  if (columns <= 256)
    return std::max<int64_t>(llvm::alignTo(columns, 16 * groups), 16 * groups);
  constexpr std::pair<int64_t, double> rates[] = {{256, 1.0}, {192, 0.9}, {128, 0.6}};
  auto time = [&](std::pair<int64_t, double> tile) {
    return llvm::divideCeil(n, tile.first / groups) * tile.first / tile.second;
  };
  return llvm::min_element(rates, [&](auto a, auto b) { return time(a) < time(b); })->first;
}

static int64_t chooseStages(MatmulOp op, int64_t rows, int64_t columns, int64_t sharedBytes) {
  int64_t stages = 2;
  while (stages < 6 && HopperMatmulPlan(op, rows, columns, stages + 1).sharedBytes() <= sharedBytes)
    ++stages;
  return stages;
}

static LogicalResult checkTiles(MatmulOp op, const GPUTargetInfo &target) {
  if (failed(checkConfig(op, {"tile_rows", "tile_columns", "stages"})))
    return failure();
  HopperMatmulPlan plan = planOf(op);
  if (!target.isMatmulTile(plan.tileRows, plan.tileColumns, plan.groups))
    return op.emitOpError("has no tile of ")
           << plan.tileRows << " by " << plan.tileColumns << " on " << target.chip;
  return checkSharedBytes(op, plan.sharedBytes(), target);
}

//===----------------------------------------------------------------------===//
// The code
//===----------------------------------------------------------------------===//

namespace {
/// Emits the code of a thread block.
class HopperMatmulEmitter {
public:
  HopperMatmulEmitter(GPUKernelBuilder &b, MatmulOp op, const HopperMatmulPlan &plan)
      : b(b), op(op), plan(plan) {}

  void emit();

private:
  /// A place in the ring of stages, and how often it went round, modulo 2.
  struct Stage {
    Value index, phase;
  };
  /// What is done with a tile of so many columns of the result, from the stage on where it
  /// begins; returns the stage for the tile after.
  using TileBody = llvm::function_ref<Stage(const MatmulTile &tile, Stage stage)>;

  GPUKernelBuilder &b;
  MatmulOp op;
  const HopperMatmulPlan &plan;
  Value aMap, bMap, outMap, base, thread, rowTiles;
  Value wholeTiles; ///< tiles that are made whole: the first ones

  void makeMaps();
  void countTiles();
  Value full(Value stage) { return barrierAt(stage, 0); }
  Value empty(Value stage) { return barrierAt(stage, plan.stages * 8); }
  Value barrierAt(Value stage, int64_t offset) {
    return b.shared(base, b.add(b.mul(stage, 8), plan.barrierOffset() + offset));
  }
  Stage next(Stage stage);
  /// Calls a body for every whole tile of the block, and one for its half of a tile, if any.
  void forEachTile(int64_t phase, TileBody whole, TileBody half);

  void initBarriers();
  void produce();
  Stage copyTile(const MatmulTile &tile, int64_t columns, Stage stage);
  void copyStage(const MatmulTile &tile, int64_t columns, Value kTile, Stage stage);
  void consume();
  Stage multiplyTile(const MatmulTile &tile, HopperStores &stores, Value consumer, int64_t columns,
                     Stage stage);
  Value multiplyStage(Value consumer, int64_t columns, Stage stage, Value sums);
  void release(Value stage);
};
} // namespace

void HopperMatmulEmitter::makeMaps() {
  AffineExpr rows = b.builder.getAffineDimExpr(0);
  // Extents end where the operand does: what a tile has beyond is zero.
  aMap = b.tensorMap({op.getA(), static_cast<int64_t>(op.getAColumn() + plan.k), rows,
                      swizzledColumns, plan.tileRows});
  bMap = b.tensorMap({op.getB(), plan.k, b.builder.getAffineConstantExpr(plan.n * plan.groups),
                      swizzledColumns, plan.boxColumns()});
  if (plan.storesTiles)
    outMap = b.tensorMap(
        {op.getOut(), static_cast<int64_t>(op.getOutColumn() + plan.n), rows, swizzledColumns, 64});
}

void HopperMatmulEmitter::emit() {
  makeMaps();
  base = b.sharedBase();
  thread = b.threadId();
  countTiles();
  initBarriers();
  Value warpgroup = b.broadcastLane0(b.div(thread, 128));
  b.ifThenElse(b.equal(warpgroup, 0), [&] { produce(); }, [&] { consume(); });
}

void HopperMatmulEmitter::countTiles() {
  rowTiles = b.ceilDiv(b.extent(op.getRows()), plan.tileRows);
  wholeTiles = b.mul(rowTiles, plan.columnTiles());
  if (!plan.hasHalves())
    return;
  Value rest = b.rem(wholeTiles, b.numBlocks());
  Value isHalved = b.less(b.mul(rest, 2), b.add(b.numBlocks(), 1));
  wholeTiles = b.select(isHalved, b.sub(wholeTiles, rest), wholeTiles);
}

void HopperMatmulEmitter::initBarriers() {
  b.ifThen(b.equal(thread, 0), [&] {
    for (int64_t stage = 0; stage < plan.stages; ++stage) {
      initBarrier(b, full(b.i32(stage)), 1);
      initBarrier(b, empty(b.i32(stage)), 4 * plan.consumers());
    }
    fenceBarrierInit(b);
  });
  b.barrier();
}

HopperMatmulEmitter::Stage HopperMatmulEmitter::next(Stage stage) {
  Value following = b.add(stage.index, 1);
  Value wraps = b.equal(following, plan.stages);
  return {b.select(wraps, b.i32(0), following),
          b.select(wraps, b.bitXor(stage.phase, b.i32(1)), stage.phase)};
}

void HopperMatmulEmitter::forEachTile(int64_t phase, TileBody whole, TileBody half) {
  SmallVector<Value> inits = {b.i32(0), b.i32(phase)};
  auto last = b.forLoop(
      b.blockId(), wholeTiles, b.numBlocks(), inits, [&](Value index, ValueRange carried) {
        Stage after = whole(tileAt(b, plan, index, rowTiles), {carried[0], carried[1]});
        return SmallVector<Value>{after.index, after.phase};
      });
  if (!plan.hasHalves())
    return;
  Value index = b.add(wholeTiles, b.div(b.blockId(), 2));
  b.ifThen(b.less(index, b.mul(rowTiles, plan.columnTiles())), [&] {
    MatmulTile tile = tileAt(b, plan, index, rowTiles);
    Value offset = b.mul(b.rem(b.blockId(), 2), plan.outColumns() / 2);
    tile.column = b.add(tile.column, offset);
    // A second half can lie outside the result.
    b.ifThen(b.less(tile.column, b.i32(plan.n)), [&] { half(tile, {last[0], last[1]}); });
  });
}

void HopperMatmulEmitter::produce() {
  if (plan.consumers() == 2)
    decreaseRegisters(b, producerRegisters);
  auto copyColumns = [&](int64_t columns) {
    return
        [=, this](const MatmulTile &tile, Stage stage) { return copyTile(tile, columns, stage); };
  };
  // The first round finds every stage empty: it waits for the phase before the first.
  b.ifThen(b.equal(thread, 0), [&] {
    forEachTile(1, copyColumns(plan.outColumns()), copyColumns(plan.outColumns() / 2));
  });
}

HopperMatmulEmitter::Stage HopperMatmulEmitter::copyTile(const MatmulTile &tile, int64_t columns,
                                                         Stage stage) {
  SmallVector<Value> inits = {stage.index, stage.phase};
  auto last = b.forLoop(b.i32(0), b.i32(plan.kTiles()), b.i32(1), inits,
                        [&](Value kTile, ValueRange carried) {
                          Stage current{carried[0], carried[1]};
                          copyStage(tile, columns, kTile, current);
                          Stage after = next(current);
                          return SmallVector<Value>{after.index, after.phase};
                        });
  return {last[0], last[1]};
}

void HopperMatmulEmitter::copyStage(const MatmulTile &tile, int64_t columns, Value kTile,
                                    Stage stage) {
  waitBarrier(b, empty(stage.index), stage.phase);
  Value barrier = full(stage.index);
  int64_t bBytes = columns * plan.groups * swizzledRowBytes;
  arriveExpecting(b, barrier, b.i32(plan.aBytes() + bBytes));
  Value column = b.mul(kTile, swizzledColumns);
  copyToShared(b, b.shared(base, b.mul(stage.index, plan.aBytes())), aMap,
               b.add(column, op.getAColumn()), tile.row, barrier);
  Value bTile = b.add(b.mul(stage.index, plan.bBytes()), plan.bOffset());
  for (int64_t group = 0; group < plan.groups; ++group)
    for (int64_t first = 0; first < columns; first += plan.boxColumns())
      copyToShared(b, b.shared(base, b.add(bTile, (group * columns + first) * swizzledRowBytes)),
                   bMap, column, b.add(tile.column, group * plan.n + first), barrier);
}

void HopperMatmulEmitter::consume() {
  if (plan.consumers() == 2)
    increaseRegisters(b, consumerRegisters);
  Value inConsumers = b.add(thread, -128);
  Value consumer = b.div(inConsumers, 128), inGroup = b.rem(inConsumers, 128);
  HopperStoreContext context{b, op, plan, base, consumer, inGroup, outMap};
  auto multiplyColumns = [&](int64_t columns) {
    return [&, columns](const MatmulTile &tile, Stage stage) {
      return multiplyTile(tile, *makeHopperStores(context, columns), consumer, columns, stage);
    };
  };
  forEachTile(0, multiplyColumns(plan.outColumns()), multiplyColumns(plan.outColumns() / 2));
  if (plan.storesTiles)
    b.ifThen(b.equal(inGroup, 0), [&] { waitCopiesRead(b, 0); });
}

HopperMatmulEmitter::Stage HopperMatmulEmitter::multiplyTile(const MatmulTile &tile,
                                                             HopperStores &stores, Value consumer,
                                                             int64_t columns, Stage stage) {
  Value zero = LLVM::ZeroOp::create(b.builder, b.loc, sumsType(b, columns * plan.groups));
  // A stage is released one step later, when its products have ended.
  Value first = multiplyStage(consumer, columns, stage, zero);
  // Behind the first products, for which the reads and the stores before them would be in the way.
  stores.begin(tile);
  Stage second = next(stage);
  SmallVector<Value> inits = {second.index, second.phase, stage.index, first};
  auto last =
      b.forLoop(b.i32(1), b.i32(plan.kTiles()), b.i32(1), inits, [&](Value, ValueRange carried) {
        Stage current{carried[0], carried[1]};
        Value sums = multiplyStage(consumer, columns, current, carried[3]);
        waitProducts(b, 1);
        release(carried[2]);
        Stage after = next(current);
        return SmallVector<Value>{after.index, after.phase, current.index, sums};
      });
  waitProducts(b, 0);
  release(last[2]);
  SmallVector<Value> values;
  for (int64_t i = 0; i < columns * plan.groups / 2; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, last[3], i));
  stores.store(values);
  return {last[0], last[1]};
}

Value HopperMatmulEmitter::multiplyStage(Value consumer, int64_t columns, Stage stage, Value sums) {
  waitBarrier(b, full(stage.index), stage.phase);
  Value address = LLVM::PtrToIntOp::create(b.builder, b.loc, b.i32(), base);
  Value aTile = b.add(b.add(address, b.mul(stage.index, plan.aBytes())),
                      b.mul(consumer, 64 * swizzledRowBytes));
  Value bTile = b.add(b.add(address, b.mul(stage.index, plan.bBytes())), plan.bOffset());
  return startProducts(b, elementType(op.getA()), sums, matrixDescriptor(b, aTile),
                       matrixDescriptor(b, bTile), columns * plan.groups);
}

void HopperMatmulEmitter::release(Value stage) {
  b.ifThen(b.equal(b.rem(thread, 32), 0), [&] { arrive(b, empty(stage)); });
}

DictionaryAttr nvptx::chooseHopperConfig(MatmulOp op, const GPUTargetInfo &target) {
  int64_t rows = 128, columns = chooseTileColumns(op.getN(), op.getGroups());
  int64_t stages = chooseStages(op, rows, columns, target.sharedBytes);
  return makeConfig(op->getContext(),
                    {{"tile_rows", rows}, {"tile_columns", columns}, {"stages", stages}});
}

FailureOr<GPULaunch> nvptx::emitHopperMatmul(MatmulOp op, GPUKernelBuilder &b) {
  if (failed(checkTiles(op, b.target)))
    return failure();
  HopperMatmulPlan plan = planOf(op);
  HopperMatmulEmitter(b, op, plan).emit();
  AffineExpr rowTiles = b.builder.getAffineDimExpr(0).ceilDiv(plan.tileRows);
  int64_t pieces = plan.hasHalves() ? 2 : 1;
  return GPULaunch{AffineMap::get(1, 0, rowTiles * plan.columnTiles() * pieces),
                   b.target.multiprocessors, plan.threads(), plan.sharedBytes(),
                   b.target.matmulRate};
}
