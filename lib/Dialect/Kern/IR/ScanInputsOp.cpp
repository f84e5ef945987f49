//===- ScanInputsOp.cpp - kern.scan_inputs --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelVerifiers.h"

#include "flowhn/Dialect/Kern/IR/KernFusedOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::kern;

/// Checks that `memref` is dense and static, [rows, columns] or longer rows.
static LogicalResult verifyFactor(Operation *op, StringRef name, Value memref, int64_t rows,
                                  int64_t columns) {
  if (failed(verifyStatic(op, name, memref, 2)))
    return failure();
  MemRefType type = typeOf(memref);
  if (type.getDimSize(0) == rows && type.getDimSize(1) >= columns)
    return success();
  return op->emitOpError() << name << " must be [" << rows << ", " << columns
                           << "], with rows of that length or longer, got " << type;
}

/// Checks that `memref` is a dense vector of `size`.
static LogicalResult verifyVector(Operation *op, StringRef name, Value memref, int64_t size) {
  if (failed(verifyStatic(op, name, memref, 1)))
    return failure();
  if (typeOf(memref).getDimSize(0) == size)
    return success();
  return op->emitOpError() << name << " must have " << size << " elements, got " << typeOf(memref);
}

LogicalResult ScanInputsOp::verify() {
  // scan_inputs_c1
  int64_t rank = getDtRank(), states = getStates(), maxRows = getMaxRows().value_or(1);
  if (rank < 1 || states < 1 || maxRows < 1)
    return emitOpError("dt_rank, states and max_rows must be positive, got ")
           << rank << ", " << states << " and " << maxRows;
  if (failed(verifyStatic(*this, "conv_weight", getConvWeight(), 2)))
    return failure();
  // scan_inputs_c2
  int64_t channels = getChannels(), projected = getProjected();
  if (failed(verifyFactor(*this, "x_weight", getXWeight(), projected, channels)) ||
      failed(verifyFactor(*this, "dt_weight", getDtWeight(), channels, rank)) ||
      failed(verifyVector(*this, "conv_bias", getConvBias(), channels)) ||
      failed(verifyVector(*this, "dt_bias", getDtBias(), channels)) ||
      failed(verifyVector(*this, "norm_weight", getNormWeight(), projected)))
    return failure();
  // scan_inputs_c3
  return success(succeeded(verifyColumns(*this, "input", getInput(), getInColumn(), channels)) &&
                 succeeded(verifyColumns(*this, "u", getU(), getUColumn(), channels)) &&
                 succeeded(verifyColumns(*this, "delta", getDelta(), getDeltaColumn(), channels)) &&
                 succeeded(verifyColumns(*this, "projections", getProjections(),
                                         getProjectionColumn(), projected)));
}

void ScanInputsOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, {&getUMutable(), &getProjectionsMutable(), &getDeltaMutable()}, effects);
}

int64_t ScanInputsOp::getFlops(ArrayRef<int64_t> extents) {
  return 2 * extents[0] * getChannels() * (getTaps() + getProjected() + int64_t(getDtRank()));
}

int64_t ScanInputsOp::getBytes(ArrayRef<int64_t> extents) {
  auto bytesOf = [](Value memref, int64_t count) {
    return count * typeOf(memref).getElementTypeBitWidth() / 8;
  };
  int64_t rows = extents[0], elements = rows * getChannels();
  int64_t bytes = bytesOf(getInput(), elements) + bytesOf(getU(), elements) +
                  bytesOf(getDelta(), elements) +
                  bytesOf(getProjections(), rows * 2 * int64_t(getStates())) +
                  bytesOf(getOffsets(), extents[1] + 1);
  for (Value parameter : {Value(getConvWeight()), Value(getConvBias()), Value(getXWeight()),
                          Value(getNormWeight()), Value(getDtWeight()), Value(getDtBias())})
    bytes += bytesOf(parameter, typeOf(parameter).getNumElements());
  return bytes;
}

#define GET_OP_CLASSES
#include "flowhn/Dialect/Kern/IR/KernFusedOps.cpp.inc"
