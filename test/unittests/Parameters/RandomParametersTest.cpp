//===- RandomParametersTest.cpp - Made-up parameters ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../TestFiles.h"
#include "flowhn/Runtime/ParameterSource.h"
#include "flowhn/Support/HalfPrecision.h"

#include <bit>
#include <cmath>

using namespace flowhn;
using namespace flowhn::test;

namespace {

template <typename T> std::vector<T> elements(const TensorView &view) {
  std::vector<T> values(view.bytes / sizeof(T));
  std::memcpy(values.data(), view.data, view.bytes);
  return values;
}

std::vector<float> floats(const std::string &name, std::vector<int64_t> shape, uint64_t seed = 7) {
  auto source = randomParameters({{name, DType::F32, std::move(shape)}}, seed);
  Expected<TensorView> view = source->find(name);
  EXPECT_TRUE(view.ok()) << view.status().message();
  return view.ok() ? elements<float>(*view) : std::vector<float>();
}

// Printed by test/Reference/random_parameters.py 7 F32|BF16 NAME EXTENT...
TEST(RandomParameters, equalsTheNumpyTwinBitForBit) {
  const struct {
    const char *name;
    std::vector<int64_t> shape;
    uint32_t bits[4];
    uint16_t rounded[4];
  } cases[] = {
      {"model.embed_tokens.weight",
       {8, 4},
       {0xbf6ac46e, 0x3f3e5297, 0x3ec25ae4, 0xbf75526e},
       {0xbf6b, 0x3f3e, 0x3ec2, 0xbf75}},
      {"model.layers.0.mamba.mamba.A_log",
       {4, 16},
       {0x402a2508, 0x3ec72d25, 0x3fa572ae, 0x3e8f98c7},
       {0x402a, 0x3ec7, 0x3fa5, 0x3e90}},
      {"model.layers.0.mamba.mamba.dt_proj.bias",
       {64},
       {0xc033e4eb, 0xc0023fff, 0xc07e3adf, 0xc0236983},
       {0xc034, 0xc002, 0xc07e, 0xc023}},
      {"model.layers.1.mamba.mamba.conv1d.weight",
       {8, 1, 4},
       {0xbee71476, 0xbf2570f9, 0xbf613882, 0xbeb1d8b0},
       {0xbee7, 0xbf25, 0xbf61, 0xbeb2}},
      {"model.layers.0.atten.self_attn.q_proj.weight",
       {3, 7},
       {0x3e980b17, 0x3f50bf61, 0x3e46d203, 0x3d3fdabd},
       {0x3e98, 0x3f51, 0x3e47, 0x3d40}},
      {"model.layers.0.pre_ff_layernorm.weight",
       {64},
       {0x3f7cd9df, 0x3f79ed98, 0x3f6d6f9e, 0x3f87afab},
       {0x3f7d, 0x3f7a, 0x3f6d, 0x3f88}},
      {"model.layers.0.mamba.mamba.D",
       {64},
       {0x3f83bb5d, 0x3f66e51f, 0x3f86d7a2, 0x3f7d537a},
       {0x3f84, 0x3f67, 0x3f87, 0x3f7d}},
      {"model.layers.0.mamba.mamba.conv1d.bias",
       {64},
       {0xbd56cf8a, 0xbd319560, 0xbd66497d, 0x3dba5dbb},
       {0xbd57, 0xbd32, 0xbd66, 0x3dba}},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<float> values = floats(c.name, c.shape);
    auto source = randomParameters({{c.name, DType::BF16, c.shape}}, 7);
    std::vector<uint16_t> rounded = elements<uint16_t>(*source->find(c.name));
    ASSERT_EQ(values.size(), rounded.size());
    auto halves = randomParameters({{c.name, DType::F16, c.shape}}, 7);
    EXPECT_EQ(elements<uint16_t>(*halves->find(c.name))[1], roundToF16(values[1]));
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(std::bit_cast<uint32_t>(values[i]), c.bits[i]) << i;
      EXPECT_EQ(rounded[i], c.rounded[i]) << i;
    }
  }
}

