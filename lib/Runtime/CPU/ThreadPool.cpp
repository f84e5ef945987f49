//===- ThreadPool.cpp - The workers of a session --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"

#include <algorithm>
#include <atomic>
#include <system_error>

using namespace flowhn;

namespace {

/// Looks at the state of the program before a worker goes to sleep, some 20 µs:
/// longer than a small launch takes, shorter than anyone would notice.
constexpr int spins = 400;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// How far a launch is.
struct alignas(64) Progress {
  std::atomic<int64_t> taken{0};
  std::atomic<int64_t> done{0};
};

/// How far a stream is: its launch that is being worked on.
struct alignas(64) StreamProgress {
  std::atomic<size_t> current{0};
  std::unique_ptr<Progress[]> launches;
};

} // namespace

/// One program on its way through the workers.
class ThreadPool::Execution {
public:
  Execution(ThreadPool &pool, const LaunchProgram &program) : pool(pool), program(program) {
    for (const Segment &segment : program.segments()) {
      segments.emplace_back(new SegmentProgress);
      segments.back()->remaining = segment.streams.size();
      segments.back()->streams.reset(new StreamProgress[segment.streams.size()]);
      for (size_t s = 0; s < segment.streams.size(); ++s)
        segments.back()->streams[s].launches.reset(new Progress[segment.streams[s].size()]);
    }
  }

  /// What a worker does until the program is finished.
  void work(int index) {
    for (;;) {
      // Read before looking for work: whatever changes after it ends the wait.
      uint32_t seen = changes.load(std::memory_order_acquire);
      size_t segment = currentSegment.load(std::memory_order_acquire);
      if (segment == segments.size())
        return;
      if (!runSomeItem(segment, index))
        waitForChange(seen);
    }
  }

private:
  struct SegmentProgress {
    std::unique_ptr<StreamProgress[]> streams;
    std::atomic<size_t> remaining{0}; ///< streams that are not finished
  };

  /// Runs one item, of the worker's own stream if it has one to give.
  bool runSomeItem(size_t segment, int index) {
    size_t count = program.segments()[segment].streams.size();
    for (size_t i = 0; i < count; ++i)
      if (runItemOf(segment, (size_t(index) + i) % count, index))
        return true;
    return false;
  }

  bool runItemOf(size_t segment, size_t stream, int index) {
    const std::vector<Launch> &launches = program.segments()[segment].streams[stream];
    StreamProgress &state = segments[segment]->streams[stream];
    size_t number = state.current.load(std::memory_order_acquire);
    if (number == launches.size())
      return false;
    const Launch &launch = launches[number];
    Progress &progress = state.launches[number];
    // The load first, so that waiting workers do not fight over the counter.
    if (progress.taken.load(std::memory_order_relaxed) >= launch.items)
      return false;
    int64_t item = progress.taken.fetch_add(1, std::memory_order_relaxed);
    if (item >= launch.items)
      return false;
    pool.runItem(program, launch, item, pool.workers[size_t(index)]);
    // Whoever finishes last has seen all that the others wrote, and passes it on.
    if (progress.done.fetch_add(1, std::memory_order_acq_rel) + 1 == launch.items)
      advance(segment, state, number + 1 == launches.size());
    return true;
  }

  void advance(size_t segment, StreamProgress &state, bool streamFinished) {
    state.current.fetch_add(1, std::memory_order_release);
    if (streamFinished && segments[segment]->remaining.fetch_sub(1, std::memory_order_acq_rel) == 1)
      currentSegment.fetch_add(1, std::memory_order_release);
    changes.fetch_add(1, std::memory_order_release);
    changes.notify_all();
  }

  void waitForChange(uint32_t seen) {
    for (int i = 0; i < spins; ++i) {
      if (changes.load(std::memory_order_acquire) != seen)
        return;
      relax();
    }
    changes.wait(seen, std::memory_order_acquire);
  }

  ThreadPool &pool;
  const LaunchProgram &program;
  std::vector<std::unique_ptr<SegmentProgress>> segments;
  alignas(64) std::atomic<size_t> currentSegment{0};
  alignas(64) std::atomic<uint32_t> changes{0};
};

