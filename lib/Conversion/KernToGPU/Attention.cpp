//===- Attention.cpp - kern.attention for the GPU -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Online softmax over blocks of keys (arXiv 2205.14135, 2307.08691). A block of threads
// takes one head and a tile of queries of one sequence; keys and values come through
// shared memory, ahead of their use. Scores and sums never leave the registers.
//
//===----------------------------------------------------------------------===//

#include "AttentionSplit.h"
#include "AttentionState.h"
#include "AttentionWarpgroup.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

namespace {
/// Emits the code of one thread.
class AttentionEmitter {
public:
  AttentionEmitter(GPUKernelBuilder &b, AttentionOp op)
      : b(b), op(op), shape(op), tiles(b, shape) {}

  void emit();

private:
  GPUKernelBuilder &b;
  AttentionOp op;
  AttentionShape shape;
  AttentionTiles tiles;
  AttentionRows rows;
  Value begin; ///< the block's first one of the queries
  AttentionTiles::Source query, key, value;

  void locate();
  void emitQueries();
  void copyKeys(Value firstKey, Value stage);
  void attend(Value firstKey, Value stage, SoftmaxState &state);
  void store(SoftmaxState state);
  Value rowOf(int64_t row);
};
} // namespace

void AttentionEmitter::emit() {
  locate();
  b.ifThen(b.less(begin, rows.queries.length), [&] { emitQueries(); });
}

/// The queries with the most keys come first, so that the last blocks are short ones.
void AttentionEmitter::locate() {
  Value head = b.blockId(1);
  Value kvHead = b.div(head, op.getHeads() / op.getKvHeads());
  rows = AttentionRows::load(b, op, b.blockId(2));
  begin = b.mul(b.sub(b.sub(b.numBlocks(), b.i32(1)), b.blockId(0)), shape.blockRows());
  query = tiles.source(op.getQuery(), op.getQColumn(), head);
  key = tiles.source(op.getKey(), op.getKColumn(), kvHead);
  value = tiles.source(op.getValue(), op.getVColumn(), kvHead);
}

/// The loop over blocks of keys. While one is computed, the next are on their way to the
/// other stages; all warps have left a stage when the loop's next barrier is passed.
void AttentionEmitter::emitQueries() {
  Value last = b.add(rows.queries.begin, b.sub(rows.queries.length, b.i32(1)));
  tiles.clearPadding();
  tiles.copy(query, b.add(rows.queries.begin, begin), last, shape.blockRows(), b.i32(0));
  commitCopies(b);
  for (int64_t ahead = 0; ahead < shape.stages - 1; ++ahead)
    copyKeys(b.i32(ahead * shape.keys), b.i32(ahead));
  waitCopies(b, shape.stages - 1);
  b.barrier();
  tiles.loadQueries();

  SoftmaxState state = SoftmaxState::empty(b, shape, SoftmaxRow::empty(b));
  Value end = b.add(rows.before, b.min(b.add(begin, shape.blockRows()), rows.queries.length));
  SmallVector<Value> carried = state.pack();
  carried.push_back(b.i32(0));
  carried =
      b.forLoop(b.i32(0), end, b.i32(shape.keys), carried, [&](Value firstKey, ValueRange values) {
        Value stage = values.back();
        waitCopies(b, shape.stages - 2);
        b.barrier();
        copyKeys(b.add(firstKey, (shape.stages - 1) * shape.keys),
                 b.rem(b.add(stage, shape.stages - 1), shape.stages));
        SoftmaxState state = SoftmaxState::unpack(shape, values.drop_back());
        attend(firstKey, stage, state);
        SmallVector<Value> result = state.pack();
        result.push_back(b.rem(b.add(stage, 1), shape.stages));
        return result;
      });
  store(SoftmaxState::unpack(shape, ArrayRef(carried).drop_back()));
}

/// Starts copying the keys and values from `firstKey` on, if the sequence has any: one
/// group of copies, even an empty one.
void AttentionEmitter::copyKeys(Value firstKey, Value stage) {
  b.ifThen(b.less(firstKey, rows.keys.length), [&] {
    Value last = b.add(rows.keys.begin, b.sub(rows.keys.length, b.i32(1)));
    Value row = b.add(rows.keys.begin, firstKey), offset = b.mul(stage, shape.tileBytes());
    tiles.copy(key, row, last, shape.keys, b.add(offset, shape.keysAt()));
    tiles.copy(value, row, last, shape.keys, b.add(offset, shape.valuesAt()));
  });
  commitCopies(b);
}

/// Row `row` of the thread, among the queries: two for each row tile.
Value AttentionEmitter::rowOf(int64_t row) {
  Value first = b.add(b.mul(tiles.warp, shape.rows), b.div(tiles.lane, 4));
  return b.add(b.add(begin, first), row / 2 * 16 + row % 2 * 8);
}

/// The keys behind a row's own position count for nothing. Key 0 is in the first block, so
/// that the maximum is finite from there on.
void AttentionEmitter::attend(Value firstKey, Value stage, SoftmaxState &state) {
  Value firstRow = b.add(b.add(rows.before, begin), b.mul(tiles.warp, shape.rows));
  Value reaches = b.less(firstRow, b.add(firstKey, shape.keys - 1));
  Value ownColumn = b.mul(b.rem(tiles.lane, 4), 2);
  state.attend(b, tiles, shape, b.mul(stage, shape.tileBytes()), softmaxScale(b, op),
               [&](int64_t row) {
                 Value position = b.add(rows.before, rowOf(row));
                 Value bound = b.sub(b.sub(position, firstKey), ownColumn);
                 return b.select(reaches, bound, b.i32(shape.keys));
               });
}

