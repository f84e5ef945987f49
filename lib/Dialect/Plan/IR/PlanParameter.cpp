//===- PlanParameter.cpp - What a prepared parameter looks like -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Plan/IR/PlanOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::plan;

namespace {

/// The matrix that the sources of a parameter form together.
struct SourceMatrix {
  int64_t n = 0;
  int64_t k = 1;
  bool isVector = false;
};

} // namespace

/// The product of two sizes ≥ 0, or nothing when it leaves 64 bits.
static std::optional<int64_t> checkedProduct(int64_t a, int64_t b) {
  int64_t product;
  if (llvm::MulOverflow(a, b, product))
    return std::nullopt;
  return product;
}

/// The matrix of `sources`, or nothing when its number of elements leaves 64 bits.
static std::optional<SourceMatrix> getSourceMatrix(ArrayRef<RankedTensorType> sources) {
  SourceMatrix matrix;
  for (RankedTensorType source : sources)
    if (llvm::AddOverflow(matrix.n, source.getDimSize(0), matrix.n))
      return std::nullopt;
  for (int64_t size : sources.front().getShape().drop_front()) {
    std::optional<int64_t> k = checkedProduct(matrix.k, size);
    if (!k)
      return std::nullopt;
    matrix.k = *k;
  }
  if (!checkedProduct(matrix.n, matrix.k))
    return std::nullopt;
  if (sources.front().getRank() == 1)
    return SourceMatrix{1, matrix.n, true};
  return matrix;
}

MemRefType ParameterOp::getPreparedType(ArrayRef<RankedTensorType> sources, Layout layout,
                                        int64_t panel, int64_t groups, Type elementType) {
  std::optional<SourceMatrix> matrix = getSourceMatrix(sources);
  if (!matrix)
    return {};
  auto [n, k, isVector] = *matrix;
  switch (layout) {
  case Layout::RowMajor:
    return isVector ? MemRefType::get({k}, elementType) : MemRefType::get({n, k}, elementType);
  case Layout::Transposed:
    return MemRefType::get({k, n}, elementType);
  case Layout::Padded: {
    if (panel < 1 || isVector)
      return {};
    std::optional<int64_t> width = checkedProduct(llvm::divideCeil(k, panel), panel);
    if (!width || !checkedProduct(n, *width))
      return {};
    return MemRefType::get({n, *width}, elementType);
  }
  case Layout::Panels: {
    std::optional<int64_t> width = checkedProduct(groups, panel);
    if (!width || !checkedProduct(llvm::divideCeil(n / groups, panel) * k, *width))
      return {};
    return MemRefType::get({int64_t(llvm::divideCeil(n / groups, panel)), k, *width}, elementType);
  }
  }
  llvm_unreachable("every layout is handled");
}

/// Whether every number of `from` is one of `to`.
static bool isAtLeastAsWide(Type to, Type from) {
  return to == from || (isa<FloatType>(to) && isa<FloatType>(from) &&
                        to.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth());
}

static LogicalResult verifySources(ParameterOp op, ArrayRef<RankedTensorType> sources) {
  if (sources.empty())
    return op.emitOpError("needs a source");
  RankedTensorType first = sources.front();
  for (RankedTensorType source : sources) {
    if (!source.hasStaticShape() || source.getRank() == 0)
      return op.emitOpError("needs sources of static shape with a dimension, got ") << source;
    if (source.getShape().drop_front() != first.getShape().drop_front())
      return op.emitOpError("needs sources that agree in all dimensions but the first, got ")
             << first << " and " << source;
  }
  return success();
}

static LogicalResult verifyPanels(ParameterOp op, ArrayRef<RankedTensorType> sources) {
  int64_t panel = op.getPanel(), groups = op.getGroups();
  if (op.getLayout() == Layout::Padded) {
    if (panel < 1 || groups != 1 || sources.front().getRank() < 2)
      return op.emitOpError("needs panel >= 1, no groups and matrices for the layout padded, got "
                            "panel ")
             << panel << ", groups " << groups << " and " << sources.front();
    return success();
  }
  if (op.getLayout() != Layout::Panels) {
    if (panel != 0 || groups != 1)
      return op.emitOpError("takes panel and groups with the layout panels only");
    return success();
  }
  if (panel < 1 || groups < 1)
    return op.emitOpError("needs panel >= 1 and groups >= 1, got panel ")
           << panel << " and groups " << groups;
  std::optional<SourceMatrix> matrix = getSourceMatrix(sources);
  if (matrix && matrix->n % groups != 0)
    return op.emitOpError("needs groups that divide the ")
           << matrix->n << " rows of its sources, got " << groups;
  return success();
}

/// Checks that narrower values than those that the parameter is made of are rounded.
static LogicalResult verifyRounds(ParameterOp op, ArrayRef<RankedTensorType> sources) {
  Type stored = cast<MemRefType>(op.getType()).getElementType();
  SmallVector<Type> made;
  for (RankedTensorType source : sources)
    made.push_back(source.getElementType());
  if (op.getColumnScale())
    made.push_back(Float32Type::get(op.getContext()));
  for (Type type : made)
    if (!op.getRounds() && !isAtLeastAsWide(stored, type))
      return op.emitOpError("stores elements of ")
             << type << " as the narrower " << stored << " without 'rounds'";
  return success();
}

static LogicalResult verifyColumnScale(ParameterOp op, ArrayRef<RankedTensorType> sources) {
  if (!op.getColumnScale())
    return success();
  std::optional<SourceMatrix> matrix = getSourceMatrix(sources);
  RankedTensorType scale = op.getColumnScale()->getType();
  if (matrix && !matrix->isVector && scale.getShape() == ArrayRef(matrix->k) &&
      op.getTransform() == Transform::None && op.getLayout() != Layout::Transposed)
    return success();
  return op.emitOpError("takes a column_scale of one element per column, on matrices without a "
                        "transform that are not transposed, got ")
         << scale << " on " << sources.front();
}

SmallVector<RankedTensorType> ParameterOp::getSourceTypes() {
  return llvm::map_to_vector(getSources().getAsRange<SourceAttr>(),
                             [](SourceAttr source) { return source.getType(); });
}

LogicalResult ParameterOp::verify() {
  SmallVector<RankedTensorType> sources = getSourceTypes();
  // parameter_c1
  if (failed(verifySources(*this, sources)))
    return failure();
  // parameter_c2
  if (failed(verifyPanels(*this, sources)))
    return failure();
  // parameter_c3
  auto type = cast<MemRefType>(getType());
  MemRefType expected =
      getPreparedType(sources, getLayout(), getPanel(), getGroups(), type.getElementType());
  if (!expected)
    return emitOpError("has more elements than 64 bits can count");
  if (type != expected)
    return emitOpError("needs the type of its sources in this layout, ")
           << expected << ", got " << type;
  // parameter_c4
  if (failed(verifyRounds(*this, sources)))
    return failure();
  // parameter_c5
  return verifyColumnScale(*this, sources);
}
