//===- Launcher.cpp - Hands launches to a device --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launcher.h"
#include "TensorMaps.h"
#include "flowhn/Support/Json.h"

#include <algorithm>

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

/// The number of streams that a plan uses.
unsigned countStreams(const fb::Plan &plan) {
  uint32_t last = 0;
  for (const fb::Procedure *procedure : *plan.procedures())
    for (uint32_t i = 0; i < procedure->commands()->size(); ++i)
      if (procedure->commands_type()->GetEnum<fb::Command>(i) == fb::Command::Fork)
        for (uint32_t stream : *procedure->commands()->GetAs<fb::Fork>(i)->streams())
          last = std::max(last, stream);
  return last + 1;
}

/// Ends a capture that failed, so that its streams can be used again.
class CaptureGuard {
public:
  CaptureGuard(const Driver &driver, StreamHandle stream) : driver(driver), stream(stream) {}
  ~CaptureGuard() {
    if (isOpen)
      (void)end();
  }

  Expected<Graph> end() {
    isOpen = false;
    GraphHandle graph = nullptr;
    Status status =
        driver.check(driver.streamEndCapture(stream, &graph), "cannot record a call as a graph");
    Graph owner(driver, graph);
    FLOWHN_RETURN_IF_ERROR(status);
    return owner;
  }

private:
  const Driver &driver;
  StreamHandle stream;
  bool isOpen = true;
};

} // namespace

Expected<Launcher> Launcher::create(const Driver &driver, const fb::Plan &plan, Kernels kernels) {
  Launcher launcher(driver, plan, std::move(kernels));
  for (unsigned i = countStreams(plan); i > 0; --i) {
    Expected<Stream> stream = createStream(driver);
    FLOWHN_RETURN_IF_ERROR(stream.status());
    launcher.streams.push_back(std::move(*stream));
    Expected<Event> event = createEvent(driver, /*hasTime=*/false);
    FLOWHN_RETURN_IF_ERROR(event.status());
    launcher.events.push_back(std::move(*event));
  }
  launcher.ends.resize(launcher.streams.size());
  return launcher;
}

Status Launcher::order(unsigned working, unsigned waiting) {
  std::string asked = "cannot order streams";
  bool isSignalled = ends[working] == End::SignallingKernel;
  ends[waiting] = isSignalled ? End::Signal : End::Other;
  EventHandle event = events[working].get();
  if (!isSignalled)
    FLOWHN_RETURN_IF_ERROR(driver.check(driver.eventRecord(event, streams[working].get()), asked));
  return driver.check(driver.streamWaitEvent(streams[waiting].get(), event, 0), asked);
}

Status Launcher::enqueue(const LaunchList &list, const DeviceBases &bases, EnqueueOptions options) {
  size_t taken = 0;
  unsigned flags = options.times == Times::LaunchesOfGraph ? constants::eventRecordExternal : 0;
  bool timesBlocks = options.times == Times::Blocks;
  bool timesLaunches = options.times != Times::None && !timesBlocks;
  auto take = [&](unsigned stream) { return takeTime(taken++, stream, flags); };
  ends.assign(streams.size(), End::Other);
  std::vector<LaunchStart> starts(list.commands().size());
  if (driver.hasDependentLaunches())
    starts = planStarts(list, plan, kernels);
  if (timesLaunches)
    FLOWHN_RETURN_IF_ERROR(take(0));
  for (size_t i = 0; i < starts.size(); ++i) {
    const LaunchList::Command &command = list.commands()[i];
    if (auto *launched = std::get_if<LaunchList::Launch>(&command)) {
      unsigned stream = options.inOrder ? 0 : launched->stream;
      starts[i].signals &= options.isCaptured && options.times == Times::None;
      FLOWHN_RETURN_IF_ERROR(launch(list, *launched, bases, stream, starts[i]));
      if (timesLaunches)
        FLOWHN_RETURN_IF_ERROR(take(stream));
    }
    if (auto *fork = std::get_if<LaunchList::Fork>(&command))
      for (uint32_t stream : fork->streams)
        if (stream != 0 && !options.inOrder)
          FLOWHN_RETURN_IF_ERROR(order(0, stream));
    if (auto *join = std::get_if<LaunchList::Join>(&command))
      for (uint32_t stream : join->streams)
        if (stream != 0 && !options.inOrder)
          FLOWHN_RETURN_IF_ERROR(order(stream, 0));
    if (timesBlocks && std::holds_alternative<LaunchList::BlockEdge>(command))
      FLOWHN_RETURN_IF_ERROR(take(0));
  }
  return {};
}

