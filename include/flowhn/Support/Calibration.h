//===- Calibration.h - What kernels take on a GPU ---------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_CALIBRATION_H
#define FLOWHN_SUPPORT_CALIBRATION_H

#include "flowhn/Support/Status.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// Kernels whose times follow one law.
enum class KernelClass { Matmul, Attention, Scan, Rowwise };

/// "matmul", "attention", "scan", "rowwise".
std::string_view name(KernelClass kernelClass);

/// What decides the time of a kernel; the rest is 0:
/// * a matmul: rows, columns, inner size, and bytes of a row that are no factors: results,
///   residuals;
/// * attention: sequences, tokens of each, heads, head size;
/// * a scan, all of its passes: sequences, tokens of each, channels, states;
/// * row-wise kernels and convolutions: bytes read and written.
using KernelSizes = std::array<int64_t, 4>;

/// A kernel that was timed.
struct KernelPoint {
  KernelSizes sizes = {};
  double seconds = 0;
};

/// A kernel that was timed with one of its configurations.
struct ConfigPoint {
  std::vector<int64_t> extents; ///< of the launch: rows of products, sequences and their length
  std::string config;           ///< "stages=4 tile_columns=256 tile_rows=128"
  double seconds = 0;
};

/// What times are predicted from: a few rates of a GPU, and kernels that were timed on it,
/// near which predictions follow them; and what kernels take with other configurations, of
/// which they get the fastest. `flowhn-bench --calibrate` and `--autotune` write it.
struct Calibration {
  std::string device;                       ///< "NVIDIA H200"
  std::string chip;                         ///< "sm_90a"
  double launchSeconds = 0;                 ///< of a kernel, beside its work
  double byteRate = 0;                      ///< bytes per second of kernels that only move
  double matmulRate = 0;                    ///< FLOP/s of 16-bit products in whole waves
  std::map<int64_t, double> attentionRates; ///< FLOP/s in whole tiles, by head size
  /// Of a row of a scan: with one block on each multiprocessor, and for each one more.
  double scanStepSeconds = 0, scanStepSecondsPerBlock = 0;
  /// How much of what two branches could hide of each other they do hide: 0 nothing, 1 all.
  double overlap = 0;
  std::map<KernelClass, std::vector<KernelPoint>> points;
  /// By the key of a kernel, which has its sizes and types: "matmul 2048x8192 bf16 -> f32".
  std::map<std::string, std::vector<ConfigPoint>> configs;
};

/// Reads a table. InvalidInput for a missing, mistyped or impossible value, by its name.
Expected<Calibration> parseCalibration(std::string_view json, std::string_view source);
/// The same of a file; NotFound where there is none.
Expected<Calibration> readCalibration(const std::string &path);

/// JSON that `parseCalibration` reads, a line for each point.
std::string toJson(const Calibration &calibration);

} // namespace flowhn

#endif // FLOWHN_SUPPORT_CALIBRATION_H
