//===- PackParameterTest.cpp - Parameters as kernels read them ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Runtime/PackParameter.h"
#include "../TestFiles.h"
#include "../TestPlan.h"
#include "flowhn/Support/HalfPrecision.h"

#include <bit>
#include <cmath>

using namespace flowhn;
using namespace flowhn::test;

namespace {

/// Small integers, which every type holds exactly.
float element(int64_t row, int64_t column) { return float((row * 31 + column * 7) % 101 - 50); }

uint16_t bf16(float value) { return uint16_t(std::bit_cast<uint32_t>(value) >> 16); }

/// Of small integers.
uint16_t f16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  return value == 0 ? sign
                    : uint16_t(sign | ((bits >> 23 & 255) - 112) << 10 | (bits >> 13 & 0x3ff));
}

template <typename T> void append(std::vector<std::byte> &to, T value) {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// Rows [first, first + rows) of the matrix, stored as `type`, one byte off from
/// any alignment.
std::vector<std::byte> storedRows(DType type, int64_t first, int64_t rows, int64_t columns) {
  std::vector<std::byte> bytes(1);
  for (int64_t r = first; r < first + rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      if (type == DType::F32)
        append(bytes, element(r, c));
      else
        append(bytes, type == DType::BF16 ? bf16(element(r, c)) : f16(element(r, c)));
    }
  return bytes;
}

struct Case {
  fb::Layout layout;
  int64_t rows, columns;
  int64_t panel = 0, groups = 1;
  fb::Transform transform = fb::Transform::None;
  std::optional<DType> scale = {}; ///< how the column scale is stored
};

/// Of column l: a power of two, so that products are exact.
float scaleOf(int64_t column) { return std::ldexp(1.0f, int(column % 5) - 2); }

std::vector<std::byte> storedScale(DType type, int64_t columns) {
  std::vector<std::byte> bytes(1);
  for (int64_t l = 0; l < columns; ++l) {
    if (type == DType::F32)
      append(bytes, scaleOf(l));
    else
      append(bytes, type == DType::BF16 ? bf16(scaleOf(l)) : f16(scaleOf(l)));
  }
  return bytes;
}

/// The element of the matrix at element `i` of the prepared parameter; row -1 for
/// padding. Straight from the words of plan.parameter.
std::pair<int64_t, int64_t> placeOf(const Case &c, int64_t i) {
  if (c.layout == fb::Layout::RowMajor)
    return {i / c.columns, i % c.columns};
  if (c.layout == fb::Layout::Transposed)
    return {i % c.rows, i / c.rows};
  if (c.layout == fb::Layout::Padded) {
    int64_t width = (c.columns + c.panel - 1) / c.panel * c.panel;
    return {i % width < c.columns ? i / width : -1, i % width};
  }
  int64_t width = c.groups * c.panel, perGroup = c.rows / c.groups;
  int64_t number = i / (c.columns * width), l = i / width % c.columns;
  int64_t group = i % width / c.panel, inGroup = number * c.panel + i % c.panel;
  return {inGroup < perGroup ? group * perGroup + inGroup : -1, l};
}

/// Whether rows that are made a few at a time are those of the whole.
void expectPieces(const fb::Parameter &parameter, std::span<const TensorView> views,
                  const std::optional<TensorView> &scale, const std::vector<float> &whole) {
  PreparedMatrix matrix = preparedMatrix(parameter);
  ASSERT_EQ(matrix.rows * matrix.columns, int64_t(whole.size()));
  for (int64_t count : {int64_t(1), int64_t(7), matrix.rows}) {
    std::vector<float> piece(size_t(count * matrix.columns));
    for (int64_t first = 0; first + count <= matrix.rows; first += count) {
      std::fill(piece.begin(), piece.end(), -1.0f);
      packPreparedRows(parameter, views, first, count, reinterpret_cast<std::byte *>(piece.data()),
                       scale);
      ASSERT_TRUE(std::equal(piece.begin(), piece.end(), whole.begin() + first * matrix.columns))
          << count << " rows from " << first;
    }
  }
}

/// Packs the matrix out of sources of these numbers of rows and compares.
void expectPacked(const Case &c, const std::vector<int64_t> &parts,
                  const std::vector<DType> &types) {
  int64_t perGroup = c.rows / c.groups;
  std::vector<int64_t> shape{c.rows, c.columns};
  if (c.layout == fb::Layout::Transposed)
    shape = {c.columns, c.rows};
  if (c.layout == fb::Layout::Panels)
    shape = {(perGroup + c.panel - 1) / c.panel, c.columns, c.groups * c.panel};
  if (c.layout == fb::Layout::Padded)
    shape = {c.rows, (c.columns + c.panel - 1) / c.panel * c.panel};
  auto table = parameter("p", {parts[0], c.columns}, c.layout, shape, c.panel, c.groups);
  table->transform = c.transform;
  for (size_t i = 1; i < parts.size(); ++i) {
    table->sources.emplace_back(new fb::SourceT(*table->sources[0]));
    table->sources[i]->shape[0] = parts[i];
  }
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::Parameter::Pack(builder, table.get()));
  const auto *packed = flatbuffers::GetRoot<fb::Parameter>(builder.GetBufferPointer());

  std::vector<float> result(size_t(*denseBytes(DType::U8, shape)));
  std::vector<std::vector<std::byte>> kept;
  std::vector<TensorView> views;
  std::vector<std::byte> scaleBytes = storedScale(c.scale.value_or(DType::F32), c.columns);
  std::optional<TensorView> scale;
  if (c.scale)
    scale = {*c.scale, {c.columns}, scaleBytes.data() + 1, scaleBytes.size() - 1};
  int64_t row = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    std::vector<std::byte> stored = storedRows(types[i], row, parts[i], c.columns);
    views.push_back({types[i], {parts[i], c.columns}, stored.data() + 1, stored.size() - 1});
    packRows(*packed, row, views.back(), reinterpret_cast<std::byte *>(result.data()), scale);
    row += parts[i];
    kept.push_back(std::move(stored));
  }
  if (c.layout != fb::Layout::Panels)
    expectPieces(*packed, views, scale, result);
  for (size_t i = 0; i < result.size(); ++i) {
    auto [r, l] = placeOf(c, int64_t(i));
    float expected = r < 0 ? 0 : element(r, l) * (scale ? scaleOf(l) : 1);
    if (c.transform == fb::Transform::NegExp && r >= 0)
      expected = -std::exp(expected);
    ASSERT_EQ(result[i], expected) << "element " << i;
  }
}

