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

#include "AttentionTiles.h"
#include "AttentionWarpgroup.h"
#include "SoftmaxSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

namespace {
/// What is carried from block to block of keys: outputs, and rows lane / 4 and
/// lane / 4 + 8 of each row tile.
struct SoftmaxState {
  SmallVector<Fragment> outputs; ///< rowTiles × featureTiles
  SmallVector<SoftmaxRow> rows;

  SmallVector<Value> pack() const;
  static SoftmaxState unpack(const AttentionShape &shape, ValueRange values);
};

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
  Sequence sequence; ///< of keys
  Sequence queries;  ///< of the sequence's last rows; all of them where nothing else is said
  Value before;      ///< keys of the sequence in front of them
  Value begin;       ///< the block's first one of the queries
  AttentionTiles::Source query, key, value;

  void locate();
  AttentionTiles::Source source(Value memref, int64_t column, Value head);
  void emitQueries();
  void copyKeys(Value firstKey, Value stage);
  SoftmaxState attend(Value firstKey, Value stage, SoftmaxState state);
  void mask(Value firstKey, MutableArrayRef<Fragment> scores);
  RowScores scoresOf(MutableArrayRef<Fragment> scores, int64_t row);
  void weigh(MutableArrayRef<Fragment> scores, SoftmaxState &state, int64_t row);
  void store(const SoftmaxState &state);
  Value rowOf(int64_t row);
};
} // namespace

SmallVector<Value> SoftmaxState::pack() const {
  SmallVector<Value> values;
  for (const Fragment &tile : outputs)
    llvm::append_range(values, tile);
  for (const SoftmaxRow &row : rows)
    llvm::append_range(values, ArrayRef{row.maximum, row.sum});
  return values;
}

SoftmaxState SoftmaxState::unpack(const AttentionShape &shape, ValueRange values) {
  SoftmaxState state;
  int64_t tiles = shape.rowTiles() * shape.featureTiles();
  for (int64_t tile = 0; tile < tiles; ++tile)
    state.outputs.emplace_back(values.slice(4 * tile, 4));
  for (ValueRange rest = values.drop_front(4 * tiles); !rest.empty(); rest = rest.drop_front(2))
    state.rows.push_back({rest[0], rest[1]});
  return state;
}

void AttentionEmitter::emit() {
  locate();
  b.ifThen(b.less(begin, queries.length), [&] { emitQueries(); });
}

/// The queries with the most keys come first, so that the last blocks are short ones.
void AttentionEmitter::locate() {
  Value head = b.blockId(1);
  Value kvHead = b.div(head, op.getHeads() / op.getKvHeads());
  sequence = Sequence::load(b, op.getOffsets(), b.blockId(2));
  queries = sequence;
  before = b.i32(0);
  if (op.getQueryOffsets()) {
    queries = Sequence::load(b, op.getQueryOffsets(), b.blockId(2));
    before = b.sub(sequence.length, queries.length);
  } else if (op.getFirstKeys()) {
    before = b.lookUp(op.getKeysBefore(), b.blockId(2));
    sequence = {b.lookUp(op.getFirstKeys(), b.blockId(2)), b.add(before, queries.length)};
  }
  begin = b.mul(b.sub(b.sub(b.numBlocks(), b.i32(1)), b.blockId(0)), shape.blockRows());
  query = source(op.getQuery(), op.getQColumn(), head);
  key = source(op.getKey(), op.getKColumn(), kvHead);
  value = source(op.getValue(), op.getVColumn(), kvHead);
}

AttentionTiles::Source AttentionEmitter::source(Value memref, int64_t column, Value head) {
  return {b.buffer(memref), b.add(b.mul(head, shape.headSize), column),
          commonVector({rowWidth(memref), column}, 16 / shape.elementBytes())};
}

