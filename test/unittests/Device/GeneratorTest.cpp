//===- GeneratorTest.cpp - Sequences in flight on a GPU -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Generator.h"
#include "BundleModels.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

constexpr const char *model = "kjv-fac-rotate-float32";
using Ids = std::span<const int32_t>;

/// The session of a model, with a generator, and logits of the last tokens of its steps.
class Flight {
public:
  explicit Flight(SessionOptions options = {}, int64_t sequences = 4)
      : session(openSession(model, std::move(options))) {
    Expected<Generator> created = Generator::create(session, {.sequences = sequences});
    EXPECT_TRUE(created.ok()) << created.status().message();
    generator = std::make_unique<Generator>(std::move(*created));
  }

  int64_t begin(Ids ids) {
    Expected<int64_t> sequence = generator->add();
    EXPECT_TRUE(sequence.ok()) << sequence.status().message();
    step({{*sequence, ids}});
    return *sequence;
  }

  std::vector<float> step(std::vector<SequenceTokens> rows) {
    Expected<CallResult> result = generator->step(rows);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? std::move(result->logits) : std::vector<float>();
  }

  /// Of each of `ids`, one after the other.
  std::vector<float> decode(int64_t sequence, Ids ids) {
    std::vector<float> logits;
    for (size_t i = 0; i < ids.size(); ++i) {
      std::vector<float> next = step({{sequence, ids.subspan(i, 1)}});
      logits.insert(logits.end(), next.begin(), next.end());
    }
    return logits;
  }

  Session session;
  std::unique_ptr<Generator> generator;
};

class DeviceGenerator : public BundleTest {};

TEST_F(DeviceGenerator, GoesOnWithTheBitsOfForksAndSnapshots) {
  Flight flight;
  Rows rows(flight.session, {300}, 3);
  Ids prompt = Ids(rows.ids).first(260), rest = Ids(rows.ids).subspan(260);
  int64_t first = flight.begin(prompt);
  auto snapshot = flight.generator->snapshot(first);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
  Expected<int64_t> fork = flight.generator->fork(first);
  ASSERT_TRUE(fork.ok()) << fork.status().message();
  std::vector<float> expected = flight.decode(first, rest);
  EXPECT_TRUE(sameBits(flight.decode(*fork, rest), expected));
  Expected<int64_t> restored = flight.generator->restore(*snapshot);
  ASSERT_TRUE(restored.ok()) << restored.status().message();
  EXPECT_TRUE(sameBits(flight.decode(*restored, rest), expected));
}

TEST_F(DeviceGenerator, ReplaysGraphsThroughEveryBranch) {
  Flight graphs, plain({.graphs = false});
  Rows rows(graphs.session, {512}, 4);
  Ids prompt = Ids(rows.ids).first(60), rest = Ids(rows.ids).subspan(60);
  int64_t replayed = graphs.begin(prompt), launched = plain.begin(prompt);
  EXPECT_TRUE(sameBits(graphs.decode(replayed, rest), plain.decode(launched, rest)));
}

TEST_F(DeviceGenerator, RowsOfAStepDoNotDependOnEachOther) {
  Flight alone, together;
  Rows rows(alone.session, {512}, 5);
  const std::vector<size_t> positions = {1, 170, 450};
  std::vector<SequenceTokens> step;
  std::vector<float> expected;
  for (size_t position : positions) {
    Ids prompt = Ids(rows.ids).first(position), next = Ids(rows.ids).subspan(position, 1);
    step.push_back({together.begin(prompt), next});
    std::vector<float> logits = alone.decode(alone.begin(prompt), next);
    expected.insert(expected.end(), logits.begin(), logits.end());
  }
  EXPECT_TRUE(sameBits(together.step(step), expected));
}

/// Of every kind of draw: the device's token is the host's, from the logits of the step.
TEST_F(DeviceGenerator, DrawsWhatTheHostDraws) {
  const SamplingOptions kinds[] = {{.temperature = 1, .seed = 1},
                                   {.temperature = 0.7, .topK = 20, .seed = 2},
                                   {.temperature = 1.5, .topP = 0.8, .seed = 3},
                                   {.repetitionPenalty = 1.4, .temperature = 1, .topP = 0.9},
                                   {.repetitionPenalty = 1.2}};
  Flight device({}, std::size(kinds)), host({}, std::size(kinds));
  Rows rows(device.session, {200}, 6);
  std::vector<std::vector<int32_t>> texts;
  for (size_t i = 0; i < std::size(kinds); ++i) {
    texts.emplace_back(rows.ids.begin(), rows.ids.begin() + 20 + int(i));
    device.begin(Ids(texts[i]).first(texts[i].size() - 1));
    host.begin(Ids(texts[i]).first(texts[i].size() - 1));
  }
  for (int round = 0; round < 40; ++round) {
    std::vector<SequenceTokens> step;
    std::vector<TokenDraw> draws;
    for (size_t i = 0; i < std::size(kinds); ++i) {
      step.push_back({int64_t(i), Ids(texts[i]).last(1)});
      draws.push_back({kinds[i], texts[i]});
    }
    auto drawn =
        device.generator->step(step, {.tokens = true, .draws = draws, .returnLogits = false});
    auto expected = host.generator->step(step, {.tokens = true, .draws = draws});
    ASSERT_TRUE(drawn.ok() && expected.ok()) << drawn.status().message();
    ASSERT_EQ(drawn->tokens, expected->tokens) << round;
    for (size_t i = 0; i < std::size(kinds); ++i)
      texts[i].push_back(drawn->tokens[i]);
  }
}

/// Rows that go through different branches compute what each computes in a batch of the same
/// bucket whose other rows stand where it stands.
TEST_F(DeviceGenerator, MixedStepsGiveTheBitsOfEachRowAlone) {
  const std::vector<size_t> positions = {1, 60, 170, 300, 450};
  Flight mixed({}, 8), agreeing({}, 8);
  Rows rows(mixed.session, {512}, 7);
  std::vector<SequenceTokens> step;
  std::vector<float> expected;
  for (size_t position : positions) {
    Ids prompt = Ids(rows.ids).first(position), next = Ids(rows.ids).subspan(position, 1);
    step.push_back({mixed.begin(prompt), next});
    std::vector<SequenceTokens> same;
    for (size_t i = 0; i < positions.size(); ++i)
      same.push_back({agreeing.begin(prompt), next});
    std::vector<float> logits = agreeing.step(same);
    size_t vocabulary = logits.size() / positions.size();
    expected.insert(expected.end(), logits.begin(), logits.begin() + int64_t(vocabulary));
    for (const SequenceTokens &row : same)
      EXPECT_TRUE(agreeing.generator->remove(row.sequence).ok());
  }
  EXPECT_TRUE(sameBits(mixed.step(step), expected));
}

TEST_F(DeviceGenerator, LeavesNoMemoryBehind) {
  Session session = openSession(model, {});
  int64_t bytes = 0;
  // More than any device has, if it stayed.
  while (bytes < int64_t(1) << 40) {
    Expected<Generator> generator = Generator::create(session, {.sequences = 1024});
    ASSERT_TRUE(generator.ok()) << generator.status().message() << " after " << bytes << " bytes";
    bytes += generator->stateBytes();
  }
}

} // namespace