TEST(PackParameterTest, LaysOutMatrices) {
  for (int64_t rows : {1, 2, 15, 16, 33, 70})
    for (int64_t columns : {1, 5, 16, 17, 48}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
      for (DType type : {DType::F32, DType::BF16, DType::F16}) {
        expectPacked({fb::Layout::RowMajor, rows, columns}, {rows}, {type});
        expectPacked({fb::Layout::Transposed, rows, columns}, {rows}, {type});
        for (int64_t panel : {1, 4, 16, 48}) {
          expectPacked({fb::Layout::Panels, rows, columns, panel}, {rows}, {type});
          expectPacked({fb::Layout::Padded, rows, columns, panel}, {rows}, {type});
        }
      }
    }
}

TEST(PackParameterTest, InterleavesGroups) {
  for (int64_t perGroup : {1, 7, 16, 40})
    for (int64_t panel : {4, 16, 32}) {
      Case two{fb::Layout::Panels, 2 * perGroup, 19, panel, 2};
      expectPacked(two, {2 * perGroup}, {DType::F32});
      expectPacked(two, {perGroup, perGroup}, {DType::F32, DType::BF16});
      expectPacked({fb::Layout::Panels, 3 * perGroup, 19, panel, 3}, {3 * perGroup}, {DType::F32});
    }
}

TEST(PackParameterTest, ConcatenatesSourcesOfDifferentTypes) {
  std::vector<int64_t> parts{20, 3, 18};
  std::vector<DType> types{DType::BF16, DType::F32, DType::F16};
  expectPacked({fb::Layout::RowMajor, 41, 18}, parts, types);
  expectPacked({fb::Layout::Transposed, 41, 18}, parts, types);
  expectPacked({fb::Layout::Panels, 41, 18, 16}, parts, types);
  expectPacked({fb::Layout::Padded, 41, 18, 8}, parts, types);
}

