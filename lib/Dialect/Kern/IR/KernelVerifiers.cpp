//===- KernelVerifiers.cpp - What kernels have in common ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelVerifiers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::kern;

/// Whether `width` elements from `column` on lie inside `extent` elements.
static bool fits(int64_t column, int64_t width, int64_t extent) {
  return column >= 0 && width <= extent && column <= extent - width;
}

LogicalResult kern::verifyColumns(Operation *op, StringRef name, Value memref, int64_t column,
                                  int64_t width) {
  MemRefType type = typeOf(memref);
  if (!type.getLayout().isIdentity() || type.isDynamicDim(1))
    return op->emitOpError() << name << " must be dense rows of a static width, got " << type;
  if (fits(column, width, type.getDimSize(1)))
    return success();
  return op->emitOpError() << name << " must hold " << width << " columns from column " << column
                           << ", got " << type;
}

LogicalResult kern::verifyStatic(Operation *op, StringRef name, Value memref, int64_t rank) {
  MemRefType type = typeOf(memref);
  if (type.getLayout().isIdentity() && type.hasStaticShape() && type.getRank() == rank &&
      !llvm::is_contained(type.getShape(), 0))
    return success();
  return op->emitOpError() << name << " must be dense and static, of rank " << rank << ", got "
                           << type;
}

LogicalResult kern::verifyRows(Operation *op, StringRef name, Value memref, ArrayRef<int64_t> row) {
  if (!memref)
    return success();
  MemRefType type = typeOf(memref);
  if (type.getLayout().isIdentity() && type.getShape().drop_front() == row)
    return success();
  return op->emitOpError() << name << " must be dense rows of [" << row << "], got " << type;
}

bool kern::isScalars(Value memref) {
  MLIRContext *context = memref.getContext();
  return memref.getType() == MemRefType::get({ShapedType::kDynamic}, Float32Type::get(context));
}

/// Checks one extra of a kernel whose result has `width` columns.
static LogicalResult verifyExtra(Operation *op, int64_t index, Value extra, Access access,
                                 int64_t column, int64_t width) {
  MemRefType type = typeOf(extra);
  if (access == Access::Scalar) {
    if (isScalars(extra) && column == 0)
      return success();
    return op->emitOpError("extra #") << index
                                      << " with access scalar must be memref<?xf32> at "
                                         "column 0, got "
                                      << type << " at column " << column;
  }
  int64_t rank = access == Access::Column ? 1 : 2;
  if (type.getRank() != rank)
    return op->emitOpError("extra #") << index << " with access " << stringifyAccess(access)
                                      << " must be of rank " << rank << ", got " << type;
  if (!type.getLayout().isIdentity() || type.isDynamicDim(rank - 1))
    return op->emitOpError("extra #") << index << " must be dense, of a static width, got " << type;
  if (fits(column, width, type.getDimSize(rank - 1)))
    return success();
  return op->emitOpError("extra #") << index << " must hold " << width << " elements from column "
                                    << column << ", got " << type;
}

/// Checks the extras of a kernel, which takes none with an access of `refused`, for
/// `reason`.
static LogicalResult verifyExtras(Operation *op, ValueRange extras, ArrayAttr accesses,
                                  ArrayRef<int64_t> columns, int64_t width,
                                  ArrayRef<Access> refused, StringRef reason) {
  if (accesses.size() != extras.size() || columns.size() != extras.size())
    return op->emitOpError("must have one access and one column per extra, got ")
           << accesses.size() << " accesses and " << columns.size() << " columns for "
           << extras.size() << " extras";
  for (auto [index, extra] : llvm::enumerate(extras)) {
    Access access = cast<AccessAttr>(accesses[index]).getValue();
    if (llvm::is_contained(refused, access))
      return op->emitOpError("extra #")
             << index << " is " << stringifyAccess(access) << ", but " << reason;
    if (failed(verifyExtra(op, index, extra, access, columns[index], width)))
      return failure();
  }
  return success();
}

LogicalResult kern::verifyRowExtras(Operation *op, ValueRange extras, ArrayAttr accesses,
                                    ArrayRef<int64_t> columns, int64_t width, Value gather) {
  SmallVector<Access, 1> refused;
  if (!gather)
    refused.push_back(Access::Gathered);
  return verifyExtras(op, extras, accesses, columns, width, refused, "there is no gather table");
}

LogicalResult kern::verifySequenceExtras(Operation *op, ValueRange extras, ArrayAttr accesses,
                                         ArrayRef<int64_t> columns, int64_t channels) {
  return verifyExtras(op, extras, accesses, columns, channels, {Access::Gathered, Access::Scalar},
                      "a kernel over sequences takes row and column alone");
}

/// Checks that `op`, inside the region of a kernel, can be emitted on vectors.
static LogicalResult verifyScalarOp(Operation &op, Region &region) {
  auto isScalar = [](Type type) { return type.isIntOrFloat(); };
  bool known = isa<arith::ArithDialect, math::MathDialect>(op.getDialect());
  if (!known ||
      !(op.hasTrait<OpTrait::ConstantLike>() || OpTrait::hasElementwiseMappableTraits(&op)) ||
      !llvm::all_of(op.getOperandTypes(), isScalar) || !llvm::all_of(op.getResultTypes(), isScalar))
    return op.emitOpError("is not a scalar, elementwise op of arith or math, which alone may "
                          "stand in the region of a kernel");
  for (Value operand : op.getOperands())
    if (operand.getParentRegion() != &region)
      return op.emitOpError("in the region of a kernel uses a value from outside of it");
  return success();
}

LogicalResult kern::verifyRegion(Operation *op, Region &region, size_t numArguments) {
  Block &block = region.front();
  if (block.getNumArguments() != numArguments ||
      !llvm::all_of(block.getArgumentTypes(), [](Type type) { return type.isF32(); }))
    return op->emitOpError("region must have ")
           << numArguments << " arguments of type f32, got (" << block.getArgumentTypes() << ")";
  auto yield = dyn_cast_or_null<YieldOp>(block.empty() ? nullptr : &block.back());
  if (!yield)
    return op->emitOpError("region must end in kern.yield");
  if (yield.getValue().getParentRegion() != &region)
    return yield.emitOpError("yields a value from outside of its region");
  for (Operation &inner : block.without_terminator())
    if (failed(verifyScalarOp(inner, region)))
      return failure();
  return success();
}

void kern::getKernelEffects(
    Operation *op, ArrayRef<OpOperand *> results,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : op->getOpOperands())
    if (!llvm::is_contained(results, &operand) && isa<MemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand,
                           SideEffects::DefaultResource::get());
  for (OpOperand *result : results)
    effects.emplace_back(MemoryEffects::Write::get(), result, SideEffects::DefaultResource::get());
}
