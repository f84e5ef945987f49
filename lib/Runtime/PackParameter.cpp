//===- PackParameter.cpp - Parameters as kernels read them ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackParameter.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

using namespace flowhn;

namespace {

/// What is moved at a time: several cache lines of a few rows.
constexpr int64_t blockRows = 32;
constexpr int64_t blockColumns = 64;

// Ways to read one element at an address that need not be aligned.

/// Keeps the bits.
template <typename T> struct Copy {
  using Stored = T;
  static constexpr int64_t bytes = sizeof(T);
  static T load(const std::byte *from) {
    T value;
    std::memcpy(&value, from, sizeof(value));
    return value;
  }
};

struct WidenBF16 {
  using Stored = float;
  static constexpr int64_t bytes = 2;
  static float load(const std::byte *from) {
    return std::bit_cast<float>(uint32_t(Copy<uint16_t>::load(from)) << 16);
  }
};

struct WidenF16 {
  using Stored = float;
  static constexpr int64_t bytes = 2;
  static float load(const std::byte *from) {
    uint32_t half = Copy<uint16_t>::load(from);
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 0) // zero and subnormal: fraction · 2^-24
      return std::copysign(float(fraction) * 0x1p-24f, std::bit_cast<float>(sign));
    uint32_t biased = exponent == 31 ? 255 : exponent + 112;
    return std::bit_cast<float>(sign | biased << 23 | fraction << 13);
  }
};

template <typename Source> struct NegExp {
  using Stored = float;
  static constexpr int64_t bytes = Source::bytes;
  static float load(const std::byte *from) { return -std::exp(Source::load(from)); }
};

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
void transposeRows(const std::byte *from, int64_t rows, int64_t columns,
                   typename Source::Stored *to, int64_t stride) {
  int64_t fromStride = columns * Source::bytes;
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
    transposeRows<Source>(from + (row - firstRow) * columns * Source::bytes, count, columns,
                          to + number * columns * stride + group * panels.panel + column, stride);
    row += count;
  }
}

template <typename Source>
void packAs(const fb::Parameter &parameter, int64_t firstRow, const TensorView &source,
            std::byte *target) {
  int64_t rows = source.shape[0];
  int64_t columns = int64_t(source.bytes) / Source::bytes / rows;
  auto *to = reinterpret_cast<typename Source::Stored *>(target);
  const flatbuffers::Vector<int64_t> &shape = *parameter.shape();
  bool isVector = source.shape.size() == 1; // one column: transposing changes nothing
  if (parameter.layout() == fb::Layout::RowMajor || isVector)
    return copyRow<Source>(source.data, rows * columns, to + firstRow * columns);
  // A transposed matrix is one panel as wide as it has rows.
  if (parameter.layout() == fb::Layout::Transposed)
    return packPanels<Source>({shape.Get(1), 1, shape.Get(1)}, firstRow, source.data, rows, columns,
                              to);
  int64_t allRows = 0;
  for (const fb::Source *part : *parameter.sources())
    allRows += part->shape()->Get(0);
  packPanels<Source>({parameter.panel(), parameter.groups(), allRows / parameter.groups()},
                     firstRow, source.data, rows, columns, to);
}

template <typename Source>
void packTransformed(const fb::Parameter &parameter, int64_t firstRow, const TensorView &source,
                     std::byte *target) {
  if (parameter.transform() == fb::Transform::NegExp)
    packAs<NegExp<Source>>(parameter, firstRow, source, target);
  else
    packAs<Source>(parameter, firstRow, source, target);
}

} // namespace

bool flowhn::widens(DType from, DType to) {
  bool isReal = from == DType::F32 || from == DType::BF16 || from == DType::F16;
  return isReal && (from == to || to == DType::F32);
}

void flowhn::packRows(const fb::Parameter &parameter, int64_t firstRow, const TensorView &source,
                      std::byte *target) {
  if (DType(parameter.dtype()) != DType::F32)
    return packAs<Copy<uint16_t>>(parameter, firstRow, source, target);
  if (source.type == DType::BF16)
    return packTransformed<WidenBF16>(parameter, firstRow, source, target);
  if (source.type == DType::F16)
    return packTransformed<WidenF16>(parameter, firstRow, source, target);
  packTransformed<Copy<float>>(parameter, firstRow, source, target);
}
