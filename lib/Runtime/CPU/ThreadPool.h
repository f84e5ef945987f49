//===- ThreadPool.h - The workers of a session ------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CPU_THREADPOOL_H
#define FLOWHN_LIB_RUNTIME_CPU_THREADPOOL_H

#include "../Executor.h"
#include "../Memory.h"
#include "LaunchProgram.h"
#include "flowhn/Support/Status.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace flowhn {

/// Runs programs on a fixed set of threads, the caller's among them.
///
/// Every worker prefers one of the streams that run, and takes single work items
/// of its current launch. When they are all handed out it helps the other streams,
/// so the branches of a block share the machine by what they need, not by a guess.
/// A launch starts when all items of the one before it on its stream are done.
/// Between calls the threads sleep.
class ThreadPool {
public:
  /// `scratchBytes` is what every worker can offer a kernel, 64-byte aligned.
  static Expected<std::unique_ptr<ThreadPool>> create(int threads, int64_t scratchBytes);
  ~ThreadPool();

  int size() const { return numWorkers; }

  /// Returns when every launch is done. One call at a time.
  void run(const LaunchProgram &program);

  /// Charges time to kernels 0 to numKernels - 1 from now on; 0 stops it.
  void setProfile(size_t numKernels);
  /// Nanoseconds of all workers in a kernel since `setProfile`.
  int64_t nanoseconds(uint32_t kernel) const;

  /// `run`, and when each launch of the program ran: from its first item's start to its last
  /// one's end.
  std::vector<LaunchTime> trace(const LaunchProgram &program);

private:
  class Execution;
  using Clock = std::chrono::steady_clock;
  /// On a cache line of its own.
  struct alignas(64) Worker {
    std::byte *scratch = nullptr;
    std::vector<int64_t> nanoseconds;
    std::vector<std::pair<Clock::time_point, Clock::time_point>> spans; ///< of traced launches
  };

  ThreadPool(int threads, Memory scratch, int64_t stride);
  Status start();
  void serve(int index);
  void runInline(const LaunchProgram &program);
  void runItem(const LaunchProgram &program, const Launch &launch, int64_t item, Worker &worker);

  int numWorkers;
  Memory scratch;
  std::vector<Worker> workers;
  std::vector<std::thread> threads; ///< of workers 1 and up
  bool profiling = false;
  bool tracing = false;

  std::mutex mutex; ///< for what follows
  std::condition_variable wake, left;
  Execution *current = nullptr;
  uint64_t generation = 0; ///< of `current`
  int inside = 0;          ///< threads that work on `current`
  bool stopping = false;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_CPU_THREADPOOL_H
