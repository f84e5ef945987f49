//===- PanelMatmul.cpp - Products of rows and packed panels ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A work item is a block of rows by a few panels of b. Inside it, block by block of
// k, each panel meets the rows in tiles whose sums stay in registers:
//
//   for k block:  for panel:  for row tile:  for l in k block:
//     sums[row][column] += a[row, l] · b[panel, l, column]
//
// Sums then pass through a buffer in the first-level cache to the epilogue, which is
// so emitted once and not once per tile size. A single row, as in decoding, meets
// several panels side by side instead, for the sake of memory bandwidth. Every sum is formed in the
// order of l by one chain of multiply-adds, whatever the tile: a row's result depends neither on
// the other rows nor on the blocks.
//
// Operands of 16 bits are widened into scratch before use: a once per k block, b
// once per k block and panel if there are enough rows to pay for it.
//
//===----------------------------------------------------------------------===//

#include "PanelMatmul.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::kern;

namespace {
/// What a tile reads of b, and where its sums are.
struct Source {
  Value panel, slot; ///< the first panel, and the place of its sums
  Value kBegin, kEnd;
  bool widened; ///< whether the panel was copied to scratch
};

class PanelMatmulEmitter {
public:
  PanelMatmulEmitter(MatmulOp op, KernelBuilder &b, const PanelMatmulPlan &plan, Value item,
                     Value scratch)
      : op(op), b(b), plan(plan), extras(Extras::of(op, op.getGather())) {
    sums = b.scratchView(scratch, 0, {plan.sumSlots(), plan.rowBlock, plan.width});
    if (plan.widenA)
      wideA = b.scratchView(scratch, plan.sumBytes(), {plan.rowBlock, plan.kBlock});
    if (plan.widenB)
      wideB = b.scratchView(scratch, plan.sumBytes() + plan.aBytes(), {plan.kBlock, plan.width});
    splitItem(item);
  }

  void emit();

private:
  void splitItem(Value item);
  void emitKBlock(Value kBegin, Value kEnd);
  void emitPanel(Value panel, Value kBegin, Value kEnd);
  void emitStreams(Value panel, Value kBegin, Value kEnd);
  Value slotOf(Value panel);
  void emitRowTiles(const Source &source);
  void emitTile(const Source &source, Value row, int64_t rows, int64_t panels);
  void emitEpilogueAfterLast(Value panel, Value slot, Value kEnd);
  void emitEpilogue(Value panel, Value slot);
  void emitEpilogueVector(Value panel, Value slot, Value row, Value column, Value mask,
                          Value gatheredRow, Value outRow);
  void clearSums();
  void widenRows(Value kBegin, Value kEnd);
  void widenPanel(Value panel, Value kBegin, Value kEnd);
  Value loadA(Value row, Value l, Value kBegin);
  Value loadB(const Source &source, int64_t panel, Value l, int64_t column);

  MatmulOp op;
  KernelBuilder &b;
  const PanelMatmulPlan &plan;
  Extras extras;
  Value sums, wideA, wideB;
  Value rowBegin, rowCount;   ///< of the work item
  Value panelBegin, panelEnd; ///< of the work item
};
} // namespace

void PanelMatmulEmitter::splitItem(Value item) {
  // Row blocks vary fastest: items that follow each other share their panels.
  Value rowBlocks = b.ceilDiv(op.getRows(), plan.rowBlock);
  Value panelItem = b.floorDiv(item, rowBlocks);
  Value rowItem = b.sub(item, b.mul(panelItem, rowBlocks));
  rowBegin = b.mul(rowItem, plan.rowBlock);
  rowCount = b.min(b.index(plan.rowBlock), b.sub(op.getRows(), rowBegin));
  panelBegin = b.mul(panelItem, plan.panelsPerItem);
  panelEnd = b.min(b.add(panelBegin, plan.panelsPerItem), b.index(plan.panels));
}

void PanelMatmulEmitter::emit() {
  Value k = b.index(plan.k);
  if (!plan.isBlockedInK())
    return emitKBlock(b.index(0), k);
  clearSums();
  b.forLoop(b.index(0), k, plan.kBlock,
            [&](Value kBegin) { emitKBlock(kBegin, b.min(b.add(kBegin, plan.kBlock), k)); });
}

