//===- ProfileReport.cpp - What a device's times are of -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProfileReport.h"

#include "PlanWalk.h"

#include <map>

using namespace flowhn;

static std::string textOf(const flatbuffers::String *text) { return text ? text->str() : ""; }

LaunchInfo flowhn::describeLaunch(const fb::Kernel &kernel, std::span<const int64_t> extents,
                                  int64_t block) {
  LaunchCounts counts = countsOf(kernel, extents);
  LaunchInfo launch;
  launch.kernel = kernel.name()->str();
  launch.op = kernel.op()->str();
  launch.config = textOf(kernel.config());
  launch.tuningKey = textOf(kernel.tuning_key());
  if (kernel.sizes())
    launch.sizes.assign(kernel.sizes()->begin(), kernel.sizes()->end());
  launch.extents.assign(extents.begin(), extents.end());
  launch.block = block;
  launch.flops = counts.flops;
  launch.bytes = counts.bytes;
  launch.floorSeconds = counts.floorSeconds;
  return launch;
}

std::vector<LaunchProfile> flowhn::describeLaunches(const fb::Plan &plan,
                                                    const std::vector<TimedLaunch> &launches) {
  std::vector<LaunchProfile> described;
  for (const TimedLaunch &time : launches)
    described.push_back(
        {describeLaunch(*plan.kernels()->Get(time.kernel), time.extents, time.block),
         time.seconds});
  return described;
}

static BranchSchedule scheduleOf(fb::Schedule schedule) {
  switch (schedule) {
  case fb::Schedule::Serial:
    return BranchSchedule::Serial;
  case fb::Schedule::Streams:
    return BranchSchedule::Streams;
  case fb::Schedule::Grouped:
    return BranchSchedule::Grouped;
  }
  return BranchSchedule::Serial; // no valid plan has another
}

static BlockPrediction predictionOf(const fb::Times &times) {
  constexpr double nano = 1e-9;
  BlockPrediction prediction;
  prediction.batch = times.batch();
  prediction.tokens = times.tokens();
  prediction.attention = times.attention() * nano;
  prediction.ssm = times.ssm() * nano;
  prediction.joint = times.joint() * nano;
  prediction.serial = times.serial() * nano;
  prediction.streams = times.streams() * nano;
  prediction.grouped = times.grouped() * nano;
  prediction.schedule = scheduleOf(times.schedule());
  return prediction;
}

/// What is predicted of blocks, which the entry calls.
static std::map<int64_t, BlockPrediction> predictionsOf(const fb::Plan &plan) {
  std::map<int64_t, BlockPrediction> predictions;
  const fb::Procedure &entry = *plan.procedures()->Get(plan.entry());
  for (uint32_t i = 0; i < entry.commands()->size(); ++i) {
    if (entry.commands_type()->GetEnum<fb::Command>(i) != fb::Command::Call)
      continue;
    const fb::Call &call = *entry.commands()->GetAs<fb::Call>(i);
    if (const fb::Times *times = call.times())
      predictions.emplace(call.block(), predictionOf(*times));
  }
  return predictions;
}

std::vector<BlockProfile> flowhn::describeBlocks(const fb::Plan &plan,
                                                 const std::vector<TimedLaunch> &launches,
                                                 const std::vector<BlockTime> &times) {
  std::map<int64_t, double> kernelSeconds;
  for (const TimedLaunch &launch : launches)
    kernelSeconds[launch.block] += launch.seconds;
  std::map<int64_t, BlockPrediction> predictions = predictionsOf(plan);
  std::vector<BlockProfile> blocks;
  for (const BlockTime &time : times) {
    BlockProfile &block = blocks.emplace_back();
    block.block = time.block;
    block.seconds = time.seconds;
    block.serialSeconds = time.serialSeconds;
    block.kernelSeconds = kernelSeconds[time.block];
    if (auto predicted = predictions.find(time.block); predicted != predictions.end())
      block.prediction = predicted->second;
  }
  return blocks;
}
