//===- Autotune.cpp - Measures the configurations of kernels --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Autotune.h"

#include "Calibrate.h"
#include "TuningPoints.h"
#include "Workload.h"

#include <cstdio>

using namespace flowhn;
using namespace flowhn::tools;

namespace {

struct TunedCall {
  int64_t batch = 0, tokens = 0;
};

/// The call of the options, and calls in which all rows, or those of a branch that has about half
/// of them, lie between two of the bounds that products have kernels for (GPUTargetInfo).
std::vector<TunedCall> callsOf(const BenchOptions &options, const Session &session) {
  int64_t longest = session.longestRow();
  std::vector<TunedCall> calls = {{options.batch, options.tokens > 0 ? options.tokens : longest}};
  for (int64_t rows : {640, 1280, 2560}) {
    int64_t batch = (rows + longest - 1) / longest;
    if (batch <= session.maxBatch() && rows < options.batch * calls.front().tokens)
      calls.push_back({batch, rows / batch});
  }
  return calls;
}

/// Whether two artifacts have the same code and plans.
bool isSame(const Artifact &a, const Artifact &b) {
  return std::ranges::equal(
      a.manifest().sections, b.manifest().sections,
      [](const auto &x, const auto &y) { return x.name == y.name && x.hash == y.hash; });
}

class Tuner {
public:
  Tuner(const Tool &tool, BenchOptions &options) : tool(tool), options(options) {}

  Status run() {
    if (isArtifact(options.run.model.input))
      return measureNext().status();
    for (Expected<bool> isNew = true; *isNew;) {
      isNew = measureNext();
      FLOWHN_RETURN_IF_ERROR(isNew.status());
    }
    return {};
  }

  TuningPoints points;
  std::string chip, target; ///< of the device

private:
  /// False where the next candidates are the first ones again: there are no more.
  Expected<bool> measureNext() {
    options.run.model.compile.candidate = next++;
    Expected<CompiledModel> model = compileInput(tool, options.run);
    FLOWHN_RETURN_IF_ERROR(model.status());
    if (first && isSame(*first, *model->artifact))
      return false;
    if (!first)
      first = model->artifact;
    std::printf("candidate    %lld\n", static_cast<long long>(next - 1));
    FLOWHN_RETURN_IF_ERROR(measure(*model));
    return true;
  }

  Status measure(const CompiledModel &model) {
    useRandomWeights(options, model);
    Expected<std::unique_ptr<ParameterSource>> weights = openWeights(options.run, model);
    FLOWHN_RETURN_IF_ERROR(weights.status());
    Expected<Session> session = openSession(options.run, model, std::move(*weights));
    FLOWHN_RETURN_IF_ERROR(session.status());
    chip = session->chip();
    target = session->target();
    if (chip.empty())
      return invalidArgument("--autotune measures a GPU, the model runs on " + target);
    for (TunedCall call : callsOf(options, *session))
      FLOWHN_RETURN_IF_ERROR(measure(*session, call));
    return {};
  }

  Status measure(Session &session, TunedCall call) {
    constexpr int warmUps = 2, runs = 10;
    Workload workload(session, call.batch, call.tokens, options.logits);
    FLOWHN_RETURN_IF_ERROR(workload.run(warmUps));
    session.enableProfile(true);
    FLOWHN_RETURN_IF_ERROR(workload.run(runs));
    points.add(session.launches());
    session.enableProfile(false);
    return {};
  }

  const Tool &tool;
  BenchOptions &options;
  int64_t next = 0;
  std::shared_ptr<const Artifact> first;
};

std::string textOf(const std::vector<int64_t> &extents) {
  std::string text;
  for (int64_t extent : extents)
    text += (text.empty() ? "" : " ") + std::to_string(extent);
  return text;
}

void print(const std::vector<TuningPoints::Outcome> &outcomes) {
  std::printf("%-64s %-16s %9s %9s  %s\n", "kernel", "extents", "first us", "best us",
              "configuration");
  for (const TuningPoints::Outcome &outcome : outcomes)
    std::printf("%-64s %-16s %9.2f %9.2f  %s\n", outcome.kernel.c_str(),
                textOf(outcome.best.extents).c_str(), outcome.first.seconds * 1e6,
                outcome.best.seconds * 1e6, outcome.best.config.c_str());
}

} // namespace

Status flowhn::tools::autotune(const Tool &tool, BenchOptions &options) {
  Tuner tuner(tool, options);
  FLOWHN_RETURN_IF_ERROR(tuner.run());
  if (tuner.points.empty())
    return invalidArgument("no kernel of the model has configurations to choose among");
  Expected<Calibration> table = openTable(options.autotune, tuner.chip, tuner.target);
  FLOWHN_RETURN_IF_ERROR(table.status());
  tuner.points.store(*table);
  print(tuner.points.outcomes());
  return writeTable(options.autotune, *table);
}
