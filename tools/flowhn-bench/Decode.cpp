//===- Decode.cpp - How fast sequences go on ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

#include "MemoryPeak.h"
#include "Report.h"
#include "common/Progress.h"
#include "flowhn/Runtime/Device.h"
#include "flowhn/Runtime/Generator.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace flowhn;
using namespace flowhn::tools;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int64_t defaultSteps = 64;

struct DecodeTimes {
  DecodePoint point;
  int64_t promptTokens = 0;      ///< of a sequence
  int64_t stateBytes = 0;        ///< of all sequences
  double promptSeconds = 0;      ///< of all sequences, to the first token
  std::vector<double> latencies; ///< of one step of all sequences, in order
  /// Of the same steps on a GPU, from the first kernel's start to the last one's end.
  std::vector<double> deviceLatencies;
  std::vector<KernelProfile> kernels; ///< of the last step
  double stepBytes = 0;               ///< that they count

  double medianLatency() const { return median(latencies); }
  double p99() const {
    std::vector<double> sorted = latencies;
    std::ranges::sort(sorted);
    return sorted[(sorted.size() * 99 + 99) / 100 - 1];
  }
  double promptRate() const { return double(point.batch * promptTokens) / promptSeconds; }
  double tokenRate() const { return double(point.batch) / medianLatency(); }
  double byteRate() const { return stepBytes / medianLatency(); }
};

struct StepTime {
  double wall = 0, device = 0;
};

/// Sequences that take the most likely token each time.
class Decoding {
public:
  static Expected<Decoding> create(Session &session, const DecodePoint &point) {
    Expected<Generator> generator =
        Generator::create(session, {.sequences = point.batch, .context = point.context});
    FLOWHN_RETURN_IF_ERROR(generator.status());
    for (int64_t i = 0; i < point.batch; ++i)
      FLOWHN_RETURN_IF_ERROR(generator->add().status());
    return Decoding(std::move(*generator));
  }

  int64_t stateBytes() const { return generator.stateBytes(); }

  /// Takes `count` tokens of each of `ids`, one sequence behind the other; gives the seconds.
  Expected<StepTime> step(std::span<const int32_t> ids, int64_t count) {
    std::vector<SequenceTokens> rows;
    for (int64_t i = 0; i * count < std::ssize(ids); ++i)
      rows.push_back({i, ids.subspan(size_t(i * count), size_t(count))});
    Clock::time_point start = Clock::now();
    Expected<CallResult> result = generator.step(rows, {.tokens = true, .returnLogits = false});
    FLOWHN_RETURN_IF_ERROR(result.status());
    double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    next = std::move(result->tokens);
    return StepTime{seconds, result->deviceSeconds};
  }
  Expected<StepTime> step() {
    std::vector<int32_t> ids = next;
    return step(ids, 1);
  }

private:
  explicit Decoding(Generator generator) : generator(std::move(generator)) {}

  Generator generator;
  std::vector<int32_t> next;
};

Expected<DecodeTimes> measurePoint(Session &session, const DecodePoint &point, int64_t steps) {
  DecodeTimes times = {.point = point, .promptTokens = point.context - steps};
  if (times.promptTokens < 1)
    return invalidArgument("a context of " + std::to_string(point.context) +
                           " has no prompt before " + std::to_string(steps) +
                           " tokens that are decoded");
  std::vector<int32_t> prompt(size_t(point.batch * times.promptTokens));
  for (size_t i = 0; i < prompt.size(); ++i)
    prompt[i] = int32_t((i * 7919 + 13) % size_t(session.vocabSize()));
  // The first one reserves memory.
  for (int run = 0; run < 2; ++run) {
    Expected<Decoding> decoding = Decoding::create(session, point);
    FLOWHN_RETURN_IF_ERROR(decoding.status());
    times.stateBytes = decoding->stateBytes();
    Expected<StepTime> time = decoding->step(prompt, times.promptTokens);
    FLOWHN_RETURN_IF_ERROR(time.status());
    times.promptSeconds = time->wall;
    for (int64_t i = 1; run > 0 && i < steps; ++i) {
      time = decoding->step();
      FLOWHN_RETURN_IF_ERROR(time.status());
      times.latencies.push_back(time->wall);
      times.deviceLatencies.push_back(time->device);
    }
    session.enableProfile(run > 0);
    FLOWHN_RETURN_IF_ERROR(decoding->step().status());
    times.kernels = session.profile();
    session.enableProfile(false);
  }
  for (const KernelProfile &kernel : times.kernels)
    times.stepBytes += kernel.bytes;
  return times;
}

void printHeader(bool onGPU) {
  std::printf("%6s %8s %14s %14s %10s %10s", "batch", "context", "prompt token/s", "first token ms",
              "median ms", "p99 ms");
  if (onGPU)
    std::printf(" %10s", "device ms");
  std::printf(" %11s %8s %8s\n", "token/s", "GB/s", "of that");
}

