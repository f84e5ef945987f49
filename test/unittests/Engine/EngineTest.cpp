//===- EngineTest.cpp - A model, compiled and run in memory ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Engine/Compiler.h"
#include "flowhn/Runtime/Session.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace flowhn;

namespace {

constexpr const char *rotate = FLOWHN_TEST_INPUTS "/flowhn-fac-rotate";

Session openSession(const std::string &folder) {
  Expected<Model> model = Model::load(folder);
  EXPECT_TRUE(model.ok()) << model.status().message();
  Expected<Artifact> artifact = compile(*model);
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  auto weights = openCheckpoint(model->weightsFolder());
  EXPECT_TRUE(weights.ok()) << weights.status().message();
  auto session =
      Session::create(std::make_shared<const Artifact>(std::move(*artifact)), std::move(*weights));
  EXPECT_TRUE(session.ok()) << session.status().message();
  return std::move(*session);
}

std::vector<int32_t> someIds(size_t count) {
  std::vector<int32_t> ids(count);
  for (size_t i = 0; i < count; ++i)
    ids[i] = static_cast<int32_t>((i * 97 + 31) % 256);
  return ids;
}

TEST(Engine, RowsOfDifferentLengthsComputeWhatEachComputesAlone) {
  Session session = openSession(rotate);
  // Among them rows that leave a branch of some block empty.
  std::vector<int32_t> lengths = {64, 1, 24, 2, 53, 11};
  std::vector<int32_t> ids = someIds(155);
  Expected<CallResult> together = session.run({ids, lengths, LogitsMode::All});
  ASSERT_TRUE(together.ok()) << together.status().message();
  std::span<const int32_t> rest = ids;
  std::span<const float> logits = together->logits;
  for (int32_t length : lengths) {
    Expected<CallResult> alone =
        session.run({rest.first(length), std::span(&length, 1), LogitsMode::All});
    ASSERT_TRUE(alone.ok()) << alone.status().message();
    size_t count = static_cast<size_t>(length) * session.vocabSize();
    ASSERT_EQ(alone->logits.size(), count);
    EXPECT_TRUE(std::ranges::equal(logits.first(count), alone->logits)) << length;
    rest = rest.subspan(length);
    logits = logits.subspan(count);
  }
}

TEST(Engine, LastLogitsAreThoseOfEachRowsEnd) {
  Session session = openSession(rotate);
  std::vector<int32_t> lengths = {5, 40}, ids = someIds(45);
  Expected<CallResult> all = session.run({ids, lengths, LogitsMode::All});
  Expected<CallResult> last = session.run({ids, lengths, LogitsMode::Last});
  ASSERT_TRUE(all.ok() && last.ok());
  ASSERT_EQ(last->rows, 2);
  size_t vocabulary = session.vocabSize();
  std::span<const float> expected = all->logits, got = last->logits;
  EXPECT_TRUE(
      std::ranges::equal(got.first(vocabulary), expected.subspan(4 * vocabulary, vocabulary)));
  EXPECT_TRUE(std::ranges::equal(got.last(vocabulary), expected.last(vocabulary)));
}

TEST(Engine, APrefixDoesNotDependOnWhatFollows) {
  Session session = openSession(rotate);
  std::vector<int32_t> ids = someIds(64), full = {64}, part = {30};
  Expected<CallResult> whole = session.run({ids, full, LogitsMode::All});
  Expected<CallResult> prefix = session.run({std::span(ids).first(30), part, LogitsMode::All});
  ASSERT_TRUE(whole.ok() && prefix.ok());
  std::span<const float> logits = whole->logits;
  EXPECT_TRUE(std::ranges::equal(prefix->logits, logits.first(prefix->logits.size())));
}

TEST(Engine, RefusesWhatTheModelCannotTake) {
  Session session = openSession(rotate);
  std::vector<int32_t> ids = someIds(65), lengths = {65};
  Expected<CallResult> tooLong = session.run({ids, lengths});
  ASSERT_FALSE(tooLong.ok());
  EXPECT_NE(tooLong.status().message().find("65"), std::string::npos);
  EXPECT_NE(tooLong.status().message().find("64"), std::string::npos);
  std::vector<int32_t> bad = {256}, one = {1};
  EXPECT_EQ(session.run({bad, one}).status().code(), StatusCode::InvalidArgument);
}

TEST(Engine, UnknownTargetsAndPhasesAreNamed) {
  Expected<Model> model = Model::published("135M");
  ASSERT_TRUE(model.ok());
  CompileOptions options;
  options.target = "rocm";
  EXPECT_EQ(compile(*model, options).status().message(),
            "target 'rocm' is not built in; targets: cpu, nvptx");
  options.target = "nvptx";
  options.chips = {};
  EXPECT_EQ(compile(*model, options).status().message(), "no chip to compile for is named");
  options.chips = {"sm_90a", "sm_90a"};
  EXPECT_EQ(compile(*model, options).status().message(), "the chip 'sm_90a' is named twice");
  EXPECT_FALSE(parseCompilePhase("gpu").ok());
  EXPECT_FALSE(Model::published("2B").ok());
}

} // namespace
