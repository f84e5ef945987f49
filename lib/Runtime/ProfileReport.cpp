//===- ProfileReport.cpp - What a device's times are of -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProfileReport.h"

#include "../Artifact/Expression.h"

using namespace flowhn;

std::vector<LaunchProfile> flowhn::describeLaunches(const fb::Plan &plan,
                                                    const std::vector<TimedLaunch> &launches) {
  std::vector<LaunchProfile> described;
  for (const TimedLaunch &time : launches) {
    const fb::Kernel &kernel = *plan.kernels()->Get(time.kernel);
    LaunchProfile &launch = described.emplace_back();
    launch.op = kernel.op()->str();
    if (kernel.sizes())
      launch.sizes.assign(kernel.sizes()->begin(), kernel.sizes()->end());
    launch.extents = time.extents;
    launch.block = time.block;
    launch.bytes = kernel.bytes() ? evaluate<double>(*kernel.bytes(), time.extents) : 0;
    launch.seconds = time.seconds;
  }
  return described;
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
  prediction.runsStreams = times.runs_streams();
  return prediction;
}

std::vector<BlockProfile> flowhn::describeBlocks(const fb::Plan &plan,
                                                 const std::vector<TimedLaunch> &launches,
                                                 const std::vector<BlockTime> &times) {
  std::vector<BlockProfile> blocks;
  for (const BlockTime &time : times)
    blocks.push_back({time.seconds, time.serialSeconds, 0, {}});
  for (const TimedLaunch &launch : launches)
    if (launch.block >= 0)
      blocks[size_t(launch.block)].kernelSeconds += launch.seconds;
  // Blocks are the calls of the entry, in order.
  const fb::Procedure &entry = *plan.procedures()->Get(plan.entry());
  size_t block = 0;
  for (uint32_t i = 0; i < entry.commands()->size() && block < blocks.size(); ++i) {
    if (entry.commands_type()->GetEnum<fb::Command>(i) != fb::Command::Call)
      continue;
    if (const fb::Times *predicted = entry.commands()->GetAs<fb::Call>(i)->times())
      blocks[block].prediction = predictionOf(*predicted);
    ++block;
  }
  return blocks;
}
