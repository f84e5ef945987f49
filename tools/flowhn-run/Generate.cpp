//===- Generate.cpp - Text and logits out of a session --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate.h"

#include "common/Progress.h"
#include "flowhn/Runtime/Generator.h"
#include "flowhn/Support/Npy.h"

#include <cstdio>
#include <cstring>
#include <limits>

using namespace flowhn;
using namespace flowhn::tools;

/// How fast it was, and what the layers kept of it.
static std::string describe(const Session &session, size_t promptTokens,
                            const Generation &generation) {
  char text[200];
  size_t decoded = generation.ids.size() - 1;
  int length = std::snprintf(text, sizeof(text),
                             "note: prompt of %zu tokens, %.1f tokens/s; %zu more, %.1f tokens/s",
                             promptTokens, double(promptTokens) / generation.promptSeconds, decoded,
                             double(decoded) / generation.decodeSeconds);
  Expected<StateSize> state = Generator::stateSize(session, {});
  if (state.ok())
    std::snprintf(text + length, sizeof(text) - length,
                  "; state of %.2f MiB, %.2f MiB if every token went to both branches",
                  double(state->bytesPerSequence) / (1 << 20),
                  double(state->unsplitBytesPerSequence) / (1 << 20));
  return text;
}

/// Generates, handing each token of the result to `print`.
static Status printContinuation(const Tool &tool, Session &session, std::span<const int32_t> prompt,
                                const GenerationOptions &options,
                                const std::function<void(int32_t)> &print) {
  bool writable = true;
  auto onToken = [&](int32_t token) {
    print(token);
    writable = std::fflush(stdout) == 0;
    return writable;
  };
  Expected<Generation> generation = flowhn::generate(session, prompt, options, onToken);
  std::fputc('\n', stdout);
  if (!generation.ok())
    return generation.status();
  if (std::fflush(stdout) != 0 || !writable)
    return notFound("cannot write to standard output");
  if (generation->reachedLimit)
    tool.printDiagnostics({"note: stopped after " + std::to_string(prompt.size()) + " + " +
                           std::to_string(generation->ids.size()) +
                           " tokens: the model takes no sequence of more than " +
                           std::to_string(prompt.size() + generation->ids.size() - 1)});
  if (generation->ids.size() > 1)
    tool.printDiagnostics({describe(session, prompt.size(), *generation)});
  return Status();
}

Status flowhn::tools::generateText(const Tool &tool, Session &session, const std::string &prompt,
                                   const GenerationOptions &options) {
  const ManifestModel &model = session.artifact().manifest().model;
  if (model.tokenizer != "bytes")
    return unsupported("--prompt needs a model whose tokenizer is bytes; '" + model.name + "' " +
                       (model.tokenizer.empty() ? "names none" : "has '" + model.tokenizer + "'") +
                       ": give --token-ids");
  std::vector<int32_t> ids;
  for (unsigned char byte : prompt)
    ids.push_back(byte);
  std::fputs(prompt.c_str(), stdout);
  return printContinuation(tool, session, ids, options, [](int32_t token) {
    if (token < 256)
      std::fputc(token, stdout);
    else
      std::printf("<%d>", token);
  });
}

Status flowhn::tools::generateIds(const Tool &tool, Session &session,
                                  const std::vector<int32_t> &prompt,
                                  const GenerationOptions &options) {
  for (size_t i = 0; i < prompt.size(); ++i)
    std::printf(i ? ",%d" : "%d", prompt[i]);
  return printContinuation(tool, session, prompt, options,
                           [](int32_t token) { std::printf(",%d", token); });
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