/// The loop over blocks of keys. While one is computed, the next are on their way to the
/// other stages; all warps have left a stage when the loop's next barrier is passed.
void AttentionEmitter::emitQueries() {
  Value last = b.add(queries.begin, b.sub(queries.length, b.i32(1)));
  tiles.clearPadding();
  tiles.copy(query, b.add(queries.begin, begin), last, shape.blockRows(), b.i32(0));
  commitCopies(b);
  for (int64_t ahead = 0; ahead < shape.stages - 1; ++ahead)
    copyKeys(b.i32(ahead * shape.keys), b.i32(ahead));
  waitCopies(b, shape.stages - 1);
  b.barrier();
  tiles.loadQueries();

  SoftmaxState state;
  state.outputs.assign(shape.rowTiles() * shape.featureTiles(), Fragment(4, b.f32(0)));
  state.rows.assign(2 * shape.rowTiles(), SoftmaxRow::empty(b));
  Value end = b.add(before, b.min(b.add(begin, shape.blockRows()), queries.length));
  SmallVector<Value> carried = state.pack();
  carried.push_back(b.i32(0));
  carried =
      b.forLoop(b.i32(0), end, b.i32(shape.keys), carried, [&](Value firstKey, ValueRange values) {
        Value stage = values.back();
        waitCopies(b, shape.stages - 2);
        b.barrier();
        copyKeys(b.add(firstKey, (shape.stages - 1) * shape.keys),
                 b.rem(b.add(stage, shape.stages - 1), shape.stages));
        SmallVector<Value> result =
            attend(firstKey, stage, SoftmaxState::unpack(shape, values.drop_back())).pack();
        result.push_back(b.rem(b.add(stage, 1), shape.stages));
        return result;
      });
  store(SoftmaxState::unpack(shape, ArrayRef(carried).drop_back()));
}

/// Starts copying the keys and values from `firstKey` on, if the sequence has any: one
/// group of copies, even an empty one.
void AttentionEmitter::copyKeys(Value firstKey, Value stage) {
  b.ifThen(b.less(firstKey, sequence.length), [&] {
    Value last = b.add(sequence.begin, b.sub(sequence.length, b.i32(1)));
    Value row = b.add(sequence.begin, firstKey), offset = b.mul(stage, shape.tileBytes());
    tiles.copy(key, row, last, shape.keys, b.add(offset, shape.keysAt()));
    tiles.copy(value, row, last, shape.keys, b.add(offset, shape.valuesAt()));
  });
  commitCopies(b);
}

SoftmaxState AttentionEmitter::attend(Value firstKey, Value stage, SoftmaxState state) {
  Value offset = b.mul(stage, shape.tileBytes());
  SmallVector<Fragment> scores = tiles.scores(b.add(offset, shape.keysAt()));
  mask(firstKey, scores);
  for (int64_t row = 0; row < 2 * shape.rowTiles(); ++row)
    weigh(scores, state, row);
  tiles.accumulate(scores, b.add(offset, shape.valuesAt()), state.outputs);
  return state;
}

/// Row `row` of the thread, among the queries: two for each row tile.
Value AttentionEmitter::rowOf(int64_t row) {
  Value first = b.add(b.mul(tiles.warp, shape.rows), b.div(tiles.lane, 4));
  return b.add(b.add(begin, first), row / 2 * 16 + row % 2 * 8);
}

/// Takes the keys behind a row's own position out of its scores.
void AttentionEmitter::mask(Value firstKey, MutableArrayRef<Fragment> scores) {
  Value firstRow = b.add(b.add(before, begin), b.mul(tiles.warp, shape.rows));
  Value reaches = b.less(firstRow, b.add(firstKey, shape.keys - 1));
  Value ownColumn = b.mul(b.rem(tiles.lane, 4), 2);
  // No branch: the comparisons are few beside the products, and in one basic block they
  // are scheduled among them.
  for (int64_t row = 0; row < 2 * shape.rowTiles(); ++row) {
    Value position = b.add(before, rowOf(row));
    Value bound = b.sub(b.sub(position, firstKey), ownColumn);
    hideScores(b, scoresOf(scores, row), b.select(reaches, bound, b.i32(shape.keys)));
  }
}

