//===- CUDAExecutor.cpp - Runs a plan on a GPU ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Executor.h"
#include "DeviceState.h"
#include "DeviceStates.h"
#include "flowhn/Runtime/Device.h"
#include "flowhn/Support/Hash.h"
#include "flowhn/Support/Json.h"

#include <algorithm>
#include <chrono>

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

class CUDAExecutor : public Executor {
public:
  CUDAExecutor(const Driver &driver, Context context, ExecutorInfo fixed)
      : driver(driver), context(std::move(context)), fixed(std::move(fixed)) {}

  /// What is on the device goes while its context is current.
  ~CUDAExecutor() override {
    (void)context.with([&] {
      state.reset();
      return Status();
    });
  }

  Expected<double> run(const EntryArguments &arguments, const TapTarget &tapTarget,
                       std::span<LaunchCounts> counts) override {
    return context.with([&] { return state->run(arguments, tapTarget, counts); });
  }
  Expected<std::vector<LaunchTime>> trace(const EntryArguments &arguments) override {
    return context.with([&] { return state->trace(arguments); });
  }
  Expected<std::unique_ptr<StateMemory>> allocateStates(int64_t bytes) override {
    return DeviceStates::allocate(driver, context, state->mainStream(), bytes);
  }
  /// 0 where the device does not say.
  int64_t freeBytes() const override {
    size_t free = 0, total = 0;
    (void)context.with(
        [&] { return driver.check(driver.memGetInfo(&free, &total), "cannot ask for memory"); });
    return int64_t(free);
  }
  /// Of nothing where the device fails: then a snapshot fails too.
  std::string fingerprint() const override {
    auto samples = context.with([&] { return state->sampleParameters(); });
    std::string parts = fixed.chip + (samples.ok() ? hashOf(*samples) : std::string());
    return hashOf(std::as_bytes(std::span(parts)));
  }

  void setProfile(size_t numKernels) override { state->setProfile(numKernels); }
  double seconds(uint32_t kernel) const override { return state->profile().seconds(kernel); }
  std::vector<TimedLaunch> launchTimes() const override { return state->profile().launchTimes(); }
  std::vector<BlockTime> blockTimes() const override { return state->profile().blockTimes(); }

  ExecutorInfo info() const override {
    ExecutorInfo info = fixed;
    state->describe(info);
    return info;
  }

  Status load(const Artifact &artifact, const DeviceInfo &device, ParameterSource &source,
              const SessionOptions &options) {
    return context.with([&]() -> Status {
      const fb::Plan &plan = *fb::GetPlan(artifact.plan(fixed.chip).data());
      auto kernels = Kernels::load(driver, context, artifact, fixed.chip, device, options.threads);
      FLOWHN_RETURN_IF_ERROR(kernels.status().withContext(artifact.source()));
      auto before = std::chrono::steady_clock::now();
      auto parameters = DeviceParameters::upload(driver, context, plan, source,
                                                 {options.threads, options.progress});
      FLOWHN_RETURN_IF_ERROR(parameters.status());
      std::chrono::duration<double> time = std::chrono::steady_clock::now() - before;
      fixed.uploadSeconds = time.count();
      auto created = DeviceState::create(driver, plan, std::move(*kernels), std::move(*parameters),
                                         options.graphs, artifact.manifest().limits.maxBatch);
      FLOWHN_RETURN_IF_ERROR(created.status());
      state = std::move(*created);
      return {};
    });
  }

private:
  const Driver &driver;
  Context context;
  ExecutorInfo fixed; ///< what does not change
  std::unique_ptr<DeviceState> state;
};

/// The first chip that the device runs, or the one asked for.
Expected<std::string> chooseChip(const std::vector<std::string> &chips, const DeviceInfo &device,
                                 const std::string &asked) {
  bool isThere = asked.empty() || std::ranges::find(chips, asked) != chips.end();
  std::string known;
  for (const std::string &chip : chips) {
    if ((asked.empty() || chip == asked) && canRun(device, chip))
      return chip;
    known += (known.empty() ? "" : ", ") + chip;
  }
  if (!isThere)
    return notFound("no code for " + quote(asked) + ", there is some for " + known);
  return incompatible("the code is for " + (asked.empty() ? known : asked) + "; device " +
                      std::to_string(device.number) + ", " + device.name +
                      ", has compute capability " + std::to_string(device.computeMajor) + "." +
                      std::to_string(device.computeMinor));
}

} // namespace

Expected<std::unique_ptr<Executor>>
flowhn::createCUDAExecutor(const Artifact &artifact, std::unique_ptr<ParameterSource> source,
                           const SessionOptions &options) {
  Expected<const Driver *> driver = Driver::get();
  FLOWHN_RETURN_IF_ERROR(driver.status().withContext(artifact.source()));
  Expected<DeviceInfo> device = findDevice(options.device);
  FLOWHN_RETURN_IF_ERROR(device.status().withContext(artifact.source()));
  auto chip = chooseChip(artifact.manifest().target.chips, *device, options.chip);
  FLOWHN_RETURN_IF_ERROR(chip.status().withContext(artifact.source()));
  Expected<Context> context = Context::retain(**driver, options.device);
  FLOWHN_RETURN_IF_ERROR(context.status());
  ExecutorInfo fixed;
  fixed.target = device->name + " (device " + std::to_string(device->number) + "), " + *chip;
  fixed.chip = *chip;
  fixed.threads = options.threads;
  auto executor = std::make_unique<CUDAExecutor>(**driver, std::move(*context), std::move(fixed));
  FLOWHN_RETURN_IF_ERROR(executor->load(artifact, *device, *source, options));
  return std::unique_ptr<Executor>(std::move(executor));
}
