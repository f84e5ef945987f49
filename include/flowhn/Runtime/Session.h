//===- Session.h - A model, loaded and ready to run -------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_RUNTIME_SESSION_H
#define FLOWHN_RUNTIME_SESSION_H

#include "flowhn/Artifact/Artifact.h"
#include "flowhn/Runtime/ParameterSource.h"
#include "flowhn/Runtime/Sampling.h"
#include "flowhn/Support/DType.h"
#include "flowhn/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace flowhn {

struct SessionOptions {
  /// Threads that compute, the caller's included; on a GPU those that load code and
  /// parameters. 0: one for every processor the process may use. Results do not depend
  /// on it.
  int threads = 0;
  /// Which GPU, in the driver's order; for an artifact of the target nvptx.
  int device = 0;
  /// Whose code runs, one of the artifact's chips; empty: the first that the device runs. An
  /// artifact of the target cpu has none: then it is InvalidArgument.
  std::string chip = {};
  /// On a GPU: a call whose lengths repeat is recorded as a CUDA graph and replayed. Results
  /// do not depend on it.
  bool graphs = true;
  /// Called while parameters are prepared, with bytes; one call at a time, from
  /// any thread. The last call has done == total.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

/// Whose logits a call computes.
enum class LogitsMode {
  None, ///< nobody's, for taps
  Last, ///< the last token of each row: [batch, vocabulary]
  All,  ///< every token: [tokens, vocabulary]
};

/// One forward pass over rows of different lengths.
struct Call {
  std::span<const int32_t> ids;     ///< the rows' tokens, one row after the other
  std::span<const int32_t> lengths; ///< tokens of each row, at least 1
  LogitsMode logits = LogitsMode::Last;
  std::span<const std::string> taps = {}; ///< names of intermediate values to copy
  /// Where the logits go; empty: into the result. Else of exactly their size.
  std::span<float> logitsBuffer = {};
  /// Whether the result gets the most likely token of each row of logits.
  bool tokens = false;
  /// How tokens are chosen, for each row of logits; empty: the most likely one.
  std::span<const TokenDraw> draws = {};
  /// Whether the logits themselves are wanted; without them a GPU sends less back.
  bool returnLogits = true;
};

/// A dense, row-major tensor that owns its elements.
struct Tensor {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::vector<std::byte> data;
};

struct CallResult {
  int64_t rows = 0;                   ///< rows of logits
  std::vector<float> logits;          ///< [rows, vocabulary]; empty when the call had a buffer
                                      ///< or did not want them
  std::vector<int32_t> tokens;        ///< [rows], when they were wanted; -1: no logit is a number
  std::map<std::string, Tensor> taps; ///< [rows of the value, elements]; where a name
                                      ///< comes up more than once, the first
  double deviceSeconds = 0; ///< on a GPU, from the first kernel's start to the last one's end
};

/// What a kernel did since profiling was switched on.
struct KernelProfile {
  std::string kernel;
  std::string op;     ///< "kern.matmul"
  int64_t calls = 0;  ///< launches that were not empty
  double seconds = 0; ///< of all threads together; of the device on a GPU
  double flops = 0;
  double bytes = 0;
  double floorSeconds = 0; ///< what the target's rates allow at best; 0: unknown
  std::string config;      ///< "tile_rows=128 tile_columns=256 stages=4"
};

/// A launch of a call, and its kernel.
struct LaunchInfo {
  std::string kernel;
  std::string op;     ///< "kern.matmul"
  std::string config; ///< as in KernelProfile
  /// What a calibration knows the kernel's configurations by; empty where there is only one.
  std::string tuningKey;
  std::vector<int64_t> sizes;   ///< what the kernel is made for, Plan.fbs; may be empty
  std::vector<int64_t> extents; ///< index arguments, in the kernel's order: rows, …
  int64_t block = -1;           ///< of the network; -1 outside of blocks
  double flops = 0;
  double bytes = 0;
  double floorSeconds = 0;
};

/// A launch of a traced call.
struct TracedLaunch : LaunchInfo {
  /// Of its block: "attention", "ssm", or "attention+ssm" where both share it; empty where it
  /// belongs to none.
  std::string branch;
  unsigned stream = 0;
  std::vector<int64_t> grid; ///< work items; on a GPU thread blocks in x, y, z
  /// Seconds since the call began. On the CPU of the first and last work item. On a GPU a
  /// launch starts where the one before it on its stream ends, or the last one that its stream
  /// waits for: waiting for room on the device is part of it.
  double start = 0, end = 0;
};

/// One launch of a profiled call on a GPU.
struct LaunchProfile : LaunchInfo {
  double seconds = 0; ///< alone on the device, median over the calls
};

/// How the branches of a block share a GPU: one after the other, side by side, or side by side
/// with products of both in one launch.
enum class BranchSchedule { Serial, Streams, Grouped };

/// What the compiler predicted for a block, in seconds, in a call of `batch` rows of `tokens`.
struct BlockPrediction {
  int64_t batch = 0, tokens = 0;
  double attention = 0, ssm = 0, joint = 0;         ///< the branches, and the rest of the block
  double serial = 0, streams = 0;                   ///< the block under these schedules
  double grouped = 0;                               ///< the same; 0 where it cannot be scheduled so
  BranchSchedule schedule = BranchSchedule::Serial; ///< which of them was chosen

