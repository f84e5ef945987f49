//===- KernOps.cpp - Verifiers and effects of kern ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mlir;
using namespace mlir::kern;

#define GET_OP_CLASSES
#include "flowhn/Dialect/Kern/IR/KernOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Shared checks
//===----------------------------------------------------------------------===//

static MemRefType typeOf(Value memref) { return cast<MemRefType>(memref.getType()); }

/// Whether `width` elements from `column` on lie inside `extent` elements.
static bool fits(int64_t column, int64_t width, int64_t extent) {
  return column >= 0 && width <= extent && column <= extent - width;
}

/// Checks that `memref` is dense rows of a static width that holds `width`
/// columns from `column` on.
static LogicalResult verifyColumns(Operation *op, StringRef name, Value memref, int64_t column,
                                   int64_t width) {
  MemRefType type = typeOf(memref);
  if (!type.getLayout().isIdentity() || type.isDynamicDim(1))
    return op->emitOpError() << name << " must be dense rows of a static width, got " << type;
  if (fits(column, width, type.getDimSize(1)))
    return success();
  return op->emitOpError() << name << " must hold " << width << " columns from column " << column
                           << ", got " << type;
}

/// Checks that `memref` is dense, and static with the given rank.
static LogicalResult verifyStatic(Operation *op, StringRef name, Value memref, int64_t rank) {
  MemRefType type = typeOf(memref);
  if (type.getLayout().isIdentity() && type.hasStaticShape() && type.getRank() == rank &&
      !llvm::is_contained(type.getShape(), 0))
    return success();
  return op->emitOpError() << name << " must be dense and static, of rank " << rank << ", got "
                           << type;
}

/// Checks that `memref`, where there is one, is dense rows of the static shape `row`.
static LogicalResult verifyRows(Operation *op, StringRef name, Value memref,
                                ArrayRef<int64_t> row) {
  if (!memref)
    return success();
  MemRefType type = typeOf(memref);
  if (type.getLayout().isIdentity() && type.getShape().drop_front() == row)
    return success();
  return op->emitOpError() << name << " must be dense rows of [" << row << "], got " << type;
}

/// Whether `memref` is one float32 per row.
static bool isScalars(Value memref) {
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

/// The same for a kernel that has rows from the table `gather`, which may be absent.
static LogicalResult verifyRowExtras(Operation *op, ValueRange extras, ArrayAttr accesses,
                                     ArrayRef<int64_t> columns, int64_t width, Value gather) {
  SmallVector<Access, 1> refused;
  if (!gather)
    refused.push_back(Access::Gathered);
  return verifyExtras(op, extras, accesses, columns, width, refused, "there is no gather table");
}

/// The same for a kernel over sequences.
static LogicalResult verifySequenceExtras(Operation *op, ValueRange extras, ArrayAttr accesses,
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

/// Checks the region that makes the stored value: `numArguments` f32 arguments,
/// scalar ops, `kern.yield`.
static LogicalResult verifyRegion(Operation *op, Region &region, size_t numArguments) {
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

/// The kernel reads every buffer but `results` and writes those.
static void
getKernelEffects(Operation *op, ArrayRef<OpOperand *> results,
                 SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : op->getOpOperands())
    if (!llvm::is_contained(results, &operand) && isa<MemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand,
                           SideEffects::DefaultResource::get());
  for (OpOperand *result : results)
    effects.emplace_back(MemoryEffects::Write::get(), result, SideEffects::DefaultResource::get());
}

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

/// Checks the shape of the weights: row-major, or packed in panels.
static LogicalResult verifyWeights(MatmulOp op, int64_t n, int64_t k, int64_t groups) {
  MemRefType type = typeOf(op.getB());
  if (failed(verifyStatic(op, "b", op.getB(), type.getRank() == 3 ? 3 : 2)))
    return failure();
  ArrayRef<int64_t> shape = type.getShape();
  if (shape.size() == 2) {
    if (shape[0] % groups == 0 && shape[0] / groups == n && shape[1] >= k)
      return success();
    return op.emitOpError("b must be [groups * n, at least k] with groups = ")
           << groups << ", n = " << n << ", k = " << k << ", got " << type;
  }
  int64_t panel = shape[2] / groups;
  if (shape[2] % groups == 0 && shape[1] == k && shape[0] == llvm::divideCeilSigned(n, panel))
    return success();
  return op.emitOpError("b must be [ceil(n / p), k, groups * p] for a panel width p with groups = ")
         << groups << ", n = " << n << ", k = " << k << ", got " << type;
}

LogicalResult MatmulOp::verify() {
  int64_t n = getN(), k = getK(), groups = getGroups();
  // matmul_c1
  if (n < 1 || k < 1 || groups < 1)
    return emitOpError("n, k and groups must be positive, got ")
           << n << ", " << k << " and " << groups;
  if (getMaxRows().value_or(1) < 1)
    return emitOpError("max_rows must be positive, got ") << getMaxRowsAttr().getInt();
  if (failed(verifyColumns(*this, "a", getA(), getAColumn(), k)) ||
      failed(verifyColumns(*this, "out", getOut(), getOutColumn(), n)))
    return failure();
  // matmul_c2
  if (failed(verifyWeights(*this, n, k, groups)))
    return failure();
  // matmul_c3
  return verifyRowExtras(*this, getExtras(), getAccesses(), getExtraColumns(), n, getGather());
}

LogicalResult MatmulOp::verifyRegions() {
  // matmul_c4
  return verifyRegion(*this, getEpilogue(), getGroups() + getExtras().size());
}

void MatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, &getOutMutable(), effects);
}

