//===- flowhn-bench.cpp - How fast a model is -----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Autotune.h"
#include "Calibrate.h"
#include "Compare.h"
#include "Decode.h"
#include "Report.h"
#include "Trace.h"

using namespace flowhn;
using namespace flowhn::tools;

static void addOptions(CLI::App &app, BenchOptions &options) {
  addRunOptions(app, options.run);
  app.add_option("--batch", options.batch, "Sequences of a run")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--tokens", options.tokens,
                 "Tokens of a sequence, and the context length of --config; default: the context")
      ->check(CLI::Range(1, 1 << 24));
  app.add_option("--logits", options.logits, "Whose logits to compute: last, all, none")
      ->check(CLI::IsMember({"last", "all", "none"}))
      ->capture_default_str();
  app.add_option("--repetitions", options.repetitions,
                 "Runs to time; default: as many as fit 5 seconds, at least 5")
      ->check(CLI::Range(1, 1000000));
  app.add_flag("--kernels", options.kernels, "Print the time of each kernel");
  app.add_option("--decode", options.decode,
                 "Measure prompts and the tokens after them in place of whole calls: sequences x "
                 "positions, such as 1x1024,64x1024; --repetitions of them are decoded, by "
                 "default 64");
  app.add_option("--compare", options.compare,
                 "Time whole calls of INPUT and of this artifact in turn, over one set of weights, "
                 "--repetitions of each, by default 20; may be given several times")
      ->option_text("FILE.fhn")
      ->allow_extra_args(false);
  app.add_option("--json", options.json, "Write everything to a file");
  app.add_option("--trace", options.trace,
                 "Write when each kernel of one more run ran to a file, one track per stream, as "
                 "JSON for ui.perfetto.dev");
  app.add_option("--calibrate", options.calibrate,
                 "On a GPU: add what the model's kernels take, and how far branches on streams "
                 "overlap, to a file for --calibration, made where it is not there");
  app.add_option("--autotune", options.autotune,
                 "On a GPU, in place of everything else: time the model's kernels with each of "
                 "the configurations that they can have, or those of an artifact with its own, "
                 "and add the times to a file for --calibration");
}

/// A published size has the context of the run, unless said otherwise.
static void chooseContext(BenchOptions &options) {
  SplitOptions &split = options.run.model.compile.split;
  if (!options.run.model.config.empty() && split.contextLength == 0)
    split.contextLength = options.tokens;
}

/// Times are predicted for the call that is measured, unless said otherwise.
static void chooseTypicalCall(BenchOptions &options) {
  CompileOptions &compile = options.run.model.compile;
  const CLI::App &flags = *options.run.model.compileFlags;
  if (flags.count("--typical-batch") == 0)
    compile.typicalBatch = options.batch;
  if (flags.count("--typical-tokens") == 0)
    compile.typicalTokens = options.tokens;
}

static Expected<int> execute(const Tool &tool, BenchOptions &options) {
  chooseContext(options);
  if (!options.decode.empty()) {
    Expected<std::vector<DecodePoint>> points = parseDecodePoints(options.decode);
    FLOWHN_RETURN_IF_ERROR(points.status());
    FLOWHN_RETURN_IF_ERROR(measureDecode(tool, options, *points));
    return exitSuccess;
  }
  chooseTypicalCall(options);
  if (!options.autotune.empty()) {
    FLOWHN_RETURN_IF_ERROR(autotune(tool, options));
    return exitSuccess;
  }
  if (!options.compare.empty()) {
    FLOWHN_RETURN_IF_ERROR(compareArtifacts(tool, options));
    return exitSuccess;
  }
  Expected<Measurements> result = measure(tool, options);
  if (!result.ok())
    return result.status();
  printReport(*result);
  if (options.kernels)
    printKernels(result->kernels, result->onGPU());
  if (!options.calibrate.empty())
    FLOWHN_RETURN_IF_ERROR(calibrate(options.calibrate, *result));
  if (!options.json.empty())
    FLOWHN_RETURN_IF_ERROR(writeReport(options.json, *result));
  if (!options.trace.empty())
    FLOWHN_RETURN_IF_ERROR(writeTrace(options.trace, *result));
  return exitSuccess;
}

/// Why the options cannot go together, empty when they can.
static std::string problemOf(const CLI::App &app, const BenchOptions &options) {
  for (const char *flag : {"--calibrate", "--autotune"})
    if (app.count(flag) && options.run.model.compile.target == "cpu")
      return std::string(flag) + " measures a GPU, the target is cpu";
  for (const char *flag :
       {"--batch", "--tokens", "--logits", "--trace", "--calibrate", "--autotune"})
    if (!options.decode.empty() && app.count(flag))
      return std::string(flag) + " is of whole calls, --decode of tokens";
  for (const char *flag : {"--repetitions", "--kernels", "--json", "--trace", "--calibrate"})
    if (!options.autotune.empty() && app.count(flag))
      return std::string(flag) + " has no effect with --autotune";
  for (const char *flag : {"--decode", "--kernels", "--trace", "--calibrate", "--autotune"})
    if (!options.compare.empty() && app.count(flag))
      return std::string(flag) + " has no effect with --compare";
  for (const std::string &path : options.compare)
    if (!isArtifact(path))
      return "--compare takes artifacts, '" + path + "' is none";
  if (!options.autotune.empty() && options.run.model.compileFlags->count("--candidate"))
    return "--autotune tries one candidate after the other, and --candidate names one";
  return {};
}

int main(int argc, char **argv) {
  Tool tool("flowhn-bench", "Measures how fast a FlowHN model compiles, loads and runs");
  BenchOptions options;
  addOptions(tool.app(), options);
  if (std::optional<int> code = tool.parse(argc, argv))
    return *code;
  if (std::string problem = runProblem(options.run); !problem.empty())
    return tool.usageError(problem);
  if (std::string problem = problemOf(tool.app(), options); !problem.empty())
    return tool.usageError(problem);
  return tool.run([&] { return execute(tool, options); });
}
