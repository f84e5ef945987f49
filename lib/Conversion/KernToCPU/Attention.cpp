//===- Attention.cpp - kern.attention for the CPU -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Online softmax over blocks of keys (arXiv 2205.14135, 2307.08691): the scores of
// one block at a time lie in scratch, the maxima and sums of the rows in registers.
//
//===----------------------------------------------------------------------===//

#include "AttentionTiles.h"
#include "KernelConfig.h"

#include <limits>

using namespace mlir;
using namespace mlir::kern;
using mlir::flowhn::CPUTargetInfo;

/// Keys of a block, roughly: their scores stay in the first-level cache.
static constexpr int64_t blockKeys = 64;

/// Query vectors of an item: enough to use a broadcast scalar several times.
static int64_t itemVectors(const CPUTargetInfo &target) {
  return target.vectorRegisters >= 32 ? 4 : 2;
}

/// Checks a configuration that may have been written by hand.
static LogicalResult checkShape(AttentionOp op) {
  if (failed(checkConfig(op, {"features", "heads", "key_tile", "keys", "lanes", "rows"}, "CPU")))
    return failure();
  AttentionShape shape(op);
  int64_t group = op.getHeads() / op.getKvHeads();
  if (group % shape.heads != 0)
    return op.emitOpError("needs 'heads' that divide its ")
           << group << " query heads per key/value head in its CPU configuration, got "
           << shape.heads;
  if (shape.rows % shape.lanes != 0 || shape.keys % shape.keyTile != 0)
    return op.emitOpError("needs 'rows' in multiples of 'lanes' and 'keys' in multiples of "
                          "'key_tile' in its CPU configuration, got ")
           << shape.rows << ", " << shape.lanes << ", " << shape.keys << " and " << shape.keyTile;
  return success();
}

/// Splits an item into sequence, query block and heads. The blocks with the most
/// keys come first, so that the last items handed out are short ones.
static AttentionItem decodeItem(KernelBuilder &b, AttentionOp op, const AttentionShape &shape,
                                Value item) {
  int64_t headBlocks = op.getHeads() / shape.heads, group = op.getHeads() / op.getKvHeads();
  Value maxQueries = op.getMaxQueries() ? op.getMaxQueries() : op.getMaxLength();
  Value numBlocks = b.ceilDiv(maxQueries, shape.rows);
  auto [number, block] = splitIndex(b, b.floorDiv(item, headBlocks), numBlocks);
  AttentionItem result;
  result.sequence = Sequence::load(b, op.getOffsets(), number);
  result.queries = result.sequence;
  result.begin = b.mul(b.sub(b.add(numBlocks, -1), block), shape.rows);
  result.position = result.begin;
  if (op.getQueryOffsets()) {
    result.queries = Sequence::load(b, op.getQueryOffsets(), number);
    Value before = b.sub(result.sequence.length, result.queries.length);
    result.position = b.add(before, result.begin);
  } else if (op.getFirstKeys()) {
    Value before = b.lookUp(op.getKeysBefore(), number);
    result.sequence = {b.lookUp(op.getFirstKeys(), number), b.add(before, result.queries.length)};
    result.position = b.add(before, result.begin);
  }
  result.limit = b.min(b.add(result.position, shape.rows), result.sequence.length);
  result.firstHead = b.mul(b.mod(item, headBlocks), shape.heads);
  result.kvHead = b.floorDiv(result.firstHead, group);
  return result;
}

/// Carries the softmax through the blocks of keys [begin, end).
static SoftmaxState attendBlocks(KernelBuilder &b, AttentionTiles &tiles, Value begin, Value end,
                                 int64_t keys, bool causal, const SoftmaxState &state) {
  size_t count = state.maxima.size();
  auto unpack = [&](ValueRange values) {
    return SoftmaxState{SmallVector<Value>(values.take_front(count)),
                        SmallVector<Value>(values.drop_front(count))};
  };
  auto pack = [](const SoftmaxState &state) {
    return llvm::to_vector(llvm::concat<const Value>(state.maxima, state.sums));
  };
  return unpack(b.forLoop(begin, end, keys, pack(state), [&](Value firstKey, ValueRange carried) {
    return pack(tiles.attend(firstKey, causal, unpack(carried)));
  }));
}

static void emitItem(KernelBuilder &b, AttentionOp op, Value number, Value scratch) {
  AttentionShape shape(op);
  AttentionItem item = decodeItem(b, op, shape, number);
  b.ifThen(b.less(item.begin, item.queries.length), [&] {
    AttentionTiles tiles(b, op, item, scratch);
    tiles.loadQueries();
    SoftmaxState state;
    state.maxima.assign(shape.vectors(), b.splat(-std::numeric_limits<float>::infinity()));
    state.sums.assign(shape.vectors(), b.splat(0));
    // Every row sees all keys up to the first row of the item.
    Value allSee = b.mul(b.floorDiv(b.add(item.position, 1), shape.keys), shape.keys);
    state = attendBlocks(b, tiles, b.index(0), allSee, shape.keys, /*causal=*/false, state);
    state = attendBlocks(b, tiles, allSee, item.limit, shape.keys, /*causal=*/true, state);
    tiles.storeResults(state.sums);
  });
}

namespace {
struct AttentionModel : CPUKernelInterface::ExternalModel<AttentionModel, AttentionOp> {
  DictionaryAttr chooseCPUConfig(Operation *op, const CPUTargetInfo &target) const {
    auto attention = cast<AttentionOp>(op);
    int64_t group = attention.getHeads() / attention.getKvHeads();
    int64_t heads = std::min(group, itemVectors(target));
    while (group % heads != 0)
      --heads;
    int64_t rowVectors = itemVectors(target) / heads, vectors = heads * rowVectors;
    // Three quarters of the registers hold sums, the others their factors.
    int64_t tile = target.vectorRegisters * 3 / 4 / vectors;
    int64_t features = std::min<int64_t>(tile, attention.getHeadSize());
    return makeConfig(op->getContext(), {{"features", features},
                                         {"heads", heads},
                                         {"key_tile", tile},
                                         {"keys", blockKeys / tile * tile},
                                         {"lanes", target.lanes()},
                                         {"rows", rowVectors * target.lanes()}});
  }

  AffineMap getCPUGrid(Operation *op) const {
    auto attention = cast<AttentionOp>(op);
    AttentionShape shape(attention);
    AffineExpr batch = getAffineDimExpr(0, op->getContext());
    unsigned numExtents = attention.getNumExtents();
    AffineExpr queries = getAffineDimExpr(attention.getQueryExtent(), op->getContext());
    int64_t headBlocks = attention.getHeads() / shape.heads;
    return AffineMap::get(numExtents, 0, batch * queries.ceilDiv(shape.rows) * headBlocks);
  }

  int64_t getCPUScratchBytes(Operation *op) const {
    return alignToLine(AttentionShape(cast<AttentionOp>(op)).scratchBytes());
  }

  LogicalResult emitCPU(Operation *op, OpBuilder &builder, const CPUTargetInfo &target, Value item,
                        Value scratch) const {
    auto attention = cast<AttentionOp>(op);
    if (failed(checkShape(attention)))
      return failure();
    KernelBuilder b(builder, op->getLoc(), target);
    b.lanes = configValue(*attention.getConfig(), "lanes");
    emitItem(b, attention, item, scratch);
    return success();
  }
};
} // namespace

void kern::attachAttentionCPUModel(MLIRContext &context) {
  AttentionOp::attachInterface<AttentionModel>(context);
}
