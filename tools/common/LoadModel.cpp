//===- LoadModel.cpp - From the command line to a session -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/LoadModel.h"

#include "common/CompilerLibrary.h"
#include "common/Progress.h"
#include "common/Target.h"
#include "flowhn/Runtime/Device.h"

#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>

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
  CLI::App &flags = *app.add_option_group("GPU");
  options.gpuFlags = &flags;
  flags.add_option("--device", options.device, "Which GPU, in the driver's order")
      ->check(CLI::Range(0, 1023))
      ->capture_default_str();
  flags.add_flag("--graphs,!--no-graphs", options.graphs,
                 "Whether a call whose lengths repeat is replayed as a CUDA graph; default: yes");
}

/// Why a flag that only a GPU takes does not fit the target kind of `what`.
static std::string gpuFlagProblem(const RunOptions &options, const std::string &kind,
                                  const std::string &what) {
  if (kind == "nvptx")
    return {};
  if (options.gpuFlags->count("--device") > 0)
    return "--device has no effect on " + what;
  if (options.gpuFlags->count("--graphs") > 0)
    return (options.graphs ? "--graphs" : "--no-graphs") + (" has no effect on " + what);
  return {};
}

static bool namesChip(const RunOptions &options) {
  return options.model.compileFlags->count("--chip") > 0;
}

/// Why --chip does not fit an artifact for the target kind of `what`.
static std::string chipProblem(const RunOptions &options, const std::string &kind,
                               const std::string &what) {
  size_t chips = options.model.compile.chips.size();
  if (!namesChip(options) || (kind == "nvptx" && chips == 1))
    return {};
  return kind == "nvptx" ? "--chip takes one chip of " + what + ", got " + std::to_string(chips)
                         : "--chip has no effect on " + what;
}

static bool isCompiled(const RunOptions &options) {
  return !options.model.input.empty() && isArtifact(options.model.input);
}

std::string flowhn::tools::runProblem(RunOptions &options) {
  if (!options.randomSeed.empty() && !parseSeed(options.randomSeed))
    return "--random-weights takes a number from 0 to 2^64 - 1, got '" + options.randomSeed + "'";
  if (std::string problem = inputProblem(options.model); !problem.empty() || isCompiled(options))
    return problem;
  CompileOptions &compile = options.model.compile;
  if (compile.target == "nvptx" && !namesChip(options))
    compile.chips = chipsForDevice(compile.chips, options.device);
  return gpuFlagProblem(options, compile.target, "the target " + compile.target);
}

/// The options that name the weights, as a shell takes them; empty without any.
static std::string weightFlags(const RunOptions &options) {
  if (!options.randomSeed.empty())
    return " --random-weights=" + options.randomSeed;
  if (!options.weights.empty())
    return " --weights " + shellWord(options.weights);
  std::error_code error;
  bool isFolder = std::filesystem::is_directory(options.model.input, error);
  return isFolder ? " --weights " + shellWord(options.model.input) : "";
}

static Status noCompiler(const Tool &tool, const RunOptions &options, const Status &reason) {
  const InputOptions &model = options.model;
  std::string artifact = modelName(model) + ".fhn";
  std::string what = model.config.empty() ? "'" + model.input + "'" : "--config " + model.config;
  return {reason.code(),
          what + " has to be compiled, and the compiler cannot be loaded: " + reason.message() +
              "\nrun where it is installed: " + compileCommand(model, artifact) +
              "\nthen here: " + tool.program() + " " + shellWord(artifact) + weightFlags(options)};
}

static Expected<Artifact> openArtifact(const RunOptions &options) {
  const std::string &path = options.model.input;
  Expected<Artifact> artifact = Artifact::open(path);
  if (!artifact.ok())
    return artifact;
  const std::string &kind = artifact->manifest().target.kind;
  std::string what = "'" + path + "', which is compiled for the " + kind;
  std::string problem = gpuFlagProblem(options, kind, what);
  if (problem.empty())
    problem = chipProblem(options, kind, what);
  return problem.empty() ? std::move(artifact) : invalidArgument(problem);
}

static Expected<Artifact> compileModel(const Tool &tool, RunOptions &options,
                                       CompiledModel &result) {
  Expected<const CompilerInterface *> compiler = loadCompiler();
  if (!compiler.ok())
    return noCompiler(tool, options, compiler.status());
  // Before a compilation that would be of no use.
  if (options.model.compile.target == "nvptx")
    FLOWHN_RETURN_IF_ERROR(findDevice(options.device).status().withContext("--target=nvptx"));
  Expected<Model> model = loadModel(**compiler, options.model);
  if (!model.ok())
    return model.status();
  result.config = model->config();
  result.weightsFolder = model->weightsFolder();
  Progress progress("compiling " + model->name());
  return (*compiler)->compile(*model, options.model.compile, &result.report);
}

Expected<CompiledModel> flowhn::tools::compileInput(const Tool &tool, RunOptions &options) {
  const Clock::time_point start = Clock::now();
  CompiledModel result;
  Expected<Artifact> artifact =
      isCompiled(options) ? openArtifact(options) : compileModel(tool, options, result);
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

static Expected<Session> createSession(const RunOptions &options, const CompiledModel &model,
                                       std::unique_ptr<ParameterSource> weights) {
  Progress progress("loading weights");
  SessionOptions session;
  session.threads = options.threads;
  session.device = options.device;
  if (isCompiled(options) && namesChip(options))
    session.chip = options.model.compile.chips.front();
  session.graphs = options.graphs;
  session.progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  return Session::create(model.artifact, std::move(weights), session);
}

Expected<Session> flowhn::tools::openSession(const RunOptions &options, const CompiledModel &model,
                                             std::unique_ptr<ParameterSource> weights) {
  Expected<Session> session = createSession(options, model, std::move(weights));
  if (session.ok())
    std::cerr << "target: " << session->target() << '\n';
  return session;
}
