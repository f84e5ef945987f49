//===- embed.cpp - A host program around a model --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Engine/Compiler.h"
#include "flowhn/Runtime/Session.h"

#include <cstdio>
#include <memory>

/// Prints why a call failed; the program's exit code.
static int fail(const flowhn::Status &status) {
  std::fprintf(stderr, "embed: error: %s\n", status.message().c_str());
  return 1;
}

/// Compiles the model in a folder in memory, loads its weights, runs a prompt
/// through it and prints the most likely next token.
int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: flowhn-embed-example FOLDER PROMPT\n");
    return 2;
  }
  // Nothing throws: every call returns a value, or a status that says why not.
  flowhn::Expected<flowhn::Model> model = flowhn::Model::load(argv[1]);
  if (!model.ok())
    return fail(model.status());
  flowhn::Expected<flowhn::Artifact> artifact = flowhn::compile(*model);
  if (!artifact.ok())
    return fail(artifact.status());

  auto weights = flowhn::openCheckpoint(model->weightsFolder());
  if (!weights.ok())
    return fail(weights.status());
  auto session = flowhn::Session::create(
      std::make_shared<const flowhn::Artifact>(std::move(*artifact)), std::move(*weights));
  if (!session.ok())
    return fail(session.status());

  // This model's tokens are bytes.
  std::vector<int32_t> ids;
  for (const char *c = argv[2]; *c; ++c)
    ids.push_back(static_cast<unsigned char>(*c));
  std::vector<int32_t> lengths = {static_cast<int32_t>(ids.size())};
  flowhn::Expected<flowhn::CallResult> result = session->run({ids, lengths});
  if (!result.ok())
    return fail(result.status());
  int32_t token = flowhn::argmax(result->logits);
  std::printf("next token %d, logit %.4f\n", token, result->logits[token]);
  return 0;
}
