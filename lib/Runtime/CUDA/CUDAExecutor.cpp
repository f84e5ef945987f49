//===- CUDAExecutor.cpp - Runs a plan on a GPU ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Executor.h"
#include "DeviceParameters.h"
#include "DeviceProfile.h"
#include "GraphCache.h"
#include "Launcher.h"
#include "flowhn/Runtime/Device.h"
#include "flowhn/Support/Json.h"

#include <algorithm>
#include <chrono>
#include <cstring>

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

/// Results come back in pieces of at most this much pinned memory.
constexpr int64_t maxResultBytes = int64_t(64) << 20;

/// What lives in the context of the device.
class DeviceState {
public:
  static Expected<std::unique_ptr<DeviceState>> create(const Driver &driver, const fb::Plan &plan,
                                                       Kernels kernels, DeviceParameters parameters,
                                                       bool graphs) {
    Expected<Launcher> launcher = Launcher::create(driver, plan, std::move(kernels));
    FLOWHN_RETURN_IF_ERROR(launcher.status());
    std::unique_ptr<DeviceState> state(
        new DeviceState(driver, plan, std::move(*launcher), std::move(parameters), graphs));
    for (Event *event : {&state->start, &state->end}) {
      Expected<Event> created = createEvent(driver, /*hasTime=*/true);
      FLOWHN_RETURN_IF_ERROR(created.status());
      *event = std::move(*created);
    }
    return state;
  }

  Expected<double> run(const EntryArguments &arguments, const TapTarget &tapTarget,
                       std::span<LaunchCounts> counts) {
    Expected<double> seconds = runCall(arguments, tapTarget, counts);
    if (!seconds.ok()) // nothing may still write to what is the caller's
      launcher.drain();
    return seconds;
  }

  Expected<std::vector<LaunchTime>> trace(const EntryArguments &arguments) {
    Expected<std::vector<LaunchTime>> times = traceCall(arguments);
    if (!times.ok())
      launcher.drain();
    return times;
  }

  void setProfile(size_t numKernels) { measured = DeviceProfile(numKernels); }
  const DeviceProfile &profile() const { return measured; }

  void describe(ExecutorInfo &info) const {
    info.parameterBytes = parameters.bytes();
    info.workspaceBytes = workspace.bytes();
    info.deviceBytes = parameters.deviceBytes() + workspace.bytes() + deviceTables.bytes() +
                       logits.bytes() + tokens.bytes();
  }

private:
  DeviceState(const Driver &driver, const fb::Plan &plan, Launcher launcher,
              DeviceParameters parameters, bool graphs)
      : driver(driver), plan(plan), useGraphs(graphs), parameters(std::move(parameters)),
        launcher(std::move(launcher)) {}

  Expected<double> runCall(const EntryArguments &arguments, const TapTarget &tapTarget,
                           std::span<LaunchCounts> counts) {
    bool isPlain = !tapTarget && counts.empty();
    GraphCache::Key key;
    if (useGraphs && isPlain) {
      key = GraphCache::keyOf(arguments);
      if (GraphCache::Entry *known = cache.find(key); known && known->graph)
        return execute(known->tables, arguments, [&] { return launchGraph(known->graph); });
    }
    LaunchList list(plan);
    FLOWHN_RETURN_IF_ERROR(list.build(arguments, tapTarget, counts));
    FLOWHN_RETURN_IF_ERROR(reserve(list, arguments));
    if (!counts.empty())
      return execute(list.tables(), arguments, [&] { return addToProfile(list); });
    if (tapTarget)
      return execute(list.tables(), arguments,
                     [&] { return launcher.enqueueInOrder(list, bases()); });
    if (GraphCache::Entry *known = useGraphs ? cache.find(key) : nullptr) {
      FLOWHN_RETURN_IF_ERROR(record(list, *known));
      return execute(known->tables, arguments, [&] { return launchGraph(known->graph); });
    }
    Expected<double> seconds =
        execute(list.tables(), arguments, [&] { return launcher.enqueue(list, bases()); });
    if (useGraphs && seconds.ok())
      cache.add(std::move(key));
    return seconds;
  }

  /// Runs a call for the times of its launches, one at a time, and again for those of its
  /// blocks under either schedule.
  Status addToProfile(const LaunchList &list) {
    Expected<std::vector<double>> launches = launcher.profile(list, bases());
    FLOWHN_RETURN_IF_ERROR(launches.status());
    std::vector<BlockTime> blocks;
    for (int64_t block : list.blocks())
      blocks.push_back({block});
    for (double BlockTime::*part : {&BlockTime::seconds, &BlockTime::serialSeconds}) {
      if (blocks.empty())
        break;
      bool inOrder = part == &BlockTime::serialSeconds;
      Expected<std::vector<double>> seconds = launcher.timeBlocks(list, bases(), inOrder);
      FLOWHN_RETURN_IF_ERROR(seconds.status());
      for (size_t i = 0; i < blocks.size(); ++i)
        blocks[i].*part = (*seconds)[i];
    }
    measured.add(list, *launches, std::move(blocks));
    return {};
  }

  Status record(const LaunchList &list, GraphCache::Entry &entry) {
    Expected<GraphExec> graph = launcher.capture(list, bases());
    FLOWHN_RETURN_IF_ERROR(graph.status());
    entry.graph = std::move(*graph);
    entry.tables.assign(list.tables().begin(), list.tables().end());
    return {};
  }

