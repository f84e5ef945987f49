//===- flowhn-run.cpp - Runs a model --------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"
#include "Generate.h"
#include "Interactive.h"
#include "common/LoadModel.h"

using namespace flowhn;
using namespace flowhn::tools;

namespace {

struct Options {
  RunOptions run;
  std::string prompt;
  std::vector<int32_t> tokenIds;
  bool interactive = false;
  GenerationOptions generation;
  std::string input;
  std::string output;
  std::string logits = "all";
  int64_t repeat = 1;
  CheckOptions check;
  std::string chunks;
};

/// Flags that say how a generation chooses its tokens.
constexpr const char *samplingFlags[] = {"--repetition-penalty", "--temperature", "--top-k",
                                         "--top-p", "--seed"};

void addSamplingOptions(CLI::App &app, SamplingOptions &options) {
  app.add_option("--repetition-penalty", options.repetitionPenalty,
                 "Make tokens that came before less likely, above 1")
      ->capture_default_str();
  app.add_option("--temperature", options.temperature,
                 "Draw tokens, likely ones less often the higher it is; 0: the most likely token")
      ->capture_default_str();
  app.add_option("--top-k", options.topK, "Draw among so many most likely tokens; 0: all")
      ->capture_default_str();
  app.add_option("--top-p", options.topP,
                 "Draw among the fewest most likely tokens that have this share")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Of what is drawn")->capture_default_str();
}

void addOptions(CLI::App &app, Options &options) {
  addRunOptions(app, options.run);
  CLI::Option *prompt =
      app.add_option("--prompt", options.prompt, "Text to continue, for a model of bytes");
  CLI::Option *ids = app.add_option("--token-ids", options.tokenIds, "Token ids to continue: 1,2,3")
                         ->delimiter(',')
                         ->allow_extra_args(false)
                         ->excludes(prompt);
  CLI::Option *interactive =
      app.add_flag("--interactive", options.interactive,
                   "Read prompts from standard input, a line each, and go on with one sequence")
          ->excludes(prompt)
          ->excludes(ids);
  app.add_option("--max-new-tokens", options.generation.maxNewTokens, "Tokens to append")
      ->check(atLeast(0))
      ->capture_default_str();
  addSamplingOptions(app, options.generation.sampling);
  CLI::Option *input =
      app.add_option("--input", options.input, "Token ids to compute logits for, a .npy file")
          ->excludes(prompt)
          ->excludes(ids)
          ->excludes(interactive);
  app.add_option("--output", options.output, "Where the logits of --input go, a .npy file")
      ->needs(input);
  app.add_option("--logits", options.logits, "Whose logits to compute for --input: last, all, none")
      ->check(CLI::IsMember({"last", "all", "none"}))
      ->needs(input)
      ->capture_default_str();
  app.add_option("--repeat", options.repeat,
                 "Compute --input so many times; fails unless each gives the same bits")
      ->check(atLeast(1))
      ->needs(input)
      ->capture_default_str();
  CLI::Option *check =
      app.add_option("--check", options.check.file,
                     "Reference results to compare with, a safetensors file; greedy "
                     "tokens must all agree, in 16 bits, where near-ties are "
                     "decided either way, the first one")
          ->excludes(prompt)
          ->excludes(ids)
          ->excludes(interactive)
          ->excludes(input);
  app.add_option("--tolerance", options.check.tolerance,
                 "Relative error that --check allows; default: 1e-4, in 16 bits 2e-2")
      ->check(atLeast(0))
      ->needs(check);
  app.add_option("--tolerance-row", options.check.rowTolerance,
                 "The same of the worst row; default: --tolerance, in 16 bits three times that")
      ->check(atLeast(0))
      ->needs(check);
  app.add_option("--chunks", options.chunks,
                 "Feed the sequences of --check in pieces, as they go on from step to step: sizes "
                 "in turn (1 or 7,64,3) or random:SEED")
      ->needs(check);
  app.add_option("--check-lengths", options.check.lengths, "Lengths of --check to compare: 41,56")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->needs(check);
  app.add_flag("--check-hidden", options.check.hidden, "Compare the hidden states of --check too")
      ->needs(check);
}

std::string chunksProblem(Options &options) {
  if (options.chunks.empty())
    return {};
  Expected<Chunks> chunks = Chunks::parse(options.chunks);
  if (!chunks.ok())
    return chunks.status().message();
  options.check.chunks = std::move(*chunks);
  return {};
}

std::string problemOf(Options &options, CLI::App &app) {
  if (std::string problem = runProblem(options.run); !problem.empty())
    return problem;
  bool generates = app.count("--prompt") || app.count("--token-ids") || options.interactive;
  constexpr const char *needed = " requires --prompt, --token-ids or --interactive";
  if (!generates && options.input.empty() && options.check.file.empty())
    return "nothing to do: give --prompt, --token-ids, --interactive, --input or --check";
  if (!generates && app.count("--max-new-tokens"))
    return std::string("--max-new-tokens") + needed;
  for (const char *flag : samplingFlags)
    if (!generates && app.count(flag))
      return std::string(flag) + needed;
  if (options.generation.sampling.temperature == 0)
    for (const char *flag : {"--top-k", "--top-p", "--seed"})
      if (app.count(flag))
        return std::string(flag) + " requires --temperature above 0";
  if (app.count("--prompt") && options.prompt.empty())
    return "--prompt is empty: a model continues at least one token";
  if (!options.input.empty() && (options.logits == "none") != options.output.empty())
    return options.output.empty() ? "--input requires --output FILE, or --logits=none"
                                  : "--output has nothing to write with --logits=none";
  if (Status status = checkSampling(options.generation.sampling); !status.ok())
    return status.message();
  return chunksProblem(options);
}

LogitsMode logitsMode(const std::string &name) {
  if (name == "none")
    return LogitsMode::None;
  return name == "last" ? LogitsMode::Last : LogitsMode::All;
}

Status runRequest(const Tool &tool, const Options &options, Session &session) {
  if (options.interactive)
    return runInteractive(tool, session, options.generation);
  if (!options.prompt.empty())
    return generateText(tool, session, options.prompt, options.generation);
  if (!options.tokenIds.empty())
    return generateIds(tool, session, options.tokenIds, options.generation);
  return runFile(session, options.input, options.output, logitsMode(options.logits),
                 options.repeat);
}

Expected<int> execute(const Tool &tool, Options &options) {
  Expected<CompiledModel> model = compileInput(tool, options.run);
  if (!model.ok())
    return model.status();
  Expected<std::unique_ptr<ParameterSource>> weights = openWeights(options.run, *model);
  if (!weights.ok())
    return weights.status();
  Expected<Session> session = openSession(options.run, *model, std::move(*weights));
  if (!session.ok())
    return session.status();
  if (options.check.file.empty()) {
    FLOWHN_RETURN_IF_ERROR(runRequest(tool, options, *session));
    return exitSuccess;
  }
  Expected<bool> passed = checkResults(*session, options.check);
  if (!passed.ok())
    return passed.status();
  return *passed ? exitSuccess : exitFailure;
}

} // namespace

int main(int argc, char **argv) {
  Tool tool("flowhn-run", "Runs a FlowHN model: generates, computes logits, or checks them");
  Options options;
  addOptions(tool.app(), options);
  if (std::optional<int> code = tool.parse(argc, argv))
    return *code;
  if (std::string problem = problemOf(options, tool.app()); !problem.empty())
    return tool.usageError(problem);
  return tool.run([&] { return execute(tool, options); });
}