TEST(PackParameterTest, Transforms) {
  for (DType type : {DType::F32, DType::BF16, DType::F16})
    expectPacked({fb::Layout::Transposed, 9, 16, 0, 1, fb::Transform::NegExp}, {9}, {type});
}

TEST(PackParameterTest, ScalesColumns) {
  std::vector<int64_t> parts{35, 3, 64};
  std::vector<DType> types{DType::BF16, DType::F32, DType::F16};
  for (DType scale : types) {
    expectPacked({fb::Layout::RowMajor, 102, 18, 0, 1, fb::Transform::None, scale}, parts, types);
    expectPacked({fb::Layout::Padded, 102, 18, 8, 1, fb::Transform::None, scale}, parts, types);
    expectPacked({fb::Layout::Panels, 102, 18, 16, 2, fb::Transform::None, scale}, parts, types);
  }
}

/// The product is rounded, not what it is made of: (1 + 2^-7) · (1 + 2^-8) in bfloat16.
TEST(PackParameterTest, RoundsScaledOnce) {
  auto table = parameter("p", {1, 1}, fb::Layout::RowMajor, {1, 1});
  table->dtype = fb::DType::BF16;
  table->rounds = true;
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::Parameter::Pack(builder, table.get()));
  const float scale = 1 + 0x1p-8f;
  const uint16_t stored = bf16(1 + 0x1p-7f);
  uint16_t result = 0;
  packRows(*flatbuffers::GetRoot<fb::Parameter>(builder.GetBufferPointer()), 0,
           {DType::BF16, {1, 1}, reinterpret_cast<const std::byte *>(&stored), sizeof(stored)},
           reinterpret_cast<std::byte *>(&result),
           TensorView{DType::F32, {1}, reinterpret_cast<const std::byte *>(&scale), sizeof(scale)});
  EXPECT_EQ(result, bf16(1 + 0x1p-6f));
}

TEST(PackParameterTest, KeepsHalfPrecision) {
  auto table = parameter("p", {3, 2}, fb::Layout::Transposed, {2, 3});
  table->dtype = table->sources[0]->dtype = fb::DType::BF16;
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::Parameter::Pack(builder, table.get()));
  const uint16_t stored[] = {1, 2, 3, 4, 5, 0x7fc1};
  uint16_t result[6] = {};
  packRows(*flatbuffers::GetRoot<fb::Parameter>(builder.GetBufferPointer()), 0,
           {DType::BF16, {3, 2}, reinterpret_cast<const std::byte *>(stored), sizeof(stored)},
           reinterpret_cast<std::byte *>(result));
  const uint16_t expected[] = {1, 3, 5, 2, 4, 0x7fc1};
  EXPECT_TRUE(std::equal(result, result + 6, expected));
}

TEST(PackParameterTest, WidensEveryHalf) {
  auto table = parameter("p", {65536}, fb::Layout::RowMajor, {65536});
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::Parameter::Pack(builder, table.get()));
  std::vector<uint16_t> stored(65536);
  for (size_t i = 0; i < stored.size(); ++i)
    stored[i] = uint16_t(i);
  std::vector<float> result(stored.size());
  packRows(*flatbuffers::GetRoot<fb::Parameter>(builder.GetBufferPointer()), 0,
           {DType::F16, {65536}, reinterpret_cast<const std::byte *>(stored.data()), 131072},
           reinterpret_cast<std::byte *>(result.data()));
  for (size_t i = 0; i < stored.size(); ++i) {
    int exponent = int(i >> 10 & 31), fraction = int(i & 0x3ff);
    double expected = exponent == 0    ? std::ldexp(fraction, -24)
                      : exponent == 31 ? (fraction ? NAN : INFINITY)
                                       : std::ldexp(1024 + fraction, exponent - 25);
    EXPECT_EQ(std::signbit(result[i]), (i & 0x8000) != 0);
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(result[i]));
    else
      EXPECT_EQ(std::fabs(result[i]), float(expected)) << i;
  }
}

