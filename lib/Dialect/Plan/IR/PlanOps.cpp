//===- PlanOps.cpp - Ops of plan ------------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Plan/IR/PlanOps.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::plan;

LogicalResult GetParameterOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(*this, getNameAttr());
  // get_parameter_c1
  if (!parameter)
    return emitOpError("needs a plan.parameter, got ") << getNameAttr();
  if (parameter.getType() != getResult().getType()) {
    InFlightDiagnostic diagnostic = emitOpError("needs the parameter's type ")
                                    << parameter.getType() << ", got " << getResult().getType();
    diagnostic.attachNote(parameter.getLoc()) << "the parameter is here";
    return diagnostic;
  }
  return success();
}

LogicalResult GetStateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto state = symbols.lookupNearestSymbolFrom<StateOp>(*this, getNameAttr());
  // get_state_c1
  if (!state || state.getType() != getResult().getType())
    return emitOpError("needs a plan.state of type ")
           << getResult().getType() << ", got " << getNameAttr();
  return success();
}

void PartitionOp::build(OpBuilder &builder, OperationState &state, Value begin, Value length,
                        ::mlir::flowhn::WindowAttr window) {
  state.addOperands({begin, length});
  state.getOrAddProperties<Properties>().window = window;
  Type index = builder.getIndexType(), table = begin.getType();
  state.addTypes({index, index, table, table, index, index, table, table});
}

LogicalResult PartitionOp::verify() {
  // partition_c1
  if (getWindow().isAll())
    return emitOpError("has nothing to part with the window all");
  return success();
}

/// Whether `type` is rows of a static size, without gaps.
static bool isRows(MemRefType type) {
  return type.getRank() >= 1 && type.isDynamicDim(0) && type.getNumDynamicDims() == 1 &&
         type.getLayout().isIdentity();
}

LogicalResult StateOp::verify() {
  // state_c1
  if (!isRows(cast<MemRefType>(getType())))
    return emitOpError("needs one dynamic dimension, its first, and the identity layout, got ")
           << getType();
  // state_c2
  bool keepsTokens = getKind() == ::mlir::flowhn::StateKind::KV;
  if (getWindow().has_value() != keepsTokens || (keepsTokens && getWindow()->getByCall()))
    return emitOpError("needs the window of its rows, which follows no call, exactly where it is "
                       "of kind kv");
  return success();
}

LogicalResult AllocOp::verify() {
  // alloc_c1
  auto type = cast<MemRefType>(getResult().getType());
  if (!isRows(type))
    return emitOpError("needs one dynamic dimension, its first, and the identity layout, got ")
           << type;
  return success();
}

std::optional<int64_t> mlir::plan::getRowBytes(MemRefType type) {
  if (!isRows(type) || !type.getElementType().isIntOrFloat())
    return std::nullopt;
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape().drop_front())
    if (llvm::MulOverflow(bytes, size, bytes))
      return std::nullopt;
  return bytes;
}

LogicalResult ViewOp::verify() {
  // view_c1
  auto arena = getArena().getDefiningOp<ArenaOp>();
  if (!arena)
    return emitOpError("needs an arena that plan.arena made");
  auto type = cast<MemRefType>(getResult().getType());
  std::optional<int64_t> rowBytes = getRowBytes(type);
  if (!rowBytes)
    return emitOpError("needs rows of a static number of bytes, got ") << type;
  int64_t offset = getOffset();
  if (offset < 0 || offset % bufferAlignment != 0)
    return emitOpError("needs an offset >= 0 that is a multiple of ")
           << bufferAlignment << ", got " << offset;
  int64_t end;
  if (llvm::AddOverflow(offset, *rowBytes, end) || end > int64_t(arena.getBytesPerUnit()))
    return emitOpError("ends behind its arena: offset ")
           << offset << " and " << *rowBytes << " bytes per row of " << arena.getBytesPerUnit()
           << " bytes per unit";
  return success();
}

/// Whether an argument of type `expected` takes an operand of type `given`. A target may
/// have made a pointer of its own of a buffer.
static bool takes(Type expected, Type given) {
  bool isPointer = !isa<MemRefType, IndexType>(expected);
  return given == expected || (isPointer && isa<MemRefType>(given));
}

/// Checks operands against the kernel's first argument types.
static LogicalResult verifyKernelOperands(LaunchOp launch, func::FuncOp kernel) {
  ArrayRef<Type> expected = kernel.getArgumentTypes();
  auto given = launch.getOperands().getTypes();
  bool matches = given.size() <= expected.size();
  for (size_t i = 0; matches && i < given.size(); ++i)
    matches = takes(expected[i], given[i]);
  if (matches)
    return success();
  InFlightDiagnostic diagnostic = launch.emitOpError("passes (")
                                  << given << ") to a kernel that takes (" << expected << ")";
  diagnostic.attachNote(kernel.getLoc()) << "the kernel is here";
  return diagnostic;
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // launch_c1
  Operation *kernel = symbols.lookupNearestSymbolFrom(*this, getKernelAttr());
  if (!kernel || getKernel().getRootReference() != kern::kernelModuleName)
    return emitOpError("needs a kernel of the module @")
           << kern::kernelModuleName << ", got " << getKernelAttr();
  auto function = dyn_cast<func::FuncOp>(kernel);
  if (!function)
    return success();
  if (!function->hasAttr(kern::kernelAttrName))
    return emitOpError("needs a kernel, got the function ") << getKernelAttr();
  // launch_c2
  return verifyKernelOperands(*this, function);
}

/// Streams of a fork or join: at least one, none twice or negative.
static LogicalResult verifyStreams(Operation *op, ArrayRef<int64_t> streams) {
  SmallVector<int64_t> seen;
  for (int64_t stream : streams) {
    if (stream < 0 || llvm::is_contained(seen, stream))
      return op->emitOpError("needs different streams >= 0, got stream ")
             << stream << (stream < 0 ? "" : " twice");
    seen.push_back(stream);
  }
  if (streams.empty())
    return op->emitOpError("needs a stream");
  return success();
}

LogicalResult ForkOp::verify() {
  // fork_c1
  return verifyStreams(*this, getStreams());
}

LogicalResult JoinOp::verify() {
  // join_c1
  return verifyStreams(*this, getStreams());
}

LogicalResult TapOp::verify() {
  // tap_c1
  auto type = cast<MemRefType>(getBuffer().getType());
  int64_t width = getWidth();
  if (width < 1 || (type.getRank() == 2 && width > type.getDimSize(1)))
    return emitOpError("needs a width from 1 to the elements of a row, got ")
           << width << " of " << type;
  return success();
}