void PanelMatmulEmitter::emitKBlock(Value kBegin, Value kEnd) {
  if (plan.widenA)
    widenRows(kBegin, kEnd);
  Value single = b.less(rowCount, b.index(2));
  Value count = b.sub(panelEnd, panelBegin);
  Value streamed = b.mul(b.floorDiv(count, plan.streams()), plan.streams());
  Value rest =
      b.add(panelBegin, arith::SelectOp::create(b.builder, b.loc, single, streamed, b.index(0)));
  b.forLoop(panelBegin, rest, plan.streams(),
            [&](Value panel) { emitStreams(panel, kBegin, kEnd); });
  b.forLoop(rest, panelEnd, 1, [&](Value panel) { emitPanel(panel, kBegin, kEnd); });
}

/// One row and as many panels as are streamed side by side.
void PanelMatmulEmitter::emitStreams(Value panel, Value kBegin, Value kEnd) {
  emitTile({panel, slotOf(panel), kBegin, kEnd, /*widened=*/false}, b.index(0), 1, plan.streams());
  b.forLoop(b.index(0), b.index(plan.streams()), 1, [&](Value stream) {
    emitEpilogueAfterLast(b.add(panel, stream), b.add(slotOf(panel), stream), kEnd);
  });
}

void PanelMatmulEmitter::emitPanel(Value panel, Value kBegin, Value kEnd) {
  Value slot = slotOf(panel);
  auto emitTiles = [&](bool widened) { emitRowTiles({panel, slot, kBegin, kEnd, widened}); };
  if (plan.widenB)
    b.ifThenElse(
        b.less(b.index(plan.tileRows), rowCount),
        [&] {
          widenPanel(panel, kBegin, kEnd);
          emitTiles(/*widened=*/true);
        },
        [&] { emitTiles(/*widened=*/false); });
  else
    emitTiles(/*widened=*/false);
  emitEpilogueAfterLast(panel, slot, kEnd);
}

Value PanelMatmulEmitter::slotOf(Value panel) {
  return plan.isBlockedInK() ? b.sub(panel, panelBegin) : b.index(0);
}

/// Full tiles in a loop, then the rest by halves.
void PanelMatmulEmitter::emitRowTiles(const Source &source) {
  Value full = b.mul(b.floorDiv(rowCount, plan.tileRows), plan.tileRows);
  b.forLoop(b.index(0), full, plan.tileRows,
            [&](Value row) { emitTile(source, row, plan.tileRows, 1); });
  Value rest = b.sub(rowCount, full);
  for (int64_t rows = llvm::PowerOf2Ceil(plan.tileRows) / 2; rows > 0; rows /= 2) {
    Value done = b.mul(b.floorDiv(rest, 2 * rows), 2 * rows);
    Value hasTile = b.less(b.index(rows - 1), b.sub(rest, done));
    b.ifThen(hasTile, [&] { emitTile(source, b.add(full, done), rows, 1); });
  }
}

/// Adds the products of a k block to the sums of `rows` rows and `panels` panels.
void PanelMatmulEmitter::emitTile(const Source &source, Value row, int64_t rows, int64_t panels) {
  int64_t vectors = plan.width / b.lanes;
  auto forEachSum = [&](llvm::function_ref<void(ArrayRef<Value> indices)> body) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t p = 0; p < panels; ++p)
        for (int64_t v = 0; v < vectors; ++v)
          body({b.add(source.slot, p), b.add(row, r), b.index(v * b.lanes)});
  };

  SmallVector<Value> inits;
  forEachSum([&](ArrayRef<Value> indices) {
    inits.push_back(plan.isBlockedInK() ? b.load(sums, indices) : b.splat(0));
  });
  auto addProducts = [&](Value l, ValueRange carried) {
    SmallVector<Value> columns, next;
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t v = 0; v < vectors; ++v)
        columns.push_back(loadB(source, p, l, v * b.lanes));
    for (int64_t r = 0; r < rows; ++r) {
      Value left = b.broadcast(loadA(b.add(row, r), l, source.kBegin));
      for (Value column : columns)
        next.push_back(b.fma(left, column, carried[next.size()]));
    }
    return next;
  };
  SmallVector<Value> results = b.forLoop(source.kBegin, source.kEnd, 1, inits, addProducts);
  auto result = results.begin();
  forEachSum([&](ArrayRef<Value> indices) { b.store(*result++, sums, indices); });
}

Value PanelMatmulEmitter::loadA(Value row, Value l, Value kBegin) {
  if (plan.widenA)
    return b.loadScalar(wideA, {row, b.sub(l, kBegin)});
  return b.loadScalar(op.getA(), {b.add(rowBegin, row), b.add(l, op.getAColumn())});
}

