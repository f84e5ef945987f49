//===- InputOptions.cpp - INPUT and the flags about it --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/InputOptions.h"

#include <array>
#include <fstream>

using namespace flowhn;
using namespace flowhn::tools;

static void addSplitFlags(CLI::App &app, SplitOptions &split) {
  app.add_option("--strategy", split.strategy, "How blocks share tokens: none, ae, fa, fac")
      ->check(CLI::IsMember({"none", "ae", "fa", "fac"}));
  app.add_option("--circulation", split.circulation,
                 "How the window of fac moves from block to block: alternate, rotate")
      ->check(CLI::IsMember({"alternate", "rotate"}));
  app.add_option("--attention-tokens", split.attentionTokens,
                 "Attention positions per context: N, or N,N,… one per block")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::NonNegativeNumber);
  app.add_option("--context", split.contextLength, "Context length that the split is laid out over")
      ->check(CLI::PositiveNumber);
}

void flowhn::tools::addInputOptions(CLI::App &app, InputOptions &options) {
  app.add_option(
      "INPUT", options.input,
      "A folder with config.json and weights, a config.json, a .mlir file or a .fhn file");
  app.add_option("--config", options.config, "A published size in place of INPUT: 135M, 350M, 1B");
  CLI::App &flags = *app.add_option_group("Split and compilation");
  options.compileFlags = &flags;
  CompileOptions &compile = options.compile;
  addSplitFlags(flags, compile.split);
  flags.add_option("--target", compile.target, "What to compile for: cpu");
  flags.add_option("--cpu", compile.cpu, "Processor level: host, x86-64-v2, x86-64-v3, x86-64-v4");
  flags
      .add_option("--branch-schedule", compile.branchSchedule,
                  "Whether a block's branches run at the same time: auto, streams, serial")
      ->check(CLI::IsMember({"auto", "streams", "serial"}));
  flags.add_option("--max-batch", compile.maxBatch, "Most sequences of one call")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  flags
      .add_option("--max-tokens", compile.maxTokens,
                  "Longest sequence of a model without a context length")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

std::string flowhn::tools::inputProblem(const InputOptions &options) {
  if (options.input.empty() == options.config.empty())
    return options.input.empty() ? "INPUT or --config is required"
                                 : "INPUT and --config exclude each other";
  if (options.input.empty() || !isArtifact(options.input))
    return {};
  for (const CLI::Option *flag : options.compileFlags->get_options())
    if (flag->count() > 0)
      return flag->get_name() + " has no effect on '" + options.input +
             "', which is compiled already";
  return {};
}

bool flowhn::tools::isArtifact(const std::string &path) {
  if (path.ends_with(".fhn"))
    return true;
  std::array<char, 4> magic = {};
  std::ifstream file(path, std::ios::binary);
  return file.read(magic.data(), magic.size()) &&
         std::string_view(magic.data(), magic.size()) == "PK\x03\x04";
}

/// Moves the split flags into the config of a model that they define.
static void applySplit(SplitOptions &split, ModelConfig &config) {
  constexpr std::array<std::string_view, 4> strategies = {"none", "ae", "fa", "fac"};
  for (size_t i = 0; i < strategies.size(); ++i)
    if (split.strategy == strategies[i])
      config.strategy = static_cast<SplitStrategy>(i);
  if (!split.circulation.empty())
    config.circulation =
        split.circulation == "rotate" ? Circulation::Rotate : Circulation::Alternate;
  if (split.contextLength > 0)
    config.contextLength = split.contextLength;
  if (!split.attentionTokens.empty())
    config.attentionTokens = split.attentionTokens;
  split = {};
}

Expected<Model> flowhn::tools::loadModel(InputOptions &options) {
  if (options.config.empty())
    return Model::load(options.input);
  Expected<ModelConfig> config = publishedConfig(options.config);
  if (!config.ok())
    return config.status();
  applySplit(options.compile.split, *config);
  return Model::fromConfig(std::move(*config), options.config);
}