  double seconds() const {
    return schedule == BranchSchedule::Serial    ? serial
           : schedule == BranchSchedule::Streams ? streams
                                                 : grouped;
  }
};

/// One block of the model in profiled calls on a GPU.
struct BlockProfile {
  int64_t block = 0;        ///< of the network
  double seconds = 0;       ///< as scheduled, median over the calls
  double serialSeconds = 0; ///< with its kernels one after the other
  double kernelSeconds = 0; ///< of its kernels, each alone on the device
  std::optional<BlockPrediction> prediction;
};

/// An artifact, its code and its parameters, ready to run. Usable from one thread
/// at a time; any number of sessions may live in one process, share an artifact and
/// run at the same time. One that was moved from may only be assigned to or
/// destroyed.
class Session {
public:
  /// Checks that this machine runs the code and that `source` has exactly the
  /// model's parameters, then prepares them; `source` is kept for those that are
  /// read where they lie. Incompatible when the code or the parameters' types do not
  /// fit, InvalidInput when a parameter is missing, surplus or misshapen, NotFound when
  /// there is no GPU to run on or no code for the chip asked for, Unsupported when its driver is
  /// too old, ResourceExhausted when there is no memory or thread to be had.
  static Expected<Session> create(std::shared_ptr<const Artifact> artifact,
                                  std::unique_ptr<ParameterSource> source,
                                  SessionOptions options = {});

  Session(Session &&) noexcept;
  Session &operator=(Session &&) noexcept;
  ~Session();

  /// InvalidArgument when the call breaks a rule of the model (token ids, context),
  /// NotFound for an unknown tap, ResourceExhausted when it exceeds the artifact's
  /// limits or memory. The session can be used again after any of them.
  Expected<CallResult> run(const Call &call);

  const Artifact &artifact() const;
  int64_t vocabSize() const;
  /// Longest row; 0 when only `maxTokens` limits it.
  int64_t contextLength() const;
  /// Longest row that a call takes, by both limits.
  int64_t longestRow() const;
  int64_t maxBatch() const;
  int64_t maxTokens() const;
  /// Threads that compute; on a GPU those that loaded it.
  int threads() const;
  /// Where it runs: "cpu x86-64-v4, 2 threads", "NVIDIA H200 (device 0), sm_90a".
  std::string target() const;
  /// On a GPU the chip whose code runs: "sm_90a"; empty on the CPU.
  std::string chip() const;
  /// Why no Generator can be made for it; empty where one can.
  std::string noStepReason() const;
  /// Names that `Call::taps` takes, sorted.
  std::vector<std::string> tapNames() const;

  /// Wall time of `create`.
  double loadSeconds() const;
  /// Bytes of parameters as kernels read them, and how many of them are read where
  /// the source has them, without a copy.
  int64_t parameterBytes() const;
  int64_t sharedParameterBytes() const;
  /// Bytes reserved for buffers between kernels, for the largest call so far.
  int64_t workspaceBytes() const;
  /// On a GPU: all of its memory that the session holds, and how long the parameters took
  /// to get there; 0 on the CPU.
  int64_t deviceBytes() const;
  double uploadSeconds() const;

  /// Runs `call`, which has no taps, with its streams side by side, and tells when each
  /// launch that was not empty ran, in the order of the plan. On a GPU it runs twice, the
  /// second time counts. Errors as `run`.
  Expected<std::vector<TracedLaunch>> trace(const Call &call);

  /// Starts counting from zero, or stops. Costs two clock reads per work item; on a GPU
  /// kernels then run one at a time, and the call four times more for the times of its blocks.
  void enableProfile(bool enable);
  /// One entry per kernel that ran, most time first.
  std::vector<KernelProfile> profile() const;
  /// On a GPU: the launches and the blocks of the last profiled call, in order, and of those
  /// before it that launched the same; empty on the CPU.
  std::vector<LaunchProfile> launches() const;
  std::vector<BlockProfile> blocks() const;

private:
  friend class Generator;
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// The tensors an artifact wants from a checkpoint, sorted by name, with the types
/// it was compiled for; the same for all of its chips.
std::vector<ParameterSpec> parametersOf(const Artifact &artifact);

/// The index of the largest value, the first of equals; NaN never wins. -1 when
/// there is none.
int32_t argmax(std::span<const float> values);

struct GenerationOptions {
  int64_t maxNewTokens = 32;
  SamplingOptions sampling = {};
};

/// A continuation.
struct Generation {
  std::vector<int32_t> ids; ///< new tokens, without the prompt
  /// The context or the artifact's maxTokens ended it before `maxNewTokens`.
  bool reachedLimit = false;
  double promptSeconds = 0; ///< until the first new token was known
  double decodeSeconds = 0; ///< for the others, without what `onToken` took
};

/// Appends the next token, again and again, to a `Continuation` (Continuation.h) of one turn.
/// `onToken` sees each new token; returning false ends the generation. Unsupported for a model
/// whose split follows the length of each call.
Expected<Generation> generate(Session &session, std::span<const int32_t> prompt,
                              const GenerationOptions &options,
                              const std::function<bool(int32_t token)> &onToken = {});

/// The same with the most likely token each time.
Expected<Generation> generateGreedy(Session &session, std::span<const int32_t> prompt,
                                    int64_t maxNewTokens,
                                    const std::function<bool(int32_t token)> &onToken = {});

} // namespace flowhn

#endif // FLOWHN_RUNTIME_SESSION_H
