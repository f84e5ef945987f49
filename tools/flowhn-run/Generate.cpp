//===- Generate.cpp - Text and logits out of a session --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate.h"
#include "TokenText.h"

#include "common/Progress.h"
#include "flowhn/Runtime/Generator.h"
#include "flowhn/Support/Npy.h"

#include <cstdio>
#include <cstring>
#include <limits>

using namespace flowhn;
using namespace flowhn::tools;

static std::string describeTokens(const char *what, size_t tokens, double seconds) {
  char text[80];
  std::snprintf(text, sizeof(text), what, tokens, double(tokens) / seconds);
  return text;
}

std::string flowhn::tools::describeSpeed(size_t promptTokens, const Generation &generation) {
  size_t tokens = generation.ids.size();
  if (promptTokens == 0)
    return describeTokens("%zu more, %.1f tokens/s", tokens,
                          generation.promptSeconds + generation.decodeSeconds);
  std::string text =
      describeTokens("prompt of %zu tokens, %.1f tokens/s", promptTokens, generation.promptSeconds);
  if (tokens > 1)
    text += describeTokens("; %zu more, %.1f tokens/s", tokens - 1, generation.decodeSeconds);
  return text;
}

Status flowhn::tools::cannotPrint() { return notFound("cannot write to standard output"); }

void flowhn::tools::printStateSize(const Tool &tool, const Session &session) {
  Expected<StateSize> state = Generator::stateSize(session, {.context = session.longestRow()});
  if (!state.ok())
    return;
  char text[160];
  std::snprintf(text, sizeof(text),
                "note: state of %.2f MiB; %.2f MiB if every token went to both branches",
                double(state->bytesPerSequence) / (1 << 20),
                double(state->unsplitBytesPerSequence) / (1 << 20));
  tool.printDiagnostics({text});
}

/// Generates, handing each token of the result to `text`.
static Status printContinuation(const Tool &tool, Session &session, std::span<const int32_t> prompt,
                                const GenerationOptions &options, TokenText text) {
  if (options.maxNewTokens > 1)
    printStateSize(tool, session);
  bool writable = true;
  auto onToken = [&](int32_t token) {
    text.print(token, /*isFirst=*/false);
    writable = std::fflush(stdout) == 0;
    return writable;
  };
  Expected<Generation> generation = flowhn::generate(session, prompt, options, onToken);
  std::fputc('\n', stdout);
  if (!generation.ok())
    return generation.status();
  if (std::fflush(stdout) != 0 || !writable)
    return cannotPrint();
  if (generation->reachedLimit)
    tool.printDiagnostics({"note: stopped after " + std::to_string(prompt.size()) + " + " +
                           std::to_string(generation->ids.size()) +
                           " tokens: the model takes no sequence of more than " +
                           std::to_string(prompt.size() + generation->ids.size() - 1)});
  if (generation->ids.size() > 1)
    tool.printDiagnostics({"note: " + describeSpeed(prompt.size(), *generation)});
  return Status();
}

Status flowhn::tools::generateText(const Tool &tool, Session &session, const std::string &prompt,
                                   const GenerationOptions &options) {
  const ManifestModel &model = session.artifact().manifest().model;
  if (model.tokenizer != "bytes")
    return unsupported("--prompt needs a model whose tokenizer is bytes; '" + model.name + "' " +
                       (model.tokenizer.empty() ? "names none" : "has '" + model.tokenizer + "'") +
                       ": give --token-ids");
  TokenText text(TokenText::Bytes);
  std::fputs(prompt.c_str(), stdout);
  return printContinuation(tool, session, *text.parse(prompt), options, text);
}

Status flowhn::tools::generateIds(const Tool &tool, Session &session,
                                  const std::vector<int32_t> &prompt,
                                  const GenerationOptions &options) {
  TokenText text(TokenText::Ids);
  for (size_t i = 0; i < prompt.size(); ++i)
    text.print(prompt[i], i == 0);
  return printContinuation(tool, session, prompt, options, text);
}

static Expected<std::vector<int32_t>> narrow(const NpyIds &ids, const std::string &path) {
  std::vector<int32_t> values;
  for (int64_t id : ids.values) {
    if (id < std::numeric_limits<int32_t>::min() || id > std::numeric_limits<int32_t>::max())
      return invalidInput("'" + path + "' holds the token id " + std::to_string(id) +
                          ", which is no 32-bit number");
    values.push_back(static_cast<int32_t>(id));
  }
  return values;
}

static Expected<CallResult> runRepeatedly(Session &session, const Call &call, int64_t times) {
  Progress progress("computing");
  Expected<CallResult> first = session.run(call);
  for (int64_t i = 1; i < times && first.ok(); ++i) {
    Expected<CallResult> again = session.run(call);
    if (!again.ok())
      return again;
    if (std::memcmp(again->logits.data(), first->logits.data(),
                    first->logits.size() * sizeof(float)) != 0)
      return internalError("run " + std::to_string(i + 1) + " gives other logits than run 1");
  }
  return first;
}

Status flowhn::tools::runFile(Session &session, const std::string &input, const std::string &output,
                              LogitsMode mode, int64_t repeat) {
  Expected<NpyIds> ids = readNpyIds(input);
  if (!ids.ok())
    return ids.status();
  Expected<std::vector<int32_t>> values = narrow(*ids, input);
  if (!values.ok())
    return values.status();
  if (values->empty())
    return invalidInput("'" + input + "' holds no tokens");
  std::vector<int64_t> shape = ids->shape;
  std::vector<int32_t> lengths(shape.size() == 2 ? shape[0] : 1,
                               static_cast<int32_t>(shape.back()));
  Expected<CallResult> result = runRepeatedly(session, {*values, lengths, mode}, repeat);
  if (!result.ok())
    return result.status();
  if (output.empty())
    return Status();
  if (mode == LogitsMode::Last)
    shape.pop_back();
  shape.push_back(session.vocabSize());
  return writeNpy(output, result->logits, shape);
}
