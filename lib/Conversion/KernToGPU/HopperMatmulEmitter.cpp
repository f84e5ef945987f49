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
// Weights do not depend on the kernel before: the first tiles of b are on their way while that one
// ends, those of a behind it.
//
// Blocks are persistent: the copies of a tile begin during the epilogue of the one before.
// Where the blocks of a cluster share a tile, each multiplies a part of k; the sums meet in the
// memory of the stages, which is free until then (HopperExchange.h).
//
//===----------------------------------------------------------------------===//

#include "HopperExchange.h"
#include "HopperSchedule.h"
#include "HopperStores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Registers of a thread in a block of three warpgroups, which starts with 168 each.
static constexpr int64_t producerRegisters = 40;
static constexpr int64_t consumerRegisters = 232;

namespace {
class HopperMatmulEmitter {
public:
  HopperMatmulEmitter(GPUKernelBuilder &b, const HopperLaunchPlan &plan) : b(b), plan(plan) {}

  void emit();

private:
  GPUKernelBuilder &b;
  const HopperLaunchPlan &plan;
  SmallVector<ProductCode, 2> products;
  Value base, thread;

  Value full(Value stage) { return barrierAt(stage, 0); }
  Value empty(Value stage) { return barrierAt(stage, plan.stages() * 8); }
  Value barrierAt(Value stage, int64_t offset) {
    return b.shared(base, b.add(b.mul(stage, 8), plan.barrierOffset() + offset));
  }
  Stage next(Stage stage);

  void initBarriers();
  void produce(HopperSchedule &schedule);
  Stage copyPart(const ProductCode &code, const TilePart &part, Stage stage);
  void copyB(const ProductCode &code, const TilePart &part, Value kTile, Value stage);
  void copyA(const ProductCode &code, const TilePart &part, Value kTile, Value stage);
  void consume(HopperSchedule &schedule);
  std::pair<SmallVector<Value>, Stage> sumPart(const ProductCode &code, const TilePart &part,
                                               Value consumer, Stage stage,
                                               llvm::function_ref<void()> afterFirst);
  Value multiplyStage(const ProductCode &code, Value consumer, int64_t columns, Stage stage,
                      Value sums);
  void release(Value stage);
};
} // namespace

void HopperMatmulEmitter::emit() {
  for (const HopperProduct &product : plan.products)
    products.push_back(makeProductCode(b, product));
  startNextGrid(b);
  base = b.sharedBase();
  thread = b.threadId();
  HopperSchedule schedule(b, plan, products);
  initBarriers();
  Value warpgroup = b.broadcastLane0(b.div(thread, 128));
  b.ifThenElse(b.equal(warpgroup, 0), [&] { produce(schedule); }, [&] { consume(schedule); });
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
  Value otherPhase = b.bitAnd(b.bitXor(stage.phase, b.i32(1)), 1);
  return {b.select(wraps, b.i32(0), following), b.select(wraps, otherPhase, stage.phase)};
}

void HopperMatmulEmitter::produce(HopperSchedule &schedule) {
  if (plan.consumers() == 2)
    decreaseRegisters(b, producerRegisters);
  Value isCopying = b.equal(thread, 0);
  auto copyParts = [&] {
    schedule.forEachPart(Stage::firstCopy,
                         [&](const ProductCode &code, const TilePart &part, Stage stage) {
                           return copyPart(code, part, stage);
                         });
  };
  if (plan.cluster == 1)
    return b.ifThen(isCopying, copyParts);
  // All threads of a cluster meet at its barriers.
  schedule.forEachPart(
      Stage::firstCopy, [&](const ProductCode &code, const TilePart &part, Stage stage) {
        auto after = b.ifElseMany(
            isCopying,
            [&] {
              Stage end = copyPart(code, part, stage);
              return SmallVector<Value>{end.index, end.phase};
            },
            [&] { return SmallVector<Value>{stage.index, stage.phase}; });
        if (part.isShared)
          HopperExchange(b, code.plan(), part.columns, plan.cluster, base, thread).passBy();
        return Stage{after[0], after[1]};
      });
}

