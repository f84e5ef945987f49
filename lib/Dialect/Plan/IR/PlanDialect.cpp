//===- PlanDialect.cpp - The plan dialect ---------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Plan/IR/PlanOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::plan;

#include "flowhn/Dialect/Plan/IR/PlanDialect.cpp.inc"

#include "flowhn/Dialect/Plan/IR/PlanEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "flowhn/Dialect/Plan/IR/PlanTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "flowhn/Dialect/Plan/IR/PlanAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "flowhn/Dialect/Plan/IR/PlanOps.cpp.inc"

void PlanDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "flowhn/Dialect/Plan/IR/PlanTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "flowhn/Dialect/Plan/IR/PlanAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowhn/Dialect/Plan/IR/PlanOps.cpp.inc"
      >();
}
