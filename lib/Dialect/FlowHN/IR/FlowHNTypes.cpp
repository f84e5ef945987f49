//===- FlowHNTypes.cpp - Types of flowhn ----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::flowhn;

#define GET_TYPEDEF_CLASSES
#include "flowhn/Dialect/FlowHN/IR/FlowHNTypes.cpp.inc"

void FlowHNDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "flowhn/Dialect/FlowHN/IR/FlowHNTypes.cpp.inc"
      >();
}

LogicalResult StateType::verify(function_ref<InFlightDiagnostic()> emitError, StateKind kind,
                                RankedTensorType row) {
  // state_type_c1
  int64_t rank = kind == StateKind::KV ? 1 : 2;
  bool isReal =
      kind == StateKind::Scan ? row.getElementType().isF32() : isa<FloatType>(row.getElementType());
  if (!isReal || !row.hasStaticShape() || row.getRank() != rank)
    return emitError() << "a state of kind " << stringifyStateKind(kind)
                       << " has rows of static shape, rank " << rank << " and "
                       << (kind == StateKind::Scan ? "float32" : "floating-point")
                       << " elements, got " << row;
  return success();
}
