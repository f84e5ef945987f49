//===- DeviceState.h - What a session has on a device -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_DEVICESTATE_H
#define FLOWHN_LIB_RUNTIME_CUDA_DEVICESTATE_H

#include "../Executor.h"
#include "DeviceParameters.h"
#include "DeviceProfile.h"
#include "GraphCache.h"
#include "Launcher.h"

#include <functional>

namespace flowhn::cuda {

/// What lives in the context of the device, which is current in every call.
class DeviceState {
public:
  static Expected<std::unique_ptr<DeviceState>> create(const Driver &driver, const fb::Plan &plan,
                                                       Kernels kernels, DeviceParameters parameters,
                                                       bool graphs, int64_t maxBatch);

  Expected<double> run(const EntryArguments &arguments, const TapTarget &tapTarget,
                       std::span<LaunchCounts> counts);
  Expected<std::vector<LaunchTime>> trace(const EntryArguments &arguments);

  void setProfile(size_t numKernels) { measured = DeviceProfile(numKernels); }
  const DeviceProfile &profile() const { return measured; }

  /// The stream that everything of a call comes behind.
  StreamHandle mainStream() const { return launcher.mainStream(); }
  /// Some of the first, middle and last bytes of each parameter.
  Expected<std::vector<std::byte>> sampleParameters() const;
  void describe(ExecutorInfo &info) const;

private:
  DeviceState(const Driver &driver, const fb::Plan &plan, Launcher launcher,
              DeviceParameters parameters, bool graphs, int64_t maxBatch)
      : driver(driver), plan(plan), useGraphs(graphs), maxBatch(maxBatch),
        parameters(std::move(parameters)), launcher(std::move(launcher)) {}

  Expected<double> runCall(const EntryArguments &arguments, const TapTarget &tapTarget,
                           std::span<LaunchCounts> counts);

  /// Runs a call for the times of its launches, one at a time, and again for those of its
  /// blocks under either schedule. A step moves states on and runs once.
  Status addToProfile(const LaunchList &list, const DeviceBases &bases, bool isStep);

  /// Of a step: what it does and to which memory. What its tables hold, positions among them,
  /// is free.
  GraphCache::Key keyOfStep(const LaunchList &list, const EntryArguments &arguments) const;

  /// The step before this one, with the tables of this one, if both do the same: they mostly
  /// do. Null if not.
  Expected<GraphCache::Entry *> repeatedStep(const EntryArguments &arguments);

  Status record(LaunchList list, const DeviceBases &bases, GraphCache::Entry &entry);

  Expected<std::vector<LaunchTime>> traceCall(const EntryArguments &arguments);

  Status launchGraph(const GraphExec &graph);

  /// Makes room for a call.
  Status reserve(const LaunchList &list, const EntryArguments &arguments);

  DeviceBases basesOf(const EntryArguments &arguments) const;

  /// Uploads the tables, runs what `launch` hands over and brings the results back.
  /// Gives the seconds in between.
  Expected<double> execute(std::span<const std::byte> tables, const EntryArguments &arguments,
                           const std::function<Status()> &launch);

  Status takeTime(const Event &event);

  Status download(const DeviceMemory &from, std::span<std::byte> to);

  const Driver &driver;
  const fb::Plan &plan;
  bool useGraphs;
  int64_t maxBatch; ///< rows of a call
  DeviceParameters parameters;
  Launcher launcher;
  DeviceMemory workspace, deviceTables, logits, tokens;
  PinnedMemory hostTables, results;
  Event start, end;
  GraphCache cache;
  DeviceProfile measured;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_DEVICESTATE_H
