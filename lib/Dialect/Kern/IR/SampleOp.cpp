//===- SampleOp.cpp - kern.sample -----------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Kern/IR/KernSamplingOps.h"

using namespace mlir;
using namespace mlir::kern;

/// Numbers in an entry of the table of draws.
static constexpr int64_t drawNumbers = 9;

LogicalResult SampleOp::verify() {
  // sample_c1
  int64_t n = getN();
  if (n < 1 || n > int64_t(1) << 20)
    return emitOpError("n must be from 1 to 2^20, got ") << n;
  MemRefType type = getLogits().getType();
  if (!type.getLayout().isIdentity() || type.isDynamicDim(1) || type.getDimSize(1) < n)
    return emitOpError("logits must be dense rows of at least ") << n << " columns, got " << type;
  return success();
}

void SampleOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  SideEffects::Resource *memory = SideEffects::DefaultResource::get();
  for (OpOperand *read : {&getLogitsMutable(), &getDrawsMutable(), &getHistoryMutable()})
    effects.emplace_back(MemoryEffects::Read::get(), read, memory);
  for (OpOperand *written : {&getLogitsMutable(), &getOutMutable()})
    effects.emplace_back(MemoryEffects::Write::get(), written, memory);
}

int64_t SampleOp::getFlops(ArrayRef<int64_t> extents) { return 0; }

int64_t SampleOp::getBytes(ArrayRef<int64_t> extents) {
  return extents[0] * 4 * (int64_t(getN()) + drawNumbers + 1);
}

#define GET_OP_CLASSES
#include "flowhn/Dialect/Kern/IR/KernSamplingOps.cpp.inc"
