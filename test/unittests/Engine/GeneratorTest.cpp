//===- GeneratorTest.cpp - Sequences in flight ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Generator.h"
#include "flowhn/Engine/Compiler.h"
#include "flowhn/Runtime/Continuation.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <thread>

using namespace flowhn;

namespace {

constexpr const char *rotate = FLOWHN_TEST_INPUTS "/flowhn-fac-rotate";

std::shared_ptr<const Artifact> compileModel(const Model &model) {
  Expected<Artifact> artifact = compile(model);
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  return std::make_shared<const Artifact>(std::move(*artifact));
}

Session openSession(std::shared_ptr<const Artifact> artifact, const std::string &folder) {
  auto weights = openCheckpoint(folder);
  EXPECT_TRUE(weights.ok()) << weights.status().message();
  auto session = Session::create(std::move(artifact), std::move(*weights), {.threads = 2});
  EXPECT_TRUE(session.ok()) << session.status().message();
  return std::move(*session);
}

std::shared_ptr<const Artifact> rotateArtifact() {
  static std::shared_ptr<const Artifact> artifact = compileModel(*Model::load(rotate));
  return artifact;
}
Session rotateSession() { return openSession(rotateArtifact(), rotate); }

Session randomSession(const ModelConfig &config, uint64_t seed) {
  Expected<Model> model = Model::fromConfig(config, "drawn");
  EXPECT_TRUE(model.ok()) << model.status().message();
  std::shared_ptr<const Artifact> artifact = compileModel(*model);
  auto session = Session::create(artifact, randomParameters(parametersOf(*artifact), seed));
  EXPECT_TRUE(session.ok()) << session.status().message();
  return std::move(*session);
}

Generator open(Session &session, GeneratorOptions options = {}) {
  Expected<Generator> generator = Generator::create(session, options);
  EXPECT_TRUE(generator.ok()) << generator.status().message();
  return std::move(*generator);
}

std::vector<int32_t> someIds(size_t count, uint32_t seed = 31) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(count);
  for (int32_t &id : ids)
    id = int32_t(random() % 250);
  return ids;
}

std::vector<float> logitsOf(Session &session, std::span<const int32_t> ids) {
  int32_t length = int32_t(ids.size());
  Expected<CallResult> result = session.run({ids, {&length, 1}, LogitsMode::All});
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result->logits;
}

std::vector<float> step(Generator &generator, int64_t sequence, std::span<const int32_t> ids) {
  SequenceTokens row = {sequence, ids};
  Expected<CallResult> result = generator.step({&row, 1}, {.logits = LogitsMode::All});
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result.ok() ? result->logits : std::vector<float>();
}

/// All of `ids` in pieces of drawn sizes.
std::vector<float> stepInPieces(Generator &generator, int64_t sequence,
                                std::span<const int32_t> ids, std::mt19937 &random) {
  std::vector<float> logits;
  while (!ids.empty()) {
    size_t size = 1 + random() % std::min<size_t>(ids.size(), random() % 2 ? 3 : 40);
    std::vector<float> piece = step(generator, sequence, ids.first(size));
    logits.insert(logits.end(), piece.begin(), piece.end());
    ids = ids.subspan(size);
  }
  return logits;
}

TEST(Generator, AnyCutsGiveTheLogitsOfTheWholeSequence) {
  Session session = rotateSession();
  Generator generator = open(session);
  std::vector<int32_t> ids = someIds(64);
  std::vector<float> whole = logitsOf(session, ids);
  std::mt19937 random(1);
  for (int trial = 0; trial < 6; ++trial) {
    Expected<int64_t> sequence = generator.add();
    ASSERT_TRUE(sequence.ok());
    EXPECT_EQ(stepInPieces(generator, *sequence, ids, random), whole);
    EXPECT_TRUE(generator.remove(*sequence).ok());
  }
}

