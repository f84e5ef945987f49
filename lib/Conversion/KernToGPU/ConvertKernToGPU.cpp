//===- ConvertKernToGPU.cpp - Emit the thread blocks of kernels -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../KernToCPU/KernelModule.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/AffineExpr.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_CONVERTKERNTOGPUPASS
#include "flowhn/Conversion/KernToGPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::kern;

/// The one op of a kernel that does its work.
static FailureOr<GPUKernelInterface> findKernelOp(func::FuncOp kernel) {
  GPUKernelInterface found;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    auto candidate = dyn_cast<GPUKernelInterface>(op);
    if (!candidate) {
      op.emitOpError("has no code for the GPU, in kernel '") << kernel.getName() << "'";
      return failure();
    }
    if (found) {
      InFlightDiagnostic error = op.emitError("a kernel holds one kern op, and '")
                                 << kernel.getName() << "' has a second one";
      error.attachNote(found->getLoc()) << "the first one";
      return failure();
    }
    found = candidate;
  }
  if (!found)
    return kernel.emitOpError("is a kernel without an op");
  return found;
}

/// What replaces the op's index operands in its maps: the function's index arguments
/// as symbols.
static FailureOr<SmallVector<AffineExpr>> extentsAsSymbols(GPUKernelInterface op,
                                                           ArrayRef<BlockArgument> arguments) {
  llvm::SmallDenseMap<Value, unsigned> positions;
  for (BlockArgument argument : arguments)
    if (argument.getType().isIndex())
      positions.try_emplace(argument, positions.size());
  SmallVector<AffineExpr> symbols;
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isIndex())
      continue;
    auto position = positions.find(operand);
    if (position == positions.end()) {
      op->emitOpError("takes an extent that is no argument of its kernel");
      return failure();
    }
    symbols.push_back(getAffineSymbolExpr(position->second, op->getContext()));
  }
  return symbols;
}

/// Makes pointers to global memory of the buffers among the arguments.
static void usePointers(func::FuncOp kernel) {
  auto pointer = LLVM::LLVMPointerType::get(kernel.getContext(), /*addressSpace=*/1);
  for (BlockArgument argument : kernel.getArguments()) {
    if (!isa<MemRefType>(argument.getType()))
      continue;
    for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
      auto cast = llvm::cast<UnrealizedConversionCastOp>(user);
      cast.getResult(0).replaceAllUsesWith(argument);
      cast.erase();
    }
    argument.setType(pointer);
  }
  kernel.setFunctionType(FunctionType::get(
      kernel.getContext(), kernel.getBody().front().getArgumentTypes(), /*results=*/{}));
}

static void setLaunchAttributes(func::FuncOp kernel, GPUKernelInterface op, const GPULaunch &launch,
                                const mlir::flowhn::GPUTargetInfo &target,
                                ArrayRef<AffineExpr> symbols) {
  Builder builder(kernel.getContext());
  unsigned numExtents =
      llvm::count_if(kernel.getArgumentTypes(), [](Type type) { return type.isIndex(); });
  auto overArguments = [&](AffineMap map) {
    return AffineMapAttr::get(map.replaceDimsAndSymbols(symbols, {}, 0, numExtents));
  };
  kernel->setAttr(gridAttrName, overArguments(launch.grid));
  if (launch.maxBlocks > 0)
    kernel->setAttr(gpuMaxBlocksAttrName, builder.getI64IntegerAttr(launch.maxBlocks));
  if (launch.residentBlocks > 1)
    kernel->setAttr(gpuResidentBlocksAttrName, builder.getI64IntegerAttr(launch.residentBlocks));
  if (launch.clusterBlocks > 1)
    kernel->setAttr(gpuClusterBlocksAttrName, builder.getI64IntegerAttr(launch.clusterBlocks));
  if (launch.clusterGrid > 0)
    kernel->setAttr(gpuClusterGridAttrName, builder.getI64IntegerAttr(launch.clusterGrid));
  kernel->setAttr(gpuThreadsAttrName, builder.getI64IntegerAttr(launch.threads));
  kernel->setAttr(gpuSharedBytesAttrName, builder.getI64IntegerAttr(launch.sharedBytes));
  kernel->setAttr(kernelOpAttrName, builder.getStringAttr(op->getName().getStringRef()));
  kernel->setAttr(configAttrName, op->getAttr("config"));
  kernel->setAttr(gpuByteRateAttrName, builder.getF64FloatAttr(target.byteRate));
  if (launch.flopRate > 0)
    kernel->setAttr(gpuFlopRateAttrName, builder.getF64FloatAttr(launch.flopRate));
  auto maps = kernel->getAttrOfType<ArrayAttr>(gpuTensorMapsAttrName);
  if (!maps)
    return;
  SmallVector<Attribute> rewritten;
  for (auto map : maps.getAsRange<DictionaryAttr>()) {
    NamedAttrList entries(map);
    entries.set("rows", overArguments(map.getAs<AffineMapAttr>("rows").getValue()));
    rewritten.push_back(entries.getDictionary(kernel.getContext()));
  }
  kernel->setAttr(gpuTensorMapsAttrName, builder.getArrayAttr(rewritten));
}

/// Makes a kernel wait for the one in front of it, where its emitter has not done so itself:
/// what that one still writes or reads is touched by nobody before. The next one may start, and
/// wait in turn.
static void waitForFormerKernel(func::FuncOp kernel) {
  WalkResult waits = kernel.walk([](NVVM::GriddepcontrolOp op) {
    return op.getKind() == NVVM::GridDepActionKind::wait ? WalkResult::interrupt()
                                                         : WalkResult::advance();
  });
  OpBuilder builder = OpBuilder::atBlockBegin(&kernel.getBody().front());
  if (!waits.wasInterrupted())
    for (auto kind : {NVVM::GridDepActionKind::launch_dependents, NVVM::GridDepActionKind::wait})
      NVVM::GriddepcontrolOp::create(builder, kernel.getLoc(), kind);
  kernel->setAttr(gpuWaitsAttrName, builder.getUnitAttr());
}

static LogicalResult convertKernel(func::FuncOp kernel, const mlir::flowhn::GPUTargetInfo &target) {
  FailureOr<GPUKernelInterface> op = findKernelOp(kernel);
  if (failed(op))
    return failure();
  if (!(*op)->hasAttr("config"))
    return (*op)->emitOpError("has no configuration: run kern-choose-gpu-configs first");

  SmallVector<BlockArgument> arguments(kernel.getArguments());
  FailureOr<SmallVector<AffineExpr>> symbols = extentsAsSymbols(*op, arguments);
  if (failed(symbols))
    return failure();
  OpBuilder builder(*op);
  FailureOr<GPULaunch> launch = op->emitGPU(builder, target);
  if (failed(launch))
    return failure();
  setLaunchAttributes(kernel, *op, *launch, target, *symbols);
  (*op)->erase();
  usePointers(kernel);
  if (target.hasClusters)
    waitForFormerKernel(kernel);
  return success();
}

namespace {
struct ConvertKernToGPUPass : mlir::flowhn::impl::ConvertKernToGPUPassBase<ConvertKernToGPUPass> {
  using ConvertKernToGPUPassBase::ConvertKernToGPUPassBase;

  void runOnOperation() override {
    auto target = mlir::flowhn::GPUTargetInfo::get(chip);
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