Status Launcher::enqueueInOrder(const LaunchList &list, const DeviceBases &bases) {
  for (const LaunchList::Command &command : list.commands()) {
    if (auto *launched = std::get_if<LaunchList::Launch>(&command))
      FLOWHN_RETURN_IF_ERROR(launch(list, *launched, bases, /*stream=*/0));
    if (auto *tap = std::get_if<PlannedTap>(&command))
      FLOWHN_RETURN_IF_ERROR(copyTap(list, *tap, bases));
  }
  return {};
}

Status Launcher::takeTime(size_t number, unsigned stream, unsigned flags) {
  ends[stream] = End::Other;
  if (number == times.size()) {
    Expected<Event> event = createEvent(driver, /*hasTime=*/true);
    FLOWHN_RETURN_IF_ERROR(event.status());
    times.push_back(std::move(*event));
  }
  return driver.check(
      driver.eventRecordWithFlags(times[number].get(), streams[stream].get(), flags),
      "cannot take a time");
}

Expected<std::vector<double>> Launcher::readIntervals(size_t count) {
  FLOWHN_RETURN_IF_ERROR(wait());
  std::vector<double> seconds;
  for (size_t i = 0; i < count; ++i) {
    Expected<double> time = secondsBetween(driver, times[2 * i], times[2 * i + 1]);
    FLOWHN_RETURN_IF_ERROR(time.status());
    seconds.push_back(*time);
  }
  return seconds;
}

Expected<std::vector<double>> Launcher::timeBlocks(const LaunchList &list, const DeviceBases &bases,
                                                   bool inOrder) {
  FLOWHN_RETURN_IF_ERROR(enqueue(list, bases, {inOrder}));
  FLOWHN_RETURN_IF_ERROR(enqueue(list, bases, {inOrder, Times::Blocks}));
  return readIntervals(list.blocks().size());
}

Expected<std::vector<double>> Launcher::profile(const LaunchList &list, const DeviceBases &bases) {
  size_t launched = 0;
  for (const LaunchList::Command &command : list.commands()) {
    if (auto *tap = std::get_if<PlannedTap>(&command))
      FLOWHN_RETURN_IF_ERROR(copyTap(list, *tap, bases));
    auto *one = std::get_if<LaunchList::Launch>(&command);
    if (!one)
      continue;
    FLOWHN_RETURN_IF_ERROR(takeTime(2 * launched, /*stream=*/0));
    FLOWHN_RETURN_IF_ERROR(launch(list, *one, bases, /*stream=*/0));
    FLOWHN_RETURN_IF_ERROR(takeTime(2 * launched + 1, /*stream=*/0));
    ++launched;
  }
  return readIntervals(launched);
}

Expected<std::vector<LaunchTime>> Launcher::readTimes(const LaunchList &list) const {
  std::vector<LaunchTime> result;
  std::vector<double> free(streams.size(), 0); // since when each stream is
  for (const LaunchList::Command &command : list.commands()) {
    if (auto *launched = std::get_if<LaunchList::Launch>(&command)) {
      Expected<double> end = secondsBetween(driver, times[0], times[result.size() + 1]);
      FLOWHN_RETURN_IF_ERROR(end.status());
      double start = free[launched->stream];
      free[launched->stream] = std::max(start, *end);
      result.push_back({start, free[launched->stream]});
    }
    if (auto *fork = std::get_if<LaunchList::Fork>(&command))
      for (uint32_t stream : fork->streams)
        free[stream] = std::max(free[stream], free[0]);
    if (auto *join = std::get_if<LaunchList::Join>(&command))
      for (uint32_t stream : join->streams)
        free[0] = std::max(free[0], free[stream]);
  }
  return result;
}

