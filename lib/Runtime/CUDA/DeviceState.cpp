//===- DeviceState.cpp - What a session has on a device -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceState.h"

#include <algorithm>
#include <cstring>

using namespace flowhn;
using namespace flowhn::cuda;

/// Results come back in pieces of at most this much pinned memory.
constexpr int64_t maxResultBytes = int64_t(64) << 20;

Expected<std::unique_ptr<DeviceState>> DeviceState::create(const Driver &driver,
                                                           const fb::Plan &plan, Kernels kernels,
                                                           DeviceParameters parameters,
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

Expected<double> DeviceState::run(const EntryArguments &arguments, const TapTarget &tapTarget,
                                  std::span<LaunchCounts> counts) {
  Expected<double> seconds = runCall(arguments, tapTarget, counts);
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

Status DeviceState::addToProfile(const LaunchList &list) {
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

Status DeviceState::record(const LaunchList &list, GraphCache::Entry &entry) {
  Expected<GraphExec> graph = launcher.capture(list, bases());
  FLOWHN_RETURN_IF_ERROR(graph.status());
  entry.graph = std::move(*graph);
  entry.tables.assign(list.tables().begin(), list.tables().end());
  return {};
}

Expected<std::vector<LaunchTime>> DeviceState::traceCall(const EntryArguments &arguments) {
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
  int64_t tokenBytes = int64_t(arguments.tokens.size_bytes());
  FLOWHN_RETURN_IF_ERROR(growDevice(workspace, list.workspaceBytes(), "buffers"));
  FLOWHN_RETURN_IF_ERROR(growDevice(deviceTables, tableBytes, "tables"));
  FLOWHN_RETURN_IF_ERROR(
      growDevice(logits, arguments.numLogits() * int64_t(sizeof(float)), "logits"));
  FLOWHN_RETURN_IF_ERROR(growDevice(tokens, tokenBytes, "tokens"));
  return grow(driver, hostTables, tableBytes, "tables");
}

DeviceBases DeviceState::bases() const {
  return {workspace.address(), deviceTables.address(), logits.address(), tokens.address(),
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
