//===- MatmulSync.cpp - Matmul by the products of single warps ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// All threads of a block copy tiles of a and b to shared memory, `stages` - 1 ahead of the
// tile that its warps multiply, each warp a rectangle of the block's sums.
//
// The rows of b's tile lie in the order of the warps, and inside a warp's in the order of the
// groups: a warp reads neighbouring rows, and the sums of an output column meet in a thread.
//
// Float32 operands are the sum of two of tf32 each, high and low: the three products with a
// high factor make one of float32's accuracy.
//
//===----------------------------------------------------------------------===//

#include "MatmulSync.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

namespace {
/// Emits the code of a thread block.
class SyncMatmulEmitter {
public:
  SyncMatmulEmitter(GPUKernelBuilder &b, MatmulOp op, const SyncMatmulPlan &plan)
      : b(b), op(op), plan(plan), type(elementType(op.getA())) {}

  void emit();

private:
  /// What a thread copies of a tile: a piece of each of some rows.
  struct Pieces {
    SmallVector<Value> from; ///< in global memory at column 0 of k
    Value row;               ///< of the first one in the tile
    Value to;                ///< of the first one: bytes from the start of a stage's tile
    int64_t rows;            ///< of the tile
  };
  using Sums = SmallVector<Value>;

  GPUKernelBuilder &b;
  MatmulOp op;
  const SyncMatmulPlan &plan;
  Type type;
  Value base, thread, lane, piece;
  Value rowWarp, columnWarp;
  Value aPlace, bPlace, aSwizzle, bSwizzle; ///< of the lane's rows in a stage, in bytes
  Pieces aPieces, bPieces;

  void locateMatrices();
  Pieces piecesOf(Value memref, int64_t column, int64_t rows,
                  llvm::function_ref<Value(Value row)> sourceRow);
  Value weightRow(Value row, Value tileColumn);

  void copyStage(Value kTile, Value stage);
  void copyPieces(const Pieces &pieces, Value kTile, Value tile);

  void multiplyStage(Value stage, Sums &sums);
  void multiplyStep(Value aRow, Value bRow, Sums &sums);
  void store(const MatmulTile &tile, ArrayRef<Value> sums);
};
} // namespace