/// A small model of unusual shape.
ModelConfig drawConfig(std::mt19937 &random) {
  auto draw = [&](int64_t low, int64_t high) {
    return low + int64_t(random() % uint64_t(high - low + 1));
  };
  ModelConfig config;
  config.numKeyValueHeads = draw(1, 3);
  config.numHeads = config.numKeyValueHeads * draw(1, 4);
  config.hiddenSize = config.numHeads * draw(1, 9);
  config.intermediateSize = draw(1, 70);
  config.vocabSize = 251;
  config.numLayers = draw(1, 3);
  config.stateSize = draw(1, 19);
  config.convSize = draw(1, 6);
  config.expand = draw(1, 3);
  config.dtRank = draw(1, 5);
  config.strategy = SplitStrategy(draw(0, 3));
  config.circulation = Circulation(draw(0, 1));
  config.contextLength = draw(2, 150);
  bool counts = config.strategy == SplitStrategy::FA || config.strategy == SplitStrategy::FAC;
  for (int64_t i = 0; counts && i < config.numLayers; ++i)
    config.attentionTokens.push_back(draw(0, *config.contextLength));
  return config;
}

TEST(Generator, ModelsOfAnyShapeAndSplitGoOnAsTheyWere) {
  std::mt19937 random(std::random_device{}());
  for (int trial = 0; trial < 5; ++trial) {
    uint32_t seed = random();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 drawn(seed);
    ModelConfig config = drawConfig(drawn);
    Session session = randomSession(config, seed);
    Generator generator = open(session);
    std::vector<int32_t> ids = someIds(size_t(*config.contextLength), seed);
    ASSERT_TRUE(generator.add().ok());
    EXPECT_EQ(stepInPieces(generator, 0, ids, drawn), logitsOf(session, ids));
  }
}

TEST(Generator, RowsOfAStepComputeWhatEachComputesAlone) {
  Session session = rotateSession();
  Generator together = open(session, {.sequences = 5}), alone = open(session, {.sequences = 5});
  std::vector<std::vector<int32_t>> texts;
  for (uint32_t i = 0; i < 5; ++i) {
    texts.push_back(someIds(64, i));
    ASSERT_TRUE(together.add().ok() && alone.add().ok());
  }
  std::mt19937 random(7);
  std::vector<size_t> seen(5);
  for (int round = 0; round < 12; ++round) {
    std::vector<SequenceTokens> rows;
    for (size_t i = 0; i < 5; ++i) {
      size_t size = std::min<size_t>(random() % 9, 64 - seen[i]);
      if (size > 0)
        rows.push_back({int64_t(i), std::span(texts[i]).subspan(seen[i], size)});
      seen[i] += size;
    }
    std::ranges::shuffle(rows, random);
    Expected<CallResult> result = together.step(rows, {.logits = LogitsMode::All});
    ASSERT_TRUE(rows.empty() || result.ok()) << result.status().message();
    std::vector<float> expected;
    for (const SequenceTokens &row : rows)
      for (float logit : step(alone, row.sequence, row.ids))
        expected.push_back(logit);
    EXPECT_TRUE(rows.empty() || result->logits == expected) << round;
  }
}

TEST(Generator, ATokenRunsOneBranchOfABlock) {
  Session session = rotateSession();
  Generator generator = open(session, {.sequences = 2});
  std::vector<int32_t> ids = someIds(64);
  ASSERT_TRUE(generator.add().ok() && generator.add().ok());
  for (int64_t sequence : {0, 1})
    step(generator, sequence, std::span(ids).first(63));
  session.enableProfile(true);
  step(generator, 1, std::span(ids).last(1));
  std::map<std::string, int64_t> calls;
  for (const KernelProfile &kernel : session.profile())
    calls[kernel.op] += kernel.calls;
  // Position 63 is attention's in all blocks but the third.
  EXPECT_EQ(calls["kern.attention"], 3);
  EXPECT_EQ(calls["kern.conv1d"], 1);
  EXPECT_EQ(calls["kern.scan"], 1);
}

