//===- SamplingTest.cpp - The next token from logits ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Sampling.h"
#include "../TestFiles.h"

#include <cmath>
#include <limits>
#include <map>
#include <vector>

using namespace flowhn;
using namespace flowhn::test;

namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

/// How often each token comes at 20000 positions, as a share.
std::map<int32_t, double> sharesOf(const SamplingOptions &options,
                                   const std::vector<float> &logits) {
  constexpr int draws = 20000;
  std::map<int32_t, double> shares;
  std::vector<int32_t> sequence;
  for (int i = 0; i < draws; ++i) {
    shares[sampleToken(options, logits, sequence)] += 1.0 / draws;
    sequence.push_back(0);
  }
  return shares;
}

TEST(Sampling, TheMostLikelyTokenWithoutTemperature) {
  EXPECT_EQ(sampleToken({}, std::vector<float>{1, 3, 3, 2}, {}), 1);
  EXPECT_EQ(sampleToken({}, std::vector<float>{nan, nan}, {}), -1);
  EXPECT_EQ(sampleToken({.temperature = 1}, std::vector<float>{nan, nan}, {}), -1);
  EXPECT_EQ(sampleToken({.temperature = 1}, std::vector<float>{0, infinity, nan}, {}), 1);
  EXPECT_EQ(sampleToken({.temperature = 1, .topK = 1}, std::vector<float>{1, 3, 2}, {}), 1);
}

TEST(Sampling, SharesAreThoseOfTheSoftmax) {
  std::vector<float> logits = {std::log(1.f), std::log(2.f), std::log(5.f), nan};
  std::map<int32_t, double> shares = sharesOf({.temperature = 1}, logits);
  EXPECT_NEAR(shares[0], 0.125, 0.01);
  EXPECT_NEAR(shares[1], 0.25, 0.01);
  EXPECT_NEAR(shares[2], 0.625, 0.01);
  // At temperature 1/2 they are squared.
  shares = sharesOf({.temperature = 0.5}, logits);
  EXPECT_NEAR(shares[1], 4.0 / 30, 0.01);
}

TEST(Sampling, KeepsTheMostLikely) {
  std::vector<float> logits = {std::log(1.f), std::log(2.f), std::log(5.f)};
  std::map<int32_t, double> shares = sharesOf({.temperature = 1, .topK = 2}, logits);
  EXPECT_EQ(shares.count(0), 0u);
  EXPECT_NEAR(shares[1], 2.0 / 7, 0.01);
  // Token 2 has 0.625: another one is needed for 0.7, and that is enough.
  shares = sharesOf({.temperature = 1, .topP = 0.7}, logits);
  EXPECT_EQ(shares.count(0), 0u);
  EXPECT_NEAR(shares[1], 2.0 / 7, 0.01);
  EXPECT_NEAR(sharesOf({.temperature = 1, .topP = 0.6}, logits)[2], 1, 1e-9);
}

TEST(Sampling, KeepsWhatIsAsLikelyAsTheLast) {
  std::vector<float> logits = {1, 3, 3, 2};
  std::map<int32_t, double> shares = sharesOf({.temperature = 1, .topK = 1}, logits);
  EXPECT_EQ(shares.size(), 2u);
  EXPECT_NEAR(shares[2], 0.5, 0.02);
  EXPECT_EQ(sharesOf({.temperature = 1, .topP = 0.1}, logits).size(), 2u);
  // More than there are, and a temperature that makes all equal or one alone.
  EXPECT_EQ(sharesOf({.temperature = 1e30, .topK = 9}, logits).size(), 4u);
  EXPECT_EQ(sharesOf({.temperature = 1e-30}, {1, 3, 2}).size(), 1u);
}

TEST(Sampling, PenalizesWhatCameBefore) {
  std::vector<float> logits = {2, 1.5, -1};
  EXPECT_EQ(sampleToken({.repetitionPenalty = 2}, logits, std::vector<int32_t>{0, 0}), 1);
  EXPECT_EQ(sampleToken({.repetitionPenalty = 2}, logits, std::vector<int32_t>{2}), 0);
  std::vector<float> negative = {-1, -1.5};
  EXPECT_EQ(sampleToken({.repetitionPenalty = 2}, negative, std::vector<int32_t>{0}), 1);
}

TEST(Sampling, DrawsDependOnSeedAndPosition) {
  std::vector<float> logits(100, 0);
  auto drawn = [&](uint64_t seed) {
    std::vector<int32_t> sequence;
    for (int i = 0; i < 50; ++i)
      sequence.push_back(sampleToken({.temperature = 1, .seed = seed}, logits, sequence));
    return sequence;
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
}

TEST(Sampling, RefusesWhatIsOutOfRange) {
  auto refused = [](const SamplingOptions &options, const char *part) {
    expectError(checkSampling(options), StatusCode::InvalidArgument, part);
  };
  refused({.repetitionPenalty = 0}, "repetition penalty");
  refused({.temperature = -1}, "temperature");
  refused({.temperature = nan}, "temperature");
  refused({.topK = -1}, "top-k -1, it must be 0 or more");
  refused({.topP = 0}, "top-p");
  refused({.topP = 1.5}, "top-p");
  EXPECT_TRUE(checkSampling({.temperature = 1, .topK = 5, .topP = 0.5}).ok());
}

} // namespace
