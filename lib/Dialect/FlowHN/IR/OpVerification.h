//===- OpVerification.h - Checks that verifiers share -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_DIALECT_FLOWHN_IR_OPVERIFICATION_H
#define FLOWHN_LIB_DIALECT_FLOWHN_IR_OPVERIFICATION_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"

namespace mlir::flowhn {

inline ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// The feature size of activations: their last dimension, static by type.
inline int64_t featuresOf(Value value) { return shapeOf(value).back(); }

/// Whether two shapes agree in every dimension but the last.
inline bool sameLeadingDims(Value a, Value b) {
  return shapeOf(a).drop_back() == shapeOf(b).drop_back();
}

/// Whether `eps` may be added to a mean of squares under a root.
inline bool isPositiveFinite(const APFloat &eps) {
  return eps.isFinite() && !eps.isNegative() && !eps.isZero();
}

/// Checks that `weight` is [out, in] for some out; `in` is said to be `meaning`.
LogicalResult verifyMatrix(Operation *op, const Twine &name, Value weight, int64_t in,
                           StringRef meaning);

/// Checks that `weight` is [size]; the size is said to be `meaning`.
LogicalResult verifyVector(Operation *op, const Twine &name, Value weight, int64_t size,
                           StringRef meaning);

/// Checks that `block` is not negative and the index of the `flowhn.block` around.
LogicalResult verifyBlockIndex(Operation *op, int64_t block);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_DIALECT_FLOWHN_IR_OPVERIFICATION_H
