//===- DeviceState.cpp - What a session has on a device -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceState.h"
#include "BucketedStep.h"
#include "DeviceStates.h"

#include <algorithm>
#include <cstring>

using namespace flowhn;
using namespace flowhn::cuda;

/// Results come back in pieces of at most this much pinned memory.
constexpr int64_t maxResultBytes = int64_t(64) << 20;

Expected<std::unique_ptr<DeviceState>> DeviceState::create(const Driver &driver,
                                                           const fb::Plan &plan, Kernels kernels,
                                                           DeviceParameters parameters, bool graphs,
                                                           int64_t maxBatch) {
  Expected<Launcher> launcher = Launcher::create(driver, plan, std::move(kernels));
  FLOWHN_RETURN_IF_ERROR(launcher.status());
  std::unique_ptr<DeviceState> state(
      new DeviceState(driver, plan, std::move(*launcher), std::move(parameters), graphs, maxBatch));
  for (Event *event : {&state->start, &state->end}) {
    Expected<Event> created = createEvent(driver, /*hasTime=*/true);
    FLOWHN_RETURN_IF_ERROR(created.status());
    *event = std::move(*created);
  }
  return state;
}

Expected<double> DeviceState::run(const EntryArguments &arguments, const TapTarget &tapTarget,
                                  std::span<LaunchCounts> counts) {
  BucketedStep call(arguments, tapTarget ? 0 : maxBatch);
  Expected<double> seconds = runCall(call.arguments(), tapTarget, counts);
  if (!seconds.ok()) // nothing may still write to what is the caller's
    launcher.drain();
  return seconds;
}

Expected<std::vector<LaunchTime>> DeviceState::trace(const EntryArguments &arguments) {
  Expected<std::vector<LaunchTime>> times = traceCall(arguments);
  if (!times.ok())
    launcher.drain();
  return times;
}

void DeviceState::describe(ExecutorInfo &info) const {
  info.parameterBytes = parameters.bytes();
  info.workspaceBytes = workspace.bytes();
  info.deviceBytes = parameters.deviceBytes() + workspace.bytes() + deviceTables.bytes() +
                     logits.bytes() + tokens.bytes();
}

Expected<double> DeviceState::runCall(const EntryArguments &arguments, const TapTarget &tapTarget,
                                      std::span<LaunchCounts> counts) {
  bool mayRepeat = useGraphs && !tapTarget && counts.empty();
  GraphCache::Key key;
  if (mayRepeat && !arguments.step) {
    key = GraphCache::keyOf(arguments);
    if (GraphCache::Entry *known = cache.find(key); known && known->graph)
      return execute(known->list->tables(), arguments, [&] { return launchGraph(known->graph); });
  }
  if (mayRepeat && arguments.step) {
    Expected<GraphCache::Entry *> last = repeatedStep(arguments);
    FLOWHN_RETURN_IF_ERROR(last.status());
    if (GraphCache::Entry *known = *last)
      return execute(known->list->tables(), arguments, [&] { return launchGraph(known->graph); });
  }
  LaunchList list(plan);
  FLOWHN_RETURN_IF_ERROR(list.build(arguments, tapTarget, counts));
  FLOWHN_RETURN_IF_ERROR(reserve(list, arguments));
  DeviceBases bases = basesOf(arguments);
  if (!counts.empty())
    return execute(list.tables(), arguments,
                   [&] { return addToProfile(list, bases, arguments.step != nullptr); });
  if (tapTarget)
    return execute(list.tables(), arguments, [&] { return launcher.enqueueInOrder(list, bases); });
  if (mayRepeat && arguments.step)
    key = keyOfStep(list, arguments);
  if (GraphCache::Entry *known = mayRepeat ? cache.find(key) : nullptr) {
    FLOWHN_RETURN_IF_ERROR(record(std::move(list), bases, *known));
    return execute(known->list->tables(), arguments, [&] { return launchGraph(known->graph); });
  }
  Expected<double> seconds =
      execute(list.tables(), arguments, [&] { return launcher.enqueue(list, bases); });
  if (mayRepeat && seconds.ok())
    cache.add(std::move(key));
  return seconds;
}

GraphCache::Key DeviceState::keyOfStep(const LaunchList &list,
                                       const EntryArguments &arguments) const {
  GraphCache::Key key = list.shape();
  key.push_back(int64_t(basesOf(arguments).states));
  return key;
}

Status DeviceState::addToProfile(const LaunchList &list, const DeviceBases &bases, bool isStep) {
  Expected<std::vector<double>> launches = launcher.profile(list, bases);
  FLOWHN_RETURN_IF_ERROR(launches.status());
  std::vector<BlockTime> blocks;
  if (!isStep)
    for (int64_t block : list.blocks())
      blocks.push_back({block});
  for (double BlockTime::*part : {&BlockTime::seconds, &BlockTime::serialSeconds}) {
    if (blocks.empty())
      break;
    bool inOrder = part == &BlockTime::serialSeconds;
    Expected<std::vector<double>> seconds = launcher.timeBlocks(list, bases, inOrder);
    FLOWHN_RETURN_IF_ERROR(seconds.status());
    for (size_t i = 0; i < blocks.size(); ++i)
      blocks[i].*part = (*seconds)[i];
  }
  measured.add(list, *launches, std::move(blocks));
  return {};
}

