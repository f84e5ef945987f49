//===- Matmul.cpp - kern.matmul on the CPU --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelConfig.h"
#include "PanelMatmul.h"

using namespace mlir;
using namespace mlir::kern;

static bool isNarrow(Value memref) {
  return elementBytes(cast<MemRefType>(memref.getType()).getElementType()) < 4;
}

PanelMatmulPlan::PanelMatmulPlan(MatmulOp op, DictionaryAttr config) {
  auto shape = cast<MemRefType>(op.getB().getType()).getShape();
  n = op.getN();
  k = op.getK();
  groups = op.getGroups();
  width = shape.back();
  panel = width / groups;
  panels = shape.front();
  tileRows = configValue(config, "tile_rows");
  kBlock = configValue(config, "k_block");
  rowBlock = configValue(config, "row_block");
  panelsPerItem = configValue(config, "panels_per_item");
  widenA = isNarrow(op.getA());
  widenB = isNarrow(op.getB());
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
// The model
//===----------------------------------------------------------------------===//

/// The layouts that the code reads.
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
    PanelMatmulPlan plan(matmul, *matmul.getConfig());
    AffineExpr rows = getAffineDimExpr(0, op->getContext());
    return AffineMap::get(1, 0, rows.ceilDiv(plan.rowBlock) * plan.items());
  }

  int64_t getCPUScratchBytes(Operation *op) const {
    auto matmul = cast<MatmulOp>(op);
    PanelMatmulPlan plan(matmul, *matmul.getConfig());
    return plan.sumBytes() + plan.aBytes() + plan.bBytes();
  }

  LogicalResult emitCPU(Operation *op, OpBuilder &builder,
                        const mlir::flowhn::CPUTargetInfo &target, Value item,
                        Value scratch) const {
    auto matmul = cast<MatmulOp>(op);
    if (failed(checkLayout(matmul, target.lanes())) ||
        failed(checkConfig(op, {"tile_rows", "k_block", "row_block", "panels_per_item"}, "CPU")))
      return failure();
    KernelBuilder b(builder, op->getLoc(), target);
    PanelMatmulPlan plan(matmul, *matmul.getConfig());
    emitPanelMatmul(matmul, b, plan, item, scratch);
    return success();
  }
};
} // namespace

void kern::attachMatmulCPUModel(MLIRContext &context) {
  MatmulOp::attachInterface<MatmulModel>(context);
}
