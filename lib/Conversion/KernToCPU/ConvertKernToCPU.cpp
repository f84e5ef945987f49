//===- ConvertKernToCPU.cpp - Emit the loops and vectors of kernels -------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpandMath.h"
#include "KernelModule.h"
#include "flowhn/Conversion/KernToCPU/KernToCPU.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/AffineExpr.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_CONVERTKERNTOCPUPASS
#include "flowhn/Conversion/KernToCPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::kern;

/// The one op of a kernel that does its work.
static FailureOr<CPUKernelInterface> findKernelOp(func::FuncOp kernel) {
  CPUKernelInterface found;
  WalkResult result = kernel.walk([&](CPUKernelInterface op) {
    if (found) {
      InFlightDiagnostic error = op->emitError("a kernel holds one kern op, and '")
                                 << kernel.getName() << "' has a second one";
      error.attachNote(found->getLoc()) << "the first one";
      return WalkResult::interrupt();
    }
    found = op;
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (!found)
    return kernel.emitOpError("is a kernel without an op that the CPU can run");
  return found;
}

/// The grid over the index arguments among `arguments`, made of the one over the
/// op's index operands.
static FailureOr<AffineMap> gridOverArguments(CPUKernelInterface op,
                                              ArrayRef<BlockArgument> arguments) {
  llvm::SmallDenseMap<Value, unsigned> positions;
  for (BlockArgument argument : arguments)
    if (argument.getType().isIndex())
      positions.try_emplace(argument, positions.size());

  SmallVector<AffineExpr> replacements;
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isIndex())
      continue;
    auto position = positions.find(operand);
    if (position == positions.end())
      return op->emitOpError("takes an extent that is no argument of kernel '")
             << op->getParentOfType<func::FuncOp>().getName() << "'";
    replacements.push_back(getAffineSymbolExpr(position->second, op->getContext()));
  }
  return op.getCPUGrid().replaceDimsAndSymbols(replacements, {}, 0, positions.size());
}

/// Emits the code of `op` into its function, which gets the item and the scratch
/// memory as two more arguments.
static LogicalResult emitKernel(func::FuncOp kernel, CPUKernelInterface op,
                                const mlir::flowhn::CPUTargetInfo &target) {
  OpBuilder builder(op);
  unsigned count = kernel.getNumArguments();
  Type scratchType = MemRefType::get(ShapedType::kDynamic, builder.getI8Type());
  for (Type type : {Type(builder.getIndexType()), scratchType})
    if (failed(kernel.insertArgument(kernel.getNumArguments(), type, {}, kernel.getLoc())))
      return failure();
  return op.emitCPU(builder, target, kernel.getArgument(count), kernel.getArgument(count + 1));
}

static LogicalResult convertKernel(func::FuncOp kernel, const mlir::flowhn::CPUTargetInfo &target) {
  FailureOr<CPUKernelInterface> op = findKernelOp(kernel);
  if (failed(op))
    return failure();
  if (!(*op)->hasAttr("config"))
    return (*op)->emitOpError("has no configuration: run kern-choose-cpu-configs first");

  SmallVector<BlockArgument> arguments(kernel.getArguments());
  // Emission comes first: it checks what the grid and the scratch size are made of.
  if (failed(emitKernel(kernel, *op, target)))
    return failure();
  FailureOr<AffineMap> grid = gridOverArguments(*op, arguments);
  if (failed(grid))
    return failure();
  Builder builder(kernel.getContext());
  kernel->setAttr(gridAttrName, AffineMapAttr::get(*grid));
  kernel->setAttr(scratchBytesAttrName, builder.getI64IntegerAttr(op->getCPUScratchBytes()));
  kernel->setAttr(kernelOpAttrName, builder.getStringAttr((*op)->getName().getStringRef()));
  kernel->setAttr(configAttrName, (*op)->getAttr("config"));
  (*op)->erase();
  return expandMath(kernel, target);
}

namespace {
struct ConvertKernToCPUPass : mlir::flowhn::impl::ConvertKernToCPUPassBase<ConvertKernToCPUPass> {
  using ConvertKernToCPUPassBase::ConvertKernToCPUPassBase;

  void runOnOperation() override {
    auto target = mlir::flowhn::CPUTargetInfo::get(cpu);
    if (!target.ok()) {
      getOperation().emitError() << target.status().message();
      return signalPassFailure();
    }
    for (func::FuncOp kernel : findKernels(getOperation()))
      if (failed(convertKernel(kernel, *target)))
        return signalPassFailure();
  }
};
} // namespace