Expected<GraphExec> Launcher::capture(const LaunchList &list, const DeviceBases &bases,
                                      Times times) {
  std::string asked = "cannot record a call as a graph";
  FLOWHN_RETURN_IF_ERROR(
      driver.check(driver.streamBeginCapture(mainStream(), constants::captureThreadLocal), asked));
  CaptureGuard guard(driver, mainStream());
  FLOWHN_RETURN_IF_ERROR(enqueue(list, bases, {/*inOrder=*/false, times, /*isCaptured=*/true}));
  Expected<Graph> graph = guard.end();
  FLOWHN_RETURN_IF_ERROR(graph.status());
  GraphExecHandle exec = nullptr;
  FLOWHN_RETURN_IF_ERROR(
      driver.check(driver.graphInstantiate(&exec, graph->get(), /*flags=*/0), asked));
  return GraphExec(driver, exec);
}

Status Launcher::wait() {
  return driver.check(driver.streamSynchronize(mainStream()), "the kernels of a call failed");
}

void Launcher::drain() {
  for (const Stream &stream : streams)
    driver.streamSynchronize(stream.get());
}

Status Launcher::launch(const LaunchList &list, const LaunchList::Launch &launch,
                        const DeviceBases &bases, unsigned stream, const LaunchStart &start) {
  const fb::Kernel &kernel = *plan.kernels()->Get(launch.kernel);
  const fb::GPULaunch &gpu = *kernel.gpu();
  std::span<const int64_t> indices = list.indices(launch);
  const int64_t *index = indices.data();
  const Place *memory = list.memories(launch);
  values.clear();
  for (uint8_t isIndex : *kernel.index_args())
    values.push_back(isIndex ? uint64_t(*index++) : list.addressOf(*memory++, bases));
  size_t numMaps = gpu.tensor_maps() ? gpu.tensor_maps()->size() : 0;
  maps.resize(numMaps);
  std::string label = "kernel " + quote(kernel.name()->string_view());
  for (uint32_t i = 0; i < numMaps; ++i)
    FLOWHN_RETURN_IF_ERROR(
        encodeTensorMap(driver, *gpu.tensor_maps()->Get(i), values, indices, maps[i])
            .withContext(label));
  pointers.clear();
  for (uint64_t &value : values)
    pointers.push_back(&value);
  for (EncodedTensorMap &map : maps)
    pointers.push_back(&map);
  bool startsEarly = start.early && ends[stream] != End::Other;
  attributes.clear();
  if (startsEarly && ends[stream] != End::Signal)
    attributes.push_back({.id = constants::launchProgrammaticSerialization, .isProgrammatic = 1});
  if (start.signals)
    attributes.push_back({.id = constants::launchProgrammaticEvent,
                          .programmaticEvent = {events[stream].get(), 0, 0}});
  if (launch.clusterBlocks)
    attributes.push_back(
        {.id = constants::launchClusterBlocks, .clusterBlocks = {launch.clusterBlocks, 1, 1}});
  ends[stream] = start.signals ? End::SignallingKernel : End::Kernel;
  LaunchConfig config = {.gridX = launch.grid[0],
                         .gridY = launch.grid[1],
                         .gridZ = launch.grid[2],
                         .blockX = gpu.threads(),
                         .sharedBytes = startsEarly ? *start.early : gpu.shared_bytes(),
                         .stream = streams[stream].get(),
                         .attributes = attributes.data(),
                         .numAttributes = unsigned(attributes.size())};
  return driver.check(
      driver.launchKernel(&config, kernels[launch.kernel], pointers.data(), nullptr),
      label + ": cannot launch");
}

Status Launcher::copyTap(const LaunchList &list, const PlannedTap &tap, const DeviceBases &bases) {
  Copy2D copy;
  copy.fromKind = constants::memoryDevice;
  copy.fromDevice = list.addressOf(tap.from, bases);
  copy.fromPitch = size_t(tap.stride);
  copy.toKind = constants::memoryHost;
  copy.toHost = tap.to;
  copy.toPitch = copy.width = size_t(tap.rowBytes);
  copy.height = size_t(tap.rows);
  return driver.check(driver.copy2D(&copy, mainStream()), "cannot copy a tap");
}
