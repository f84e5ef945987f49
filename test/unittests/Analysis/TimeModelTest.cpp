//===- TimeModelTest.cpp - Predicted times --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/SplitTimes.h"
#include "flowhn/Target/NVPTX/Calibrations.h"

#include <gtest/gtest.h>

using namespace mlir::flowhn;
using ::flowhn::Calibration;
using ::flowhn::KernelClass;

namespace {
/// The rates of a chip alone, whose streams hide half of what could be hidden.
Calibration hidingHalf(Calibration table) {
  table.overlap = 0.5;
  table.points.clear();
  return table;
}

struct TimeModelTest : testing::Test {
  GPUTargetInfo chip = *GPUTargetInfo::get("sm_90a");
  Calibration table = hidingHalf(getCalibration(chip));
  TimeModel model{chip, table};

  double microseconds(const KernelWork &work, CallTokens tokens) const {
    return model.predict(work, tokens).seconds * 1e6;
  }
};
} // namespace

/// Results and residual of a row take `rowBytes`.
static KernelWork product(int64_t columns, int64_t inner, int64_t rowBytes) {
  KernelWork work{KernelClass::Matmul, columns, inner};
  work.bytes.linear = rowBytes;
  return work;
}

static KernelWork moving(int64_t bytesPerToken) {
  KernelWork work{KernelClass::Rowwise};
  work.bytes.linear = bytesPerToken;
  return work;
}

static KernelWork attention(int64_t heads, int64_t headSize) {
  return {KernelClass::Attention, heads, headSize};
}
static KernelWork scan(int64_t channels) { return {KernelClass::Scan, channels, 16}; }

/// Means over the models' calls on an H200: a third of the calls of each is of 8 x 1024 tokens, the
/// others of what a split leaves to the branch. From the rates alone.
TEST_F(TimeModelTest, MeetsWhatWasMeasured) {
  auto mean = [&](const KernelWork &work, std::initializer_list<int64_t> tokens) {
    double sum = 0;
    for (int64_t n : tokens)
      sum += microseconds(work, {8, n});
    return sum / tokens.size();
  };
  auto expectNear = [](double predicted, double measured) {
    EXPECT_NEAR(predicted / measured, 1, 0.15) << predicted << " for " << measured;
  };
  auto both1B = {567, 457, 1024}, both350M = {569, 455, 1024}, both135M = {581, 443, 1024};
  auto means = [&](const KernelWork &work, const auto &counts) {
    double fac =
        microseconds(work, {8, counts.begin()[0]}) + microseconds(work, {8, counts.begin()[1]});
    return (2 * fac + 2 * microseconds(work, {8, 1024})) / 6;
  };
  expectNear(means(product(16384, 2048, 2 * 8192), both1B), 559.2);
  expectNear(means(product(2048, 8192, 8 * 2048), both1B), 296.2);
  expectNear(means(product(8192, 1024, 2 * 4096), both350M), 142.2);
  expectNear(means(product(1024, 4096, 8 * 1024), both350M), 81.3);
  expectNear(means(product(4096, 768, 2 * 2048), both135M), 54.5);
  expectNear(means(product(768, 2048, 8 * 768), both135M), 37.1);
  expectNear(mean(attention(32, 24), {581, 581, 1024}), 66.0);
  expectNear(mean(scan(1536), {443, 443, 1024}), 66.5);
  expectNear(mean(scan(2048), {455, 455, 1024}), 69.7);
  expectNear(mean(scan(4096), {457, 457, 1024}), 130.4);
  expectNear(microseconds(moving(6 * 2048), {1, 23254}), 74.0); // rms_norm_2048
}

TEST_F(TimeModelTest, ProductsTakeWholeWaves) {
  // 256 columns are one tile wide: 132 tiles of rows fill the multiprocessors.
  auto waves = [&](int64_t rowTiles) {
    CallTokens tokens{1, rowTiles * 128};
    return microseconds(product(256, 1024, 0), tokens) - table.launchSeconds * 1e6;
  };
  double whole = waves(132);
  EXPECT_DOUBLE_EQ(waves(67), whole);
  EXPECT_NEAR(waves(132 + 67), 2 * whole, 1e-9);
  EXPECT_NEAR(waves(2 * 132), 2 * whole, 1e-9);
  // Two blocks make each tile of a wave that half of them would do, four that of a quarter.
  double half = waves(132 + 66) - whole, quarter = waves(132 + 33) - whole;
  EXPECT_NEAR(waves(132 + 34) - whole, half, 1e-9);
  EXPECT_NEAR(waves(132 + 1) - whole, quarter, 1e-9);
  EXPECT_GT(half, 0.5 * whole);
  EXPECT_LT(half, 0.7 * whole);
  EXPECT_GT(quarter, 0.25 * whole);
  EXPECT_LT(quarter, 0.8 * half);
  EXPECT_EQ(microseconds(product(256, 1024, 0), {1, 0}), 0);
  // 384 columns are as many in two tiles of 192, which take less.
  EXPECT_LT(microseconds(product(384, 1024, 0), {1, 66 * 128}) - table.launchSeconds * 1e6,
            0.9 * whole);
}

