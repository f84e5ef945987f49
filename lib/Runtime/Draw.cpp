//===- Draw.cpp - Drawing a token in integers -----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Draw.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

using namespace flowhn;

namespace {

constexpr uint64_t all = std::numeric_limits<uint64_t>::max();
constexpr float lastDistance = 0x1p30f - 64;

/// SplitMix64's finalizer.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// A number for each seed and position.
uint64_t numberAt(uint64_t seed, uint64_t position) {
  return mix(mix(seed + 0x9e3779b97f4a7c15) + (position + 1) * 0x9e3779b97f4a7c15);
}

uint64_t highProduct(uint64_t a, uint64_t b) {
  return uint64_t((static_cast<unsigned __int128>(a) * b) >> 64);
}

/// The share, less the smallest part of it: what passes the product with a sum has the share.
uint64_t shareOf(double topP) {
  return topP < 1 ? std::max<uint64_t>(uint64_t(std::ldexp(topP, 64)), 1) - 1 : all;
}

float scaleOf(double temperature) {
  constexpr double limit = std::numeric_limits<float>::max();
  return float(std::min(limit, 0x1p24 * std::numbers::log2e / temperature));
}

uint32_t distanceOf(float logit, float largest, float scale) {
  if (logit == largest)
    return 0;
  float scaled = (largest - logit) * scale;
  return uint32_t(scaled < lastDistance ? scaled : lastDistance);
}

uint64_t weightOf(uint32_t distance) {
  // 2^-x for x in [0, 1), in 2^-31.
  constexpr uint64_t coefficients[] = {2147483527, 1488513547, 515780381,
                                       118751808,  19776564,   2033403};
  uint64_t fraction = (distance & 0xffffff) * uint64_t(256), sum = 0;
  for (size_t i = std::size(coefficients); i > 0; --i)
    sum = coefficients[i - 1] - ((fraction * sum) >> 32);
  return (sum * 512) >> (distance >> 24);
}

/// The largest distance of a token that stays.
uint32_t findLimit(const Draw &draw, std::vector<uint32_t> distances) {
  size_t count = distances.size();
  if (draw.topK > 0 && size_t(draw.topK) < count) {
    auto last = distances.begin() + (draw.topK - 1);
    std::ranges::nth_element(distances, last);
    count = size_t(
        std::partition(last, distances.end(), [limit = *last](uint32_t d) { return d <= limit; }) -
        distances.begin());
  }
  distances.resize(count);
  if (draw.share == all)
    return std::ranges::max(distances);
  std::ranges::sort(distances);
  uint64_t total = 0, sum = 0;
  for (uint32_t distance : distances)
    total += weightOf(distance);
  uint64_t target = highProduct(draw.share, total);
  for (uint32_t distance : distances)
    if ((sum += weightOf(distance)) > target)
      return distance;
  return distances.back();
}

} // namespace

Draw::Draw(const SamplingOptions &options, size_t position)
    : penalty(float(options.repetitionPenalty)) {
  bool isDrawn = options.temperature > 0;
  // The most likely token is the first one of no distance, at whatever scale.
  scale = isDrawn ? scaleOf(options.temperature) : std::numeric_limits<float>::max();
  share = isDrawn ? shareOf(options.topP) : all;
  random = isDrawn ? numberAt(options.seed, position) : 0;
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();
  topK = isDrawn ? int32_t(std::min(options.topK, limit)) : 0;
}

int32_t flowhn::drawToken(const Draw &draw, std::span<const float> logits) {
  float largest = -std::numeric_limits<float>::infinity();
  for (float logit : logits)
    largest = std::fmax(largest, logit);
  std::vector<uint32_t> distances;
  for (float logit : logits)
    distances.push_back(distanceOf(logit, largest, draw.scale));
  if (distances.empty())
    return -1;
  uint32_t limit = findLimit(draw, distances);
  uint64_t total = 0, sum = 0;
  for (uint32_t &distance : distances) {
    if (distance > limit)
      distance = uint32_t(lastDistance);
    total += weightOf(distance);
  }
  uint64_t target = highProduct(draw.random, total);
  for (size_t token = 0; token < distances.size(); ++token)
    if ((sum += weightOf(distances[token])) > target)
      return int32_t(token);
  return -1;
}

std::vector<int32_t> flowhn::distinctTokens(std::span<const int32_t> sequence, int64_t vocabulary) {
  std::vector<int32_t> tokens;
  for (int32_t token : sequence)
    if (token >= 0 && token < vocabulary)
      tokens.push_back(token);
  std::ranges::sort(tokens);
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

void DrawTables::add(const TokenDraw &token, int64_t vocabulary) {
  Draw draw(token.options, token.sequence.size());
  std::vector<int32_t> tokens;
  if (draw.penalty != 1)
    tokens = distinctTokens(token.sequence, vocabulary);
  auto half = [](uint64_t number, int shift) { return int32_t(uint32_t(number >> shift)); };
  draws.insert(draws.end(),
               {std::bit_cast<int32_t>(draw.scale), std::bit_cast<int32_t>(draw.penalty), draw.topK,
                int32_t(history.size()), int32_t(tokens.size()), half(draw.share, 0),
                half(draw.share, 32), half(draw.random, 0), half(draw.random, 32)});
  history.insert(history.end(), tokens.begin(), tokens.end());
}