Value PanelMatmulEmitter::loadB(const Source &source, int64_t panel, Value l, int64_t column) {
  if (source.widened)
    return b.load(wideB, {b.sub(l, source.kBegin), b.index(column)});
  return b.load(op.getB(), {b.add(source.panel, panel), l, b.index(column)});
}

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

void PanelMatmulEmitter::clearSums() {
  Value zero = b.splat(0);
  b.forLoop(b.index(0), b.index(plan.sumSlots()), 1, [&](Value slot) {
    b.forLoop(b.index(0), rowCount, 1, [&](Value row) {
      b.forEachVector(plan.width, [&](Value column, Value mask) {
        b.store(zero, sums, {slot, row, column}, mask);
      });
    });
  });
}

/// wideA[i, l - kBegin] = a[rowBegin + i, l] for the rows of the item.
void PanelMatmulEmitter::widenRows(Value kBegin, Value kEnd) {
  Value count = b.sub(kEnd, kBegin);
  Value full = b.mul(b.floorDiv(count, b.lanes), b.lanes);
  auto widen = [&](Value row, Value l, Value mask) {
    Value column = b.add(b.add(kBegin, l), op.getAColumn());
    Value wide = b.load(op.getA(), {b.add(rowBegin, row), column}, mask);
    b.store(wide, wideA, {row, l}, mask);
  };
  b.forLoop(b.index(0), rowCount, 1, [&](Value row) {
    b.forLoop(b.index(0), full, b.lanes, [&](Value l) { widen(row, l, {}); });
    b.ifThen(b.less(full, count), [&] { widen(row, full, b.tailMask(b.sub(count, full))); });
  });
}

/// wideB[l - kBegin] = b[panel, l].
void PanelMatmulEmitter::widenPanel(Value panel, Value kBegin, Value kEnd) {
  b.forLoop(kBegin, kEnd, 1, [&](Value l) {
    for (int64_t column = 0; column < plan.width; column += b.lanes) {
      Value wide = b.load(op.getB(), {panel, l, b.index(column)});
      b.store(wide, wideB, {b.sub(l, kBegin), b.index(column)});
    }
  });
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

/// The epilogue, where this k block was the last.
void PanelMatmulEmitter::emitEpilogueAfterLast(Value panel, Value slot, Value kEnd) {
  if (!plan.isBlockedInK())
    return emitEpilogue(panel, slot);
  Value isLast = b.less(b.index(plan.k - 1), kEnd);
  b.ifThen(isLast, [&] { emitEpilogue(panel, slot); });
}

void PanelMatmulEmitter::emitEpilogue(Value panel, Value slot) {
  bool isEven = plan.n % plan.panel == 0;
  Value firstColumn = b.mul(panel, plan.panel);
  Value columns = isEven ? b.index(plan.panel)
                         : b.min(b.index(plan.panel), b.sub(b.index(plan.n), firstColumn));
  Value full = b.mul(b.floorDiv(columns, b.lanes), b.lanes);

  b.forLoop(b.index(0), rowCount, 1, [&](Value row) {
    Value globalRow = b.add(rowBegin, row);
    Value gatheredRow = b.lookUp(op.getGather(), globalRow);
    Value outRow = b.lookUp(op.getScatter(), globalRow);
    auto emitVector = [&](Value column, Value mask) {
      emitEpilogueVector(panel, slot, row, column, mask, gatheredRow, outRow);
    };
    b.forLoop(b.index(0), full, b.lanes, [&](Value column) { emitVector(column, {}); });
    if (int64_t rest = plan.n % b.lanes)
      b.ifThen(b.less(full, columns), [&] { emitVector(full, b.tailMask(rest)); });
  });
}

void PanelMatmulEmitter::emitEpilogueVector(Value panel, Value slot, Value row, Value column,
                                            Value mask, Value gatheredRow, Value outRow) {
  SmallVector<Value> arguments;
  for (int64_t group = 0; group < plan.groups; ++group)
    arguments.push_back(b.load(sums, {slot, row, b.add(column, group * plan.panel)}));
  Value outColumn = b.add(b.mul(panel, plan.panel), column);
  Value globalRow = b.add(rowBegin, row);
  llvm::append_range(arguments, b.loadExtras(extras, globalRow, gatheredRow, outColumn, mask));
  Value result = b.inlineRegion(op.getEpilogue(), arguments);
  b.store(result, op.getOut(), {outRow, b.add(outColumn, op.getOutColumn())}, mask);
}

void kern::emitPanelMatmul(MatmulOp op, KernelBuilder &b, const PanelMatmulPlan &plan, Value item,
                           Value scratch) {
  PanelMatmulEmitter(op, b, plan, item, scratch).emit();
}