TEST_F(TimeModelTest, ProductsOfMiddlingRowsHaveNarrowTiles) {
  auto work = [&](int64_t columns, int64_t rows) {
    return microseconds(product(columns, 8192, 0), {1, rows}) - table.launchSeconds * 1e6;
  };
  // 9 tiles of rows: 8 tiles of 256 columns leave multiprocessors idle, 11 of 192 do not.
  EXPECT_LT(work(2048, 9 * 128), 0.9 * work(2048, 13 * 128));
  // Nobody has less than a part of the narrowest tile.
  EXPECT_NEAR(work(1024, 65) / work(1024, 8 * 128), 1, 0.05);
  // The branch with more rows decides on the kernel of both.
  BlockWork block;
  block.branches = {{Branch::Attention, {product(1024, 1024, 0)}},
                    {Branch::SSM, {product(1024, 1024, 0)}}};
  block.stretches = {{.products = {product(1024, 1024, 0), product(1024, 1024, 0)}}};
  BlockTimes times = model.predict(block, {1, 2536}, {1, 1000}, {1, 1536});
  EXPECT_LT(times.grouped, times.serial);
  times = model.predict(block, {1, 2537}, {1, 1000}, {1, 1537});
  EXPECT_LT(times.grouped, times.serial);
}

TEST_F(TimeModelTest, ProductsOfFewRowsTakeTheirBytes) {
  auto bytesOf = [&](double rows) { return 2 * (1024 * 2048 + rows * (1024 + 2048)); };
  KernelWork work = product(1024, 2048, 2 * 1024);
  for (int64_t rows : {1, 64})
    EXPECT_NEAR(microseconds(work, {1, rows}),
                (table.launchSeconds + bytesOf(rows) / table.byteRate) * 1e6, 1e-9);
  EXPECT_GT(microseconds(work, {1, 65}), 2 * microseconds(work, {1, 64}));
  // They share no launch.
  BlockWork block;
  block.branches = {{Branch::Attention, {work}}, {Branch::SSM, {work}}};
  block.stretches = {{.products = {work, work}}};
  BlockTimes times = model.predict(block, {1, 2}, {1, 1}, {1, 1});
  EXPECT_DOUBLE_EQ(times.grouped, times.serial);
  EXPECT_EQ(times.fastest(), Schedule::Serial);
}

TEST_F(TimeModelTest, FollowsMeasuredKernels) {
  KernelWork work = product(2048, 2048, 4096);
  CallTokens tokens{8, 1024};
  double law = microseconds(work, tokens);
  table.points[KernelClass::Matmul] = {{work.sizes(tokens), 2 * law * 1e-6}};
  TimeModel measured(chip, table);
  auto ratio = [&](const KernelWork &work, CallTokens tokens) {
    return measured.predict(work, tokens).seconds / model.predict(work, tokens).seconds;
  };
  EXPECT_NEAR(ratio(work, tokens), 2, 0.03);
  double near = ratio(work, {8, 900}), far = ratio(product(256, 256, 512), tokens);
  EXPECT_GT(near, 1.8);
  EXPECT_LT(near, 2);
  EXPECT_NEAR(far, 1, 1e-3);
  EXPECT_EQ(ratio(moving(4096), tokens), 1);
}

TEST_F(TimeModelTest, StreamsHideWhatDoesNotFillTheChip) {
  CallTokens all{8, 1024}, half{8, 512};
  BlockWork block;
  block.branches = {{Branch::Attention, {moving(4096)}}, {Branch::SSM, {moving(4096)}}};
  block.joint = {moving(8192)};
  BlockTimes full = model.predict(block, all, half, half);
  EXPECT_DOUBLE_EQ(full.serial, full.attention + full.ssm + full.joint);
  // Both fill the chip but for their launches, of which half are hidden; one orders streams.
  EXPECT_NEAR(full.streams, full.serial, 1e-12);
  block.branches[0].kernels = {scan(2048)};
  block.branches[1].kernels = {scan(2048)};
  BlockTimes partial = model.predict(block, all, half, half);
  EXPECT_LT(partial.streams, partial.serial);
  EXPECT_GE(partial.streams, partial.joint + partial.ssm);
  // An empty branch has nothing to hide.
  BlockTimes empty = model.predict(block, all, {8, 0}, all);
  EXPECT_EQ(empty.attention, 0);
  EXPECT_GT(empty.streams, empty.serial);
}

