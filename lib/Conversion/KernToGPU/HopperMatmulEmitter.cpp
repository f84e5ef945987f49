//===- HopperMatmulEmitter.cpp - Code of products by warpgroups -----------===//
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
// of a tile begin during the epilogue of the one before. The tiles of a launch are those of
// its products, one product behind the other. When a round of tiles is left that would occupy
// less than half of the blocks, each of its tiles is made as two halves, by two blocks: the
// order in which a result's products are added stays the same.
//
//===----------------------------------------------------------------------===//

#include "HopperStores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Registers of a thread in a block of three warpgroups, which starts with 168 each.
static constexpr int64_t producerRegisters = 40;
static constexpr int64_t consumerRegisters = 232;

namespace {
/// A place in the ring of stages, and how often it went round, modulo 2.
struct Stage {
  Value index, phase;
};

/// A product, and what the code reads of it.
struct ProductCode {
  const HopperProduct &product;
  Value rowTiles;
  Value firstTile, endTile; ///< which of the tiles of the launch are its own
  Value aMap, bMap, outMap;

  MatmulOp op() const { return product.op; }
  const HopperMatmulPlan &plan() const { return product.plan; }
};

class HopperMatmulEmitter {
public:
  HopperMatmulEmitter(GPUKernelBuilder &b, const HopperLaunchPlan &plan) : b(b), plan(plan) {}

  void emit();

private:
  /// What is done with so many columns of the result from a tile's first on, from the stage on
  /// where they begin; returns the stage for the tile after.
  using TileBody = llvm::function_ref<Stage(const ProductCode &code, const MatmulTile &tile,
                                            int64_t columns, Stage stage)>;

  GPUKernelBuilder &b;
  const HopperLaunchPlan &plan;
  SmallVector<ProductCode, 2> products;
  Value base, thread;
  Value wholeTiles; ///< tiles that are made whole: the first ones

  void makeMaps(ProductCode &code);
  void countTiles();
  Value full(Value stage) { return barrierAt(stage, 0); }
  Value empty(Value stage) { return barrierAt(stage, plan.stages() * 8); }
  Value barrierAt(Value stage, int64_t offset) {
    return b.shared(base, b.add(b.mul(stage, 8), plan.barrierOffset() + offset));
  }
  Stage next(Stage stage);
  /// Tile `index` of the launch, one of the product's.
  MatmulTile tileAt(const ProductCode &code, Value index);
  /// Calls `body` for every whole tile of the block, and for its half of a tile, if any.
  void forEachTile(int64_t phase, TileBody body);
  void takeHalf(Stage stage, TileBody body);

  void initBarriers();
  void produce();
  Stage copyTile(const ProductCode &code, const MatmulTile &tile, int64_t columns, Stage stage);
  void copyStage(const ProductCode &code, const MatmulTile &tile, int64_t columns, Value kTile,
                 Stage stage);
  void consume();
  Stage multiplyTile(const ProductCode &code, const MatmulTile &tile, HopperStores &stores,
                     Value consumer, int64_t columns, Stage stage);
  Value multiplyStage(const ProductCode &code, Value consumer, int64_t columns, Stage stage,
                      Value sums);
  void release(Value stage);
};
} // namespace

void HopperMatmulEmitter::makeMaps(ProductCode &code) {
  MatmulOp op = code.op();
  const HopperMatmulPlan &plan = code.plan();
  AffineExpr rows = b.builder.getAffineDimExpr(code.product.extent);
  // Extents end where the operand does: what a tile has beyond is zero.
  code.aMap = b.tensorMap({op.getA(), static_cast<int64_t>(op.getAColumn() + plan.k), rows,
                           swizzledColumns, plan.tileRows});
  code.bMap = b.tensorMap({op.getB(), plan.k, b.builder.getAffineConstantExpr(plan.n * plan.groups),
                           swizzledColumns, plan.boxColumns()});
  if (plan.storesTiles)
    code.outMap = b.tensorMap(
        {op.getOut(), static_cast<int64_t>(op.getOutColumn() + plan.n), rows, swizzledColumns, 64});
}

void HopperMatmulEmitter::emit() {
  for (const HopperProduct &product : plan.products)
    makeMaps(products.emplace_back(ProductCode{product, {}, {}, {}, {}, {}, {}}));
  base = b.sharedBase();
  thread = b.threadId();
  countTiles();
  initBarriers();
  Value warpgroup = b.broadcastLane0(b.div(thread, 128));
  b.ifThenElse(b.equal(warpgroup, 0), [&] { produce(); }, [&] { consume(); });
}

