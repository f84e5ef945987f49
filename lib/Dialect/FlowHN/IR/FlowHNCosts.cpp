//===- FlowHNCosts.cpp - What the ops of flowhn cost ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::flowhn;

std::string Polynomial::str() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::ListSeparator plus(" + ");
  if (quadratic != 0)
    os << plus << quadratic << "*n^2";
  if (linear != 0)
    os << plus << linear << "*n";
  if (constant != 0 || text.empty())
    os << plus << constant;
  return text;
}

/// Bytes of one element, 0 for what has no fixed size.
static int64_t elementBytes(ShapedType type) {
  Type element = type.getElementType();
  return element.isIntOrFloat() ? (element.getIntOrFloatBitWidth() + 7) / 8 : 0;
}

/// Bytes of the dimensions from `first` on, all of them static.
static int64_t bytesFrom(RankedTensorType type, int64_t first) {
  int64_t bytes = elementBytes(type);
  for (int64_t size : type.getShape().drop_front(first))
    bytes = saturatingProduct({bytes, size});
  return bytes;
}

bool flowhn::isParameter(Value value) {
  if (value.getDefiningOp<GetParameterOp>())
    return true;
  auto argument = dyn_cast<BlockArgument>(value);
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return argument && type && type.hasStaticShape() &&
         isa_and_nonnull<FunctionOpInterface>(argument.getOwner()->getParentOp());
}

int64_t flowhn::parameterBytes(Operation *op) {
  int64_t bytes = 0;
  for (Value operand : op->getOperands())
    if (isParameter(operand))
      bytes = saturatingAdd(bytes, bytesFrom(cast<RankedTensorType>(operand.getType()), 0));
  return bytes;
}

/// Bytes of one operand or result per row of n tokens. The tokens of a row are
/// the dimension before the features; a state of static extent is a constant.
static Polynomial valueBytes(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2 || isParameter(value) || !isa<FloatType>(type.getElementType()) ||
      type.isDynamicDim(type.getRank() - 1))
    return {};
  int64_t tokensDim = type.getRank() - 2;
  if (type.isDynamicDim(tokensDim))
    return {0, bytesFrom(type, tokensDim + 1), 0};
  return {bytesFrom(type, tokensDim), 0, 0};
}

Polynomial flowhn::activationBytes(Operation *op) {
  Polynomial bytes;
  if (!isa_and_nonnull<FlowHNDialect>(op->getDialect()) || op->getNumRegions() != 0 ||
      isa<SliceOp, YieldOp>(op))
    return bytes;
  if (auto split = dyn_cast<SplitOp>(op))
    return valueBytes(split.getInput()) + valueBytes(split.getAttention());
  if (auto fuse = dyn_cast<FuseOp>(op); fuse && fuse.getKind() == FuseKind::Tokens) {
    // The inputs hold n tokens between them.
    bytes += valueBytes(fuse.getInputs().front()) + valueBytes(fuse.getResult());
    return fuse.getResidual() ? bytes + valueBytes(fuse.getResidual()) : bytes;
  }
  for (Value operand : op->getOperands())
    bytes += valueBytes(operand);
  for (Value result : op->getResults())
    bytes += valueBytes(result);
  return bytes;
}

//===----------------------------------------------------------------------===//
// FLOPs
//===----------------------------------------------------------------------===//

/// Multiply-adds per token of `[out, in]` weights, as FLOPs.
static Polynomial productFlops(ValueRange weights) {
  Polynomial flops;
  for (Value weight : weights) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
    flops += {0, saturatingProduct({2, shape[0], shape[1]}), 0};
  }
  return flops;
}

Polynomial FuseOp::getFlops() { return productFlops(getWeight()); }

Polynomial LinearOp::getFlops() { return productFlops(getWeights()); }

Polynomial AttentionOp::getFlops() {
  // Scores and values, 2·features each, over the n·(n+1)/2 pairs of the triangle.
  int64_t flops = saturatingProduct({2, getQuery().getType().getShape().back()});
  return getQueries() ? Polynomial{0, saturatingProduct({2, flops}), 0}
                      : Polynomial{0, flops, flops};
}

Polynomial CausalConv1DOp::getFlops() {
  ArrayRef<int64_t> shape = getWeight().getType().getShape();
  return {0, saturatingProduct({2, shape[0], shape[2]}), 0};
}

Polynomial SelectiveScanOp::getFlops() {
  ArrayRef<int64_t> shape = getALog().getType().getShape();
  return {0, saturatingProduct({9, shape[0], shape[1]}), 0};
}
