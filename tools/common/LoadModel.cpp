//===- LoadModel.cpp - From the command line to a session -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/LoadModel.h"

#include "common/Progress.h"

#include <charconv>
#include <chrono>

using namespace flowhn;
using namespace flowhn::tools;
using Clock = std::chrono::steady_clock;

static std::optional<uint64_t> parseSeed(const std::string &text) {
  uint64_t seed = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return seed;
}

void flowhn::tools::addRunOptions(CLI::App &app, RunOptions &options) {
  addInputOptions(app, options.model);
  CLI::Option *weights =
      app.add_option("--weights", options.weights, "Folder with model.safetensors or its shards");
  app.add_flag("--random-weights{1}", options.randomSeed,
               "Made-up weights, the same for a seed everywhere: --random-weights=SEED")
      ->excludes(weights);
  app.add_option("--threads", options.threads, "Threads that compute; default: every processor")
      ->check(CLI::Range(1, 1024));
}

std::string flowhn::tools::runProblem(const RunOptions &options) {
  if (!options.randomSeed.empty() && !parseSeed(options.randomSeed))
    return "--random-weights takes a number from 0 to 2^64 - 1, got '" + options.randomSeed + "'";
  return inputProblem(options.model);
}

Expected<CompiledModel> flowhn::tools::compileInput(const Tool &tool, RunOptions &options) {
  const Clock::time_point start = Clock::now();
  CompiledModel result;
  Expected<Artifact> artifact = [&]() -> Expected<Artifact> {
    if (!options.model.input.empty() && isArtifact(options.model.input))
      return Artifact::open(options.model.input);
    Expected<Model> model = loadModel(options.model);
    if (!model.ok())
      return model.status();
    result.config = model->config();
    result.weightsFolder = model->weightsFolder();
    Progress progress("compiling " + model->name());
    return compile(*model, options.model.compile, &result.report);
  }();
  tool.printDiagnostics(result.report.diagnostics);
  if (!artifact.ok())
    return artifact.status();
  result.artifact = std::make_shared<const Artifact>(std::move(*artifact));
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

Expected<std::unique_ptr<ParameterSource>> flowhn::tools::openWeights(const RunOptions &options,
                                                                      const CompiledModel &model) {
  if (!options.randomSeed.empty())
    return randomParameters(parametersOf(*model.artifact), *parseSeed(options.randomSeed));
  const std::string &folder = options.weights.empty() ? model.weightsFolder : options.weights;
  if (folder.empty())
    return notFound("'" + model.artifact->manifest().model.name +
                    "' comes without weights: give --weights FOLDER or --random-weights=SEED");
  return openCheckpoint(folder);
}

Expected<Session> flowhn::tools::openSession(const RunOptions &options,
                                             const CompiledModel &model) {
  Expected<std::unique_ptr<ParameterSource>> weights = openWeights(options, model);
  if (!weights.ok())
    return weights.status();
  Progress progress("loading weights");
  SessionOptions session;
  session.threads = options.threads;
  session.progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  return Session::create(model.artifact, std::move(*weights), session);
}
