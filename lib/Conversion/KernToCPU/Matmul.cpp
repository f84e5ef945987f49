//===- Matmul.cpp - kern.matmul on the CPU --------------------------------===//
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

#include "EmitterSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::kern;

namespace {
/// The sizes that the emitted code is made of.
struct Plan {
  int64_t n, k, groups;
  int64_t panel;         ///< columns of a panel, per group
  int64_t width;         ///< columns of a panel, all groups
  int64_t panels;        ///< in b
  int64_t tileRows;      ///< rows of the largest register tile
  int64_t kBlock;        ///< products summed before moving to the next panel
  int64_t rowBlock;      ///< rows of a work item
  int64_t panelsPerItem; ///< panels of a work item
  bool widenA, widenB;

  int64_t items() const { return llvm::divideCeil(panels, panelsPerItem); }
  bool isBlockedInK() const { return kBlock < k; }
  /// Panels that a single row meets side by side: a decode waits for memory, which
  /// delivers several streams faster than one.
  int64_t streams() const { return std::min<int64_t>(panelsPerItem, 4); }

  // Scratch: sums, then the widened a, then the widened b. Between blocks of k the
  // sums of all panels wait; otherwise those of as many as are in flight.
  int64_t sumSlots() const { return isBlockedInK() ? panelsPerItem : streams(); }
  int64_t sumBytes() const { return alignToLine(sumSlots() * rowBlock * width * 4); }
  int64_t aBytes() const { return widenA ? alignToLine(rowBlock * kBlock * 4) : 0; }
  int64_t bBytes() const { return widenB ? alignToLine(kBlock * width * 4) : 0; }
};
} // namespace

static bool isNarrow(Value memref) {
  return elementBytes(cast<MemRefType>(memref.getType()).getElementType()) < 4;
}

static Plan makePlan(MatmulOp op, DictionaryAttr config) {
  auto shape = cast<MemRefType>(op.getB().getType()).getShape();
  Plan plan;
  plan.n = op.getN();
  plan.k = op.getK();
  plan.groups = op.getGroups();
  plan.width = shape.back();
  plan.panel = plan.width / plan.groups;
  plan.panels = shape.front();
  plan.tileRows = configValue(config, "tile_rows");
  plan.kBlock = configValue(config, "k_block");
  plan.rowBlock = configValue(config, "row_block");
  plan.panelsPerItem = configValue(config, "panels_per_item");
  plan.widenA = isNarrow(op.getA());
  plan.widenB = isNarrow(op.getB());
  return plan;
}

//===----------------------------------------------------------------------===//
// Configuration
//===----------------------------------------------------------------------===//

/// Rows whose sums fit the registers beside a row of b and one value of a. Sizes are
/// those that divide common row counts.
static int64_t chooseTileRows(const mlir::flowhn::CPUTargetInfo &target, int64_t vectors) {
  int64_t fitting = (target.vectorRegisters - 1 - vectors) / std::max<int64_t>(vectors, 1);
  for (int64_t rows : {12, 8, 6, 5, 4, 2})
    if (rows <= fitting)
      return rows;
  return 1;
}