void HopperMatmulEmitter::countTiles() {
  Value tiles = b.i32(0);
  for (ProductCode &code : products) {
    code.rowTiles = b.ceilDiv(b.extent(code.op().getRows()), code.plan().tileRows);
    code.firstTile = tiles;
    tiles = code.endTile = b.add(b.mul(code.rowTiles, code.plan().columnTiles()), tiles);
  }
  wholeTiles = tiles;
  if (!plan.hasHalves())
    return;
  Value rest = b.rem(tiles, b.numBlocks());
  Value isHalved = b.less(b.mul(rest, 2), b.add(b.numBlocks(), 1));
  wholeTiles = b.select(isHalved, b.sub(tiles, rest), tiles);
}

void HopperMatmulEmitter::initBarriers() {
  b.ifThen(b.equal(thread, 0), [&] {
    for (int64_t stage = 0; stage < plan.stages(); ++stage) {
      initBarrier(b, full(b.i32(stage)), 1);
      initBarrier(b, empty(b.i32(stage)), 4 * plan.consumers());
    }
    fenceBarrierInit(b);
  });
  b.barrier();
}

Stage HopperMatmulEmitter::next(Stage stage) {
  Value following = b.add(stage.index, 1);
  Value wraps = b.equal(following, plan.stages());
  return {b.select(wraps, b.i32(0), following),
          b.select(wraps, b.bitXor(stage.phase, b.i32(1)), stage.phase)};
}

MatmulTile HopperMatmulEmitter::tileAt(const ProductCode &code, Value index) {
  return nvptx::tileAt(b, code.plan(), b.sub(index, code.firstTile), code.rowTiles);
}

// One loop behind the other, and not one that asks at every tile whose it is: the code generator
// would merge what the bodies have in common, and keep where they differ in registers.
void HopperMatmulEmitter::forEachTile(int64_t phase, TileBody body) {
  SmallVector<Value> last = {b.blockId(), b.i32(0), b.i32(phase)};
  for (const ProductCode &code : products)
    last = b.forLoop(
        last[0], b.min(code.endTile, wholeTiles), b.numBlocks(), last,
        [&](Value index, ValueRange carried) {
          Stage after =
              body(code, tileAt(code, index), code.plan().outColumns(), {carried[1], carried[2]});
          return SmallVector<Value>{b.add(index, b.numBlocks()), after.index, after.phase};
        });
  if (plan.hasHalves())
    takeHalf({last[1], last[2]}, body);
}

void HopperMatmulEmitter::takeHalf(Stage stage, TileBody body) {
  Value index = b.add(wholeTiles, b.div(b.blockId(), 2));
  for (const ProductCode &code : products) {
    Value isOwn =
        b.both(b.less(b.sub(code.firstTile, b.i32(1)), index), b.less(index, code.endTile));
    b.ifThen(isOwn, [&] {
      MatmulTile tile = tileAt(code, index);
      int64_t columns = code.plan().outColumns() / 2;
      tile.column = b.add(tile.column, b.mul(b.rem(b.blockId(), 2), columns));
      // A second half can lie outside the result.
      b.ifThen(b.less(tile.column, b.i32(code.plan().n)),
               [&] { body(code, tile, columns, stage); });
    });
  }
}

void HopperMatmulEmitter::produce() {
  if (plan.consumers() == 2)
    decreaseRegisters(b, producerRegisters);
  // The first round finds every stage empty: it waits for the phase before the first.
  b.ifThen(b.equal(thread, 0), [&] {
    forEachTile(1, [&](const ProductCode &code, const MatmulTile &tile, int64_t columns,
                       Stage stage) { return copyTile(code, tile, columns, stage); });
  });
}

Stage HopperMatmulEmitter::copyTile(const ProductCode &code, const MatmulTile &tile,
                                    int64_t columns, Stage stage) {
  SmallVector<Value> inits = {stage.index, stage.phase};
  auto last = b.forLoop(b.i32(0), b.i32(code.plan().kTiles()), b.i32(1), inits,
                        [&](Value kTile, ValueRange carried) {
                          Stage current{carried[0], carried[1]};
                          copyStage(code, tile, columns, kTile, current);
                          Stage after = next(current);
                          return SmallVector<Value>{after.index, after.phase};
                        });
  return {last[0], last[1]};
}

