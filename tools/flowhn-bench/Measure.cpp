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
#include "Workload.h"
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
  std::atomic<double> firstFind = 0;
  Expected<Session> session = openSession(
      options.run, model, std::make_unique<TimedParameters>(std::move(*weights), firstFind));
  result.artifactLoadSeconds = firstFind;
  return session;
}

/// The kernels' time in one run; on a GPU, where a single launch says little, in the mean
/// of several.
Status profileKernels(Session &session, Workload &workload, Measurements &result) {
  const int runs = result.onGPU() ? 10 : 1;
  session.enableProfile(true);
  FLOWHN_RETURN_IF_ERROR(workload.run(runs));
  result.kernels = session.profile();
  result.launches = session.launches();
  result.blocks = session.blocks();
  session.enableProfile(false);
  for (KernelProfile &kernel : result.kernels) {
    kernel.calls /= runs;
    for (double *value : {&kernel.seconds, &kernel.flops, &kernel.bytes, &kernel.floorSeconds})
      *value /= runs;
  }
  return Status();
}

Status countFlops(const CompiledModel &model, Session &session, Workload &workload,
                  Measurements &result) {
  FLOWHN_RETURN_IF_ERROR(profileKernels(session, workload, result));
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

/// Runs until there are enough latencies.
Status timeLatencies(int64_t repetitions, Workload &workload, Measurements &result) {
  constexpr double budgetSeconds = 5;
  const int64_t fewest = result.onGPU() ? 20 : 5;
  Progress progress("measuring");
  Clock::time_point start = Clock::now();
  std::vector<double> &latencies = result.latencies;
  auto isDone = [&] {
    int64_t runs = std::ssize(latencies);
    return repetitions > 0 ? runs >= repetitions
                           : runs >= fewest && secondsSince(start) > budgetSeconds;
  };
  while (!isDone()) {
    Clock::time_point begin = Clock::now();
    Expected<double> deviceSeconds = workload.run();
    latencies.push_back(secondsSince(begin));
    if (!deviceSeconds.ok())
      return deviceSeconds.status();
    if (*deviceSeconds > 0)
      result.device.latencies.push_back(*deviceSeconds);
  }
  return Status();
}

/// The latencies, between two measurements of what the CPU can do.
Status timeRuns(const BenchOptions &options, Workload &workload, MatmulPeak &peak,
                Measurements &result) {
  if (result.onGPU()) {
    // The first run with some lengths reserves memory, the second one is recorded.
    FLOWHN_RETURN_IF_ERROR(workload.run(3));
    return timeLatencies(options.repetitions, workload, result);
  }
  FLOWHN_RETURN_IF_ERROR(workload.run(1));
  peak.measure();
  FLOWHN_RETURN_IF_ERROR(timeLatencies(options.repetitions, workload, result));
  peak.measure();
  result.hasPeak = peak.available();
  result.peakDescription = peak.description();
  if (result.hasPeak)
    result.peakBest = peak.best(), result.peakMedian = peak.median();
  return Status();
}

/// Memory, and the rates that the upload is compared with.
void describeMemory(const BenchOptions &options, const Session &session, Measurements &result) {
  result.parameterBytes = session.parameterBytes();
  result.sharedParameterBytes = session.sharedParameterBytes();
  result.workspaceBytes = session.workspaceBytes();
  result.peakBytes = peakResidentBytes();
  result.device.heldBytes = session.deviceBytes();
  result.device.uploadSeconds = session.uploadSeconds();
  if (!result.onGPU())
    return;
  if (Expected<DeviceRates> rates = measureDevice(options.run.device); rates.ok())
    result.device.rates = *rates;
}

} // namespace

double flowhn::tools::median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::ranges::sort(values);
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void flowhn::tools::useRandomWeights(BenchOptions &options, const CompiledModel &model) {
  if (options.run.weights.empty() && model.weightsFolder.empty() && options.run.randomSeed.empty())
    options.run.randomSeed = "1";
}

Expected<Measurements> flowhn::tools::measure(const Tool &tool, BenchOptions &options) {
  Measurements result;
  MatmulPeak peak(options.run.threads > 0 ? options.run.threads : availableProcessors());
  Expected<CompiledModel> model = compileInput(tool, options.run);
  if (!model.ok())
    return model.status();
  result.manifest = model->artifact->manifest();
  result.compile = model->report;
  result.compileSeconds = model->seconds;
  result.wasArtifact = model->report.phases.empty();
  useRandomWeights(options, *model);
  result.weights =
      options.run.randomSeed.empty() ? "checkpoint" : "random, seed " + options.run.randomSeed;
  Expected<Session> session = loadSession(options, *model, result);
  if (!session.ok())
    return session.status();
  result.target = session->target();
  result.chip = session->chip();
  result.threads = session->threads();
  result.loadSeconds = session->loadSeconds();
  result.batch = options.batch;
  result.logits = options.logits;
  result.tokens = options.tokens > 0 ? options.tokens : session->contextLength();
  if (result.tokens == 0)
    return invalidArgument("'" + result.manifest.model.name +
                           "' has no context length: give --tokens");

  Workload workload(*session, result.batch, result.tokens, options.logits);
  FLOWHN_RETURN_IF_ERROR(timeRuns(options, workload, peak, result));
  if (!options.trace.empty()) {
    Expected<std::vector<TracedLaunch>> trace = workload.trace();
    FLOWHN_RETURN_IF_ERROR(trace.status());
    result.trace = std::move(*trace);
  }
  FLOWHN_RETURN_IF_ERROR(countFlops(*model, *session, workload, result));
  describeMemory(options, *session, result);
  return result;
}
