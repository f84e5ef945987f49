//===- ProductTimes.cpp - Predicted times of products ---------------------===//
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
using ::flowhn::KernelClass;
using ::flowhn::KernelSizes;

static double ceilDiv(double a, double b) { return std::ceil(a / b); }

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
    widths = {256, 192};
  for (double &width : widths)
    width = std::min<double>(width, columns);
  return widths;
}

TimeModel::ProductTiles TimeModel::tilesOf(const KernelSizes &sizes, int64_t elementBytes,
                                           double tileColumns) const {
  constexpr double tileRows = 128;
  // Factors of 4 bytes take three products of halves at half of the rate.
  const double rate = calibration.matmulRate / (elementBytes > 2 ? 6 : 1);
  // Narrow ones take as long as the bytes that they read.
  double widest = std::clamp<double>(sizes[1], tileColumns, 256);
  double bytes = (tileRows + tileColumns) / (tileRows + widest) * widest / tileColumns;
  return {ceilDiv(sizes[0], tileRows) * ceilDiv(sizes[1], tileColumns),
          2 * tileRows * tileColumns * sizes[2] * chip.multiprocessors / rate * bytes,
          double(sizes[0]) * sizes[3] / calibration.byteRate};
}

double TimeModel::lastRound(double tiles, double width) const {
  double rest = std::fmod(tiles, chip.multiprocessors);
  // Blocks that make a tile, which has 64 columns for each or more (HopperSchedule.cpp): the fewer
  // columns, the more bytes for each.
  double pieces = 1;
  for (double count : {2, 3, 4})
    if (chip.hasWarpgroupProducts && rest > 0 && std::fmod(width, 64 * count) == 0 &&
        rest <= std::floor(chip.multiprocessors / count))
      pieces = count;
  return 0.2 + 0.8 / pieces;
}

bool TimeModel::isOfFewRows(int64_t rows, int64_t elementBytes) const {
  return bucketOf(rows, elementBytes) == 0 && !chip.productRowBounds(elementBytes).empty();
}

KernelTime TimeModel::predictMatmul(const KernelSizes &sizes, int64_t elementBytes) const {
  if (isOfFewRows(sizes[0], elementBytes)) {
    double bytes = double(sizes[0]) * (sizes[3] + elementBytes * sizes[2]) +
                   double(elementBytes) * sizes[1] * sizes[2];
    return {bytes / calibration.byteRate, bytes / calibration.byteRate};
  }
  KernelTime best;
  for (double width : tileWidths(sizes[1], sizes[0], elementBytes)) {
    ProductTiles tiles = tilesOf(sizes, elementBytes, width);
    double waves = ceilDiv(tiles.count, chip.multiprocessors) - 1 + lastRound(tiles.count, width);
    double products = waves * tiles.seconds;
    double filled = std::min(products, tiles.count / chip.multiprocessors * tiles.seconds);
    KernelTime time = {products + tiles.storeSeconds, filled + tiles.storeSeconds};
    if (best.seconds == 0 || time.seconds < best.seconds)
      best = time;
  }
  return best;
}

/// Those of the branch that has more, which decide on the kernel of both.
static int64_t rowsOfGroup(const std::array<CallTokens, 2> &tokens) {
  return std::max(tokens[0].all(), tokens[1].all());
}

bool TimeModel::shareLaunch(const std::array<std::optional<KernelWork>, 2> &products,
                            const std::array<CallTokens, 2> &tokens) const {
  if (!products[0] || !products[1] || tokens[0].all() == 0 || tokens[1].all() == 0)
    return false;
  return !isOfFewRows(rowsOfGroup(tokens), products[0]->elementBytes);
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
  for (double width : tileWidths(columns, rowsOfGroup(tokens), products[0]->elementBytes)) {
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
  double all = parts[0].count + parts[1].count;
  double firstOfLastRound = (ceilDiv(all, chip.multiprocessors) - 1) * chip.multiprocessors;
  double seconds = calibration.launchSeconds, count = 0, rounds = 0;
  for (const ProductTiles &part : parts) {
    bool startsLastRound = count <= firstOfLastRound && firstOfLastRound < count + part.count;
    count += part.count;
    double roundsSoFar = ceilDiv(count, chip.multiprocessors);
    double own = roundsSoFar - rounds - (startsLastRound ? 1 - lastRound(all, width) : 0);
    seconds += own * part.seconds + part.storeSeconds;
    rounds = roundsSoFar;
  }
  return seconds;
}