TEST(RandomParameters, hasTheDocumentedMagnitudes) {
  const struct {
    const char *name;
    std::vector<int64_t> shape;
    double mean, deviation, least, most;
  } cases[] = {
      {"a.input_layernorm.weight", {40000}, 1, 0.0577, 0.9, 1.1},
      {"a.mamba.D", {40000}, 1, 0.0577, 0.9, 1.1},
      {"a.A_log", {2500, 16}, 1.385, 0.7996, 0, 2.77},
      {"a.dt_proj.bias", {40000}, -3.3, 0.7506, -4.6, -2},
      {"a.conv1d.bias", {40000}, 0, 0.0577, -0.1, 0.1},
      {"a.conv1d.weight", {10000, 1, 4}, 0, 0.5, -2, 2},
      {"model.embed_tokens.weight", {2500, 16}, 0, 1, -3.5, 3.5},
      {"a.q_proj.weight", {400, 100}, 0, 0.1, -0.35, 0.35},
      {"a.ABCD", {400, 100}, 0, 0.1, -0.35, 0.35},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.name);
    double sum = 0, squares = 0;
    std::vector<float> values = floats(c.name, c.shape);
    for (float value : values) {
      EXPECT_TRUE(value >= float(c.least) && value <= float(c.most)) << value;
      sum += value;
      squares += double(value) * value;
    }
    double mean = sum / double(values.size());
    EXPECT_NEAR(mean, c.mean, 4 * c.deviation / std::sqrt(double(values.size())));
    EXPECT_NEAR(std::sqrt(squares / double(values.size()) - mean * mean), c.deviation,
                0.02 * c.deviation);
  }
}

TEST(RandomParameters, dependsOnSeedAndNameOnly) {
  std::vector<float> values = floats("w", {8});
  EXPECT_NE(values, floats("w", {8}, 8));
  EXPECT_NE(values, floats("v", {8}));
  // Several threads share a big tensor; its head is that of a small one.
  std::vector<float> big = floats("w", {1 << 18, 8});
  EXPECT_TRUE(std::equal(values.begin(), values.end(), big.begin()));
  std::vector<float> longer = floats("w", {(1 << 19) + 3, 8});
  EXPECT_TRUE(std::equal(big.begin(), big.end(), longer.begin()));
}

TEST(RandomParameters, comesBackAfterRelease) {
  auto source = randomParameters({{"b", DType::F32, {4}}, {"a", DType::BF16, {2, 0}}}, 1);
  EXPECT_EQ(source->names(), (std::vector<std::string>{"a", "b"}));
  std::vector<float> before = elements<float>(*source->find("b"));
  source->release("b");
  source->release("nothing");
  EXPECT_EQ(elements<float>(*source->find("b")), before);
  EXPECT_EQ(source->find("a")->bytes, 0u);
  EXPECT_EQ(source->describe("b")->shape, std::vector<int64_t>{4});
}

TEST(RandomParameters, refusesWhatItCannotMake) {
  auto source = randomParameters({{"i32", DType::I32, {1}},
                                  {"big", DType::F32, {int64_t(1) << 40, int64_t(1) << 40}},
                                  {"negative", DType::F32, {-1}}},
                                 1);
  expectError(source->find("no").status(), StatusCode::NotFound, "no tensor 'no'");
  expectError(source->describe("no").status(), StatusCode::NotFound, "no tensor 'no'");
  expectError(source->find("i32").status(), StatusCode::Unsupported,
              "come as F32, BF16 or F16, not I32");
  expectError(source->find("big").status(), StatusCode::InvalidArgument, "overflows");
  expectError(source->find("negative").status(), StatusCode::InvalidArgument, "overflows");
}

} // namespace
