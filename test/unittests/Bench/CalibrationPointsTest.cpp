//===- CalibrationPointsTest.cpp - From a profile to a calibration --------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CalibrationPoints.h"

#include <gtest/gtest.h>

using namespace flowhn;
using namespace flowhn::tools;

static LaunchProfile launch(std::string op, std::vector<int64_t> sizes,
                            std::vector<int64_t> extents, double bytes, double seconds) {
  LaunchProfile launch{.seconds = seconds};
  launch.op = std::move(op);
  launch.sizes = std::move(sizes);
  launch.extents = std::move(extents);
  launch.block = 0;
  launch.bytes = bytes;
  return launch;
}

/// 100 rows of 8 × 4 factors, with 24 bytes of a row beside them.
static LaunchProfile product(double seconds) {
  return launch("kern.matmul", {8, 4}, {100}, 2 * 4 * (100 + 8) + 100 * 24, seconds);
}

TEST(CalibrationPoints, RecogniseKernelsBySizes) {
  Calibration table;
  std::vector<LaunchProfile> launches = {
      product(3e-6), launch("kern.attention", {2, 16}, {3, 50, 7}, 0, 4e-6),
      launch("kern.rowwise", {}, {100}, 4096, 5e-6), launch("kern.argmax", {}, {1}, 64, 1e-6)};
  addPoints(launches, {{.serialSeconds = 13e-6, .kernelSeconds = 13e-6}}, table);
  ASSERT_EQ(table.points.size(), 3u);
  auto only = [&](KernelClass kernelClass) { return table.points[kernelClass].at(0); };
  EXPECT_EQ(only(KernelClass::Matmul).sizes, (KernelSizes{100, 8, 4, 24}));
  EXPECT_EQ(only(KernelClass::Attention).sizes, (KernelSizes{3, 50, 2, 16}));
  EXPECT_EQ(only(KernelClass::Rowwise).sizes, (KernelSizes{4096}));
  EXPECT_DOUBLE_EQ(only(KernelClass::Attention).seconds, 4e-6);
}

TEST(CalibrationPoints, PassesOfAScanAreOnePoint) {
  Calibration table;
  std::vector<LaunchProfile> launches = {
      launch("kern.scan_states", {64, 16}, {2, 4, 128}, 0, 5e-6),
      launch("kern.scan_combine", {64, 16}, {2, 4, 128}, 0, 1e-6),
      launch("kern.scan", {64, 16}, {2, 512, 4, 128}, 0, 7e-6),
      launch("kern.scan", {64, 16}, {2, 100, 1, 128}, 0, 3e-6)};
  addPoints(launches, {}, table);
  std::vector<KernelPoint> &scans = table.points[KernelClass::Scan];
  ASSERT_EQ(scans.size(), 2u);
  EXPECT_EQ(scans[0].sizes, (KernelSizes{2, 100, 64, 16}));
  EXPECT_DOUBLE_EQ(scans[0].seconds, 3e-6);
  EXPECT_EQ(scans[1].sizes, (KernelSizes{2, 512, 64, 16}));
  EXPECT_DOUBLE_EQ(scans[1].seconds, 13e-6);
}

/// Two kernels alone take 1 us each longer than in a row; a point of before is replaced.
TEST(CalibrationPoints, TakeOffWhatTimingCosts) {
  Calibration table;
  table.points[KernelClass::Matmul] = {{{100, 8, 4, 24}, 99}, {{1, 1, 1, 1}, 77}};
  addPoints({product(5e-6), product(7e-6)}, {{.serialSeconds = 10e-6, .kernelSeconds = 12e-6}},
            table);
  const std::vector<KernelPoint> &points = table.points[KernelClass::Matmul];
  ASSERT_EQ(points.size(), 2u);
  EXPECT_DOUBLE_EQ(points[0].seconds, 77);
  EXPECT_NEAR(points[1].seconds, 5e-6, 1e-12); // the median of 4 and 6
  // Launches of a block that was not timed do not share in it.
  LaunchProfile untimed = product(6e-6);
  untimed.block = 1;
  addPoints({product(5e-6), product(7e-6), untimed},
            {{.serialSeconds = 10e-6, .kernelSeconds = 12e-6}}, table);
  EXPECT_NEAR(points[1].seconds, 5e-6, 1e-12); // of 4, 5 and 6
}

TEST(CalibrationPoints, OverlapMakesPredictionsTrue) {
  Calibration table;
  table.launchSeconds = 2e-6;
  table.overlap = 0.5;
  // 40 of 100 us could hide; half of them and a launch: 82 predicted.
  BlockPrediction predicted{
      .serial = 100e-6, .streams = 82e-6, .schedule = BranchSchedule::Streams};
  BlockProfile block{.seconds = 72e-6, .serialSeconds = 100e-6, .prediction = predicted};
  ASSERT_TRUE(fitOverlap({block}, table));
  EXPECT_NEAR(table.overlap, 0.75, 1e-9); // hides 30
  // The same of blocks that all take twice as long as predicted, but for the launch.
  table.overlap = 0.5;
  ASSERT_TRUE(
      fitOverlap({{.seconds = 142e-6, .serialSeconds = 200e-6, .prediction = predicted}}, table));
  EXPECT_NEAR(table.overlap, 0.75, 1e-9);
  table.overlap = 0.5;
  ASSERT_TRUE(
      fitOverlap({{.seconds = 500e-6, .serialSeconds = 100e-6, .prediction = predicted}}, table));
  EXPECT_EQ(table.overlap, 0.01);
  EXPECT_TRUE(fitOverlap({block}, table)); // the next model's is told
  EXPECT_FALSE(fitOverlap({{.seconds = 72e-6, .serialSeconds = 100e-6}}, table));
}