void HopperMatmulEmitter::copyStage(const ProductCode &code, const MatmulTile &tile,
                                    int64_t columns, Value kTile, Stage stage) {
  const HopperMatmulPlan &plan = code.plan();
  waitBarrier(b, empty(stage.index), stage.phase);
  Value barrier = full(stage.index);
  int64_t bBytes = columns * plan.groups * swizzledRowBytes;
  arriveExpecting(b, barrier, b.i32(plan.aBytes() + bBytes));
  Value column = b.mul(kTile, swizzledColumns);
  copyToShared(b, b.shared(base, b.mul(stage.index, plan.aBytes())), code.aMap,
               b.add(column, code.op().getAColumn()), tile.row, barrier);
  Value bTile = b.add(b.mul(stage.index, plan.bBytes()), plan.bOffset());
  for (int64_t group = 0; group < plan.groups; ++group)
    for (int64_t first = 0; first < columns; first += plan.boxColumns())
      copyToShared(b, b.shared(base, b.add(bTile, (group * columns + first) * swizzledRowBytes)),
                   code.bMap, column, b.add(tile.column, group * plan.n + first), barrier);
}

void HopperMatmulEmitter::consume() {
  if (plan.consumers() == 2)
    increaseRegisters(b, consumerRegisters);
  Value inConsumers = b.add(thread, -128);
  Value consumer = b.div(inConsumers, 128), inGroup = b.rem(inConsumers, 128);
  forEachTile(0, [&](const ProductCode &code, const MatmulTile &tile, int64_t columns,
                     Stage stage) {
    HopperStoreContext context{b, code.op(), code.plan(), base, consumer, inGroup, code.outMap};
    return multiplyTile(code, tile, *makeHopperStores(context, columns), consumer, columns, stage);
  });
  if (llvm::any_of(products, [](const ProductCode &code) { return code.plan().storesTiles; }))
    b.ifThen(b.equal(inGroup, 0), [&] { waitCopiesRead(b, 0); });
}

Stage HopperMatmulEmitter::multiplyTile(const ProductCode &code, const MatmulTile &tile,
                                        HopperStores &stores, Value consumer, int64_t columns,
                                        Stage stage) {
  const HopperMatmulPlan &plan = code.plan();
  Value zero = LLVM::ZeroOp::create(b.builder, b.loc, sumsType(b, columns * plan.groups));
  // A stage is released one step later, when its products have ended.
  Value first = multiplyStage(code, consumer, columns, stage, zero);
  // Behind the first products, for which the reads and the stores before them would be in the way.
  stores.begin(tile);
  Stage second = next(stage);
  SmallVector<Value> inits = {second.index, second.phase, stage.index, first};
  auto last =
      b.forLoop(b.i32(1), b.i32(plan.kTiles()), b.i32(1), inits, [&](Value, ValueRange carried) {
        Stage current{carried[0], carried[1]};
        Value sums = multiplyStage(code, consumer, columns, current, carried[3]);
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

Value HopperMatmulEmitter::multiplyStage(const ProductCode &code, Value consumer, int64_t columns,
                                         Stage stage, Value sums) {
  const HopperMatmulPlan &plan = code.plan();
  waitBarrier(b, full(stage.index), stage.phase);
  Value address = LLVM::PtrToIntOp::create(b.builder, b.loc, b.i32(), base);
  Value aTile = b.add(b.add(address, b.mul(stage.index, plan.aBytes())),
                      b.mul(consumer, 64 * swizzledRowBytes));
  Value bTile = b.add(b.add(address, b.mul(stage.index, plan.bBytes())), plan.bOffset());
  return startProducts(b, elementType(code.op().getA()), sums, matrixDescriptor(b, aTile),
                       matrixDescriptor(b, bTile), columns * plan.groups);
}

void HopperMatmulEmitter::release(Value stage) {
  b.ifThen(b.equal(b.rem(thread, 32), 0), [&] { arrive(b, empty(stage)); });
}

void nvptx::emitHopperBlock(GPUKernelBuilder &b, const HopperLaunchPlan &plan) {
  HopperMatmulEmitter(b, plan).emit();
}
