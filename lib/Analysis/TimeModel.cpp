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

size_t TimeModel::bucketOf(int64_t rows, int64_t elementBytes) const {
  return llvm::count_if(chip.productRowBounds(elementBytes),
                        [&](int64_t bound) { return bound < rows; });
}

SmallVector<double> TimeModel::tileWidths(int64_t columns, int64_t rows,
                                          int64_t elementBytes) const {
  SmallVector<double> widths = {256, 192, 128};
  if (!chip.hasWarpgroupProducts)
    widths = {128}; // of single warps
  else if (bucketOf(rows, elementBytes) == chip.productRowBounds(elementBytes).size())
    widths = {256};
  for (double &width : widths)
    width = std::min<double>(width, columns);
  return widths;
}

TimeModel::ProductTiles TimeModel::tilesOf(const KernelSizes &sizes, int64_t elementBytes,
                                           double tileColumns) const {
  constexpr double tileRows = 128, widest = 256;
  // Factors of 4 bytes take three products of halves at half of the rate.
  const double rate = calibration.matmulRate / (elementBytes > 2 ? 6 : 1);
  // Of few tiles narrow ones take as long as the bytes that they read.
  double bytes = (tileRows + tileColumns) / (tileRows + widest) * widest / tileColumns;
  bool isOfFewTiles = bucketOf(sizes[0], elementBytes) < chip.productRowBounds(elementBytes).size();
  return {ceilDiv(sizes[0], tileRows) * ceilDiv(sizes[1], tileColumns),
          2 * tileRows * tileColumns * sizes[2] * chip.multiprocessors / rate *
              (isOfFewTiles ? bytes : 1),
          double(sizes[0]) * sizes[3] / calibration.byteRate};
}

bool TimeModel::isOfFewRows(const KernelSizes &sizes, int64_t elementBytes) const {
  return bucketOf(sizes[0], elementBytes) == 0 && !chip.productRowBounds(elementBytes).empty();
}

KernelTime TimeModel::predictMatmul(const KernelSizes &sizes, int64_t elementBytes) const {
  if (isOfFewRows(sizes, elementBytes)) {
    double bytes = double(sizes[0]) * (sizes[3] + elementBytes * sizes[2]) +
                   double(elementBytes) * sizes[1] * sizes[2];
    return {bytes / calibration.byteRate, bytes / calibration.byteRate};
  }
  KernelTime best;
  for (double width : tileWidths(sizes[1], sizes[0], elementBytes)) {
    ProductTiles tiles = tilesOf(sizes, elementBytes, width);
    double waves = ceilDiv(tiles.count, chip.multiprocessors);
    double products = waves * tiles.seconds;
    double share = tiles.count / (waves * chip.multiprocessors);
    KernelTime time = {products + tiles.storeSeconds, products * share + tiles.storeSeconds};
    if (best.seconds == 0 || time.seconds < best.seconds)
      best = time;
  }
  return best;
}

bool TimeModel::shareLaunch(const std::array<std::optional<KernelWork>, 2> &products,
                            const std::array<CallTokens, 2> &tokens) const {
  if (!products[0] || !products[1] || tokens[0].all() == 0 || tokens[1].all() == 0)
    return false;
  int64_t bytes = products[0]->elementBytes;
  size_t bucket = bucketOf(tokens[0].all(), bytes);
  bool isOfFewestRows = bucket == 0 && !chip.productRowBounds(bytes).empty();
  return bucket == bucketOf(tokens[1].all(), bytes) && !isOfFewestRows;
}

double TimeModel::predictGroup(const std::array<std::optional<KernelWork>, 2> &products,
                               const std::array<CallTokens, 2> &tokens) const {
  double seconds = 0;
  if (!shareLaunch(products, tokens)) {
    for (auto [product, some] : llvm::zip(products, tokens))
      if (product)
        seconds += predict(*product, some).seconds;
    return seconds;
  }
  int64_t columns = std::max(products[0]->columns, products[1]->columns);
  for (double width : tileWidths(columns, tokens[0].all(), products[0]->elementBytes)) {
    double time = predictLaunch(products, tokens, width);
    if (seconds == 0 || time < seconds)
      seconds = time;
  }
  return seconds;
}

double TimeModel::predictLaunch(const std::array<std::optional<KernelWork>, 2> &products,
                                const std::array<CallTokens, 2> &tokens, double width) const {
  SmallVector<ProductTiles, 2> parts;
  for (auto [product, some] : llvm::zip(products, tokens)) {
    KernelSizes sizes = product->sizes(some);
    ProductTiles &part = parts.emplace_back(tilesOf(sizes, product->elementBytes, width));
    double factor = correction(KernelClass::Matmul, sizes);
    part.seconds *= factor;
    part.storeSeconds *= factor;
  }
  llvm::stable_sort(parts, [](const ProductTiles &lhs, const ProductTiles &rhs) {
    return lhs.seconds > rhs.seconds;
  });
  // The block that has the first tile has as many of the longer ones, and of all, as any.
  double seconds = calibration.launchSeconds, count = 0, rounds = 0;
  for (const ProductTiles &part : parts) {
    count += part.count;
    double roundsSoFar = ceilDiv(count, chip.multiprocessors);
    seconds += (roundsSoFar - rounds) * part.seconds + part.storeSeconds;
    rounds = roundsSoFar;
  }
  return seconds;
}

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