//===----------------------------------------------------------------------===//
// RowwiseOp
//===----------------------------------------------------------------------===//

LogicalResult RowwiseOp::verify() {
  // rowwise_c1
  ArrayRef<int64_t> sections = getSections();
  bool ascends = llvm::is_sorted(sections, std::less_equal<int64_t>());
  if (sections.size() < 2 || sections.front() != 0 || !ascends)
    return emitOpError("sections must be two or more strictly ascending bounds from 0, got [")
           << sections << "]";
  // rowwise_c2
  int64_t width = sections.back();
  if (failed(verifyColumns(*this, "input", getInput(), getInColumn(), width)) ||
      (!storesScalars() && failed(verifyColumns(*this, "out", getOut(), getOutColumn(), width))))
    return failure();
  // rowwise_c3
  if (failed(verifyRowExtras(*this, getExtras(), getAccesses(), getExtraColumns(), width,
                             getGather())))
    return failure();
  // rowwise_c5
  bool reducesOnly = sections.size() == 2 && getReduction() != Reduction::None &&
                     getExtras().empty() && int64_t(getOutColumn()) == 0;
  if (storesScalars() && !(isScalars(getOut()) && reducesOnly))
    return emitOpError("an out of rank 1 must be memref<?xf32>, with one section, a reduction, no "
                       "extras and out_column 0, got ")
           << getOut().getType();
  return success();
}

LogicalResult RowwiseOp::verifyRegions() {
  // rowwise_c4
  size_t numValues = getReduction() == Reduction::None || storesScalars() ? 1 : 2;
  return verifyRegion(*this, getBody(), numValues + getExtras().size());
}

void RowwiseOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, &getOutMutable(), effects);
}

//===----------------------------------------------------------------------===//
// ArgmaxOp
//===----------------------------------------------------------------------===//

LogicalResult ArgmaxOp::verify() {
  // argmax_c1
  int64_t n = getN();
  if (n < 1 || n > std::numeric_limits<int32_t>::max())
    return emitOpError("n must be from 1 to 2^31 - 1, got ") << n;
  return verifyColumns(*this, "input", getInput(), getInColumn(), n);
}

void ArgmaxOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, &getOutMutable(), effects);
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  // attention_c1
  int64_t heads = getHeads(), kvHeads = getKvHeads(), headSize = getHeadSize();
  if (heads < 1 || kvHeads < 1 || headSize < 1)
    return emitOpError("heads, kv_heads and head_size must be positive, got ")
           << heads << ", " << kvHeads << " and " << headSize;
  if (heads % kvHeads != 0)
    return emitOpError("kv_heads must divide heads, got ") << kvHeads << " and " << heads;
  // attention_c2
  int64_t width;
  if (llvm::MulOverflow(heads, headSize, width))
    return emitOpError("heads times head_size must fit in 64 bits, got ")
           << heads << " and " << headSize;
  int64_t kvWidth = width / heads * kvHeads;
  // attention_c3
  if (bool(getMaxQueries()) != bool(getQueryOffsets()))
    return emitOpError("takes max_queries and query_offsets together");
  // attention_c4
  if (bool(getFirstKeys()) != bool(getKeysBefore()) || (getFirstKeys() && getQueryOffsets()))
    return emitOpError("takes first_keys and keys_before together, and not with query_offsets");
  return success(succeeded(verifyColumns(*this, "query", getQuery(), getQColumn(), width)) &&
                 succeeded(verifyColumns(*this, "key", getKey(), getKColumn(), kvWidth)) &&
                 succeeded(verifyColumns(*this, "value", getValue(), getVColumn(), kvWidth)) &&
                 succeeded(verifyColumns(*this, "out", getOut(), getOutColumn(), width)));
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, &getOutMutable(), effects);
}

//===----------------------------------------------------------------------===//
// Conv1DOp
//===----------------------------------------------------------------------===//