void AttentionEmitter::store(SoftmaxState state) {
  Buffer out = b.buffer(op.getOut());
  int64_t vector =
      commonVector({rowWidth(op.getOut()), static_cast<int64_t>(op.getOutColumn())}, 2);
  Value column = b.add(b.mul(b.blockId(1), shape.headSize), op.getOutColumn());
  column = b.add(column, b.mul(b.rem(tiles.lane, 4), 2));
  for (int64_t row = 0; row < 2 * shape.rowTiles(); ++row) {
    Value position = rowOf(row), factor = inverseSum(b, state.rows[row]);
    auto outputs = llvm::map_to_vector(state.outputsOf(shape, row), [](Value *v) { return *v; });
    b.ifThen(b.less(position, rows.queries.length), [&] {
      Value offset = b.rowOffset(out, b.add(rows.queries.begin, position), column);
      storeOutputs(b, outputs, factor, out, offset, vector);
    });
  }
}

namespace {
struct AttentionModel : GPUKernelInterface::ExternalModel<AttentionModel, AttentionOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    return getGPUConfigs(op, target).front();
  }

  SmallVector<DictionaryAttr> getGPUConfigs(Operation *op, const GPUTargetInfo &target) const {
    auto attention = cast<AttentionOp>(op);
    if (auto shape = SplitAttentionShape::choose(attention, target))
      return {shape->config()};
    auto shapes = WarpgroupAttentionShape::getAll(attention, target);
    if (shapes.empty())
      return {AttentionShape::choose(attention, target).config()};
    return llvm::map_to_vector(shapes, [&](const WarpgroupAttentionShape &shape) {
      return shape.config(op->getContext());
    });
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto attention = cast<AttentionOp>(op);
    if (WarpgroupAttentionShape::isAskedFor(attention))
      return emitByWarpgroups(attention, builder, target);
    if (SplitAttentionShape::isAskedFor(attention))
      return emitBySplits(attention, builder, target);
    if (failed(checkConfig(op, {"keys", "rows", "stages", "warps"})))
      return failure();
    AttentionShape shape(attention);
    if (failed(shape.check(attention, target)))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    AttentionEmitter(b, attention).emit();

    GPULaunch launch;
    AffineExpr batch = builder.getAffineDimExpr(0);
    AffineExpr queryRows = builder.getAffineDimExpr(attention.getQueryExtent());
    launch.grid = AffineMap::get(attention.getNumExtents(), 0,
                                 {queryRows.ceilDiv(shape.blockRows()),
                                  builder.getAffineConstantExpr(attention.getHeads()), batch},
                                 op->getContext());
    launch.threads = shape.threads();
    launch.sharedBytes = shape.sharedBytes();
    // tf32 has half the rate of bfloat16, and a product of float32 takes three.
    launch.flopRate =
        shape.type.isF32() ? target.matmulRate / 6 : target.attentionRate(shape.headSize);
    return launch;
  }

private:
  static FailureOr<GPULaunch> emitBySplits(AttentionOp op, OpBuilder &builder,
                                           const GPUTargetInfo &target) {
    if (failed(checkConfig(op, {"keys", "rows", "splits", "stages", "warps"})))
      return failure();
    SplitAttentionShape shape = SplitAttentionShape::of(op);
    if (failed(shape.check(op, target)))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    emitSplitAttention(b, op, shape);
    AffineExpr batch = builder.getAffineDimExpr(0), length = builder.getAffineDimExpr(1);
    GPULaunch launch;
    launch.grid = AffineMap::get(
        op.getNumExtents(), 0,
        {isPositive(length) * shape.splits, builder.getAffineConstantExpr(op.getKvHeads()), batch},
        op->getContext());
    launch.threads = shape.threads();
    launch.sharedBytes = shape.sharedBytes();
    launch.clusterBlocks = shape.splits;
    return launch;
  }

  /// Blocks of half a multiprocessor: one for each, so that kernels of another branch have the
  /// other half, and as many again where there are tiles enough for all of them.
  static AffineExpr halvedBlocks(AffineExpr tiles, const GPUTargetInfo &target) {
    constexpr int64_t manyTiles = 5; // for a multiprocessor
    AffineExpr many = tiles.floorDiv(manyTiles * target.multiprocessors);
    return (isPositive(tiles) + many) * target.multiprocessors;
  }

  static FailureOr<GPULaunch> emitByWarpgroups(AttentionOp op, OpBuilder &builder,
                                               const GPUTargetInfo &target) {
    SmallVector<StringRef, 4> names = {"keys", "stages", "warpgroups"};
    if (op->getAttrOfType<DictionaryAttr>("config").contains("residents"))
      names.push_back("residents");
    if (failed(checkConfig(op, names)))
      return failure();
    WarpgroupAttentionShape shape = WarpgroupAttentionShape::of(op);
    if (failed(shape.check(op, target)))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    emitWarpgroupAttention(b, op, shape);
    AffineExpr batch = builder.getAffineDimExpr(0), length = builder.getAffineDimExpr(1);
    AffineExpr tiles = batch * length.ceilDiv(shape.blockRows()) * int64_t(op.getHeads());
    GPULaunch launch;
    launch.grid = AffineMap::get(3, 0, shape.residents > 1 ? halvedBlocks(tiles, target) : tiles);
    launch.maxBlocks = target.multiprocessors * shape.residents;
    launch.threads = shape.threads();
    launch.sharedBytes = shape.sharedBytes();
    launch.flopRate = target.attentionRate(shape.headSize);
    launch.residentBlocks = shape.residents;
    return launch;
  }
};
} // namespace

void nvptx::attachAttentionModel(MLIRContext &context) {
  AttentionOp::attachInterface<AttentionModel>(context);
}
