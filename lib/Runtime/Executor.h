//===- Executor.h - The machine behind a session ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_EXECUTOR_H
#define FLOWHN_LIB_RUNTIME_EXECUTOR_H

#include "StateMemory.h"
#include "flowhn/Runtime/Session.h"

namespace flowhn {

/// What a step takes as well: the sequences that it goes on with.
struct StepArguments {
  std::span<const int32_t> slots;          ///< [batch]
  std::span<const int32_t> draws, history; ///< of kern.sample; empty: tokens are the most likely
  const StateLayout *layout = nullptr;
  StateMemory *memory = nullptr; ///< of the executor that runs the step
};

/// The arguments of a plan's entry, on the host.
struct EntryArguments {
  int64_t maxLength = 0;
  int64_t vocabulary = 0;
  std::span<const int32_t> ids;     ///< [rows]
  std::span<const int32_t> begin;   ///< [batch]
  std::span<const int32_t> length;  ///< [batch], at least 1 each
  std::span<const int32_t> offsets; ///< [batch + 1]
  std::span<const int32_t> select;  ///< [selected]
  std::span<float> logits = {};     ///< [selected, vocabulary]; empty: nobody reads them
  std::span<int32_t> tokens = {};   ///< [selected]; empty: nobody reads them, `chosen` is 0

  const StepArguments *step = nullptr; ///< null: the entry runs, on whole sequences
  /// Rows that each branch with any of them is filled up to, as the call is; 0: none. Then the
  /// first rows of `select` alone are those of `logits` and `tokens`.
  int64_t bucket = 0;

  int64_t numLogits() const { return int64_t(select.size()) * vocabulary; }
  int64_t numTokens() const { return tokens.empty() ? 0 : int64_t(select.size()); }
  bool draws() const { return step && !step->draws.empty(); }
};

/// Where the value of a tap goes: memory for [rows, elements]; null when the caller
/// did not ask for it. The memory must live until the call has run. An empty function
/// asks for none.
using TapTarget = std::function<Expected<std::byte *>(std::string_view name, DType type,
                                                      int64_t rows, int64_t elements)>;

/// What reports want to know of a kernel's launches.
struct LaunchCounts {
  int64_t calls = 0;
  double flops = 0;
  double bytes = 0;
  double floorSeconds = 0; ///< by the kernel's rates

  LaunchCounts &operator+=(const LaunchCounts &other) {
    calls += other.calls;
    flops += other.flops;
    bytes += other.bytes;
    floorSeconds += other.floorSeconds;
    return *this;
  }
};

/// When a launch ran, in seconds since its call began to.
struct LaunchTime {
  double start = 0;
  double end = 0;
};

/// One launch of profiled calls on a device.
struct TimedLaunch {
  uint32_t kernel = 0;
  int64_t block = -1;           ///< of the network; -1: none
  std::vector<int64_t> extents; ///< index arguments
  double seconds = 0;           ///< median over the calls
};

/// One block of profiled calls on a device, from its first kernel's start to its last one's
/// end: as scheduled, and with its kernels one after the other. Medians over the calls.
struct BlockTime {
  int64_t block = 0; ///< of the network
  double seconds = 0;
  double serialSeconds = 0;
};

/// What a session says of its machine, see Session.h.
struct ExecutorInfo {
  std::string target;
  std::string chip; ///< of a GPU: whose plan runs
  int threads = 0;
  int64_t parameterBytes = 0;
  int64_t sharedParameterBytes = 0;
  int64_t workspaceBytes = 0;
  int64_t deviceBytes = 0;
  double uploadSeconds = 0;
};

/// Runs the plan of one artifact, with its parameters, on one machine.
class Executor {
public:
  virtual ~Executor() = default;

  /// Runs the plan's entry, or its step; the results are there when it returns. With `counts`, one
  /// per kernel, adds up what is launched. Gives the seconds of a device: 0 on the CPU.
  virtual Expected<double> run(const EntryArguments &arguments, const TapTarget &tapTarget,
                               std::span<LaunchCounts> counts) = 0;

  /// Runs the plan's entry as `run` does and tells when each launch ran, in the order of the
  /// plan.
  virtual Expected<std::vector<LaunchTime>> trace(const EntryArguments &arguments) = 0;

  /// Tells parameters, and code for them, apart: a hash of samples of each.
  virtual std::string fingerprint() const = 0;

  /// Memory for states, zero everywhere.
  virtual Expected<std::unique_ptr<StateMemory>> allocateStates(int64_t bytes) = 0;
  /// Bytes that there is room for.
  virtual int64_t freeBytes() const = 0;

  /// Charges time to kernels 0 to numKernels - 1 from now on; 0 stops it.
  virtual void setProfile(size_t numKernels) = 0;
  /// Of a kernel since `setProfile`.
  virtual double seconds(uint32_t kernel) const = 0;

  /// Of a device, since `setProfile`: the launches and blocks of the last call, and of those
  /// before it that launched the same.
  virtual std::vector<TimedLaunch> launchTimes() const { return {}; }
  virtual std::vector<BlockTime> blockTimes() const { return {}; }

  virtual ExecutorInfo info() const = 0;
};

/// For an artifact of the kind "cpu". The artifact must outlive the executor. `threads`
/// of the options is at least 1.
Expected<std::unique_ptr<Executor>> createCPUExecutor(const Artifact &artifact,
                                                      std::unique_ptr<ParameterSource> source,
                                                      const SessionOptions &options);

/// The same for the kind "nvptx".
Expected<std::unique_ptr<Executor>> createCUDAExecutor(const Artifact &artifact,
                                                       std::unique_ptr<ParameterSource> source,
                                                       const SessionOptions &options);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_EXECUTOR_H