  Expected<std::vector<LaunchTime>> traceCall(const EntryArguments &arguments) {
    LaunchList list(plan);
    FLOWHN_RETURN_IF_ERROR(list.build(arguments, {}, {}));
    FLOWHN_RETURN_IF_ERROR(reserve(list, arguments));
    Expected<GraphExec> graph = GraphExec();
    if (useGraphs)
      graph = launcher.capture(list, bases(), Times::LaunchesOfGraph);
    FLOWHN_RETURN_IF_ERROR(graph.status());
    auto launch = [&] {
      return useGraphs ? launchGraph(*graph)
                       : launcher.enqueue(list, bases(), {.times = Times::Launches});
    };
    // The first run brings the graph to the device; the second one takes its times again.
    for (int run = 0; run < 2; ++run)
      FLOWHN_RETURN_IF_ERROR(execute(list.tables(), arguments, launch).status());
    return launcher.readTimes(list);
  }

  Status launchGraph(const GraphExec &graph) {
    return driver.check(driver.graphLaunch(graph.get(), launcher.mainStream()),
                        "cannot launch the graph of a call");
  }

  /// Makes room for a call.
  Status reserve(const LaunchList &list, const EntryArguments &arguments) {
    auto growDevice = [&](DeviceMemory &memory, int64_t bytes, const char *purpose) -> Status {
      if (bytes > memory.bytes())
        cache.dropGraphs();
      return grow(driver, memory, bytes, purpose);
    };
    int64_t tableBytes = int64_t(list.tables().size());
    int64_t tokenBytes = int64_t(arguments.tokens.size_bytes());
    FLOWHN_RETURN_IF_ERROR(growDevice(workspace, list.workspaceBytes(), "buffers"));
    FLOWHN_RETURN_IF_ERROR(growDevice(deviceTables, tableBytes, "tables"));
    FLOWHN_RETURN_IF_ERROR(
        growDevice(logits, arguments.numLogits() * int64_t(sizeof(float)), "logits"));
    FLOWHN_RETURN_IF_ERROR(growDevice(tokens, tokenBytes, "tokens"));
    return grow(driver, hostTables, tableBytes, "tables");
  }

  DeviceBases bases() const {
    return {workspace.address(), deviceTables.address(), logits.address(), tokens.address(),
            &parameters};
  }

  /// Uploads the tables, runs what `launch` hands over and brings the results back.
  /// Gives the seconds in between.
  template <typename Launch>
  Expected<double> execute(std::span<const std::byte> tables, const EntryArguments &arguments,
                           const Launch &launch) {
    StreamHandle stream = launcher.mainStream();
    std::memcpy(hostTables.data(), tables.data(), tables.size());
    std::memcpy(hostTables.data(), arguments.ids.data(), arguments.ids.size_bytes());
    FLOWHN_RETURN_IF_ERROR(driver.check(
        driver.copyToDevice(deviceTables.address(), hostTables.data(), tables.size(), stream),
        "cannot upload the tables of a call"));
    FLOWHN_RETURN_IF_ERROR(takeTime(start));
    FLOWHN_RETURN_IF_ERROR(launch());
    FLOWHN_RETURN_IF_ERROR(takeTime(end));
    FLOWHN_RETURN_IF_ERROR(download(logits, std::as_writable_bytes(arguments.logits)));
    FLOWHN_RETURN_IF_ERROR(download(tokens, std::as_writable_bytes(arguments.tokens)));
    FLOWHN_RETURN_IF_ERROR(launcher.wait());
    return secondsBetween(driver, start, end);
  }

  Status takeTime(const Event &event) {
    return driver.check(driver.eventRecord(event.get(), launcher.mainStream()),
                        "cannot take a time");
  }

  Status download(const DeviceMemory &from, std::span<std::byte> to) {
    FLOWHN_RETURN_IF_ERROR(
        grow(driver, results, std::min(int64_t(to.size()), maxResultBytes), "results"));
    for (size_t done = 0; done < to.size();) {
      size_t bytes = std::min(to.size() - done, size_t(results.bytes()));
      FLOWHN_RETURN_IF_ERROR(driver.check(
          driver.copyToHost(results.data(), from.address() + done, bytes, launcher.mainStream()),
          "cannot download the results of a call"));
      FLOWHN_RETURN_IF_ERROR(launcher.wait());
      std::memcpy(to.data() + done, results.data(), bytes);
      done += bytes;
    }
    return {};
  }

  const Driver &driver;
  const fb::Plan &plan;
  bool useGraphs;
  DeviceParameters parameters;
  Launcher launcher;
  DeviceMemory workspace, deviceTables, logits, tokens;
  PinnedMemory hostTables, results;
  Event start, end;
  GraphCache cache;
  DeviceProfile measured;
};

class CUDAExecutor : public Executor {
public:
  CUDAExecutor(Context context, ExecutorInfo fixed) : context(std::move(context)), fixed(fixed) {}

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
  void setProfile(size_t numKernels) override { state->setProfile(numKernels); }
  double seconds(uint32_t kernel) const override { return state->profile().seconds(kernel); }
  std::vector<TimedLaunch> launchTimes() const override { return state->profile().launchTimes(); }
  std::vector<BlockTime> blockTimes() const override { return state->profile().blockTimes(); }

  ExecutorInfo info() const override {
    ExecutorInfo info = fixed;
    state->describe(info);
    return info;
  }

  Status load(const Driver &driver, const Artifact &artifact, const DeviceInfo &device,
              ParameterSource &source, const SessionOptions &options) {
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
                                         options.graphs);
      FLOWHN_RETURN_IF_ERROR(created.status());
      state = std::move(*created);
      return {};
    });
  }

private:
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
  auto executor = std::make_unique<CUDAExecutor>(std::move(*context), std::move(fixed));
  FLOWHN_RETURN_IF_ERROR(executor->load(**driver, artifact, *device, *source, options));
  return std::unique_ptr<Executor>(std::move(executor));
}