Expected<GraphCache::Entry *> DeviceState::repeatedStep(const EntryArguments &arguments) {
  GraphCache::Entry *last = cache.last();
  if (!last || !last->graph || last->states != basesOf(arguments).states)
    return nullptr;
  Expected<bool> isSame = last->list->refill(arguments);
  FLOWHN_RETURN_IF_ERROR(isSame.status());
  return *isSame ? last : nullptr;
}

Status DeviceState::record(LaunchList list, const DeviceBases &bases, GraphCache::Entry &entry) {
  if (!entry.graph) {
    Expected<GraphExec> graph = launcher.capture(list, bases);
    FLOWHN_RETURN_IF_ERROR(graph.status());
    entry.graph = std::move(*graph);
  }
  entry.list.emplace(std::move(list));
  entry.states = bases.states;
  return {};
}

Expected<std::vector<LaunchTime>> DeviceState::traceCall(const EntryArguments &arguments) {
  LaunchList list(plan);
  FLOWHN_RETURN_IF_ERROR(list.build(arguments, {}, {}));
  FLOWHN_RETURN_IF_ERROR(reserve(list, arguments));
  DeviceBases bases = basesOf(arguments);
  Expected<GraphExec> graph = GraphExec();
  if (useGraphs)
    graph = launcher.capture(list, bases, Times::LaunchesOfGraph);
  FLOWHN_RETURN_IF_ERROR(graph.status());
  auto launch = [&] {
    return useGraphs ? launchGraph(*graph)
                     : launcher.enqueue(list, bases, {.times = Times::Launches});
  };
  // The first run brings the graph to the device; the second one takes its times again.
  for (int run = 0; run < 2; ++run)
    FLOWHN_RETURN_IF_ERROR(execute(list.tables(), arguments, launch).status());
  return launcher.readTimes(list);
}

Status DeviceState::launchGraph(const GraphExec &graph) {
  return driver.check(driver.graphLaunch(graph.get(), launcher.mainStream()),
                      "cannot launch the graph of a call");
}

Status DeviceState::reserve(const LaunchList &list, const EntryArguments &arguments) {
  auto growDevice = [&](DeviceMemory &memory, int64_t bytes, const char *purpose) -> Status {
    if (bytes > memory.bytes())
      cache.dropGraphs();
    return grow(driver, memory, bytes, purpose);
  };
  int64_t tableBytes = int64_t(list.tables().size());
  int64_t tokenBytes = arguments.numTokens() * int64_t(sizeof(int32_t));
  FLOWHN_RETURN_IF_ERROR(growDevice(workspace, list.workspaceBytes(), "buffers"));
  FLOWHN_RETURN_IF_ERROR(growDevice(deviceTables, tableBytes, "tables"));
  FLOWHN_RETURN_IF_ERROR(
      growDevice(logits, arguments.numLogits() * int64_t(sizeof(float)), "logits"));
  FLOWHN_RETURN_IF_ERROR(growDevice(tokens, tokenBytes, "tokens"));
  return grow(driver, hostTables, tableBytes, "tables");
}

DeviceBases DeviceState::basesOf(const EntryArguments &arguments) const {
  DeviceAddress states = 0;
  if (arguments.step)
    states = static_cast<const DeviceStates &>(*arguments.step->memory).address();
  return {workspace.address(), deviceTables.address(), logits.address(), tokens.address(), states,
          &parameters};
}

Expected<double> DeviceState::execute(std::span<const std::byte> tables,
                                      const EntryArguments &arguments,
                                      const std::function<Status()> &launch) {
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

Status DeviceState::takeTime(const Event &event) {
  return driver.check(driver.eventRecord(event.get(), launcher.mainStream()), "cannot take a time");
}

Status DeviceState::download(const DeviceMemory &from, std::span<std::byte> to) {
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

Expected<std::vector<std::byte>> DeviceState::sampleParameters() const {
  constexpr int64_t sampleBytes = 64;
  std::string asked = "cannot read parameters";
  std::vector<std::byte> samples(plan.parameters()->size() * 3 * sampleBytes);
  std::byte *to = samples.data();
  for (uint32_t i = 0; i < plan.parameters()->size(); ++i) {
    int64_t bytes = parameters.bytesOf(i), length = std::min(sampleBytes, bytes);
    for (int64_t start : {int64_t(0), (bytes - length) / 2, bytes - length}) {
      FLOWHN_RETURN_IF_ERROR(driver.check(
          driver.copyToHost(to, parameters[i] + uint64_t(start), size_t(length), mainStream()),
          asked));
      to += sampleBytes;
    }
  }
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.streamSynchronize(mainStream()), asked));
  return samples;
}
