//===- InputOptions.cpp - INPUT and the flags about it --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/InputOptions.h"

#include "common/Target.h"
#include "common/Tool.h"

#include <array>
#include <filesystem>
#include <fstream>

using namespace flowhn;
using namespace flowhn::tools;
namespace fs = std::filesystem;

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
      ->check(atLeast(0));
  app.add_option("--context", split.contextLength, "Context length that the split is laid out over")
      ->check(atLeast(1));
}

static void addTargetFlags(CLI::App &app, CompileOptions &compile) {
  compile.target = "auto";
  app.add_option("--target", compile.target,
                 "What to compile for: cpu, nvptx; auto: nvptx where there is a GPU for it")
      ->check(CLI::IsMember({"auto", "cpu", "nvptx"}))
      ->capture_default_str();
  app.add_option("--cpu", compile.cpu,
                 "Processor level of the cpu: host, x86-64-v2, x86-64-v3, x86-64-v4");
  app.add_option("--chip", compile.chips,
                 "Chips of nvptx to compile for, sm_90a,…; of a .fhn file the one whose code runs")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--ptxas", compile.ptxas,
                 "Assembler of nvptx: a path; auto: that of the CUDA toolkit, if any; none: the "
                 "driver's, when the model is loaded");
  app.add_option("--dtype", compile.dtype,
                 "What activations and the weights of products are held in: float32, bfloat16, "
                 "float16; auto: float32 on the cpu; on nvptx float16 where most parameters are, "
                 "else bfloat16")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "float16"}));
}

static void addPredictionFlags(CLI::App &app, CompileOptions &compile) {
  app.add_option("--calibration", compile.calibration,
                 "What nvptx predicts times from, and chooses the kernels' configurations by: "
                 "H200, H100, or a file of flowhn-bench --calibrate or --autotune; default: what "
                 "is known of the chips, of sm_90a H200");
  app.add_option("--candidate", compile.candidate,
                 "For flowhn-bench --autotune where there is no compiler: which configuration "
                 "nvptx kernels get, counted from the one that promises most, 0; those that have "
                 "not so many get that")
      ->check(atLeast(0));
  app.add_option("--typical-batch", compile.typicalBatch,
                 "Sequences of the call that nvptx predicts times for")
      ->check(atLeast(1))
      ->capture_default_str();
  app.add_option("--typical-tokens", compile.typicalTokens,
                 "Tokens of each; default: the context, or 1024 without one")
      ->check(atLeast(1));
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
  addTargetFlags(flags, compile);
  flags
      .add_option("--norm", compile.norm,
                  "Where a norm before a product goes: kernel, one of its own; prologue, into the "
                  "product, its weight folded into the weights at load: rounds differently")
      ->check(CLI::IsMember({"kernel", "prologue"}))
      ->capture_default_str();
  flags
      .add_option(
          "--branch-schedule", compile.branchSchedule,
          "Whether a block's branches run at the same time: serial, no; streams; grouped, and "
          "products of both in one launch; auto: on nvptx what is predicted to take least time")
      ->check(CLI::IsMember({"auto", "grouped", "streams", "serial"}))
      ->capture_default_str();
  flags.add_flag("--prune-dead-positions", compile.pruneDeadPositions,
                 "Compute of the last block, behind its mixers, only the tokens whose logits are "
                 "asked for; keys, values and scans are left");
  addPredictionFlags(flags, compile);
  flags.add_option("--max-batch", compile.maxBatch, "Most sequences of one call")
      ->check(atLeast(1))
      ->capture_default_str();
  flags
      .add_option("--max-tokens", compile.maxTokens,
                  "Longest sequence of a model without a context length")
      ->check(atLeast(1))
      ->capture_default_str();
  compile.cache = true;
  flags.add_flag("!--no-cache", compile.cache,
                 "Compile even what the cache of compiled models has, and keep nothing there");
}

