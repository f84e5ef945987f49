//===- Launcher.h - Hands launches to a device ------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_LAUNCHER_H
#define FLOWHN_LIB_RUNTIME_CUDA_LAUNCHER_H

#include "EarlyStarts.h"

#include <span>

namespace flowhn::cuda {

/// Which times are taken of a list: where blocks begin and end, or before the first launch and
/// behind each one. Inside a graph an event is a time only where it is an external one.
enum class Times { None, Blocks, Launches, LaunchesOfGraph };

struct EnqueueOptions {
  bool inOrder = false; ///< all on the main stream
  Times times = Times::None;
  bool isCaptured = false; ///< as a graph, in which launches of other streams may start early
};

/// The streams of a session and the kernels that it launches on them. The context is
/// current in every call.
class Launcher {
public:
  static Expected<Launcher> create(const Driver &driver, const fb::Plan &plan, Kernels kernels);

  /// Stream 0, which everything starts on and ends on.
  StreamHandle mainStream() const { return streams.front().get(); }

  /// Hands over a list that has no taps, its branches side by side unless `options` says
  /// otherwise. What fails may leave some of it running.
  Status enqueue(const LaunchList &list, const DeviceBases &bases, EnqueueOptions options = {});
  /// The same, one after the other on the main stream, taps included.
  Status enqueueInOrder(const LaunchList &list, const DeviceBases &bases);
  /// In order, with the seconds of each launch. Waits.
  Expected<std::vector<double>> profile(const LaunchList &list, const DeviceBases &bases);
  /// The seconds of each block, its branches side by side or on the main stream alone. Runs
  /// the list twice, so that what is timed need not wait for the host. Waits.
  Expected<std::vector<double>> timeBlocks(const LaunchList &list, const DeviceBases &bases,
                                           bool inOrder);

  /// The list as a graph, to be launched on the main stream.
  Expected<GraphExec> capture(const LaunchList &list, const DeviceBases &bases,
                              Times times = Times::None);
  /// The times that were taken of `list`, which is done. A launch starts where the one before
  /// it on its stream, or what its stream waits for, ends.
  Expected<std::vector<LaunchTime>> readTimes(const LaunchList &list) const;

  /// Waits for the main stream, and so for all that was handed over whole.
  Status wait();
  /// Waits for every stream, after a failure.
  void drain();

private:
  Launcher(const Driver &driver, const fb::Plan &plan, Kernels kernels)
      : driver(driver), plan(plan), kernels(std::move(kernels)) {}

  /// Behind a kernel, or what a kernel signalled, it starts as `start` says.
  Status launch(const LaunchList &list, const LaunchList::Launch &launch, const DeviceBases &bases,
                unsigned stream, const LaunchStart &start = {});
  /// Waits, and gives the seconds between events 2 · i and 2 · i + 1.
  Expected<std::vector<double>> readIntervals(size_t count);
  Status copyTap(const LaunchList &list, const PlannedTap &tap, const DeviceBases &bases);
  /// What comes later on `waiting` waits for what came before on `working`, or for its signal.
  Status order(unsigned working, unsigned waiting);
  /// Records event `number` of those with time, the ones before it being there.
  Status takeTime(size_t number, unsigned stream, unsigned flags = 0);

  const Driver &driver;
  const fb::Plan &plan;
  Kernels kernels;
  /// What a stream ends with so far: a kernel, which may signal, by the stream's event, that others
  /// may start, or the signal of another stream's.
  enum class End { Other, Kernel, SignallingKernel, Signal };
  std::vector<Stream> streams;
  std::vector<End> ends;     ///< of each stream
  std::vector<Event> events; ///< one for each stream
  std::vector<Event> times;  ///< of profiles and traces

  // Of the launch at hand.
  std::vector<LaunchAttribute> attributes;
  std::vector<uint64_t> values;
  std::vector<EncodedTensorMap> maps;
  std::vector<void *> pointers;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_LAUNCHER_H