TEST(Generator, AForkGoesOnAsItsOriginal) {
  Session session = rotateSession();
  Generator generator = open(session, {.sequences = 2});
  std::vector<int32_t> ids = someIds(64), others = someIds(20, 5);
  ASSERT_TRUE(generator.add().ok());
  step(generator, 0, std::span(ids).first(37));
  Expected<int64_t> fork = generator.fork(0);
  ASSERT_TRUE(fork.ok()) << fork.status().message();
  EXPECT_EQ(*generator.position(*fork), 37);
  std::vector<float> rest = step(generator, 0, std::span(ids).subspan(37));
  EXPECT_EQ(step(generator, *fork, std::span(ids).subspan(37)), rest);
  EXPECT_EQ(generator.fork(0).status().message(), "all of 2 sequences are in flight");
  // What one does does not touch the other.
  ASSERT_TRUE(generator.reset(*fork).ok());
  step(generator, *fork, others);
  ASSERT_TRUE(generator.reset(0).ok());
  EXPECT_EQ(step(generator, 0, others), logitsOf(session, others));
}

TEST(Generator, ASnapshotGoesOnWithIdenticalBits) {
  Session session = rotateSession();
  Generator generator = open(session);
  std::vector<int32_t> ids = someIds(64);
  ASSERT_TRUE(generator.add().ok());
  step(generator, 0, std::span(ids).first(29));
  Expected<std::vector<std::byte>> bytes = generator.snapshot(0);
  ASSERT_TRUE(bytes.ok());
  std::string path = testing::TempDir() + "/flowhn-snapshot";
  ASSERT_TRUE(generator.save(0, path).ok());
  std::vector<float> rest = step(generator, 0, std::span(ids).subspan(29));

  Session second = rotateSession();
  Generator restored = open(second, {.sequences = 3});
  ASSERT_TRUE(restored.add().ok());
  Expected<int64_t> fromBytes = restored.restore(*bytes), fromFile = restored.load(path);
  ASSERT_TRUE(fromBytes.ok()) << fromBytes.status().message();
  ASSERT_TRUE(fromFile.ok()) << fromFile.status().message();
  for (int64_t sequence : {*fromBytes, *fromFile}) {
    EXPECT_EQ(*restored.position(sequence), 29);
    EXPECT_EQ(step(restored, sequence, std::span(ids).subspan(29)), rest);
  }
}

TEST(Generator, SnapshotsThatDoNotFitAreRefused) {
  Session session = rotateSession();
  Generator generator = open(session, {.sequences = 2});
  ASSERT_TRUE(generator.add().ok());
  step(generator, 0, someIds(10));
  std::vector<std::byte> bytes = *generator.snapshot(0);
  for (size_t position : {size_t(3), size_t(20), size_t(60), bytes.size() - 1}) {
    std::vector<std::byte> damaged = bytes;
    damaged[position] ^= std::byte(1);
    EXPECT_EQ(generator.restore(damaged).status().code(), StatusCode::InvalidInput) << position;
  }
  for (size_t size : {size_t(0), size_t(7), size_t(47), bytes.size() - 1})
    EXPECT_EQ(generator.restore(std::span(bytes).first(size)).status().code(),
              StatusCode::InvalidInput);

  Generator shorter = open(session, {.context = 40});
  EXPECT_EQ(shorter.restore(bytes).status().message(), "a snapshot of context 64, not 40");
  std::mt19937 random(3);
  Session other = randomSession(drawConfig(random), 3);
  Generator stranger = open(other);
  EXPECT_EQ(stranger.restore(bytes).status().message(),
            "a snapshot of model 'flowhn-fac-rotate', not 'drawn'");
  auto weights = randomParameters(parametersOf(*rotateArtifact()), 1);
  Expected<Session> retrained = Session::create(rotateArtifact(), std::move(weights));
  ASSERT_TRUE(retrained.ok());
  Generator changed = open(*retrained);
  EXPECT_EQ(changed.restore(bytes).status().message(),
            "a snapshot of model 'flowhn-fac-rotate' with other parameters or code");
  EXPECT_EQ(generator.load("/nowhere").status().code(), StatusCode::NotFound);
}

