//===- KernOps.cpp - Kernels over rows ------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelVerifiers.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mlir;
using namespace mlir::kern;

#define GET_OP_CLASSES
#include "flowhn/Dialect/Kern/IR/KernOps.cpp.inc"

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

/// Checks the shape of the weights: row-major, or packed in panels.
static LogicalResult verifyWeights(MatmulOp op, int64_t n, int64_t k, int64_t groups) {
  MemRefType type = typeOf(op.getB());
  if (failed(verifyStatic(op, "b", op.getB(), type.getRank() == 3 ? 3 : 2)))
    return failure();
  ArrayRef<int64_t> shape = type.getShape();
  if (shape.size() == 2) {
    if (shape[0] % groups == 0 && shape[0] / groups == n && shape[1] >= k)
      return success();
    return op.emitOpError("b must be [groups * n, at least k] with groups = ")
           << groups << ", n = " << n << ", k = " << k << ", got " << type;
  }
  int64_t panel = shape[2] / groups;
  if (shape[2] % groups == 0 && shape[1] == k && shape[0] == llvm::divideCeilSigned(n, panel))
    return success();
  return op.emitOpError("b must be [ceil(n / p), k, groups * p] for a panel width p with groups = ")
         << groups << ", n = " << n << ", k = " << k << ", got " << type;
}

LogicalResult MatmulOp::verify() {
  int64_t n = getN(), k = getK(), groups = getGroups();
  // matmul_c1
  if (n < 1 || k < 1 || groups < 1)
    return emitOpError("n, k and groups must be positive, got ")
           << n << ", " << k << " and " << groups;
  if (getMaxRows().value_or(1) < 1)
    return emitOpError("max_rows must be positive, got ") << getMaxRowsAttr().getInt();
  if (failed(verifyColumns(*this, "a", getA(), getAColumn(), k)) ||
      failed(verifyColumns(*this, "out", getOut(), getOutColumn(), n)))
    return failure();
  // matmul_c2
  if (failed(verifyWeights(*this, n, k, groups)))
    return failure();
  // matmul_c3
  return verifyRowExtras(*this, getExtras(), getAccesses(), getExtraColumns(), n, getGather());
}

LogicalResult MatmulOp::verifyRegions() {
  // matmul_c4
  return verifyRegion(*this, getEpilogue(), getGroups() + getExtras().size());
}

void MatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, &getOutMutable(), effects);
}

//===----------------------------------------------------------------------===//
// RowwiseOp
//===----------------------------------------------------------------------===//

LogicalResult RowwiseOp::verify() {
  // rowwise_c1
  ArrayRef<int64_t> sections = getSections();
  bool ascends = llvm::is_sorted(sections, std::less_equal<int64_t>());
  if (sections.size() < 2 || sections.front() != 0 || !ascends)
    return emitOpError("sections must be two or more strictly ascending bounds from 0, got [")
           << sections << "]";
  // rowwise_c2
  int64_t width = sections.back();
  if (failed(verifyColumns(*this, "input", getInput(), getInColumn(), width)) ||
      (!storesScalars() && failed(verifyColumns(*this, "out", getOut(), getOutColumn(), width))))
    return failure();
  // rowwise_c3
  if (failed(verifyRowExtras(*this, getExtras(), getAccesses(), getExtraColumns(), width,
                             getGather())))
    return failure();
  // rowwise_c5
  bool reducesOnly = sections.size() == 2 && getReduction() != Reduction::None &&
                     getExtras().empty() && int64_t(getOutColumn()) == 0;
  if (storesScalars() && !(isScalars(getOut()) && reducesOnly))
    return emitOpError("an out of rank 1 must be memref<?xf32>, with one section, a reduction, no "
                       "extras and out_column 0, got ")
           << getOut().getType();
  return success();
}

LogicalResult RowwiseOp::verifyRegions() {
  // rowwise_c4
  size_t numValues = getReduction() == Reduction::None || storesScalars() ? 1 : 2;
  return verifyRegion(*this, getBody(), numValues + getExtras().size());
}

void RowwiseOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, &getOutMutable(), effects);
}

//===----------------------------------------------------------------------===//
// ArgmaxOp
//===----------------------------------------------------------------------===//

LogicalResult ArgmaxOp::verify() {
  // argmax_c1
  int64_t n = getN();
  if (n < 1 || n > std::numeric_limits<int32_t>::max())
    return emitOpError("n must be from 1 to 2^31 - 1, got ") << n;
  return verifyColumns(*this, "input", getInput(), getInColumn(), n);
}

void ArgmaxOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, &getOutMutable(), effects);
}
