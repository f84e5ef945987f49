//===- Matmul.cpp - Products on the GPU -----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulTiles.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

bool nvptx::hasAlignedRows(Value memref) {
  return rowWidth(memref) * elementType(memref).getIntOrFloatBitWidth() % 128 == 0;
}

bool nvptx::isAlignedColumn(Value memref, int64_t column) {
  return column * elementType(memref).getIntOrFloatBitWidth() % 128 == 0;
}

MatmulPlan::MatmulPlan(MatmulOp op, int64_t tileRows, int64_t tileColumns, int64_t stages)
    : n(op.getN()), k(op.getK()), groups(op.getGroups()),
      elementBytes(elementType(op.getA()).getIntOrFloatBitWidth() / 8), tileRows(tileRows),
      tileColumns(tileColumns), stages(stages) {}

MatmulTile nvptx::tileAt(GPUKernelBuilder &b, int64_t rows, int64_t columns, Value rowTiles,
                         Value columnTiles, Value index, Value rasterRows) {
  Value perRaster = b.mul(columnTiles, rasterRows);
  Value firstRow = b.mul(b.div(index, perRaster), rasterRows);
  Value inRaster = b.rem(index, perRaster);
  Value height = b.min(b.sub(rowTiles, firstRow), rasterRows);
  Value row = b.add(firstRow, b.rem(inRaster, height));
  return {b.mul(row, rows), b.mul(b.div(inRaster, height), columns)};
}

static LogicalResult checkOperands(MatmulOp op) {
  if (op.getGroups() > 16)
    return op.emitOpError("takes at most 16 groups on the GPU, got ") << op.getGroups();
  for (auto [name, memref] : {std::pair("a", op.getA()), std::pair("b", op.getB())}) {
    auto type = cast<MemRefType>(memref.getType());
    Type element = type.getElementType();
    bool isKnown = element.isBF16() || element.isF16() || element.isF32();
    if (type.getRank() != 2 || !isKnown || !hasAlignedRows(memref))
      return op.emitOpError("needs '") << name
                                       << "' of rank 2 in bf16, f16 or f32, its rows a multiple of "
                                          "16 bytes apart, got "
                                       << type;
  }
  if (!isAlignedColumn(op.getA(), op.getAColumn()))
    return op.emitOpError("needs 'a' from a multiple of 16 bytes on, got column ")
           << op.getAColumn();
  if (elementType(op.getA()) != elementType(op.getB()))
    return op.emitOpError("needs 'a' and 'b' of one type on the GPU, got ")
           << elementType(op.getA()) << " and " << elementType(op.getB());
  return success();
}

/// Which of the kernels for any number of rows multiplies.
static bool usesWarpgroups(MatmulOp op, const GPUTargetInfo &target) {
  return target.hasWarpgroupProducts && !elementType(op.getA()).isF32();
}

namespace {
struct MatmulModel : GPUKernelInterface::ExternalModel<MatmulModel, MatmulOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    return getGPUConfigs(op, target).front();
  }

  SmallVector<DictionaryAttr> getGPUConfigs(Operation *op, const GPUTargetInfo &target) const {
    auto matmul = cast<MatmulOp>(op);
    if (isOfFewRows(matmul, target))
      return {chooseFewRowsConfig(matmul, target)};
    if (usesWarpgroups(matmul, target))
      return getHopperConfigs(matmul, target);
    return {chooseSyncConfig(matmul, target)};
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto matmul = cast<MatmulOp>(op);
    if (failed(checkOperands(matmul)))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    if (isOfFewRows(matmul, target))
      return emitFewRowsMatmul(matmul, b);
    return usesWarpgroups(matmul, target) ? emitHopperMatmul(matmul, b) : emitSyncMatmul(matmul, b);
  }
};

struct GroupedMatmulModel : GPUKernelInterface::ExternalModel<GroupedMatmulModel, GroupedMatmulOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    return getHopperConfigs(op, target).front();
  }

  SmallVector<DictionaryAttr> getGPUConfigs(Operation *op, const GPUTargetInfo &target) const {
    return getHopperConfigs(op, target);
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    for (MatmulOp member : cast<GroupedMatmulOp>(op).getMemberOps()) {
      if (failed(checkOperands(member)))
        return failure();
      if (!usesWarpgroups(member, target))
        return op->emitOpError("needs warpgroup products of bf16 or f16, got ")
               << elementType(member.getA()) << " on " << target.chip;
    }
    GPUKernelBuilder b(builder, op, target);
    return emitHopperMatmul(op, b);
  }
};
} // namespace

void nvptx::attachMatmulModels(MLIRContext &context) {
  MatmulOp::attachInterface<MatmulModel>(context);
  GroupedMatmulOp::attachInterface<GroupedMatmulModel>(context);
}