TEST(Generator, StepsThatBreakARuleMoveNobody) {
  Session session = rotateSession();
  Generator generator = open(session, {.sequences = 2});
  std::vector<int32_t> ids = someIds(60), one = {1}, bad = {256};
  ASSERT_TRUE(generator.add().ok());
  step(generator, 0, ids);
  auto messageOf = [&](std::vector<SequenceTokens> rows) {
    return generator.step(rows).status().message();
  };
  EXPECT_EQ(messageOf({{0, std::span(ids).first(5)}}),
            "sequence 0 at position 60 cannot take 5 tokens: its context is 64");
  EXPECT_EQ(messageOf({{0, one}, {0, one}}), "sequence 0 takes part in the step twice");
  EXPECT_EQ(messageOf({{1, one}}), "no sequence 1 is in flight");
  EXPECT_EQ(messageOf({{-1, one}}), "no sequence -1 is in flight");
  EXPECT_EQ(messageOf({{0, {}}}), "length 0 of row 0, it must be at least 1");
  EXPECT_EQ(messageOf({}), "a call of 0 rows");
  EXPECT_NE(messageOf({{0, bad}}).find("token 256"), std::string::npos);
  EXPECT_EQ(*generator.position(0), 60);
  EXPECT_EQ(generator.remove(1).code(), StatusCode::NotFound);
}

TEST(Generator, DrawsDoNotDependOnOtherRows) {
  Session session = rotateSession();
  Generator generator = open(session, {.sequences = 3});
  std::vector<std::vector<int32_t>> texts;
  std::vector<SequenceTokens> rows;
  std::vector<TokenDraw> draws;
  for (uint32_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(generator.add().ok());
    texts.push_back(someIds(10 + i, i));
  }
  SamplingOptions options = {.repetitionPenalty = 1.1, .temperature = 2, .topK = 50, .seed = 4};
  for (int64_t i = 0; i < 3; ++i) {
    rows.push_back({i, texts[size_t(i)]});
    draws.push_back({options, texts[size_t(i)]});
  }
  Expected<CallResult> together = generator.step(rows, {.tokens = true, .draws = draws});
  ASSERT_TRUE(together.ok()) << together.status().message();
  for (size_t i = 0; i < 3; ++i) {
    std::span<const float> logits = std::span(together->logits).subspan(i * 256, 256);
    EXPECT_EQ(together->tokens[i], sampleToken(options, logits, texts[i]));
    ASSERT_TRUE(generator.reset(int64_t(i)).ok());
    Expected<CallResult> alone = generator.step(
        {&rows[i], 1}, {.tokens = true, .draws = {&draws[i], 1}, .returnLogits = false});
    ASSERT_TRUE(alone.ok()) << alone.status().message();
    EXPECT_EQ(alone->tokens, std::vector<int32_t>{together->tokens[i]});
  }
  EXPECT_EQ(generator.step(rows, {.tokens = true, .draws = {&draws[0], 1}}).status().message(),
            "1 draws, the call gives 3 tokens");
  draws[1].options.topP = 2;
  EXPECT_EQ(generator.step(rows, {.tokens = true, .draws = draws}).status().message(),
            "top-p 2.000000, it must be above 0 and at most 1");
}

