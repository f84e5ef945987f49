//===- SemanticsTest.cpp - Compiled models against the interpreter --------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every family of model that flowhn ops express compiles to what the ops say, the
// ones that no importer makes included.
//
//===----------------------------------------------------------------------===//

#include "Interpreter.h"

#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "flowhn/Engine/Compiler.h"
#include "flowhn/Pipelines/Pipelines.h"
#include "flowhn/Runtime/Session.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <regex>

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::CompileOptions;
using ::flowhn::CompilePhase;
using ::flowhn::Model;

namespace {

constexpr uint64_t seed = 3;

/// Rows of these lengths, of ids that every vocabulary here has.
std::vector<std::vector<int32_t>> makeIds(const std::vector<int32_t> &lengths) {
  std::vector<std::vector<int32_t>> ids;
  int64_t next = 5;
  for (int32_t length : lengths)
    for (ids.emplace_back(); std::ssize(ids.back()) < length; next += 11)
      ids.back().push_back(static_cast<int32_t>(next * next % 19));
  return ids;
}

/// The logits that compiled code computes, with random weights.
std::vector<float> runCompiled(const Model &model, const CompileOptions &options,
                               const std::vector<std::vector<int32_t>> &ids) {
  ::flowhn::CompileReport report;
  auto artifact = ::flowhn::compile(model, options, &report);
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  if (!artifact.ok())
    return {};
  auto shared = std::make_shared<const ::flowhn::Artifact>(std::move(*artifact));
  auto weights = ::flowhn::randomParameters(::flowhn::parametersOf(*shared), seed);
  ::flowhn::SessionOptions sessionOptions;
  sessionOptions.threads = 2;
  auto session = ::flowhn::Session::create(shared, std::move(weights), sessionOptions);
  EXPECT_TRUE(session.ok()) << session.status().message();
  if (!session.ok())
    return {};
  std::vector<int32_t> flat, lengths;
  for (const std::vector<int32_t> &row : ids) {
    flat.insert(flat.end(), row.begin(), row.end());
    lengths.push_back(static_cast<int32_t>(row.size()));
  }
  auto result = session->run({flat, lengths, ::flowhn::LogitsMode::All});
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result.ok() ? result->logits : std::vector<float>();
}

/// The numbers of the random parameter that the runtime makes up for `parameter`.
std::vector<double> makeParameter(ParameterOp parameter) {
  ::flowhn::ParameterSpec spec;
  spec.name = parameter.getSymName().str();
  spec.shape.assign(parameter.getType().getShape().begin(), parameter.getType().getShape().end());
  auto source = ::flowhn::randomParameters({spec}, seed);
  auto view = source->find(spec.name);
  EXPECT_TRUE(view.ok());
  std::vector<float> values(parameter.getType().getNumElements());
  std::memcpy(values.data(), view->data, values.size() * sizeof(float));
  return {values.begin(), values.end()};
}

/// What the ops of `model` mean, computed by the interpreter.
Sequence runInterpreted(const Model &model, const std::vector<std::vector<int32_t>> &ids) {
  auto text = ::flowhn::compileTo(CompilePhase::FlowHN, model);
  EXPECT_TRUE(text.ok()) << text.status().message();
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  ParserConfig config(&context);
  auto module = parseSourceString<ModuleOp>(*text, config);
  PassManager passes(&context);
  passes.addPass(createChooseSplitPass());
  EXPECT_TRUE(succeeded(passes.run(*module)));
  return interpret(*module->getOps<ModelOp>().begin(), makeParameter, ids);
}

Model load(const std::string &path) {
  auto model = Model::load(FLOWHN_TEST_INPUTS + path);
  EXPECT_TRUE(model.ok()) << model.status().message();
  return std::move(*model);
}

/// Checks the relative error of every row of compiled logits, for rows of `lengths`.
void expectSame(const Model &model, const std::vector<int32_t> &lengths,
                const CompileOptions &options = {}, double tolerance = 1e-5) {
  auto ids = makeIds(lengths);
  std::vector<float> logits = runCompiled(model, options, ids);
  Sequence expected = runInterpreted(model, ids);
  size_t vocabSize = expected.front().size();
  ASSERT_EQ(logits.size(), expected.size() * vocabSize);
  for (size_t row = 0; row < expected.size(); ++row) {
    double error = 0, norm = 0;
    for (size_t i = 0; i < vocabSize; ++i) {
      double reference = expected[row][i];
      error += std::pow(logits[row * vocabSize + i] - reference, 2);
      norm += reference * reference;
    }
    EXPECT_LE(std::sqrt(error / norm), tolerance) << model.name() << ", token " << row;
  }
}

/// The IR of `model` with activations of `type` up to the logits.
Model withActivations(const Model &model, const std::string &type) {
  std::regex tokens("tensor<\\?x(\\?x)?(3|8)xf32>");
  return Model::fromIR(std::regex_replace(model.ir(), tokens, "tensor<?x$1$2x" + type + ">"),
                       model.name() + ", " + type);
}

TEST(Semantics, PureTransformer) { expectSame(load("/models/transformer.mlir"), {1, 17, 6}); }

TEST(Semantics, PureMamba) { expectSame(load("/models/mamba.mlir"), {1, 17, 2}); }

TEST(Semantics, SequentialHybridAndOddBranches) {
  expectSame(load("/models/hybrid.mlir"), {40, 1, 3});
}

TEST(Semantics, SchedulesComputeTheSame) {
  for (const char *schedule : {"serial", "streams"}) {
    CompileOptions options;
    options.branchSchedule = schedule;
    expectSame(load("/models/hybrid.mlir"), {5, 9}, options);
  }
}

TEST(Semantics, NarrowActivationsAreRoundedBetweenKernels) {
  Model model = load("/models/hybrid.mlir");
  expectSame(withActivations(model, "bf16"), {9, 2}, {}, 5e-2);
  expectSame(withActivations(model, "f16"), {9, 2}, {}, 5e-3);
}

TEST(Semantics, EveryStrategy) {
  for (const char *folder : {"/flowhn-none", "/flowhn-ae", "/flowhn-fa", "/flowhn-fac",
                             "/flowhn-own-ae", "/flowhn-fac-rotate"})
    expectSame(load(std::string(folder) + "/config.json"), {7, 1, 2, 19});
}

} // namespace
