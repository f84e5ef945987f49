//===- KernelLibrary.cpp - The distinct kernels of a model ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelLibrary.h"

#include "KernelCosts.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::flowhn;

/// The operands of `op` in order: every index, and each buffer once.
static SmallVector<Value> getLaunchOperands(Operation *op) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    if (isa<IndexType>(operand.getType()) || !llvm::is_contained(operands, operand))
      operands.push_back(operand);
  return operands;
}

static bool isSameKernel(func::FuncOp lhs, func::FuncOp rhs) {
  return lhs.getFunctionType() == rhs.getFunctionType() &&
         OperationEquivalence::isRegionEquivalentTo(&lhs.getBody(), &rhs.getBody(),
                                                    OperationEquivalence::IgnoreLocations);
}

func::FuncOp KernelLibrary::create(Operation *op, ArrayRef<Value> operands, StringRef name) {
  Location loc = op->getLoc();
  auto type = FunctionType::get(op->getContext(), ValueRange(operands).getTypes(), {});
  auto function = func::FuncOp::create(loc, name, type);
  function->setAttr(kern::kernelAttrName, UnitAttr::get(op->getContext()));
  OpBuilder builder(op->getContext());
  builder.setInsertionPointToEnd(function.addEntryBlock());
  IRMapping mapping;
  Operation *body = builder.clone(*op, mapping);
  const Value *next = operands.begin(); // the argument behind the last index
  for (OpOperand &operand : body->getOpOperands()) {
    bool isIndex = isa<IndexType>(operand.get().getType());
    const Value *found =
        std::find(isIndex ? next : operands.begin(), operands.end(), operand.get());
    if (isIndex)
      next = found + 1;
    operand.set(function.getArgument(found - operands.begin()));
  }
  func::ReturnOp::create(builder, loc);
  return function;
}

KernelLaunch KernelLibrary::outline(Operation *op, StringRef name) {
  SmallVector<Value> operands = getLaunchOperands(op);
  func::FuncOp kernel = create(op, operands, name);
  SmallVector<func::FuncOp, 1> &candidates = byName[name];
  auto *known =
      llvm::find_if(candidates, [&](func::FuncOp other) { return isSameKernel(other, kernel); });
  if (known != candidates.end()) {
    kernel.erase();
    kernel = *known;
  } else {
    annotateCosts(kernel, cast<kern::KernelOpInterface>(kernel.getBody().front().front()));
    symbols.insert(kernel);
    candidates.push_back(kernel);
  }
  op->erase();
  auto nested = FlatSymbolRefAttr::get(kernel);
  return {SymbolRefAttr::get(kernels.getSymNameAttr(), {nested}), std::move(operands)};
}