TEST(Generator, AContinuationGoesOnBehindACancelledOne) {
  Session session = rotateSession();
  Expected<Continuation> continuation = Continuation::create(session);
  ASSERT_TRUE(continuation.ok()) << continuation.status().message();
  std::vector<int32_t> prompt = someIds(9), whole = prompt;
  Expected<Generation> greedy = generateGreedy(session, prompt, 100);
  ASSERT_TRUE(greedy.ok()) << greedy.status().message();
  whole.insert(whole.end(), greedy->ids.begin(), greedy->ids.end());
  ASSERT_EQ(whole.size(), 65u);
  int calls = 0;
  auto cancel = [&](int32_t) { return ++calls < 4; };
  EXPECT_EQ(continuation->go(prompt, {.maxNewTokens = 100}, cancel)->ids.size(), 4u);
  // What cannot be appended changes nothing.
  EXPECT_EQ(continuation->go(someIds(60), {}).status().message(),
            "sequence 0 at position 12 cannot take 61 tokens: its context is 64");
  EXPECT_EQ(continuation->tokens().size(), 13u);
  EXPECT_TRUE(continuation->go({}, {.maxNewTokens = 100})->reachedLimit);
  EXPECT_EQ(continuation->tokens(), whole);
  Expected<Generation> none = continuation->go({}, {});
  EXPECT_TRUE(none.ok() && none->reachedLimit && none->ids.empty());
  ASSERT_TRUE(continuation->reset().ok());
  EXPECT_EQ(continuation->go({}, {}).status().code(), StatusCode::InvalidArgument);
  EXPECT_EQ(continuation->go(prompt, {.maxNewTokens = 2})->ids[1], whole[10]);
}

TEST(Generator, StateIsCountedBeforeItIsMade) {
  Session session = rotateSession();
  Expected<StateSize> size = Generator::stateSize(session, {.sequences = 3});
  ASSERT_TRUE(size.ok());
  EXPECT_GE(size->bytes, 3 * size->bytesPerSequence);
  EXPECT_LT(size->bytesPerSequence, size->unsplitBytesPerSequence);
  EXPECT_EQ(open(session, {.sequences = 3}).stateBytes(), size->bytes);
  Expected<Generator> refused = Generator::create(session, {.sequences = 3, .maxStateBytes = 1000});
  EXPECT_EQ(refused.status().message(),
            "the state of 3 sequences takes " + std::to_string(size->bytes) + " bytes, " +
                std::to_string(size->bytesPerSequence) + " each; there is room for 1000");
  EXPECT_EQ(refused.status().code(), StatusCode::ResourceExhausted);
  EXPECT_EQ(Generator::create(session, {.context = 65}).status().message(),
            "a context of 65 exceeds the model's of 64");
  EXPECT_EQ(Generator::create(session, {.sequences = 0}).status().code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(Generator::create(session, {.sequences = int64_t(1) << 40}).status().code(),
            StatusCode::ResourceExhausted);
}

int64_t residentKiB() {
  std::ifstream status("/proc/self/status");
  std::string word;
  int64_t kibibytes = 0;
  while (status >> word)
    if (word == "VmRSS:")
      status >> kibibytes;
  return kibibytes;
}

TEST(Generator, AThousandLeaveMemoryWhereItWas) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer holds back what was freed";
#endif
  std::vector<int32_t> ids = someIds(3);
  auto use = [&] {
    Session session = rotateSession();
    Generator generator = open(session, {.sequences = 4});
    ASSERT_TRUE(generator.add().ok());
    step(generator, 0, ids);
  };
  for (int i = 0; i < 50; ++i)
    use();
  int64_t before = residentKiB();
  for (int i = 0; i < 1000; ++i)
    use();
  EXPECT_LT(residentKiB() - before, 4096);
}

TEST(Generator, TwoThreadsWithASessionEachAgreeWithOne) {
  std::vector<int32_t> ids = someIds(64);
  auto generate = [&](std::vector<float> &logits) {
    Session session = rotateSession();
    Generator generator = open(session);
    ASSERT_TRUE(generator.add().ok());
    std::mt19937 random(9);
    logits = stepInPieces(generator, 0, ids, random);
  };
  std::vector<float> first, second, alone;
  generate(alone);
  std::thread thread([&] { generate(first); });
  generate(second);
  thread.join();
  EXPECT_EQ(first, alone);
  EXPECT_EQ(second, alone);
}

} // namespace
