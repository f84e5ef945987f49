//===- TimeModel.h - Predicted times of kernels and blocks ------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ANALYSIS_TIMEMODEL_H
#define FLOWHN_ANALYSIS_TIMEMODEL_H

#include "flowhn/Analysis/KernelWork.h"
#include "flowhn/Target/NVPTX/TargetInfo.h"

namespace mlir::flowhn {

/// A predicted time, in seconds, and how much of it fills the chip: what kernels of another
/// stream cannot have.
struct KernelTime {
  double seconds = 0;
  double filled = 0;

  KernelTime &operator+=(KernelTime other) {
    seconds += other.seconds;
    filled += other.filled;
    return *this;
  }
};

/// The predicted times of one block, in seconds.
struct BlockTimes {
  double attention = 0, ssm = 0; ///< of the branches of each kind
  double joint = 0;              ///< of what sees every token
  double serial = 0;             ///< of the block, its branches one after the other
  double streams = 0;            ///< of the block, each branch on a stream of its own
  /// The same with products of both in one launch; 0 where there are none.
  double grouped = 0;

  double of(Schedule schedule) const;
  /// The schedule that takes the block least time; of equals the simplest.
  Schedule fastest() const;
};

/// Predicts what kernels take on a GPU.
///
/// A kernel takes its launch and its work at the rate of its class: a product in waves of
/// tiles, one on each multiprocessor, of which the last may be of parts of tiles, and the bytes
/// that tiles write between their products, one of few rows by bytes; attention in whole tiles; a
/// scan row by row, as many blocks side by side as fit; everything else by bytes. Where the
/// calibration has kernels of similar sizes, the prediction is scaled to what they took.
///
/// Branches on streams of their own hide from each other what does not fill the chip: launches,
/// partial waves. The least that both can take is the longer branch or the sum of what fills the
/// chip, and of the way from the serial time to there they come as far as `overlap` says.
///
/// Products in one launch take whole waves of all their tiles, the longer ones first; those of
/// few rows, and those whose rows are of different kernels, are launched by themselves.
class TimeModel {
public:
  TimeModel(GPUTargetInfo chip, ::flowhn::Calibration calibration);

  KernelTime predict(const KernelWork &work, CallTokens tokens) const;
  KernelTime predict(ArrayRef<KernelWork> kernels, CallTokens tokens) const;
  /// One launch of a product of each of two branches, of which either may be missing.
  double predictGroup(const std::array<std::optional<KernelWork>, 2> &products,
                      const std::array<CallTokens, 2> &tokens) const;
  /// A block where each branch sees some of the tokens.
  BlockTimes predict(const BlockWork &block, CallTokens all, CallTokens attention,
                     CallTokens ssm) const;

private:
  /// The tiles of a product.
  struct ProductTiles {
    double count = 0;
    double seconds = 0;      ///< of one
    double storeSeconds = 0; ///< of all
  };
  ProductTiles tilesOf(const ::flowhn::KernelSizes &sizes, int64_t elementBytes,
                       double tileColumns) const;
  /// Which of the kernels by rows has a product: the place among the bounds of rows.
  size_t bucketOf(int64_t rows, int64_t elementBytes) const;
  /// The columns that tiles of a product may have; it takes those that take least time.
  SmallVector<double> tileWidths(int64_t columns, int64_t rows, int64_t elementBytes) const;
  /// Rounds of so many tiles, one on each multiprocessor: what the last one takes of a whole one,
  /// where its tiles are made by several blocks each.
  double lastRound(double tiles, double width) const;
  /// Whether one launch computes the products of both branches.
  bool shareLaunch(const std::array<std::optional<KernelWork>, 2> &products,
                   const std::array<CallTokens, 2> &tokens) const;
  /// One launch of tiles of so many columns.
  double predictLaunch(const std::array<std::optional<KernelWork>, 2> &products,
                       const std::array<CallTokens, 2> &tokens, double width) const;
  /// Whether a product has the kernel of the fewest rows, which waits for its weights.
  bool isOfFewRows(int64_t rows, int64_t elementBytes) const;
  /// Streams that start and end beside each other.
  double predictStreams(ArrayRef<KernelTime> branches) const;
  double predictGrouped(const BlockWork &block, const std::array<CallTokens, 2> &tokens) const;
  KernelTime predictByLaw(::flowhn::KernelClass kernelClass, const ::flowhn::KernelSizes &sizes,
                          int64_t elementBytes) const;
  KernelTime predictMatmul(const ::flowhn::KernelSizes &sizes, int64_t elementBytes) const;
  KernelTime predictAttention(const ::flowhn::KernelSizes &sizes) const;
  KernelTime predictScan(const ::flowhn::KernelSizes &sizes) const;
  double attentionRate(int64_t headSize) const;
  /// What measured kernels near `sizes` took, as a multiple of what the law says.
  double correction(::flowhn::KernelClass kernelClass, const ::flowhn::KernelSizes &sizes) const;

  struct MeasuredPoint {
    ::flowhn::KernelSizes sizes;
    double ratio; ///< measured over predicted by the law
  };

  GPUTargetInfo chip;
  ::flowhn::Calibration calibration;
  std::map<::flowhn::KernelClass, std::vector<MeasuredPoint>> points;
};

} // namespace mlir::flowhn

#endif // FLOWHN_ANALYSIS_TIMEMODEL_H
