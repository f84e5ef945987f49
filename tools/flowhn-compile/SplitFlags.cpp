//===- SplitFlags.cpp - Flags that search a split -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SplitFlags.h"

#include <charconv>
#include <cstdio>
#include <optional>

using namespace flowhn;
using namespace flowhn::tools;

void flowhn::tools::addSplitSearchFlags(CLI::App &app, SplitFlags &flags) {
  app.add_option("--split-objective", flags.search.objective,
                 "For a model without weights: search the attention tokens with the least "
                 "predicted time of a block, its branches as they are scheduled (makespan) or one "
                 "after the other (throughput), and print what to store in config.json")
      ->check(CLI::IsMember({"makespan", "throughput"}));
  app.add_option("--attention-share", flags.share,
                 "Of --split-objective: least and most share of the context that attention gets; "
                 "default: 0.25:0.75");
}

static std::optional<double> parseShare(std::string_view text) {
  double share = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  bool isGood =
      error == std::errc() && end == text.data() + text.size() && share >= 0 && share <= 1;
  return isGood ? std::optional(share) : std::nullopt;
}

std::string flowhn::tools::splitFlagsProblem(const InputOptions &input, SplitFlags &flags) {
  if (flags.areGiven() && input.compileFlags->count("--attention-tokens") > 0)
    return "--split-objective and --attention-tokens exclude each other: one searches the count, "
           "the other gives it";
  if (flags.share.empty())
    return {};
  if (!flags.areGiven())
    return "--attention-share has no effect without --split-objective";
  size_t colon = flags.share.find(':');
  std::string_view text = flags.share;
  auto least = parseShare(text.substr(0, colon));
  auto most = colon == text.npos ? std::nullopt : parseShare(text.substr(colon + 1));
  if (!least || !most || *least > *most)
    return "--attention-share takes LEAST:MOST with 0 <= LEAST <= MOST <= 1, got '" + flags.share +
           "'";
  flags.search.leastShare = *least;
  flags.search.mostShare = *most;
  return {};
}

static void print(const FoundSplit &found) {
  std::printf("predicted for %lld x %lld tokens on %s, in us\n",
              static_cast<long long>(found.batch), static_cast<long long>(found.contextLength),
              found.chip.c_str());
  for (size_t i = 0; i < found.blocks.size(); ++i) {
    const FoundBlock &b = found.blocks[i];
    std::printf("block %zu: %lld attention tokens, serial %.1f, streams %.1f, ", i,
                static_cast<long long>(b.attentionTokens), b.serial * 1e6, b.streams * 1e6);
    if (b.grouped > 0)
      std::printf("grouped %.1f, ", b.grouped * 1e6);
    std::printf("of which attention %.1f, ssm %.1f, the rest %.1f\n", b.attention * 1e6,
                b.ssm * 1e6, b.joint * 1e6);
  }
  std::string counts;
  for (int64_t count : found.attentionTokens())
    counts += (counts.empty() ? "" : ", ") + std::to_string(count);
  bool isList = found.attentionTokens().size() > 1;
  std::printf("store in config.json: \"attention_tokens\": %s\n",
              (isList ? "[" + counts + "]" : counts).c_str());
}

Expected<Model> flowhn::tools::searchAndPrintSplit(const Model &model, InputOptions &input,
                                                   const SplitFlags &flags, CompileReport &report) {
  // A model with weights, or IR, is refused by the search.
  ModelConfig config = model.config().value_or(ModelConfig());
  bool isPlain = model.config() && model.weightsFolder().empty();
  if (isPlain)
    FLOWHN_RETURN_IF_ERROR(applySplit(input.compile.split, config));
  Expected<Model> asked = isPlain ? Model::fromConfig(config, model.name()) : model;
  FLOWHN_RETURN_IF_ERROR(asked.status());
  Expected<FoundSplit> found = searchSplit(*asked, input.compile, flags.search, &report);
  FLOWHN_RETURN_IF_ERROR(found.status());
  print(*found);
  config.attentionTokens = found->attentionTokens();
  return Model::fromConfig(std::move(config), model.name());
}