std::string flowhn::tools::chooseTarget(InputOptions &options) {
  CompileOptions &compile = options.compile;
  const bool isAuto = compile.target == "auto";
  if (isAuto)
    compile.target = targetOfMachine(compile.chips);
  auto misses = [&](const std::string &what, const char *target) {
    return what + " the target " + compile.target +
           (isAuto ? std::string(", which is this machine's: give --target=") + target : "");
  };
  constexpr std::array<std::array<const char *, 2>, 7> owners = {{{"--cpu", "cpu"},
                                                                  {"--chip", "nvptx"},
                                                                  {"--ptxas", "nvptx"},
                                                                  {"--calibration", "nvptx"},
                                                                  {"--candidate", "nvptx"},
                                                                  {"--typical-batch", "nvptx"},
                                                                  {"--typical-tokens", "nvptx"}}};
  for (auto [flag, target] : owners)
    if (options.compileFlags->count(flag) > 0 && compile.target != target)
      return misses(std::string(flag) + " has no effect on", target);
  bool isHalf = compile.dtype == "bfloat16" || compile.dtype == "float16";
  if (isHalf && compile.target == "cpu")
    return misses("--dtype=" + compile.dtype + " is not supported by", "nvptx");
  return {};
}

std::string flowhn::tools::inputProblem(InputOptions &options) {
  if (options.input.empty() == options.config.empty())
    return options.input.empty() ? "INPUT or --config is required"
                                 : "INPUT and --config exclude each other";
  if (options.input.empty() || !isArtifact(options.input))
    return chooseTarget(options);
  for (const CLI::Option *flag : options.compileFlags->get_options())
    if (flag->count() > 0 && flag->get_name() != "--chip")
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

Status flowhn::tools::applySplit(SplitOptions &split, ModelConfig &config) {
  constexpr std::array<std::string_view, 4> strategies = {"none", "ae", "fa", "fac"};
  for (size_t i = 0; i < strategies.size(); ++i)
    if (split.strategy == strategies[i])
      config.strategy = static_cast<SplitStrategy>(i);
  if (!split.circulation.empty() && config.strategy != SplitStrategy::FAC)
    return invalidArgument("--circulation is of the strategy fac, got " +
                           std::string(strategies[size_t(config.strategy)]));
  if (!split.circulation.empty())
    config.circulation =
        split.circulation == "rotate" ? Circulation::Rotate : Circulation::Alternate;
  if (split.contextLength > 0)
    config.contextLength = split.contextLength;
  if (!split.attentionTokens.empty())
    config.attentionTokens = split.attentionTokens;
  split = {};
  return {};
}

Expected<Model> flowhn::tools::loadModel(const CompilerInterface &compiler, InputOptions &options) {
  if (options.config.empty())
    return compiler.loadModel(options.input);
  Expected<ModelConfig> config = publishedConfig(options.config);
  if (!config.ok())
    return config.status();
  FLOWHN_RETURN_IF_ERROR(applySplit(options.compile.split, *config));
  return compiler.modelFromConfig(std::move(*config), options.config);
}

std::string flowhn::tools::modelName(const InputOptions &options) {
  if (!options.config.empty())
    return options.config;
  std::error_code error;
  fs::path path = fs::weakly_canonical(options.input, error);
  if (path.extension() == ".json")
    path = path.parent_path();
  return path.stem().string();
}

std::string flowhn::tools::shellWord(const std::string &argument) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=,:+@%-";
  if (!argument.empty() && argument.find_first_not_of(plain) == std::string::npos)
    return argument;
  std::string word = "'";
  for (char c : argument)
    word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string flowhn::tools::compileCommand(const InputOptions &options, const std::string &output) {
  std::string command =
      "flowhn-compile " +
      (options.config.empty() ? shellWord(options.input) : "--config " + shellWord(options.config));
  const SplitOptions &split = options.compile.split;
  if (split.contextLength > 0)
    command += " --context=" + std::to_string(split.contextLength);
  for (const CLI::Option *flag : options.compileFlags->get_options()) {
    const std::string name = flag->get_name();
    if (flag->count() > 0 && name != "--target" && name != "--context" && name != "--no-cache")
      command += " " + shellWord(name + "=" + CLI::detail::join(flag->results(), ","));
  }
  return command + " --target=" + options.compile.target + " -o " + shellWord(output);
}
