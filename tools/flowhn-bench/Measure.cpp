//===- Measure.cpp - Timing a session -------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Measure.h"

#include "MatmulPeak.h"
#include "ModelFlops.h"
#include "common/Progress.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <sched.h>
#include <thread>

using namespace flowhn;
using namespace flowhn::tools;
using Clock = std::chrono::steady_clock;

namespace {

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int availableProcessors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return CPU_COUNT(&set);
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

/// VmHWM: the most memory that was resident at a time.
int64_t peakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:"))
      return std::stoll(line.substr(6)) * 1024;
  return 0;
}

/// Passes everything on and notes when the first numbers are asked for.
class TimedParameters : public ParameterSource {
public:
  TimedParameters(std::unique_ptr<ParameterSource> source, std::atomic<double> &firstFind)
      : source(std::move(source)), firstFind(firstFind) {}

  std::string origin() const override { return source->origin(); }
  std::vector<std::string> names() const override { return source->names(); }
  Expected<ParameterSpec> describe(const std::string &name) const override {
    return source->describe(name);
  }
  Expected<TensorView> find(const std::string &name) override {
    double unset = 0;
    firstFind.compare_exchange_strong(unset, secondsSince(start));
    return source->find(name);
  }
  void release(const std::string &name) override { source->release(name); }

private:
  std::unique_ptr<ParameterSource> source;
  std::atomic<double> &firstFind;
  Clock::time_point start = Clock::now();
};

Expected<Session> loadSession(const BenchOptions &options, const CompiledModel &model,
                              Measurements &result) {
  Expected<std::unique_ptr<ParameterSource>> weights = openWeights(options.run, model);
  if (!weights.ok())
    return weights.status();
  Progress progress("loading weights");
  std::atomic<double> firstFind = 0;
  SessionOptions session;
  session.threads = options.run.threads;
  session.progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  Expected<Session> loaded = Session::create(
      model.artifact, std::make_unique<TimedParameters>(std::move(*weights), firstFind), session);
  result.artifactLoadSeconds = firstFind;
  return loaded;
}

/// One call, made ready once and run again and again.
class Workload {
public:
  Workload(Session &session, const BenchOptions &options, int64_t tokens)
      : session(session), ids(options.batch * tokens),
        lengths(options.batch, static_cast<int32_t>(tokens)) {
    for (size_t i = 0; i < ids.size(); ++i)
      ids[i] = static_cast<int32_t>((i * 7919 + 13) % session.vocabSize());
    mode = options.logits == "all" ? LogitsMode::All : LogitsMode::Last;
    if (options.logits == "none")
      mode = LogitsMode::None;
  }

  /// Rows of logits in each run.
  int64_t logitsRows() const {
    if (mode == LogitsMode::None)
      return 0;
    return mode == LogitsMode::All ? ids.size() : lengths.size();
  }

  Status run() { return session.run({ids, lengths, mode}).status(); }

  Status time(int64_t repetitions, std::vector<double> &latencies) {
    constexpr double budgetSeconds = 5;
    constexpr size_t fewest = 5;
    Progress progress("measuring");
    Clock::time_point start = Clock::now();
    auto isDone = [&] {
      return repetitions > 0 ? latencies.size() >= static_cast<size_t>(repetitions)
                             : latencies.size() >= fewest && secondsSince(start) > budgetSeconds;
    };
    while (!isDone()) {
      Clock::time_point begin = Clock::now();
      FLOWHN_RETURN_IF_ERROR(run());
      latencies.push_back(secondsSince(begin));
    }
    return Status();
  }

private:
  Session &session;
  std::vector<int32_t> ids;
  std::vector<int32_t> lengths;
  LogitsMode mode;
};

Status countFlops(const CompiledModel &model, Session &session, Workload &workload,
                  Measurements &result) {
  session.enableProfile(true);
  FLOWHN_RETURN_IF_ERROR(workload.run());
  result.kernels = session.profile();
  session.enableProfile(false);
  if (!model.config) {
    for (const KernelProfile &kernel : result.kernels)
      result.flops += kernel.flops;
    result.flopsSource = "the kernels' own counts";
    return Status();
  }
  Expected<double> flops = modelFlops(*model.config, result.manifest.model, result.batch,
                                      result.tokens, workload.logitsRows());
  if (!flops.ok())
    return flops.status();
  result.flops = *flops;
  result.flopsSource = "matmuls, attention, convolution and scan of the config";
  return Status();
}

} // namespace

double Measurements::medianLatency() const {
  std::vector<double> sorted = latencies;
  std::ranges::sort(sorted);
  size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

Expected<Measurements> flowhn::tools::measure(const Tool &tool, BenchOptions &options) {
  Measurements result;
  result.threads = options.run.threads > 0 ? options.run.threads : availableProcessors();
  MatmulPeak peak(result.threads);
  Expected<CompiledModel> model = compileInput(tool, options.run);
  if (!model.ok())
    return model.status();
  result.manifest = model->artifact->manifest();
  result.compile = model->report;
  result.compileSeconds = model->seconds;
  result.wasArtifact = model->report.phases.empty();
  if (options.run.weights.empty() && model->weightsFolder.empty() && options.run.randomSeed.empty())
    options.run.randomSeed = "1";
  result.weights =
      options.run.randomSeed.empty() ? "checkpoint" : "random, seed " + options.run.randomSeed;
  Expected<Session> session = loadSession(options, *model, result);
  if (!session.ok())
    return session.status();
  result.loadSeconds = session->loadSeconds();
  result.batch = options.batch;
  result.logits = options.logits;
  result.tokens = options.tokens > 0 ? options.tokens : session->contextLength();
  if (result.tokens == 0)
    return invalidArgument("'" + result.manifest.model.name +
                           "' has no context length: give --tokens");

  Workload workload(*session, options, result.tokens);
  FLOWHN_RETURN_IF_ERROR(workload.run());
  peak.measure();
  FLOWHN_RETURN_IF_ERROR(workload.time(options.repetitions, result.latencies));
  peak.measure();
  FLOWHN_RETURN_IF_ERROR(countFlops(*model, *session, workload, result));
  result.hasPeak = peak.available();
  result.peakDescription = peak.description();
  if (result.hasPeak)
    result.peakBest = peak.best(), result.peakMedian = peak.median();
  result.parameterBytes = session->parameterBytes();
  result.sharedParameterBytes = session->sharedParameterBytes();
  result.workspaceBytes = session->workspaceBytes();
  result.peakBytes = peakResidentBytes();
  return result;
}
