//===- HopperMatmulEmitter.cpp - Code of products by warpgroups -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A block has one warpgroup that copies tiles of a and b to shared memory and one or two
// that multiply them, 64 rows each. The copies run ahead by a ring of stages (HopperStages.h).
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
#include "HopperStages.h"
#include "HopperStores.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Registers of a thread in a block of three warpgroups, which starts with 168 each.
static constexpr int64_t producerRegisters = 40;
static constexpr int64_t consumerRegisters = 232;

namespace {
class HopperMatmulEmitter {
public:
  HopperMatmulEmitter(GPUKernelBuilder &b, const HopperLaunchPlan &plan)
      : b(b), plan(plan), base(b.sharedBase()), thread(b.threadId()),
        stages(b, plan, base, thread) {}

  void emit();

private:
  GPUKernelBuilder &b;
  const HopperLaunchPlan &plan;
  SmallVector<ProductCode, 2> products;
  Value base, thread;
  HopperStages stages;

  void produce(HopperSchedule &schedule);
  void consume(HopperSchedule &schedule);
  std::pair<SmallVector<Value>, Stage> sumPart(const ProductCode &code, const TilePart &part,
                                               Value consumer, Stage stage,
                                               llvm::function_ref<void()> afterFirst);
  Value multiplyStage(const ProductCode &code, Value consumer, int64_t columns, Stage stage,
                      Value sums);
};
} // namespace

void HopperMatmulEmitter::emit() {
  SmallVector<int64_t, 3> boxes = plan.boxes();
  for (const HopperProduct &product : plan.products)
    products.push_back(makeProductCode(b, product, boxes));
  startNextGrid(b);
  HopperSchedule schedule(b, plan, products);
  stages.initBarriers();
  Value warpgroup = b.broadcastLane0(b.div(thread, 128));
  b.ifThenElse(b.equal(warpgroup, 0), [&] { produce(schedule); }, [&] { consume(schedule); });
  stages.leave();
}

void HopperMatmulEmitter::produce(HopperSchedule &schedule) {
  if (plan.consumers() == 2)
    decreaseRegisters(b, producerRegisters);
  Value isCopying = b.equal(thread, 0);
  auto copyParts = [&] {
    schedule.forEachPart(Stage::firstCopy,
                         [&](const ProductCode &code, const TilePart &part, Stage stage) {
                           return stages.copyPart(code, part, stage);
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
              Stage end = stages.copyPart(code, part, stage);
              return SmallVector<Value>{end.index, end.phase};
            },
            [&] { return SmallVector<Value>{stage.index, stage.phase}; });
        if (part.isShared)
          HopperExchange(b, code.plan(), part.columns, plan.cluster, base, thread).passBy();
        return Stage{after[0], after[1]};
      });
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
    Value rank = rankInCluster(b, plan.cluster);
    MatmulTile own = {part.tile.row, b.add(part.tile.column, b.mul(rank, exchange.ownColumns()))};
    auto stores = makeHopperStores(context, exchange.ownColumns());
    auto [sums, after] = sumPart(code, part, consumer, stage, [&] { stores->begin(own); });
    SmallVector<Value> ownSums = exchange.sum(sums, rank);
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
  int64_t depth = plan.depthOf(columns);
  // A stage is released one step later, when its products have ended.
  Value first = multiplyStage(code, consumer, columns, stage, /*sums=*/{});
  // Behind the first products, for which the reads and the stores before them would be in the way.
  afterFirst();
  Stage second = stages.next(stage);
  SmallVector<Value> inits = {second.index, second.phase, stage.index, first};
  auto last = b.forLoop(b.add(part.firstK, depth), part.endK, b.i32(depth), inits,
                        [&](Value, ValueRange carried) {
                          Stage current{carried[0], carried[1]};
                          Value sums = multiplyStage(code, consumer, columns, current, carried[3]);
                          waitProducts(b, 1);
                          stages.release(part, carried[2]);
                          Stage after = stages.next(current);
                          return SmallVector<Value>{after.index, after.phase, current.index, sums};
                        });
  waitProducts(b, 0);
  stages.release(part, last[2]);
  SmallVector<Value> values;
  for (int64_t i = 0; i < tileColumns / 2; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, last[3], i));
  return {values, {last[0], last[1]}};
}

Value HopperMatmulEmitter::multiplyStage(const ProductCode &code, Value consumer, int64_t columns,
                                         Stage stage, Value sums) {
  stages.waitFull(stage);
  Value address = LLVM::PtrToIntOp::create(b.builder, b.loc, b.i32(), base);
  Value ownRows = b.add(address, b.mul(consumer, 64 * swizzledRowBytes));
  SmallVector<ProductFactors, 2> factors;
  for (int64_t n = 0; n < plan.depthOf(columns); ++n) {
    Value a = b.add(ownRows, stages.offsetOfA(code, columns, stage.index, n));
    Value bTile = b.add(address, stages.offsetOfB(code, columns, stage.index, n));
    factors.push_back({matrixDescriptor(b, a), matrixDescriptor(b, bTile)});
  }
  return startProducts(b, elementType(code.op().getA()), sums, factors,
                       columns * code.plan().groups);
}

void nvptx::emitHopperBlock(GPUKernelBuilder &b, const HopperLaunchPlan &plan) {
  HopperMatmulEmitter(b, plan).emit();
}
