//===- ValidateParameters.cpp - Checks of prepared parameters -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanChecks.h"
#include "flowhn/Support/Json.h"
#include "flowhn/Support/SafeTensors.h"

using namespace flowhn;

namespace {

using Shape = std::vector<int64_t>;

/// Most bytes of one tensor: the sizes of a few of them can be added.
constexpr int64_t maxBytes = int64_t(1) << 56;

/// The sources of a parameter, seen as one matrix.
struct Matrix {
  bool isVector = false;
  int64_t rows = 0;    ///< n
  int64_t columns = 0; ///< k
};

bool isReal(fb::DType type) {
  return type == fb::DType::F32 || type == fb::DType::BF16 || type == fb::DType::F16;
}

/// Whether the values of `from` are among those of the parameter, or may be rounded.
bool fits(fb::DType from, const fb::Parameter &parameter) {
  return parameter.rounds() || parameter.dtype() == fb::DType::F32 || from == parameter.dtype();
}

/// The shape of a tensor that can be, and whose elements are real numbers.
Expected<Shape> checkTensor(fb::DType type, const flatbuffers::Vector<int64_t> &dims) {
  FLOWHN_RETURN_IF_ERROR(checkAlignment(dims));
  Shape shape(dims.begin(), dims.end());
  if (!isReal(type))
    return invalidInput("element type " + std::to_string(int(type)) +
                        ", it must be F32, BF16 or F16");
  if (shape.empty() || std::any_of(shape.begin(), shape.end(), [](int64_t d) { return d < 1; }))
    return invalidInput("shape " + shapeString(shape) + ", extents must be positive");
  std::optional<int64_t> bytes = denseBytes(DType(type), shape);
  if (!bytes || *bytes > maxBytes)
    return invalidInput("shape " + shapeString(shape) + " is too large");
  return shape;
}

Expected<Matrix> matrixOf(const fb::Parameter &parameter) {
  Matrix matrix;
  Shape first;
  for (const fb::Source *source : *parameter.sources()) {
    std::string label = "source " + quote(source->name()->string_view());
    Expected<Shape> shape = checkTensor(source->dtype(), *source->shape());
    FLOWHN_RETURN_IF_ERROR(shape.status().withContext(label));
    if (!fits(source->dtype(), parameter))
      return invalidInput(label + " is " + std::string(name(DType(source->dtype()))) +
                          ", which does not fit the parameter's " +
                          std::string(name(DType(parameter.dtype()))));
    if (first.empty())
      first = *shape;
    if (!std::equal(shape->begin() + 1, shape->end(), first.begin() + 1, first.end()))
      return invalidInput(label + " has shape " + shapeString(*shape) + ", the first source has " +
                          shapeString(first));
    if (__builtin_add_overflow(matrix.rows, (*shape)[0], &matrix.rows) || matrix.rows > maxBytes)
      return invalidInput("the sources are too large");
  }
  if (first.empty())
    return invalidInput("no sources");
  matrix.isVector = first.size() == 1;
  matrix.columns = *denseBytes(DType::U8, std::span(first).subspan(1));
  return matrix;
}

Expected<Shape> panelShape(const Matrix &matrix, const fb::Parameter &parameter) {
  int64_t panel = parameter.panel(), groups = parameter.groups();
  if (panel < 1 || panel > (1 << 16) || groups < 1 || groups > (1 << 8) ||
      matrix.rows % groups != 0)
    return invalidInput("panels of " + std::to_string(panel) + " columns in " +
                        std::to_string(groups) + " groups of " + std::to_string(matrix.rows) +
                        " rows");
  if (matrix.isVector)
    return invalidInput("a vector has no panels");
  return Shape{ceilDivide(matrix.rows / groups, panel), matrix.columns, groups * panel};
}

Expected<Shape> paddedShape(const Matrix &matrix, const fb::Parameter &parameter) {
  int64_t panel = parameter.panel();
  if (panel < 1 || panel > (1 << 16) || parameter.groups() != 1)
    return invalidInput("rows padded to " + std::to_string(panel) + " columns in " +
                        std::to_string(parameter.groups()) + " groups");
  if (matrix.isVector)
    return invalidInput("a vector is not padded");
  return Shape{matrix.rows, ceilDivide(matrix.columns, panel) * panel};
}

/// The shape that kernels see.
Expected<Shape> preparedShape(const Matrix &matrix, const fb::Parameter &parameter) {
  if (parameter.layout() == fb::Layout::Panels)
    return panelShape(matrix, parameter);
  if (parameter.layout() == fb::Layout::Padded)
    return paddedShape(matrix, parameter);
  if (parameter.panel() != 0 || parameter.groups() != 1)
    return invalidInput("only the layouts panels and padded take panel and groups");
  bool transposed = parameter.layout() == fb::Layout::Transposed;
  if (matrix.isVector)
    return transposed ? Shape{matrix.rows, 1} : Shape{matrix.rows};
  return transposed ? Shape{matrix.columns, matrix.rows} : Shape{matrix.rows, matrix.columns};
}

Status checkColumnScale(const Matrix &matrix, const fb::Parameter &parameter) {
  const fb::Source *scale = parameter.column_scale();
  if (!scale)
    return {};
  std::string label = "column scale " + quote(scale->name()->string_view());
  Expected<Shape> shape = checkTensor(scale->dtype(), *scale->shape());
  FLOWHN_RETURN_IF_ERROR(shape.status().withContext(label));
  if (matrix.isVector || parameter.layout() == fb::Layout::Transposed ||
      parameter.transform() != fb::Transform::None)
    return invalidInput(label + " on a vector, or on a transposed or transformed matrix");
  if (*shape != Shape{matrix.columns})
    return invalidInput(label + " has shape " + shapeString(*shape) + ", the matrix has " +
                        std::to_string(matrix.columns) + " columns");
  if (!fits(fb::DType::F32, parameter))
    return invalidInput(label + " makes F32, which does not fit the parameter's " +
                        std::string(name(DType(parameter.dtype()))));
  return {};
}

} // namespace

Status flowhn::checkParameter(const fb::Parameter &parameter) {
  if (parameter.layout() > fb::Layout::MAX || parameter.transform() > fb::Transform::MAX)
    return invalidInput("unknown layout or transform");
  Expected<Shape> shape = checkTensor(parameter.dtype(), *parameter.shape());
  FLOWHN_RETURN_IF_ERROR(shape.status());
  if (parameter.transform() != fb::Transform::None && parameter.dtype() != fb::DType::F32)
    return invalidInput("a transformed parameter must be F32, got " +
                        std::string(name(DType(parameter.dtype()))));
  if (parameter.rounds() && parameter.dtype() != fb::DType::BF16 &&
      parameter.dtype() != fb::DType::F16)
    return invalidInput("a rounded parameter must be BF16 or F16, got " +
                        std::string(name(DType(parameter.dtype()))));
  Expected<Matrix> matrix = matrixOf(parameter);
  FLOWHN_RETURN_IF_ERROR(matrix.status());
  FLOWHN_RETURN_IF_ERROR(checkColumnScale(*matrix, parameter));
  Expected<Shape> expected = preparedShape(*matrix, parameter);
  FLOWHN_RETURN_IF_ERROR(expected.status());
  if (*shape != *expected)
    return invalidInput("shape " + shapeString(*shape) + ", its sources give " +
                        shapeString(*expected));
  return {};
}