void printTimes(const DecodeTimes &times, double memoryRate, bool onGPU) {
  std::printf("%6ld %8ld %14.0f %14.2f %10.3f %10.3f", times.point.batch, times.point.context,
              times.promptRate(), times.promptSeconds * 1e3, times.medianLatency() * 1e3,
              times.p99() * 1e3);
  if (onGPU)
    std::printf(" %10.3f", median(times.deviceLatencies) * 1e3);
  std::printf(" %11.1f %8.1f %6.0f %%\n", times.tokenRate(), times.byteRate() * 1e-9,
              100 * times.byteRate() / memoryRate);
}

nlohmann::ordered_json asJson(const DecodeTimes &times) {
  return {{"batch", times.point.batch},
          {"context", times.point.context},
          {"prompt_tokens", times.promptTokens},
          {"state_bytes", times.stateBytes},
          {"prompt_tokens_per_second", times.promptRate()},
          {"first_token_seconds", times.promptSeconds},
          {"latencies_seconds", times.latencies},
          {"median_latency_seconds", times.medianLatency()},
          {"p99_latency_seconds", times.p99()},
          {"device_latencies_seconds", times.deviceLatencies},
          {"median_device_latency_seconds", median(times.deviceLatencies)},
          {"tokens_per_second", times.tokenRate()},
          {"step_bytes", times.stepBytes}};
}

Status writeJson(const std::string &path, const Session &session, double memoryRate,
                 const std::vector<DecodeTimes> &all) {
  const ManifestModel &model = session.artifact().manifest().model;
  nlohmann::ordered_json json = {{"model", model.name},
                                 {"dtype", model.dtype},
                                 {"strategy", model.strategy},
                                 {"attention_tokens", model.attentionTokens},
                                 {"runs_on", session.target()},
                                 {"threads", session.threads()},
                                 {"memory_bytes_per_second", memoryRate}};
  for (const DecodeTimes &times : all)
    json["decode"].push_back(asJson(times));
  std::ofstream file(path);
  file << json.dump(1) << '\n';
  file.close();
  return file ? Status() : notFound("cannot write '" + path + "'");
}

Expected<Session> open(const Tool &tool, BenchOptions &options) {
  Expected<CompiledModel> model = compileInput(tool, options.run);
  FLOWHN_RETURN_IF_ERROR(model.status());
  if (options.run.weights.empty() && model->weightsFolder.empty() && options.run.randomSeed.empty())
    options.run.randomSeed = "1";
  Expected<std::unique_ptr<ParameterSource>> weights = openWeights(options.run, *model);
  FLOWHN_RETURN_IF_ERROR(weights.status());
  return openSession(options.run, *model, std::move(*weights));
}

bool parseNumber(std::string_view text, int64_t &number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

/// Bytes per second that the memory with the weights gives: copies on a GPU, else reads.
double measureRate(const Session &session, const BenchOptions &options) {
  if (session.chip().empty())
    return measureMemoryRate(session.threads());
  Expected<DeviceRates> rates = measureDevice(options.run.device);
  return rates.ok() ? rates->copy : 0;
}

} // namespace

Expected<std::vector<DecodePoint>> flowhn::tools::parseDecodePoints(const std::string &text) {
  std::vector<DecodePoint> points;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    std::string_view part = std::string_view(text).substr(begin, end - begin);
    size_t times = std::min(part.find('x'), part.size());
    DecodePoint &point = points.emplace_back();
    if (!parseNumber(part.substr(0, times), point.batch) || times == part.size() ||
        !parseNumber(part.substr(times + 1), point.context))
      return invalidArgument("--decode is '" + text +
                             "', it must be sequences x positions, such as 1x1024,64x1024");
    begin = end + 1;
  }
  return points;
}

Status flowhn::tools::measureDecode(const Tool &tool, BenchOptions &options,
                                    const std::vector<DecodePoint> &points) {
  Expected<Session> session = open(tool, options);
  FLOWHN_RETURN_IF_ERROR(session.status());
  int64_t steps = options.repetitions > 0 ? options.repetitions : defaultSteps;
  if (steps < 2)
    return invalidArgument("--decode needs at least 2 --repetitions, got " + std::to_string(steps));
  double memoryRate = measureRate(*session, options);
  std::vector<DecodeTimes> all;
  {
    Progress progress("measuring");
    for (const DecodePoint &point : points) {
      Expected<DecodeTimes> times = measurePoint(*session, point, steps);
      FLOWHN_RETURN_IF_ERROR(times.status());
      all.push_back(std::move(*times));
    }
  }
  memoryRate = std::max(memoryRate, measureRate(*session, options));
  std::printf("%s, memory gives %.1f GB/s\n", session->target().c_str(), memoryRate * 1e-9);
  bool onGPU = !session->chip().empty();
  printHeader(onGPU);
  for (const DecodeTimes &times : all)
    printTimes(times, memoryRate, onGPU);
  for (const DecodeTimes &times : all)
    if (options.kernels)
      printKernels(times.kernels, onGPU);
  return options.json.empty() ? Status() : writeJson(options.json, *session, memoryRate, all);
}
