//===- FlowHNDialect.cpp - The flowhn dialect -----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::flowhn;

#include "flowhn/Dialect/FlowHN/IR/FlowHNDialect.cpp.inc"

#include "flowhn/Dialect/FlowHN/IR/FlowHNInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.cpp.inc"

void FlowHNDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.cpp.inc"
      >();
}
