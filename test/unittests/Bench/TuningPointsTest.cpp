//===- TuningPointsTest.cpp - Times of kernels by configuration -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TuningPoints.h"

#include <gtest/gtest.h>

using namespace flowhn;
using namespace flowhn::tools;

static LaunchProfile launch(std::string key, std::vector<int64_t> extents, std::string config,
                            double microseconds) {
  LaunchProfile launch;
  launch.tuningKey = std::move(key);
  launch.extents = std::move(extents);
  launch.config = std::move(config);
  launch.seconds = microseconds * 1e-6;
  return launch;
}

TEST(TuningPoints, AreMediansOfTheSameCalls) {
  TuningPoints points;
  EXPECT_TRUE(points.empty());
  points.add({launch("", {8}, "c", 1)}); // has one configuration alone
  EXPECT_TRUE(points.empty());
  points.add({launch("k", {8}, "wide", 5), launch("k", {8}, "wide", 3), launch("k", {9}, "wide", 7),
              launch("k", {8}, "wide", 4)});
  Calibration table;
  points.store(table);
  ASSERT_EQ(table.configs.size(), 1u);
  const std::vector<ConfigPoint> &stored = table.configs.at("k");
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(stored[0].extents, (std::vector<int64_t>{8}));
  EXPECT_EQ(stored[0].config, "wide");
  EXPECT_DOUBLE_EQ(stored[0].seconds, 4e-6);
  EXPECT_DOUBLE_EQ(stored[1].seconds, 7e-6);
}

TEST(TuningPoints, ReplaceThoseOfBefore) {
  Calibration table;
  table.configs["k"] = {{{8}, "wide", 99}, {{8}, "narrow", 77}, {{9}, "wide", 55}};
  table.configs["other"] = {{{8}, "wide", 33}};
  TuningPoints points;
  points.add({launch("k", {8}, "wide", 5)});
  points.store(table);
  ASSERT_EQ(table.configs["k"].size(), 3u);
  EXPECT_EQ(table.configs["k"][0].config, "narrow");
  EXPECT_EQ(table.configs["k"][1].seconds, 55);
  EXPECT_DOUBLE_EQ(table.configs["k"][2].seconds, 5e-6);
  EXPECT_EQ(table.configs["other"].size(), 1u);
}

TEST(TuningPoints, TellTheFirstFromTheFastest) {
  TuningPoints points;
  points.add({launch("k", {8}, "wide", 5), launch("k", {9}, "wide", 5)});
  points.add({launch("k", {8}, "narrow", 4), launch("k", {9}, "narrow", 6)});
  std::vector<TuningPoints::Outcome> outcomes = points.outcomes();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].first.config + " " + outcomes[0].best.config, "wide narrow");
  EXPECT_EQ(outcomes[1].first.config + " " + outcomes[1].best.config, "wide wide");
}