Stage HopperMatmulEmitter::copyPart(const ProductCode &code, const TilePart &part, Stage stage) {
  // Where the block begins, what waits for the kernel before comes behind what does not.
  Value isFirst = b.both(b.equal(stage.phase, Stage::firstCopy), b.equal(stage.index, 0));
  // One stage less than there are, so that the ring does not end.
  Value ahead = b.min(part.endK, b.add(part.firstK, plan.stages() - 1));
  b.ifThen(isFirst, [&] {
    auto forEachStage = [&](auto copy) {
      b.forLoop(part.firstK, ahead, b.i32(1),
                [&](Value kTile) { copy(code, part, kTile, b.sub(kTile, part.firstK)); });
    };
    forEachStage([&](auto &&...tile) { copyB(tile...); });
    waitForGrids(b);
    forEachStage([&](auto &&...tile) { copyA(tile...); });
  });
  SmallVector<Value> inits = {b.select(isFirst, b.sub(ahead, part.firstK), stage.index),
                              stage.phase};
  auto last = b.forLoop(b.select(isFirst, ahead, part.firstK), part.endK, b.i32(1), inits,
                        [&](Value kTile, ValueRange carried) {
                          Stage current{carried[0], carried[1]};
                          waitBarrier(b, empty(current.index), b.bitAnd(current.phase, 1));
                          copyB(code, part, kTile, current.index);
                          copyA(code, part, kTile, current.index);
                          Stage after = next(current);
                          return SmallVector<Value>{after.index, after.phase};
                        });
  return {last[0], last[1]};
}

/// Announces all bytes of the stage.
void HopperMatmulEmitter::copyB(const ProductCode &code, const TilePart &part, Value kTile,
                                Value stage) {
  const HopperMatmulPlan &plan = code.plan();
  Value barrier = full(stage), column = b.mul(kTile, swizzledColumns);
  int64_t groupBytes = part.columns * swizzledRowBytes;
  arriveExpecting(b, barrier, b.i32(plan.aBytes() + plan.groups * groupBytes));
  Value bTile = b.add(b.mul(stage, plan.bBytes()), plan.bOffset());
  for (int64_t group = 0; group < plan.groups; ++group)
    for (int64_t first = 0; first < part.columns; first += plan.boxColumns())
      copyToShared(b, b.shared(base, b.add(bTile, group * groupBytes + first * swizzledRowBytes)),
                   code.bMap, column, b.add(b.add(part.tile.column, b.mul(code.n, group)), first),
                   barrier);
}

void HopperMatmulEmitter::copyA(const ProductCode &code, const TilePart &part, Value kTile,
                                Value stage) {
  Value column = b.add(b.mul(kTile, swizzledColumns), code.op().getAColumn());
  copyToShared(b, b.shared(base, b.mul(stage, code.plan().aBytes())), code.aMap, column,
               part.tile.row, full(stage));
}

void HopperMatmulEmitter::consume(HopperSchedule &schedule) {
  waitForGrids(b);
  if (plan.consumers() == 2)
    increaseRegisters(b, consumerRegisters);
  Value inConsumers = b.add(thread, -128);
  Value consumer = b.div(inConsumers, 128), inGroup = b.rem(inConsumers, 128);
  schedule.forEachPart(0, [&](const ProductCode &code, const TilePart &part, Stage stage) {
    GPUKernelBuilder::ChoiceScope choice(b, code.operands);
    HopperStoreContext context{b, code, base, consumer, inGroup};
    if (!part.isShared) {
      auto stores = makeHopperStores(context, part.columns);
      auto [sums, after] = sumPart(code, part, consumer, stage, [&] { stores->begin(part.tile); });
      stores->store(sums);
      return after;
    }
    HopperExchange exchange(b, code.plan(), part.columns, plan.cluster, base, inConsumers);
    MatmulTile own = {part.tile.row,
                      b.add(part.tile.column, b.mul(schedule.rank(), exchange.ownColumns()))};
    auto stores = makeHopperStores(context, exchange.ownColumns());
    auto [sums, after] = sumPart(code, part, consumer, stage, [&] { stores->begin(own); });
    SmallVector<Value> ownSums = exchange.sum(sums, schedule.rank());
    b.ifThen(b.less(own.column, code.n), [&] { stores->store(ownSums); });
    exchange.finish();
    return after;
  });
  if (llvm::any_of(products, [](const ProductCode &code) { return code.plan().storesTiles; }))
    b.ifThen(b.equal(inGroup, 0), [&] { waitCopiesRead(b, 0); });
}

/// The sums of a part, and the stage behind it.
std::pair<SmallVector<Value>, Stage>
HopperMatmulEmitter::sumPart(const ProductCode &code, const TilePart &part, Value consumer,
                             Stage stage, llvm::function_ref<void()> afterFirst) {
  int64_t columns = part.columns, tileColumns = columns * code.plan().groups;
  // A stage is released one step later, when its products have ended.
  Value first = multiplyStage(code, consumer, columns, stage, /*sums=*/{});
  // Behind the first products, for which the reads and the stores before them would be in the way.
  afterFirst();
  Stage second = next(stage);
  SmallVector<Value> inits = {second.index, second.phase, stage.index, first};
  auto last =
      b.forLoop(b.add(part.firstK, 1), part.endK, b.i32(1), inits, [&](Value, ValueRange carried) {
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
  for (int64_t i = 0; i < tileColumns / 2; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, last[3], i));
  return {values, {last[0], last[1]}};
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