void SyncMatmulEmitter::emit() {
  base = b.sharedBase();
  thread = b.threadId();
  lane = b.rem(thread, 32);
  piece = b.rem(thread, rowPieces);
  Value warp = b.broadcastLane0(b.div(thread, 32));
  rowWarp = b.div(warp, plan.warps.columnWarps);
  columnWarp = b.rem(warp, plan.warps.columnWarps);
  locateMatrices();

  Value rows = b.extent(op.getRows());
  MatmulTile tile = tileAt(b, plan.tileRows, plan.outColumns(), b.ceilDiv(rows, plan.tileRows),
                           b.i32(plan.columnTiles()), b.blockId(), b.i32(defaultRasterRows));
  // Rows behind the last are copies of it: what becomes of them is not stored.
  aPieces = piecesOf(op.getA(), op.getAColumn(), plan.tileRows,
                     [&](Value row) { return b.min(b.add(tile.row, row), b.add(rows, -1)); });
  bPieces = piecesOf(op.getB(), /*column=*/0, plan.tileColumns,
                     [&](Value row) { return weightRow(row, tile.column); });

  int64_t ahead = plan.stages - 1;
  for (int64_t stage = 0; stage < ahead; ++stage) {
    if (stage < plan.kTiles())
      copyStage(b.i32(stage), b.i32(stage));
    commitCopies(b);
  }
  // The stage to multiply, the one to fill, which was multiplied before, and the sums.
  SmallVector<Value> inits = {b.i32(0), b.i32(ahead)};
  inits.append(plan.rowFragments() * plan.columnFragments() * 4, b.f32(0));
  auto last = b.forLoop(
      b.i32(0), b.i32(plan.kTiles()), b.i32(1), inits, [&](Value kTile, ValueRange carried) {
        waitCopies(b, ahead - 1);
        b.barrier();
        Value next = b.add(kTile, ahead);
        b.ifThen(b.less(next, b.i32(plan.kTiles())), [&] { copyStage(next, carried[1]); });
        commitCopies(b);
        Sums sums(carried.drop_front(2));
        multiplyStage(carried[0], sums);
        Value following = b.add(carried[0], 1);
        Value wrapped = b.select(b.equal(following, plan.stages), b.i32(0), following);
        SmallVector<Value> results = {wrapped, carried[0]};
        llvm::append_range(results, sums);
        return results;
      });
  store(tile, ArrayRef(last).drop_front(2));
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

SyncMatmulEmitter::Pieces
SyncMatmulEmitter::piecesOf(Value memref, int64_t column, int64_t rows,
                            llvm::function_ref<Value(Value row)> sourceRow) {
  Buffer buffer = b.buffer(memref);
  Pieces pieces;
  pieces.row = b.div(thread, rowPieces);
  pieces.rows = rows;
  // Rows a multiple of 8 apart have their pieces in the same order.
  Value swizzled = b.bitXor(piece, b.rem(pieces.row, 8));
  pieces.to = b.add(b.mul(pieces.row, swizzledRowBytes), b.mul(swizzled, pieceBytes));
  Value first = b.add(b.mul(piece, pieceBytes / plan.elementBytes), column);
  for (int64_t start = 0; start < rows; start += plan.rowsAtOnce()) {
    Value from = b.rowOffset(buffer, sourceRow(b.add(pieces.row, start)), first);
    pieces.from.push_back(b.at(buffer.pointer, from, buffer.elementType));
  }
  return pieces;
}

/// The row of b that lies in `row` of its tile. Rows behind a group's last are copies of it.
Value SyncMatmulEmitter::weightRow(Value row, Value tileColumn) {
  Value warp = b.div(row, plan.warps.columns), inWarp = b.rem(row, plan.warps.columns);
  Value group = b.div(inWarp, plan.warpOutColumns());
  Value inGroup = b.add(b.mul(warp, plan.warpOutColumns()), b.rem(inWarp, plan.warpOutColumns()));
  Value column = b.add(tileColumn, inGroup);
  if (plan.n % plan.outColumns() != 0)
    column = b.min(column, b.i32(plan.n - 1));
  return b.add(b.mul(group, plan.n), column);
}

void SyncMatmulEmitter::copyStage(Value kTile, Value stage) {
  copyPieces(aPieces, kTile, b.mul(stage, plan.aBytes()));
  copyPieces(bPieces, kTile, b.add(b.mul(stage, plan.bBytes()), plan.bOffset()));
}

/// Of what lies behind the row's last column zeros are copied: it may be no numbers.
void SyncMatmulEmitter::copyPieces(const Pieces &pieces, Value kTile, Value tile) {
  Value column = b.widen(b.mul(kTile, plan.kColumns()));
  Value read;
  if (plan.k % plan.kColumns() != 0) {
    Value start = b.add(b.mul(kTile, swizzledRowBytes), b.mul(piece, pieceBytes));
    Value left = b.sub(b.i32(plan.k * plan.elementBytes), start);
    read = b.min(b.max(left, b.i32(0)), b.i32(pieceBytes));
  }
  Value target = b.shared(base, b.add(tile, pieces.to));
  int64_t start = 0;
  for (Value from : pieces.from) {
    auto copy = [&] {
      copyAsync(b, b.shared(target, start * swizzledRowBytes), b.at(from, column, type), pieceBytes,
                read);
    };
    if (start + plan.rowsAtOnce() > pieces.rows)
      b.ifThen(b.less(b.add(pieces.row, start), b.i32(pieces.rows)), copy);
    else
      copy();
    start += plan.rowsAtOnce();
  }
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void SyncMatmulEmitter::locateMatrices() {
  // A lane gives the address of one row of one 8-row matrix. Those of a go down the rows
  // first, those of b along them first.
  Value row = b.rem(lane, 8), first = b.rem(b.div(lane, 8), 2), second = b.div(lane, 16);
  auto place = [&](Value warp, int64_t warpRows, Value down) {
    Value inTile = b.add(b.mul(warp, warpRows), b.add(b.mul(down, 8), row));
    return b.mul(inTile, swizzledRowBytes);
  };
  aPlace = place(rowWarp, plan.warps.rows, first);
  bPlace = place(columnWarp, plan.warps.columns, second);
  aSwizzle = b.mul(b.bitXor(second, row), pieceBytes);
  bSwizzle = b.mul(b.bitXor(first, row), pieceBytes);
}

/// The steps of k are unrolled, so that operands of the next one come during the products.
/// Float32's are not: their factors would fill the registers of more than one step.
void SyncMatmulEmitter::multiplyStage(Value stage, Sums &sums) {
  Value aTile = b.add(b.mul(stage, plan.aBytes()), aPlace);
  Value bTile = b.add(b.add(b.mul(stage, plan.bBytes()), bPlace), plan.bOffset());
  auto multiplyAt = [&](Value step, Sums &sums) {
    multiplyStep(b.shared(base, b.add(aTile, b.bitXor(aSwizzle, step))),
                 b.shared(base, b.add(bTile, b.bitXor(bSwizzle, step))), sums);
  };
  if (type.isF32()) {
    sums = b.forLoop(b.i32(0), b.i32(swizzledRowBytes), b.i32(stepBytes), sums,
                     [&](Value step, ValueRange carried) {
                       Sums stepSums(carried);
                       multiplyAt(step, stepSums);
                       return stepSums;
                     });
    return;
  }
  for (int64_t step = 0; step < swizzledRowBytes; step += stepBytes)
    multiplyAt(b.i32(step), sums);
}

/// Products of one step of k, of the rows of a and of b that lie at these places.
void SyncMatmulEmitter::multiplyStep(Value aRow, Value bRow, Sums &sums) {
  SmallVector<Factor> rows;
  for (int64_t row = 0; row < plan.rowFragments(); ++row)
    rows.push_back(
        makeFactor(b, readMatrices(b, b.shared(aRow, row * 16 * swizzledRowBytes), 4), type));
  for (int64_t first = 0; first < plan.columnFragments(); first += 2) {
    SmallVector<Value> pair = readMatrices(b, b.shared(bRow, first * 8 * swizzledRowBytes), 4);
    for (int64_t half = 0; half < 2; ++half) {
      Factor column = makeFactor(b, ArrayRef(pair).slice(2 * half, 2), type);
      for (int64_t row = 0; row < plan.rowFragments(); ++row) {
        Value *place = &sums[(row * plan.columnFragments() + first + half) * 4];
        Fragment fragment(place, place + 4);
        multiplyRounded(b, rows[row], column, fragment);
        llvm::copy(fragment, place);
      }
    }
  }
}

void SyncMatmulEmitter::store(const MatmulTile &tile, ArrayRef<Value> sums) {
  MatmulEpilogue epilogue(b, op, lane);
  Value row = b.add(tile.row, b.mul(rowWarp, plan.warps.rows));
  Value column = b.add(tile.column, b.mul(columnWarp, plan.warpOutColumns()));
  int64_t fragmentSums = plan.columnFragments() * 4;
  for (int64_t fragment = 0; fragment < plan.rowFragments(); ++fragment)
    epilogue.store({b.add(row, fragment * 16), column},
                   sums.slice(fragment * fragmentSums, fragmentSums),
                   plan.n % plan.outColumns() == 0);
}

FailureOr<GPULaunch> nvptx::emitSyncMatmul(MatmulOp op, GPUKernelBuilder &b) {
  if (failed(checkSyncConfig(op, b.target)))
    return failure();
  SyncMatmulPlan plan = SyncMatmulPlan::of(op);
  SyncMatmulEmitter(b, op, plan).emit();
  AffineExpr rowTiles = b.builder.getAffineDimExpr(0).ceilDiv(plan.tileRows);
  // Products of tf32 take twice as long as those of 16 bits, and float32's are three each.
  double share = elementType(op.getA()).isF32() ? 1.0 / 6 : 1.0;
  return GPULaunch{AffineMap::get(1, 0, rowTiles * plan.columnTiles()), /*maxBlocks=*/0,
                   plan.threads(), plan.sharedBytes(), b.target.matmulRate * share};
}
