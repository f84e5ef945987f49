//===- Compare.cpp - Artifacts of one model side by side ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"

#include "Report.h"
#include "Workload.h"
#include "common/Progress.h"

#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

using namespace flowhn;
using namespace flowhn::tools;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int64_t defaultRounds = 20;
/// The first run with some lengths reserves memory, the second one is recorded.
constexpr int warmUps = 3;

/// Weights that several sessions read, one after the other: what one is done with is kept for
/// the next.
class SharedParameters : public ParameterSource {
public:
  explicit SharedParameters(std::shared_ptr<ParameterSource> source) : source(std::move(source)) {}

  std::string origin() const override { return source->origin(); }
  std::vector<std::string> names() const override { return source->names(); }
  Expected<ParameterSpec> describe(const std::string &name) const override {
    return source->describe(name);
  }
  Expected<TensorView> find(const std::string &name) override { return source->find(name); }
  void release(const std::string &) override {}

private:
  std::shared_ptr<ParameterSource> source;
};

/// One of the artifacts, and what its calls took.
struct Compared {
  Compared(std::string name, Session opened, const BenchOptions &options, int64_t tokens)
      : name(std::move(name)), session(std::move(opened)),
        workload(session, options.batch, tokens, options.logits) {}

  std::string name;
  Session session;
  Workload workload;
  std::vector<double> latencies;       ///< seconds as the caller sees them, in order
  std::vector<double> deviceLatencies; ///< the same of the device, empty on the CPU
  std::vector<std::string> schedules;  ///< of its blocks, where the compiler predicted them

  /// The device's where there is one.
  const std::vector<double> &times() const {
    return deviceLatencies.empty() ? latencies : deviceLatencies;
  }
};

class Comparison {
public:
  Comparison(const Tool &tool, BenchOptions &options) : tool(tool), options(options) {}

  Status run() {
    FLOWHN_RETURN_IF_ERROR(openAll());
    for (Compared &one : all)
      FLOWHN_RETURN_IF_ERROR(one.workload.run(warmUps).withContext(one.name));
    FLOWHN_RETURN_IF_ERROR(timeRounds());
    for (Compared &one : all)
      FLOWHN_RETURN_IF_ERROR(readSchedules(one));
    print();
    return options.json.empty() ? Status() : writeJson();
  }

private:
  Status openAll() {
    FLOWHN_RETURN_IF_ERROR(open(options.run));
    for (const std::string &path : options.compare) {
      RunOptions other = options.run;
      other.model.input = path;
      other.model.config.clear();
      FLOWHN_RETURN_IF_ERROR(open(other));
    }
    return {};
  }

  Status open(RunOptions &run) {
    Expected<CompiledModel> model = compileInput(tool, run);
    FLOWHN_RETURN_IF_ERROR(model.status());
    if (!weights) {
      useRandomWeights(options, *model);
      Expected<std::unique_ptr<ParameterSource>> opened = openWeights(run, *model);
      FLOWHN_RETURN_IF_ERROR(opened.status());
      weights = std::move(*opened);
    }
    Expected<Session> session =
        openSession(run, *model, std::make_unique<SharedParameters>(weights));
    FLOWHN_RETURN_IF_ERROR(session.status().withContext(modelName(run.model)));
    FLOWHN_RETURN_IF_ERROR(checkTarget(*session).withContext(modelName(run.model)));
    if (all.empty())
      tokens = options.tokens > 0 ? options.tokens : session->contextLength();
    if (tokens == 0)
      return invalidArgument("'" + modelName(run.model) + "' has no context length: give --tokens");
    all.emplace_back(modelName(run.model), std::move(*session), options, tokens);
    return {};
  }

  /// Times of a device and of the CPU are not of the same kind.
  Status checkTarget(const Session &session) const {
    auto kindOf = [](const Session &one) { return one.artifact().manifest().target.kind; };
    if (all.empty() || kindOf(session) == kindOf(all.front().session))
      return {};
    return invalidArgument("compiled for the " + kindOf(session) + ", '" + all.front().name +
                           "' for the " + kindOf(all.front().session));
  }

