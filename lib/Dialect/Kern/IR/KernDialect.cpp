//===- KernDialect.cpp - The kern dialect ---------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Kern/IR/KernFusedOps.h"
#include "flowhn/Dialect/Kern/IR/KernSamplingOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::kern;

#include "flowhn/Dialect/Kern/IR/KernDialect.cpp.inc"

#include "flowhn/Dialect/Kern/IR/KernEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "flowhn/Dialect/Kern/IR/KernAttributes.cpp.inc"

#include "flowhn/Dialect/Kern/IR/KernInterfaces.cpp.inc"

std::string mlir::kern::describeConfig(DictionaryAttr config) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(
      config, stream,
      [&](NamedAttribute entry) {
        stream << entry.getName().strref() << '=';
        if (auto integer = dyn_cast<IntegerAttr>(entry.getValue()))
          stream << integer.getInt();
        else
          stream << entry.getValue();
      },
      " ");
  return text;
}

static bool areShares(Attribute attribute) {
  auto shares = dyn_cast<DenseF64ArrayAttr>(attribute);
  return shares && !shares.empty() &&
         llvm::all_of(shares.asArrayRef(), [](double share) { return share >= 0 && share <= 1; });
}

LogicalResult KernDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringAttr name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == branchSharesAttrName &&
      !(isa<ModuleOp>(op) && areShares(value) && cast<DenseF64ArrayAttr>(value).size() == 2))
    return op->emitOpError("attribute ")
           << name << " must be two f64 from 0 to 1 on a module, got " << value;
  if (name == tokenSharesAttrName && !(isa<FunctionOpInterface>(op) && areShares(value)))
    return op->emitOpError("attribute ")
           << name << " must be f64 from 0 to 1, one or more, on a function, got " << value;
  return success();
}

void KernDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "flowhn/Dialect/Kern/IR/KernAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowhn/Dialect/Kern/IR/KernOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowhn/Dialect/Kern/IR/KernSamplingOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowhn/Dialect/Kern/IR/KernFusedOps.cpp.inc"
      >();
}