TEST_F(TimeModelTest, GroupedProductsFillEachOthersRounds) {
  CallTokens all{1, 2 * 132 * 128};
  KernelWork longer = product(256, 2048, 0), shorter = product(256, 1024, 0);
  BlockWork block;
  block.branches = {{Branch::Attention, {shorter}}, {Branch::SSM, {longer}}};
  block.stretches = {{.products = {shorter, longer}}};
  auto predict = [&](int64_t attention, int64_t ssm) {
    return model.predict(block, all, {1, 4 * attention * 128}, {1, 4 * ssm * 128});
  };
  double launch = table.launchSeconds;
  double round = microseconds(shorter, {1, 132 * 128}) * 1e-6 - launch;
  // In fours of tiles, of which a round has 33: what both leave of one, they share.
  EXPECT_NEAR(predict(33, 33).grouped, 3 * round + launch, 1e-12);
  EXPECT_NEAR(predict(13, 43).grouped, 4 * round + launch, 1e-12); // 2 rounds of the longer ones
  EXPECT_NEAR(predict(23, 43).grouped, 4 * round + launch, 1e-12);
  EXPECT_NEAR(predict(41, 43).grouped, 5 * round + launch, 1e-12);
  EXPECT_NEAR(predict(17, 50).serial, 5 * round + 2 * launch, 1e-12);
  // A last round is made in pieces, whichever product's tiles they are.
  double half = microseconds(shorter, {1, 196 * 128}) * 1e-6 - launch - round;
  double quarter = microseconds(shorter, {1, 136 * 128}) * 1e-6 - launch - round;
  EXPECT_NEAR(predict(24, 43).grouped, 4 * round + quarter + launch, 1e-12);
  EXPECT_NEAR(predict(13, 35).grouped, 2 * round + 2 * half + launch, 1e-12);
  EXPECT_EQ(predict(33, 33).fastest(), Schedule::Grouped);
  // A branch without tokens costs nothing, and both together no launch.
  EXPECT_NEAR(predict(33, 0).grouped, round + launch, 1e-12);
  EXPECT_EQ(predict(0, 0).grouped, 0);
  EXPECT_EQ(predict(33, 0).fastest(), Schedule::Serial);
  // What lies between runs on two streams where both have more to do than to move bytes.
  StretchWork &between = block.stretches.emplace_back();
  between.kernels[0] = between.kernels[1] = {attention(1, 64)};
  double inTurn = predict(33, 33).grouped;
  between.forks = true;
  EXPECT_LT(predict(33, 33).grouped, inTurn);
  // Norms of both branches take a launch less, where both have tokens.
  between = {};
  between.kernels[0] = between.kernels[1] = {moving(6 * 1024)};
  BlockTimes inTurnOfBoth = predict(33, 33), inTurnOfOne = predict(33, 0);
  between.areNorms = true;
  EXPECT_NEAR(predict(33, 33).grouped, inTurnOfBoth.grouped - launch, 1e-12);
  EXPECT_EQ(predict(33, 0).grouped, inTurnOfOne.grouped);
  // Other chips have no such launches.
  TimeModel other(*GPUTargetInfo::get("sm_80"), getCalibration(*GPUTargetInfo::get("sm_80")));
  EXPECT_EQ(other.predict(block, all, all, all).grouped, 0);
}

TEST_F(TimeModelTest, FindsTheFastestCount) {
  BlockWork block;
  block.branches = {{Branch::Attention, {attention(32, 64), product(4096, 1024, 8192)}},
                    {Branch::SSM, {scan(2048), product(6000, 1024, 12000)}}};
  CallTokens all{4, 300};
  block.stretches = {{.kernels = {{{attention(32, 64)}, {scan(2048)}}},
                      .products = {product(4096, 1024, 8192), product(6000, 1024, 12000)},
                      .forks = true}};
  std::optional<Schedule> schedules[] = {Schedule::Serial, Schedule::Streams, Schedule::Grouped,
                                         std::nullopt};
  for (std::optional<Schedule> schedule : schedules) {
    auto timeOf = [&](const BlockTimes &times) {
      return times.of(schedule.value_or(times.fastest()));
    };
    SplitTimes found = findFastestCount(model, block, all, 30, 270, schedule);
    for (int64_t count = 30; count <= 270; ++count) {
      double time = timeOf(model.predict(block, all, {4, count}, {4, 300 - count}));
      EXPECT_GE(time, timeOf(found.times));
      if (count < found.count) {
        EXPECT_GT(time, timeOf(found.times));
      }
    }
  }
  EXPECT_EQ(findFastestCount(model, block, all, 77, 77, Schedule::Serial).count, 77);
}

TEST(Calibrations, AreThereForEveryChip) {
  Calibration measured = getCalibration(*GPUTargetInfo::get("sm_90a"));
  EXPECT_EQ(measured.device, "NVIDIA H200");
  EXPECT_EQ(measured.points.size(), 4u);
  Calibration other = getCalibration(*GPUTargetInfo::get("sm_80"));
  EXPECT_EQ(other.chip, "sm_80");
  EXPECT_EQ(other.device, "");
  EXPECT_LT(other.matmulRate, measured.matmulRate);
  EXPECT_TRUE(other.points.empty());
  EXPECT_TRUE(other.configs.empty());
  GPUTargetInfo hopper = *GPUTargetInfo::get("sm_90a");
  EXPECT_EQ(loadCalibration(hopper, "H200")->device, measured.device);
  EXPECT_EQ(loadCalibration(hopper, "H100")->device, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(loadCalibration(hopper, "H300").status().code(), ::flowhn::StatusCode::NotFound);
  EXPECT_TRUE(isShippedCalibration("H100"));
  EXPECT_FALSE(isShippedCalibration("H100.json"));
}
