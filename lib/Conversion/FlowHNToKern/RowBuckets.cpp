//===- RowBuckets.cpp - Kernels by the rows of a call ---------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is fast for a prompt is not for a step of one token. Which of an op's kernels runs
// is decided when the call comes: the others have 0 rows, no blocks, and are skipped.
//
//===----------------------------------------------------------------------===//

#include "OpConversions.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"

using namespace mlir;
using namespace mlir::flowhn;

Value mlir::flowhn::createExceeds(OpBuilder &builder, Location loc, Value value, int64_t bound) {
  AffineExpr symbol = builder.getAffineSymbolExpr(0);
  auto mapOf = [&](AffineExpr expression, int64_t constant) {
    return AffineMap::get(0, 1, {expression, builder.getAffineConstantExpr(constant)},
                          builder.getContext());
  };
  Value excess = affine::AffineMaxOp::create(builder, loc, mapOf(symbol - bound, 0), value);
  return affine::AffineMinOp::create(builder, loc, mapOf(symbol, 1), excess);
}

/// The tokens of the other branch of those that share launches at the moment, or null.
static const TokenSpace *getPartner(ProcedureBuilder &procedure, const TokenSpace &space) {
  if (!procedure.heldProducts && !procedure.heldNorms)
    return nullptr;
  const auto &[first, second] = procedure.groupedSpaces;
  return &space == first ? second : &space == second ? first : nullptr;
}

ArrayRef<RowBucket> mlir::flowhn::getRowBuckets(ProcedureBuilder &procedure, Location loc,
                                                const TokenSpace &tokens,
                                                ArrayRef<int64_t> bounds) {
  const TokenSpace &space = procedure.getLaunchedSpace(tokens);
  const TokenSpace *partner = getPartner(procedure, space);
  SmallVector<RowBucket, 2> &buckets = procedure.rowBuckets[{&space, partner, bounds}];
  if (!buckets.empty())
    return buckets;
  OpBuilder &builder = procedure.builder;
  AffineExpr rows = builder.getAffineSymbolExpr(0), second = builder.getAffineSymbolExpr(1);
  Value left = space.rows; // 0 in the calls of the buckets so far
  Value most = left;
  if (partner && partner != &space)
    most = affine::AffineMaxOp::create(builder, loc,
                                       AffineMap::get(0, 2, {rows, second}, builder.getContext()),
                                       ValueRange{space.rows, partner->rows});
  for (int64_t bound : bounds) {
    if (bound < space.minRows)
      continue;
    Value operands[] = {left, createExceeds(builder, loc, most, bound)};
    auto apply = [&](AffineExpr share) {
      return affine::AffineApplyOp::create(builder, loc, AffineMap::get(0, 2, rows * share),
                                           ValueRange(operands));
    };
    buckets.push_back({apply(1 - second), builder.getI64IntegerAttr(bound)});
    left = apply(second);
  }
  buckets.push_back({left, IntegerAttr()});
  return buckets;
}
