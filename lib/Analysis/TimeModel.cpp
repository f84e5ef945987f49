//===- TimeModel.cpp - Predicted times of kernels and blocks --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/TimeModel.h"

#include <cmath>

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::Calibration;
using ::flowhn::KernelClass;
using ::flowhn::KernelPoint;
using ::flowhn::KernelSizes;

static double ceilDiv(double a, double b) { return std::ceil(a / b); }

double BlockTimes::of(Schedule schedule) const {
  switch (schedule) {
  case Schedule::Serial:
    return serial;
  case Schedule::Streams:
    return streams;
  case Schedule::Grouped:
    return grouped;
  }
  llvm_unreachable("every schedule is handled");
}

Schedule BlockTimes::fastest() const {
  Schedule best = streams < serial ? Schedule::Streams : Schedule::Serial;
  return grouped > 0 && grouped < of(best) ? Schedule::Grouped : best;
}

TimeModel::TimeModel(GPUTargetInfo chip, Calibration table)
    : chip(std::move(chip)), calibration(std::move(table)) {
  for (const auto &[kernelClass, kernels] : calibration.points)
    for (const KernelPoint &point : kernels) {
      double law = predictByLaw(kernelClass, point.sizes, /*elementBytes=*/2).seconds;
      points[kernelClass].push_back({point.sizes, point.seconds / law});
    }
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

double TimeModel::attentionRate(int64_t headSize) const {
  const std::map<int64_t, double> &rates = calibration.attentionRates;
  auto above = rates.lower_bound(headSize);
  if (above == rates.end())
    return rates.rbegin()->second;
  if (above->first == headSize || above == rates.begin())
    return above->second * std::min(1.0, double(headSize) / above->first);
  auto below = std::prev(above);
  double weight = double(headSize - below->first) / (above->first - below->first);
  return below->second + weight * (above->second - below->second);
}

KernelTime TimeModel::predictAttention(const KernelSizes &sizes) const {
  auto [batch, tokens, heads, headSize] = sizes;
  // Queries of a block and keys at a time; what a block does before its first keys and behind
  // its last ones takes as long as some keys more.
  constexpr double queries = 192, keys = 128, extraKeys = 128;
  double blocks = ceilDiv(tokens, queries);
  double visited = 0;
  for (double block = 1; block <= blocks; ++block)
    visited += std::min(ceilDiv(block * queries, keys), ceilDiv(tokens, keys)) * keys + extraKeys;
  double rate = attentionRate(headSize);
  double share = std::min(1.0, batch * heads * blocks / chip.multiprocessors);
  double seconds = double(batch * heads) * visited * queries * 4 * headSize / rate;
  return {seconds / share, seconds};
}

KernelTime TimeModel::predictScan(const KernelSizes &sizes) const {
  auto [batch, tokens, channels, states] = sizes;
  double blocks = double(batch) * chip.scanChannelBlocks(states, channels);
  double resident = double(chip.scanResidentBlocks()) / chip.multiprocessors;
  auto step = [&](double perMultiprocessor) {
    return calibration.scanStepSeconds + calibration.scanStepSecondsPerBlock * perMultiprocessor;
  };
  double share = std::min(1.0, blocks / (resident * chip.multiprocessors));
  // Sequences that leave multiprocessors without a block fall into chunks: all of the chip has
  // work then, twice, states first and then results.
  if (blocks < chip.multiprocessors) {
    double seconds = 2 * share * double(tokens) * step(resident);
    return {seconds, seconds};
  }
  double perMultiprocessor = ceilDiv(blocks, chip.multiprocessors);
  double rounds = ceilDiv(perMultiprocessor, resident);
  double seconds = rounds * double(tokens) * step(perMultiprocessor / rounds);
  return {seconds, seconds * share};
}

KernelTime TimeModel::predictByLaw(KernelClass kernelClass, const KernelSizes &sizes,
                                   int64_t elementBytes) const {
  KernelTime time;
  switch (kernelClass) {
  case KernelClass::Matmul:
    time = predictMatmul(sizes, elementBytes);
    break;
  case KernelClass::Attention:
    time = predictAttention(sizes);
    break;
  case KernelClass::Scan:
    time = predictScan(sizes);
    break;
  case KernelClass::Rowwise:
    time.seconds = time.filled = sizes[0] / calibration.byteRate;
    break;
  }
  time.seconds += calibration.launchSeconds;
  return time;
}

double TimeModel::correction(KernelClass kernelClass, const KernelSizes &sizes) const {
  auto known = points.find(kernelClass);
  if (known == points.end())
    return 1;
  // The law weighs as much as a point at twice one of the sizes; in between, nearer points
  // weigh more.
  double weights = std::exp(-4.0), sum = weights;
  for (const MeasuredPoint &point : known->second) {
    double distance = 0;
    for (auto [size, other] : llvm::zip(sizes, point.sizes))
      if (size != other)
        distance += std::pow(std::log2(std::max<double>(size, 1) / std::max<double>(other, 1)), 2);
    double weight = std::exp(-4 * distance);
    weights += weight;
    sum += weight * point.ratio;
  }
  return sum / weights;
}

KernelTime TimeModel::predict(const KernelWork &work, CallTokens tokens) const {
  if (tokens.all() == 0)
    return {}; // a launch without work is skipped
  KernelSizes sizes = work.sizes(tokens);
  KernelTime time = predictByLaw(work.kernelClass, sizes, work.elementBytes);
  double factor = correction(work.kernelClass, sizes);
  return {time.seconds * factor, time.filled * factor};
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

KernelTime TimeModel::predict(ArrayRef<KernelWork> kernels, CallTokens tokens) const {
  KernelTime sum;
  for (const KernelWork &work : kernels)
    sum += predict(work, tokens);
  return sum;
}

double TimeModel::predictStreams(ArrayRef<KernelTime> branches) const {
  KernelTime sum;
  double longest = 0;
  for (KernelTime branch : branches) {
    longest = std::max(longest, branch.seconds);
    sum += branch;
  }
  double hidden = calibration.overlap * (sum.seconds - std::max(longest, sum.filled));
  // The streams order themselves, about a launch's time.
  return sum.seconds - hidden + calibration.launchSeconds;
}

double TimeModel::predictGrouped(const BlockWork &block,
                                 const std::array<CallTokens, 2> &tokens) const {
  double seconds = 0;
  for (const StretchWork &stretch : block.stretches) {
    KernelTime branches[] = {predict(stretch.kernels[0], tokens[0]),
                             predict(stretch.kernels[1], tokens[1])};
    seconds += stretch.forks ? predictStreams(branches) : branches[0].seconds + branches[1].seconds;
    if (stretch.areNorms && tokens[0].all() != 0 && tokens[1].all() != 0)
      seconds -= calibration.launchSeconds;
    seconds += predictGroup(stretch.products, tokens);
  }
  return seconds;
}

BlockTimes TimeModel::predict(const BlockWork &block, CallTokens all, CallTokens attention,
                              CallTokens ssm) const {
  BlockTimes times;
  times.joint = predict(block.joint, all).seconds;
  SmallVector<KernelTime, 2> branches;
  auto tokensOf = [&](const BranchWork &branch) {
    return branch.kind == Branch::Attention ? attention : ssm;
  };
  for (const BranchWork &branch : block.branches) {
    KernelTime time = branches.emplace_back(predict(branch.kernels, tokensOf(branch)));
    (branch.kind == Branch::Attention ? times.attention : times.ssm) += time.seconds;
  }
  times.serial = times.joint + times.attention + times.ssm;
  times.streams = times.joint + predictStreams(branches);
  if (chip.hasWarpgroupProducts && block.branches.size() == 2 && !block.stretches.empty())
    times.grouped = times.joint + predictGrouped(block, {tokensOf(block.branches[0]),
                                                         tokensOf(block.branches[1])});
  return times;
}