LogicalResult Conv1DOp::verify() {
  // conv1d_c1
  if (failed(verifyStatic(*this, "weight", getWeight(), 2)))
    return failure();
  int64_t channels = typeOf(getWeight()).getDimSize(1);
  if (failed(verifyColumns(*this, "input", getInput(), getInColumn(), channels)) ||
      failed(verifyColumns(*this, "out", getOut(), getOutColumn(), channels)))
    return failure();
  // conv1d_c2
  if (failed(verifySequenceExtras(*this, getExtras(), getAccesses(), getExtraColumns(), channels)))
    return failure();
  // conv1d_c4
  if (bool(getState()) != bool(getSlots()))
    return emitOpError("takes state and slots together");
  int64_t before = typeOf(getWeight()).getDimSize(0) - 1;
  if (getState() &&
      (before < 1 || typeOf(getState()).getElementType() != typeOf(getInput()).getElementType()))
    return emitOpError("state holds the ")
           << before << " inputs before the first one, in the input's element type, got "
           << getState().getType();
  return verifyRows(*this, "state", getState(), {before, channels});
}

LogicalResult Conv1DOp::verifyRegions() {
  // conv1d_c3
  return verifyRegion(*this, getEpilogue(), 1 + getExtras().size());
}

void Conv1DOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  SmallVector<OpOperand *> results = {&getOutMutable()};
  for (OpOperand &operand : getStateMutable()) {
    effects.emplace_back(MemoryEffects::Read::get(), &operand, SideEffects::DefaultResource::get());
    results.push_back(&operand);
  }
  getKernelEffects(*this, results, effects);
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

LogicalResult ScanOp::verify() {
  // scan_c1
  if (failed(verifyStatic(*this, "a", getA(), 2)))
    return failure();
  int64_t states = typeOf(getA()).getDimSize(0), channels = typeOf(getA()).getDimSize(1);
  if (failed(verifyColumns(*this, "u", getU(), getUColumn(), channels)) ||
      failed(verifyColumns(*this, "delta", getDelta(), getDeltaColumn(), channels)) ||
      failed(verifyColumns(*this, "b", getB(), getBColumn(), states)) ||
      failed(verifyColumns(*this, "c", getC(), getCColumn(), states)) ||
      failed(verifyColumns(*this, "out", getOut(), getOutColumn(), channels)))
    return failure();
  // scan_c2
  if (failed(verifySequenceExtras(*this, getExtras(), getAccesses(), getExtraColumns(), channels)))
    return failure();
  // scan_c4
  if (failed(verifyRows(*this, "initial", getInitial(), {states, channels})) ||
      failed(verifyRows(*this, "final", getFinal(), {states, channels})) ||
      failed(verifyRows(*this, "chunk_states", getChunkStates(), {states, channels})))
    return failure();
  // scan_c5
  bool hasChunks = getChunks() != nullptr;
  if (hasChunks != (getChunkRows() != nullptr) || hasChunks != (getChunkStates() != nullptr))
    return emitOpError("must have chunks, chunk_rows and chunk_states together, or none of them");
  // scan_c6
  if (getSlots() && !(getInitial() && getFinal()))
    return emitOpError("takes slots with initial and final alone");
  return success();
}

LogicalResult ScanOp::verifyRegions() {
  // scan_c3
  return verifyRegion(*this, getEpilogue(), 2 + getExtras().size());
}

void ScanOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  SmallVector<OpOperand *> results = {&getOutMutable()};
  for (OpOperand &operand : getFinalMutable())
    results.push_back(&operand);
  getKernelEffects(*this, results, effects);
}

//===----------------------------------------------------------------------===//
// ScanStatesOp
//===----------------------------------------------------------------------===//

LogicalResult ScanStatesOp::verify() {
  // scan_states_c1
  if (failed(verifyStatic(*this, "a", getA(), 2)))
    return failure();
  int64_t states = typeOf(getA()).getDimSize(0), channels = typeOf(getA()).getDimSize(1);
  if (failed(verifyColumns(*this, "u", getU(), getUColumn(), channels)) ||
      failed(verifyColumns(*this, "delta", getDelta(), getDeltaColumn(), channels)) ||
      failed(verifyColumns(*this, "b", getB(), getBColumn(), states)))
    return failure();
  // scan_states_c2
  return success(succeeded(verifyRows(*this, "states", getStates(), {states, channels})) &&
                 succeeded(verifyRows(*this, "sums", getSums(), {channels})));
}

void ScanStatesOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, {&getStatesMutable(), &getSumsMutable()}, effects);
}

//===----------------------------------------------------------------------===//
// ScanCombineOp
//===----------------------------------------------------------------------===//

LogicalResult ScanCombineOp::verify() {
  // scan_combine_c1
  if (failed(verifyStatic(*this, "a", getA(), 2)))
    return failure();
  // scan_combine_c2
  ArrayRef<int64_t> shape = typeOf(getA()).getShape();
  if (failed(verifyRows(*this, "states", getStates(), shape)) ||
      failed(verifyRows(*this, "initial", getInitial(), shape)) ||
      failed(verifyRows(*this, "sums", getSums(), shape.drop_front())))
    return failure();
  // scan_combine_c3
  if (getSlots() && !getInitial())
    return emitOpError("takes slots with initial alone");
  return success();
}

void ScanCombineOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getStatesMutable(),
                       SideEffects::DefaultResource::get());
  getKernelEffects(*this, &getStatesMutable(), effects);
}