RowScores AttentionEmitter::scoresOf(MutableArrayRef<Fragment> scores, int64_t row) {
  RowScores own;
  for (Fragment &tile : scores.slice(row / 2 * shape.keyTiles(), shape.keyTiles()))
    for (int64_t column = 0; column < 2; ++column)
      own.push_back(&tile[row % 2 * 2 + column]);
  return own;
}

/// Turns one row's scores into weights and rescales what has been summed up to the new
/// maximum. Key 0 is in the first block, so the maximum is finite from there on.
void AttentionEmitter::weigh(MutableArrayRef<Fragment> scores, SoftmaxState &state, int64_t row) {
  Value rescale = weighScores(b, scoresOf(scores, row), state.rows[row], softmaxScale(b, op));
  for (Fragment &tile :
       MutableArrayRef(state.outputs).slice(row / 2 * shape.featureTiles(), shape.featureTiles()))
    for (int64_t column = 0; column < 2; ++column) {
      Value &output = tile[row % 2 * 2 + column];
      output = b.mulf(output, rescale);
    }
}

void AttentionEmitter::store(const SoftmaxState &state) {
  Buffer out = b.buffer(op.getOut());
  int64_t vector =
      commonVector({rowWidth(op.getOut()), static_cast<int64_t>(op.getOutColumn())}, 2);
  Value column = b.add(b.mul(b.blockId(1), shape.headSize), op.getOutColumn());
  column = b.add(column, b.mul(b.rem(tiles.lane, 4), 2));
  for (int64_t row = 0; row < 2 * shape.rowTiles(); ++row) {
    Value position = rowOf(row), factor = inverseSum(b, state.rows[row]);
    SmallVector<Value> outputs;
    for (const Fragment &tile :
         ArrayRef(state.outputs).slice(row / 2 * shape.featureTiles(), shape.featureTiles()))
      llvm::append_range(outputs, ArrayRef(tile).slice(row % 2 * 2, 2));
    b.ifThen(b.less(position, queries.length), [&] {
      Value offset = b.rowOffset(out, b.add(queries.begin, position), column);
      storeOutputs(b, outputs, factor, out, offset, vector);
    });
  }
}

namespace {
struct AttentionModel : GPUKernelInterface::ExternalModel<AttentionModel, AttentionOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    auto attention = cast<AttentionOp>(op);
    if (auto shape = WarpgroupAttentionShape::choose(attention, target))
      return shape->config(op->getContext());
    return AttentionShape::choose(attention, target).config();
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto attention = cast<AttentionOp>(op);
    if (WarpgroupAttentionShape::isAskedFor(attention))
      return emitByWarpgroups(attention, builder, target);
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
  static FailureOr<GPULaunch> emitByWarpgroups(AttentionOp op, OpBuilder &builder,
                                               const GPUTargetInfo &target) {
    if (failed(checkConfig(op, {"keys", "stages", "warpgroups"})))
      return failure();
    WarpgroupAttentionShape shape = WarpgroupAttentionShape::of(op);
    if (failed(shape.check(op, target)))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    emitWarpgroupAttention(b, op, shape);
    AffineExpr batch = builder.getAffineDimExpr(0), length = builder.getAffineDimExpr(1);
    AffineExpr tiles = batch * length.ceilDiv(shape.blockRows()) * int64_t(op.getHeads());
    return GPULaunch{AffineMap::get(3, 0, tiles), target.multiprocessors, shape.threads(),
                     shape.sharedBytes(), target.attentionRate(shape.headSize)};
  }
};
} // namespace

void nvptx::attachAttentionModel(MLIRContext &context) {
  AttentionOp::attachInterface<AttentionModel>(context);
}