Expected<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads, int64_t scratchBytes) {
  int64_t stride = (scratchBytes + 63) / 64 * 64;
  Expected<Memory> scratch = Memory::allocate(stride * threads, "scratch memory");
  FLOWHN_RETURN_IF_ERROR(scratch.status());
  std::unique_ptr<ThreadPool> pool(new ThreadPool(threads, std::move(*scratch), stride));
  FLOWHN_RETURN_IF_ERROR(pool->start());
  return pool;
}

ThreadPool::ThreadPool(int threads, Memory memory, int64_t stride)
    : numWorkers(threads), scratch(std::move(memory)), workers(size_t(threads)) {
  for (int i = 0; i < threads; ++i)
    workers[size_t(i)].scratch = scratch.data() + i * stride;
}

Status ThreadPool::start() {
  threads.reserve(size_t(numWorkers));
  try {
    for (int i = 1; i < numWorkers; ++i)
      threads.emplace_back([this, i] { serve(i); });
  } catch (const std::system_error &error) {
    return resourceExhausted("cannot start thread " + std::to_string(threads.size() + 1) + " of " +
                             std::to_string(numWorkers) + ": " + error.what());
  }
  return {};
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  for (std::thread &thread : threads)
    thread.join();
}

void ThreadPool::serve(int index) {
  uint64_t served = 0;
  std::unique_lock lock(mutex);
  for (;;) {
    wake.wait(lock, [&] { return stopping || (current && generation != served); });
    if (stopping)
      return;
    served = generation;
    Execution *execution = current;
    ++inside;
    lock.unlock();
    execution->work(index);
    lock.lock();
    if (--inside == 0)
      left.notify_one();
  }
}

void ThreadPool::run(const LaunchProgram &program) {
  if (numWorkers == 1)
    return runInline(program);
  Execution execution(*this, program);
  {
    std::lock_guard lock(mutex);
    current = &execution;
    ++generation;
  }
  wake.notify_all();
  execution.work(0);
  std::unique_lock lock(mutex);
  current = nullptr; // late sleepers find nothing
  left.wait(lock, [this] { return inside == 0; });
}

void ThreadPool::runInline(const LaunchProgram &program) {
  for (const Segment &segment : program.segments())
    for (const std::vector<Launch> &stream : segment.streams)
      for (const Launch &launch : stream)
        for (int64_t item = 0; item < launch.items; ++item)
          runItem(program, launch, item, workers[0]);
}

void ThreadPool::runItem(const LaunchProgram &program, const Launch &launch, int64_t item,
                         Worker &worker) {
  const int64_t *args = program.arguments(launch);
  if (!profiling && !tracing)
    return launch.function(args, item, worker.scratch);
  Clock::time_point start = Clock::now();
  launch.function(args, item, worker.scratch);
  Clock::time_point end = Clock::now();
  if (launch.kernel < worker.nanoseconds.size())
    worker.nanoseconds[launch.kernel] += std::chrono::nanoseconds(end - start).count();
  if (tracing) {
    auto &[first, last] = worker.spans[launch.number];
    first = std::min(first, start);
    last = end;
  }
}

std::vector<LaunchTime> ThreadPool::trace(const LaunchProgram &program) {
  for (Worker &worker : workers)
    worker.spans.assign(program.numLaunches(), {Clock::time_point::max(), {}});
  tracing = true;
  Clock::time_point begin = Clock::now();
  run(program);
  tracing = false;
  std::vector<LaunchTime> result(program.numLaunches());
  for (size_t i = 0; i < result.size(); ++i) {
    auto [first, last] = workers.front().spans[i];
    for (const Worker &worker : workers) {
      first = std::min(first, worker.spans[i].first);
      last = std::max(last, worker.spans[i].second);
    }
    result[i] = {std::chrono::duration<double>(first - begin).count(),
                 std::chrono::duration<double>(last - begin).count()};
  }
  return result;
}

void ThreadPool::setProfile(size_t numKernels) {
  profiling = numKernels > 0;
  for (Worker &worker : workers)
    worker.nanoseconds.assign(numKernels, 0);
}

int64_t ThreadPool::nanoseconds(uint32_t kernel) const {
  int64_t sum = 0;
  for (const Worker &worker : workers)
    sum += kernel < worker.nanoseconds.size() ? worker.nanoseconds[kernel] : 0;
  return sum;
}
