//===- PackParameter.cpp - Parameters as kernels read them ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackParameter.h"
#include "ElementReaders.h"

#include <algorithm>

using namespace flowhn;

namespace {

/// What is moved at a time: several cache lines of a few rows.
constexpr int64_t blockRows = 32;
constexpr int64_t blockColumns = 64;

/// to[i] = from[i]
template <typename Source>
void copyRow(const std::byte *from, int64_t count, typename Source::Stored *to) {
  if constexpr (std::is_same_v<Source, Copy<typename Source::Stored>>) {
    std::memcpy(to, from, size_t(count * Source::bytes));
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    to[i] = Source::load(from + i * Source::bytes);
}

/// to[l · stride + r] = from[r, l] for a block that stays in the cache. The inner
/// loop writes neighbours.
template <typename Source>
void transposeBlock(const std::byte *from, int64_t fromStride, int64_t rows, int64_t columns,
                    typename Source::Stored *to, int64_t stride) {
  for (int64_t l = 0; l < columns; ++l)
    for (int64_t r = 0; r < rows; ++r)
      to[l * stride + r] = Source::load(from + r * fromStride + l * Source::bytes);
}

/// The same for matrices of any size.
template <typename Source>
void transposeRows(const std::byte *from, int64_t fromStride, int64_t rows, int64_t columns,
                   typename Source::Stored *to, int64_t stride) {
  for (int64_t r = 0; r < rows; r += blockRows)
    for (int64_t l = 0; l < columns; l += blockColumns) {
      int64_t height = std::min(blockRows, rows - r), width = std::min(blockColumns, columns - l);
      const std::byte *block = from + r * fromStride + l * Source::bytes;
      if (height == blockRows) // a constant count makes a faster loop
        transposeBlock<Source>(block, fromStride, blockRows, width, to + l * stride + r, stride);
      else
        transposeBlock<Source>(block, fromStride, height, width, to + l * stride + r, stride);
    }
}

/// Where rows go: those of one panel are neighbours in memory.
struct Panels {
  int64_t panel = 0; ///< columns of one group in a panel
  int64_t groups = 1;
  int64_t rowsPerGroup = 0;
};

template <typename Source>
void packPanels(const Panels &panels, int64_t firstRow, const std::byte *from, int64_t rows,
                int64_t columns, typename Source::Stored *to) {
  int64_t stride = panels.groups * panels.panel;
  for (int64_t row = firstRow, end = firstRow + rows; row < end;) {
    int64_t group = row / panels.rowsPerGroup, inGroup = row % panels.rowsPerGroup;
    int64_t number = inGroup / panels.panel, column = inGroup % panels.panel;
    int64_t count = std::min({panels.panel - column, panels.rowsPerGroup - inGroup, end - row});
    int64_t fromStride = columns * Source::bytes;
    transposeRows<Source>(from + (row - firstRow) * fromStride, fromStride, count, columns,
                          to + number * columns * stride + group * panels.panel + column, stride);
    row += count;
  }
}

/// Rows of `width` elements, the first `columns` of them from the source.
template <typename Source>
void copyRows(const std::byte *from, int64_t rows, int64_t columns, typename Source::Stored *to,
              int64_t width) {
  if (width == columns)
    return copyRow<Source>(from, rows * columns, to);
  for (int64_t r = 0; r < rows; ++r)
    copyRow<Source>(from + r * columns * Source::bytes, columns, to + r * width);
}

template <typename Source> int64_t columnsOf(const TensorView &source) {
  return int64_t(source.bytes) / Source::bytes / source.shape[0];
}

struct PackRows {
  const fb::Parameter &parameter;
  int64_t firstRow;
  const TensorView &source;
  std::byte *target;

  template <typename Source> void as() const {
    int64_t rows = source.shape[0], columns = columnsOf<Source>(source);
    auto *to = reinterpret_cast<typename Source::Stored *>(target);
    const flatbuffers::Vector<int64_t> &shape = *parameter.shape();
    bool isVector = source.shape.size() == 1; // one column: transposing changes nothing
    if (parameter.layout() == fb::Layout::RowMajor || isVector)
      return copyRow<Source>(source.data, rows * columns, to + firstRow * columns);
    if (parameter.layout() == fb::Layout::Padded)
      return copyRows<Source>(source.data, rows, columns, to + firstRow * shape.Get(1),
                              shape.Get(1));
    // A transposed matrix is one panel as wide as it has rows.
    if (parameter.layout() == fb::Layout::Transposed)
      return packPanels<Source>({shape.Get(1), 1, shape.Get(1)}, firstRow, source.data, rows,
                                columns, to);
    int64_t allRows = 0;
    for (const fb::Source *part : *parameter.sources())
      allRows += part->shape()->Get(0);
    packPanels<Source>({parameter.panel(), parameter.groups(), allRows / parameter.groups()},
                       firstRow, source.data, rows, columns, to);
  }
};

/// Columns [first, first + count) of the source as rows of `stride` elements.
struct TransposeColumns {
  const TensorView &source;
  int64_t first, count;
  std::byte *target;
  int64_t targetColumn, stride;

  template <typename Source> void as() const {
    int64_t fromStride = columnsOf<Source>(source) * Source::bytes;
    auto *to = reinterpret_cast<typename Source::Stored *>(target) + targetColumn;
    transposeRows<Source>(source.data + first * Source::bytes, fromStride, source.shape[0], count,
                          to, stride);
  }
};

/// to[r, l] = rows[r, l] · scale[l]
struct ScaleColumns {
  const TensorView &rows;
  std::span<const float> scale;
  float *to;

  template <typename Source> void as() const {
    int64_t columns = int64_t(scale.size());
    const std::byte *from = rows.data;
    for (int64_t i = 0, end = rows.shape[0] * columns; i < end; i += columns)
      for (int64_t l = 0; l < columns; ++l)
        to[i + l] = Source::load(from + (i + l) * Source::bytes) * scale[size_t(l)];
  }
};

/// to[l] = vector[l]
struct WidenVector {
  const TensorView &vector;
  float *to;

  template <typename Source> void as() const { copyRow<Source>(vector.data, vector.shape[0], to); }
};

/// Rows [first, first + count) of a tensor.
TensorView rowsOf(const TensorView &tensor, int64_t first, int64_t count) {
  TensorView rows = tensor;
  size_t rowBytes = tensor.bytes / size_t(tensor.shape[0]);
  rows.shape[0] = count;
  rows.data += size_t(first) * rowBytes;
  rows.bytes = size_t(count) * rowBytes;
  return rows;
}

/// The same as packRows, a few rows at a time by way of their products in float32.
void packScaledRows(const fb::Parameter &parameter, int64_t firstRow, const TensorView &source,
                    const TensorView &columnScale, std::byte *target) {
  std::vector<float> scale(size_t(columnScale.shape[0]));
  widen(columnScale.type, WidenVector{columnScale, scale.data()});
  int64_t rows = source.shape[0];
  std::vector<float> scaled(size_t(std::min(blockRows, rows)) * scale.size());
  for (int64_t row = 0; row < rows; row += blockRows) {
    int64_t count = std::min(blockRows, rows - row);
    TensorView part = rowsOf(source, row, count);
    widen(part.type, ScaleColumns{part, scale, scaled.data()});
    TensorView products{DType::F32,
                        {count, int64_t(scale.size())},
                        reinterpret_cast<const std::byte *>(scaled.data()),
                        size_t(count) * scale.size() * sizeof(float)};
    convert(parameter, products.type, PackRows{parameter, firstRow + row, products, target});
  }
}

} // namespace

bool flowhn::converts(DType from, DType to, bool rounds) {
  bool isReal = from == DType::F32 || from == DType::BF16 || from == DType::F16;
  return isReal &&
         (from == to || to == DType::F32 || (rounds && (to == DType::BF16 || to == DType::F16)));
}

void flowhn::packRows(const fb::Parameter &parameter, int64_t firstRow, const TensorView &source,
                      std::byte *target, const std::optional<TensorView> &columnScale) {
  if (columnScale)
    return packScaledRows(parameter, firstRow, source, *columnScale, target);
  convert(parameter, source.type, PackRows{parameter, firstRow, source, target});
}

PreparedMatrix flowhn::preparedMatrix(const fb::Parameter &parameter) {
  const flatbuffers::Vector<int64_t> &shape = *parameter.shape();
  int64_t columns = shape.size() == 1 ? 1 : shape.Get(1);
  return {shape.Get(0), columns, columns * byteSize(DType(parameter.dtype()))};
}

void flowhn::packPreparedRows(const fb::Parameter &parameter, std::span<const TensorView> sources,
                              int64_t first, int64_t count, std::byte *target,
                              const std::optional<TensorView> &columnScale) {
  PreparedMatrix matrix = preparedMatrix(parameter);
  bool isVector = sources.front().shape.size() == 1; // transposing changes nothing
  bool isTransposed = parameter.layout() == fb::Layout::Transposed && !isVector;
  if (parameter.layout() == fb::Layout::Padded)
    std::memset(target, 0, size_t(count * matrix.rowBytes));
  int64_t row = 0; // of the sources' matrix
  for (const TensorView &source : sources) {
    int64_t end = row + source.shape[0];
    if (isTransposed) {
      convert(parameter, source.type,
              TransposeColumns{source, first, count, target, row, matrix.columns});
    } else if (int64_t from = std::max(first, row), to = std::min(first + count, end); from < to) {
      packRows(parameter, from - first, rowsOf(source, from - row, to - from), target, columnScale);
    }
    row = end;
  }
}