  Status timeRounds() {
    int64_t rounds = options.repetitions > 0 ? options.repetitions : defaultRounds;
    Progress progress("measuring");
    for (int64_t round = 0; round < rounds; ++round)
      for (Compared &one : all)
        FLOWHN_RETURN_IF_ERROR(timeCall(one));
    return {};
  }

  static Status timeCall(Compared &one) {
    Clock::time_point start = Clock::now();
    Expected<double> deviceSeconds = one.workload.run();
    FLOWHN_RETURN_IF_ERROR(deviceSeconds.status());
    one.latencies.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    if (*deviceSeconds > 0)
      one.deviceLatencies.push_back(*deviceSeconds);
    return {};
  }

  /// A profile tells what was predicted of the blocks.
  static Status readSchedules(Compared &one) {
    one.session.enableProfile(true);
    FLOWHN_RETURN_IF_ERROR(one.workload.run(1));
    for (const BlockProfile &block : one.session.blocks())
      if (block.prediction)
        one.schedules.push_back(nameOf(block.prediction->schedule));
    one.session.enableProfile(false);
    return {};
  }

  void print() const {
    const ManifestModel &model = all.front().session.artifact().manifest().model;
    std::printf("model        %s: %s%s%s, %lld layers, %s\n", model.name.c_str(),
                model.strategy.c_str(), model.circulation.empty() ? "" : " ",
                model.circulation.c_str(), static_cast<long long>(model.numLayers),
                model.dtype.c_str());
    std::printf("target       %s\n", all.front().session.target().c_str());
    std::printf("prefill      batch %lld, %lld tokens, logits %s, %zu runs of each in turn, ms\n",
                static_cast<long long>(options.batch), static_cast<long long>(tokens),
                options.logits.c_str(), all.front().latencies.size());
    std::printf("%-40s %-16s %10s %10s %10s %8s\n", "artifact", "schedule", "median", "least",
                "most", "to best");
    for (const Compared &one : all)
      print(one);
  }

  void print(const Compared &one) const {
    auto [least, most] = std::ranges::minmax(one.times());
    std::printf("%-40s %-16s %10.3f %10.3f %10.3f %+6.1f %%\n", one.name.c_str(),
                distinct(one.schedules).c_str(), median(one.times()) * 1e3, least * 1e3, most * 1e3,
                100 * (median(one.times()) / bestMedian() - 1));
  }

  double bestMedian() const {
    double best = median(all.front().times());
    for (const Compared &one : all)
      best = std::min(best, median(one.times()));
    return best;
  }

  /// "grouped, serial" where blocks differ.
  static std::string distinct(const std::vector<std::string> &schedules) {
    std::string text;
    for (const std::string &schedule : std::set(schedules.begin(), schedules.end()))
      text += (text.empty() ? "" : ", ") + schedule;
    return text.empty() ? "-" : text;
  }

  Status writeJson() const {
    const ManifestModel &model = all.front().session.artifact().manifest().model;
    nlohmann::ordered_json json = {{"model", model.name},
                                   {"dtype", model.dtype},
                                   {"strategy", model.strategy},
                                   {"circulation", model.circulation},
                                   {"attention_tokens", model.attentionTokens},
                                   {"runs_on", all.front().session.target()},
                                   {"batch", options.batch},
                                   {"tokens", tokens},
                                   {"logits", options.logits}};
    for (const Compared &one : all)
      json["artifacts"].push_back({{"artifact", one.name},
                                   {"schedules", one.schedules},
                                   {"latencies_seconds", one.latencies},
                                   {"device_latencies_seconds", one.deviceLatencies},
                                   {"median_seconds", median(one.times())}});
    std::ofstream file(options.json);
    file << json.dump(1) << '\n';
    file.close();
    return file ? Status() : notFound("cannot write '" + options.json + "'");
  }

  const Tool &tool;
  BenchOptions &options;
  std::shared_ptr<ParameterSource> weights;
  int64_t tokens = 0;       ///< of a sequence
  std::deque<Compared> all; ///< workloads refer to their sessions, which stay where they are
};

} // namespace

Status flowhn::tools::compareArtifacts(const Tool &tool, BenchOptions &options) {
  return Comparison(tool, options).run();
}