static DictionaryAttr chooseConfig(MatmulOp op, const mlir::flowhn::CPUTargetInfo &target) {
  int64_t groups = op.getGroups(), k = op.getK();
  int64_t width = groups * target.panelColumns(op.getN(), groups);
  int64_t panels = llvm::divideCeil(op.getN(), width / groups);

  // A panel's part in a k block stays in half the second-level cache while the rows
  // pass, and blocks of k are of even size.
  int64_t maxKBlock = std::max<int64_t>(target.l2Bytes / 2 / (width * 4), 1);
  int64_t kBlock = llvm::divideCeil(k, llvm::divideCeil(k, maxKBlock));
  // Items that follow each other share panels, which therefore should stay there, too.
  int64_t panelsPerItem =
      std::clamp<int64_t>(target.l2Bytes * 3 / 4 / (kBlock * width * 4), 1, panels);
  panelsPerItem = llvm::divideCeil(panels, llvm::divideCeil(panels, panelsPerItem));
  // Few rows make many items for the threads; widening panels wants more of them.
  int64_t rowBlock = isNarrow(op.getB()) ? 96 : 48;
  return makeConfig(op.getContext(), {{"tile_rows", chooseTileRows(target, width / target.lanes())},
                                      {"k_block", kBlock},
                                      {"row_block", rowBlock},
                                      {"panels_per_item", panelsPerItem}});
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

namespace {
/// What a tile reads of b, and where its sums are.
struct Source {
  Value panel, slot; ///< the first panel, and the place of its sums
  Value kBegin, kEnd;
  bool widened; ///< whether the panel was copied to scratch
};

class MatmulEmitter {
public:
  MatmulEmitter(MatmulOp op, KernelBuilder &b, const Plan &plan, Value item, Value scratch)
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
  const Plan &plan;
  Extras extras;
  Value sums, wideA, wideB;
  Value rowBegin, rowCount;   ///< of the work item
  Value panelBegin, panelEnd; ///< of the work item
};
} // namespace

void MatmulEmitter::splitItem(Value item) {
  // Row blocks vary fastest: items that follow each other share their panels.
  Value rowBlocks = b.ceilDiv(op.getRows(), plan.rowBlock);
  Value panelItem = b.floorDiv(item, rowBlocks);
  Value rowItem = b.sub(item, b.mul(panelItem, rowBlocks));
  rowBegin = b.mul(rowItem, plan.rowBlock);
  rowCount = b.min(b.index(plan.rowBlock), b.sub(op.getRows(), rowBegin));
  panelBegin = b.mul(panelItem, plan.panelsPerItem);
  panelEnd = b.min(b.add(panelBegin, plan.panelsPerItem), b.index(plan.panels));
}

void MatmulEmitter::emit() {
  Value k = b.index(plan.k);
  if (!plan.isBlockedInK())
    return emitKBlock(b.index(0), k);
  clearSums();
  b.forLoop(b.index(0), k, plan.kBlock,
            [&](Value kBegin) { emitKBlock(kBegin, b.min(b.add(kBegin, plan.kBlock), k)); });
}

void MatmulEmitter::emitKBlock(Value kBegin, Value kEnd) {
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
void MatmulEmitter::emitStreams(Value panel, Value kBegin, Value kEnd) {
  emitTile({panel, slotOf(panel), kBegin, kEnd, /*widened=*/false}, b.index(0), 1, plan.streams());
  b.forLoop(b.index(0), b.index(plan.streams()), 1, [&](Value stream) {
    emitEpilogueAfterLast(b.add(panel, stream), b.add(slotOf(panel), stream), kEnd);
  });
}

void MatmulEmitter::emitPanel(Value panel, Value kBegin, Value kEnd) {
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

Value MatmulEmitter::slotOf(Value panel) {
  return plan.isBlockedInK() ? b.sub(panel, panelBegin) : b.index(0);
}

/// Full tiles in a loop, then the rest by halves.
void MatmulEmitter::emitRowTiles(const Source &source) {
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
void MatmulEmitter::emitTile(const Source &source, Value row, int64_t rows, int64_t panels) {
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

Value MatmulEmitter::loadA(Value row, Value l, Value kBegin) {
  if (plan.widenA)
    return b.loadScalar(wideA, {row, b.sub(l, kBegin)});
  return b.loadScalar(op.getA(), {b.add(rowBegin, row), b.add(l, op.getAColumn())});
}

Value MatmulEmitter::loadB(const Source &source, int64_t panel, Value l, int64_t column) {
  if (source.widened)
    return b.load(wideB, {b.sub(l, source.kBegin), b.index(column)});
  return b.load(op.getB(), {b.add(source.panel, panel), l, b.index(column)});
}

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

void MatmulEmitter::clearSums() {
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
void MatmulEmitter::widenRows(Value kBegin, Value kEnd) {
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
void MatmulEmitter::widenPanel(Value panel, Value kBegin, Value kEnd) {
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
void MatmulEmitter::emitEpilogueAfterLast(Value panel, Value slot, Value kEnd) {
  if (!plan.isBlockedInK())
    return emitEpilogue(panel, slot);
  Value isLast = b.less(b.index(plan.k - 1), kEnd);
  b.ifThen(isLast, [&] { emitEpilogue(panel, slot); });
}

void MatmulEmitter::emitEpilogue(Value panel, Value slot) {
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

void MatmulEmitter::emitEpilogueVector(Value panel, Value slot, Value row, Value column, Value mask,
                                       Value gatheredRow, Value outRow) {
  SmallVector<Value> arguments;
  for (int64_t group = 0; group < plan.groups; ++group)
    arguments.push_back(b.load(sums, {slot, row, b.add(column, group * plan.panel)}));
  Value outColumn = b.add(b.mul(panel, plan.panel), column);
  Value globalRow = b.add(rowBegin, row);
  llvm::append_range(arguments, b.loadExtras(extras, globalRow, gatheredRow, outColumn, mask));
  Value result = b.inlineRegion(op.getEpilogue(), arguments);
  b.store(result, op.getOut(), {outRow, b.add(outColumn, op.getOutColumn())}, mask);
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

/// The layouts that the code above reads.
static LogicalResult checkLayout(MatmulOp op, int64_t lanes) {
  auto type = cast<MemRefType>(op.getB().getType());
  if (type.getRank() != 3)
    return op.emitOpError() << "takes b as packed panels [⌈n/p⌉, k, groups·p] on the CPU, not as "
                               "the row-major "
                            << type;
  int64_t panel = type.getShape().back() / static_cast<int64_t>(op.getGroups());
  if (panel % lanes != 0)
    return op.emitOpError() << "takes panels of a multiple of the target's " << lanes
                            << " lanes, not of " << panel << " columns";
  return success();
}

namespace {
struct MatmulModel : CPUKernelInterface::ExternalModel<MatmulModel, MatmulOp> {
  DictionaryAttr chooseCPUConfig(Operation *op, const mlir::flowhn::CPUTargetInfo &target) const {
    return chooseConfig(cast<MatmulOp>(op), target);
  }

  AffineMap getCPUGrid(Operation *op) const {
    auto matmul = cast<MatmulOp>(op);
    Plan plan = makePlan(matmul, *matmul.getConfig());
    AffineExpr rows = getAffineDimExpr(0, op->getContext());
    return AffineMap::get(1, 0, rows.ceilDiv(plan.rowBlock) * plan.items());
  }

  int64_t getCPUScratchBytes(Operation *op) const {
    auto matmul = cast<MatmulOp>(op);
    Plan plan = makePlan(matmul, *matmul.getConfig());
    return plan.sumBytes() + plan.aBytes() + plan.bBytes();
  }

  LogicalResult emitCPU(Operation *op, OpBuilder &builder,
                        const mlir::flowhn::CPUTargetInfo &target, Value item,
                        Value scratch) const {
    auto matmul = cast<MatmulOp>(op);
    if (failed(checkLayout(matmul, target.lanes())) ||
        failed(checkConfig(op, {"tile_rows", "k_block", "row_block", "panels_per_item"})))
      return failure();
    KernelBuilder b(builder, op->getLoc(), target);
    Plan plan = makePlan(matmul, *matmul.getConfig());
    MatmulEmitter(matmul, b, plan, item, scratch).emit();
    return success();
  }
};
} // namespace

void kern::attachMatmulCPUModel(MLIRContext &context) {
  MatmulOp::attachInterface<MatmulModel>(context);
}