TEST(PackParameterTest, WidensOnly) {
  EXPECT_TRUE(converts(DType::BF16, DType::F32, /*rounds=*/false));
  EXPECT_TRUE(converts(DType::F16, DType::F16, /*rounds=*/false));
  EXPECT_FALSE(converts(DType::F32, DType::BF16, /*rounds=*/false));
  EXPECT_FALSE(converts(DType::F16, DType::BF16, /*rounds=*/false));
  EXPECT_FALSE(converts(DType::I32, DType::I32, /*rounds=*/false));
  EXPECT_TRUE(converts(DType::F32, DType::BF16, /*rounds=*/true));
  EXPECT_TRUE(converts(DType::F16, DType::BF16, /*rounds=*/true));
  EXPECT_TRUE(converts(DType::BF16, DType::F16, /*rounds=*/true));
  EXPECT_FALSE(converts(DType::F32, DType::F16, /*rounds=*/false));
  EXPECT_FALSE(converts(DType::F32, DType::I32, /*rounds=*/true));
}

/// One stored value in 16 bits.
template <typename T> uint16_t rounded(DType type, T stored, fb::DType result16 = fb::DType::BF16) {
  auto table = parameter("p", {1}, fb::Layout::RowMajor, {1});
  table->dtype = result16;
  table->rounds = true;
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::Parameter::Pack(builder, table.get()));
  uint16_t result = 0;
  packRows(*flatbuffers::GetRoot<fb::Parameter>(builder.GetBufferPointer()), 0,
           {type, {1}, reinterpret_cast<const std::byte *>(&stored), sizeof(stored)},
           reinterpret_cast<std::byte *>(&result));
  return result;
}

TEST(PackParameterTest, RoundsToEven) {
  for (auto [bits, expected] : std::initializer_list<std::pair<uint32_t, unsigned>>{
           {0x3f800000, 0x3f80}, // 1
           {0x3f807fff, 0x3f80}, // below the middle
           {0x3f808000, 0x3f80}, // the middle, to even
           {0x3f808001, 0x3f81},
           {0x3f818000, 0x3f82}, // the middle, to even
           {0xbf818000, 0xbf82},
           {0x7f7fffff, 0x7f80}, // the largest number, to infinity
           {0x7f800000, 0x7f80},
           {0xff800000, 0xff80},
           {0x00000001, 0x0000},
           {0x80000000, 0x8000},
           {0x7f800001, 0x7fc0}, // not a number, and nothing else
           {0xffffffff, 0xffff}})
    EXPECT_EQ(rounded(DType::F32, bits), expected) << std::hex << bits;
  EXPECT_EQ(rounded(DType::F16, uint16_t(0x3c00)), 0x3f80); // 1
  EXPECT_EQ(rounded(DType::F16, uint16_t(0x3c0c)), 0x3f82); // 1 + 12/1024: the middle, to even
  EXPECT_EQ(rounded(DType::F16, uint16_t(0x7c00)), 0x7f80);
  EXPECT_EQ(rounded(DType::F16, uint16_t(0x7e00)), 0x7fc0);
  EXPECT_EQ(rounded(DType::BF16, uint16_t(0x1234)), 0x1234);
}

TEST(PackParameterTest, RoundsToHalves) {
  // Each number is itself; the middle of it and the next one goes to the even one.
  for (uint32_t i = 0; i < 0x7c00; ++i) {
    float value = widenF16(uint16_t(i));
    float next = i == 0x7bff ? 65536 : widenF16(uint16_t(i + 1)), middle = (value + next) / 2;
    EXPECT_EQ(roundToF16(value), i);
    EXPECT_EQ(roundToF16(-value), i | 0x8000);
    EXPECT_EQ(roundToF16(middle), i + (i & 1)) << i;
    EXPECT_EQ(roundToF16(std::nextafter(middle, 0.0f)), i) << i;
    EXPECT_EQ(roundToF16(std::nextafter(middle, INFINITY)), i + 1) << i;
  }
  auto half = [](DType type, auto stored) { return rounded(type, stored, fb::DType::F16); };
  EXPECT_EQ(half(DType::F32, 1.0f), 0x3c00);
  EXPECT_EQ(half(DType::F32, -INFINITY), 0xfc00);
  EXPECT_EQ(half(DType::F32, NAN), 0x7e00);
  EXPECT_EQ(half(DType::BF16, bf16(1e6f)), 0x7c00);
  EXPECT_EQ(half(DType::F16, uint16_t(0x1234)), 0x1234);
}

} // namespace
