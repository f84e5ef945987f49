//===- SessionTest.cpp - A model, loaded and ready to run -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Session.h"
#include "../TestFiles.h"
#include "../TestPlan.h"

#include <cmath>
#include <limits>
#include <random>
#include <thread>

using namespace flowhn;
using namespace flowhn::test;

namespace {

using Ids = std::vector<int32_t>;

std::shared_ptr<const Artifact> artifactOf(ArtifactContents contents) {
  Expected<Artifact> artifact = Artifact::create(std::move(contents));
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  return artifact.ok() ? std::make_shared<const Artifact>(std::move(*artifact)) : nullptr;
}

ArtifactContents contentsWithCode(const fb::PlanT &plan = testPlan()) {
  std::string file = readFile(FLOWHN_TEST_KERNELS);
  std::span<const std::byte> code = asBytes(file);
  return testContents(plan, {code.begin(), code.end()});
}

std::unique_ptr<ParameterSource> testParameters() {
  return randomParameters(
      {{"table", DType::F32, {testVocab, testWidth}}, {"head", DType::F32, {testVocab, testWidth}}},
      /*seed=*/3);
}

Session makeSession(int threads = 2, ArtifactContents contents = contentsWithCode()) {
  Expected<Session> session =
      Session::create(artifactOf(std::move(contents)), testParameters(), {.threads = threads});
  EXPECT_TRUE(session.ok()) << session.status().message();
  return std::move(*session);
}

std::vector<float> numbers(const char *name) {
  auto source = testParameters();
  Expected<TensorView> view = source->find(name);
  std::vector<float> result(view->bytes / 4);
  std::memcpy(result.data(), view->data, view->bytes);
  return result;
}

/// What testPlan computes, one token at a time.
struct Reference {
  std::vector<float> table = numbers("table"), head = numbers("head");

  bool isAttention(int64_t position) const { return position >= 13 || position < 3; }

  std::vector<float> branches(int32_t id, int64_t position) const {
    std::vector<float> x(testWidth);
    for (int64_t c = 0; c < testWidth; ++c)
      x[c] = table[id * testWidth + c] * (isAttention(position) ? 2 : -3);
    return x;
  }
  std::vector<float> blocks(int32_t id, int64_t position) const {
    std::vector<float> x = branches(id, position);
    for (int block = 0; block < 2; ++block)
      for (float &value : x)
        value += 2 * (value + 1);
    return x;
  }
  std::vector<float> logits(int32_t id, int64_t position) const {
    std::vector<float> x = blocks(id, position), result(testVocab);
    for (int64_t v = 0; v < testVocab; ++v)
      for (int64_t c = 0; c < testWidth; ++c)
        result[v] += x[c] * head[v * testWidth + c];
    return result;
  }
};

struct Batch {
  Ids ids, lengths;
};

Batch randomBatch(unsigned seed) {
  std::mt19937 random(seed);
  Batch batch;
  for (int64_t rows = 1 + random() % 4, left = 40; rows > 0; --rows) {
    int32_t length = int32_t(1 + random() % std::min<int64_t>(testContext, left - rows + 1));
    left -= length;
    batch.lengths.push_back(length);
  }
  for (int32_t length : batch.lengths)
    for (int32_t i = 0; i < length; ++i)
      batch.ids.push_back(int32_t(random() % testVocab));
  return batch;
}

/// The reference's values for every token of the batch.
template <typename Function> std::vector<float> forTokens(const Batch &batch, Function function) {
  std::vector<float> all;
  const int32_t *id = batch.ids.data();
  for (int32_t length : batch.lengths)
    for (int32_t position = 0; position < length; ++position) {
      std::vector<float> one = function(*id++, position);
      all.insert(all.end(), one.begin(), one.end());
    }
  return all;
}

void expectNear(std::span<const float> actual, std::span<const float> expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i], 1e-4 * (1 + std::fabs(expected[i]))) << i;
}

TEST(SessionTest, ComputesWhatThePlanSays) {
  Reference reference;
  Session one = makeSession(1), many = makeSession(4);
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    Batch batch = randomBatch(seed);
    Call call{.ids = batch.ids, .lengths = batch.lengths, .logits = LogitsMode::All};
    Expected<CallResult> result = many.run(call);
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_EQ(result->rows, int64_t(batch.ids.size()));
    EXPECT_TRUE(result->taps.empty());
    expectNear(result->logits,
               forTokens(batch, [&](auto... at) { return reference.logits(at...); }));
    EXPECT_EQ(one.run(call)->logits, result->logits);
  }
}

TEST(SessionTest, GivesTheLastLogitsOrNone) {
  Session session = makeSession();
  Batch batch{{1, 2, 3, 0, 5}, {3, 2}};
  Expected<CallResult> last = session.run({.ids = batch.ids, .lengths = batch.lengths});
  ASSERT_TRUE(last.ok()) << last.status().message();
  EXPECT_EQ(last->rows, 2);
  std::vector<float> expected = Reference().logits(3, 2), second = Reference().logits(5, 1);
  expected.insert(expected.end(), second.begin(), second.end());
  expectNear(last->logits, expected);
  Expected<CallResult> none =
      session.run({.ids = batch.ids, .lengths = batch.lengths, .logits = LogitsMode::None});
  ASSERT_TRUE(none.ok()) << none.status().message();
  EXPECT_EQ(none->rows, 0);
  EXPECT_TRUE(none->logits.empty());
}

TEST(SessionTest, ManyShareAnArtifactAndRunAtTheSameTime) {
  std::vector<Session> sessions;
  {
    std::shared_ptr<const Artifact> artifact = artifactOf(contentsWithCode());
    for (int i = 0; i < 4; ++i) {
      Expected<Session> session =
          Session::create(artifact, testParameters(), {.threads = 1 + i % 3});
      ASSERT_TRUE(session.ok()) << session.status().message();
      sessions.push_back(std::move(*session)); // growing moves those before it
    }
  } // from here the sessions alone keep the artifact
  Reference reference;
  Batch batch = randomBatch(5);
  std::vector<float> expected =
      forTokens(batch, [&](auto... at) { return reference.logits(at...); });
  std::vector<std::thread> threads;
  for (Session &session : sessions)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        Expected<CallResult> result =
            session.run({.ids = batch.ids, .lengths = batch.lengths, .logits = LogitsMode::All});
        ASSERT_TRUE(result.ok()) << result.status().message();
        expectNear(result->logits, expected);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST(SessionTest, AssigningReplacesTheOldOne) {
  Session session = makeSession(1);
  session = makeSession(3);
  EXPECT_EQ(session.threads(), 3);
  Ids ids{4}, lengths{1};
  Expected<CallResult> result = session.run({.ids = ids, .lengths = lengths});
  ASSERT_TRUE(result.ok()) << result.status().message();
  expectNear(result->logits, Reference().logits(4, 0));
}

TEST(SessionTest, WritesIntoTheCallersBuffer) {
  Session session = makeSession();
  Ids ids{4}, lengths{1};
  std::vector<float> buffer(testVocab);
  Call call{.ids = ids, .lengths = lengths, .logitsBuffer = buffer};
  Expected<CallResult> result = session.run(call);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->logits.empty());
  expectNear(buffer, Reference().logits(4, 0));
  buffer.push_back(0);
  call.logitsBuffer = buffer;
  expectError(session.run(call).status(), StatusCode::InvalidArgument,
              "a buffer for 7 logits, the call gives 6");
}

TEST(SessionTest, CopiesTaps) {
  Reference reference;
  Session session = makeSession(4);
  EXPECT_EQ(session.tapNames(), (std::vector<std::string>{"blocks", "branches"}));
  Batch batch = randomBatch(7);
  std::vector<std::string> taps{"branches", "blocks"};
  Expected<CallResult> result =
      session.run({.ids = batch.ids, .lengths = batch.lengths, .taps = taps});
  ASSERT_TRUE(result.ok()) << result.status().message();
  auto values = [&](const char *name) {
    const Tensor &tensor = result->taps.at(name);
    EXPECT_EQ(tensor.shape, (std::vector<int64_t>{int64_t(batch.ids.size()), testWidth}));
    std::vector<float> floats(tensor.data.size() / 4);
    std::memcpy(floats.data(), tensor.data.data(), tensor.data.size());
    return floats;
  };
  expectNear(values("branches"),
             forTokens(batch, [&](auto... at) { return reference.branches(at...); }));
  expectNear(values("blocks"),
             forTokens(batch, [&](auto... at) { return reference.blocks(at...); }));
  taps = {"nothing"};
  expectError(session.run({.ids = batch.ids, .lengths = batch.lengths, .taps = taps}).status(),
              StatusCode::NotFound, "no tap 'nothing', the artifact has 2 from 'blocks'");
}

TEST(SessionTest, RefusesCallsThatBreakTheRules) {
  Session session = makeSession();
  auto refused = [&](Ids ids, Ids lengths, StatusCode code, const char *message) {
    expectError(session.run({.ids = ids, .lengths = lengths}).status(), code, message);
  };
  StatusCode invalid = StatusCode::InvalidArgument, exhausted = StatusCode::ResourceExhausted;
  refused({}, {}, invalid, "a call of 0 rows");
  refused({1}, {1, 0}, invalid, "length 0 of row 1, it must be at least 1");
  refused({1}, {-3}, invalid, "length -3 of row 0");
  refused(Ids(17, 1), {17}, invalid, "length 17 of row 0 exceeds the context of 16");
  refused({1, 2}, {3}, invalid, "the lengths add up to 3, there are 2 token ids");
  refused({1, 2, 6}, {1, 2}, invalid,
          "token 6 at position 1 of row 1 is outside of the vocabulary of 6");
  refused({-1}, {1}, invalid, "token -1 at position 0 of row 0");
  refused(Ids(5, 1), Ids(5, 1), exhausted, "a batch of 5 exceeds the artifact's limit of 4");
  Ids id{0}, one{1};
  EXPECT_TRUE(session.run({.ids = id, .lengths = one}).ok()); // none of it did any harm
}

TEST(SessionTest, WithoutAContextTheArtifactLimitsRows) {
  ArtifactContents contents = contentsWithCode();
  contents.manifest.model.contextLength = 0;
  Session session = makeSession(1, contents);
  Ids ids(17, 1), lengths{17};
  expectError(session.run({.ids = ids, .lengths = lengths}).status(), StatusCode::ResourceExhausted,
              "length 17 of row 0 exceeds the artifact's limit of 16");
  EXPECT_EQ(generateGreedy(session, Ids(10, 1), 100)->ids.size(), 7u);
}

TEST(SessionTest, RefusesArtifactsThatDoNotFit) {
  auto refused = [](ArtifactContents contents, StatusCode code, const char *message,
                    SessionOptions options = {}) {
    expectError(
        Session::create(artifactOf(std::move(contents)), testParameters(), options).status(), code,
        message);
  };
  ArtifactContents contents = contentsWithCode();
  contents.manifest.target.cpu = "x86-64-v9";
  refused(contents, StatusCode::Incompatible, "the code is for 'x86-64-v9', this machine is");
  contents = contentsWithCode();
  contents.sections[1].bytes = {std::byte(1)};
  refused(contents, StatusCode::InvalidInput, "cannot load the code");
  contents.sections.pop_back();
  refused(contents, StatusCode::NotFound, "no section 'code/x86-64.so'");
  fb::PlanT plan = testPlan();
  plan.kernels[0]->symbol = "missing";
  refused(contentsWithCode(plan), StatusCode::NotFound, "the code has no symbol 'missing'");
  refused(contentsWithCode(), StatusCode::InvalidArgument, "-1 threads", {.threads = -1});
  refused(contentsWithCode(), StatusCode::InvalidArgument, "code for the chip 'sm_80' is asked for",
          {.chip = "sm_80"});
  expectError(Session::create(nullptr, testParameters()).status(), StatusCode::InvalidArgument,
              "needs an artifact");
  expectError(Session::create(artifactOf(contentsWithCode()), randomParameters({}, 1)).status(),
              StatusCode::InvalidInput, "missing: 'head'");
}

TEST(SessionTest, NoMemoryIsAnError) {
  fb::PlanT plan = testPlan();
  plan.procedures[1]->commands[3].AsArena()->bytes_per_unit = int64_t(1) << 48;
  Session session = makeSession(2, contentsWithCode(plan));
  Ids ids{0}, lengths{1};
  expectError(session.run({.ids = ids, .lengths = lengths}).status(), StatusCode::ResourceExhausted,
              "bytes of buffers");
}

TEST(SessionTest, ChecksPartitionsAndTapsOfHostilePlans) {
  Ids ids{0, 1, 2}, lengths{3};
  std::vector<std::string> taps{"branches"};
  Call call{.ids = ids, .lengths = lengths, .taps = taps};
  fb::PlanT plan = testPlan();
  plan.procedures[1]->commands[2].AsPartition()->length = 0; // the ids
  expectError(makeSession(1, contentsWithCode(plan)).run(call).status(), StatusCode::InvalidInput,
              "main: a partition of something other than the call's begin and length");
  plan = testPlan();
  plan.procedures[1]->commands[10].AsTap()->row_elements = 1000;
  expectError(makeSession(1, contentsWithCode(plan)).run(call).status(), StatusCode::InvalidInput,
              "tap 'branches' of 3 rows of 4000 bytes is larger than its buffer");
}

TEST(SessionTest, TellsAboutItself) {
  Session session = makeSession(3);
  EXPECT_EQ(session.vocabSize(), testVocab);
  EXPECT_EQ(session.contextLength(), testContext);
  EXPECT_EQ(session.maxBatch(), 4);
  EXPECT_EQ(session.maxTokens(), 16);
  EXPECT_EQ(session.threads(), 3);
  EXPECT_GE(makeSession(0).threads(), 1);
  EXPECT_GT(session.loadSeconds(), 0);
  EXPECT_EQ(session.parameterBytes(), 4 * (24 + 32));
  EXPECT_EQ(session.sharedParameterBytes(), 4 * 24);
  Ids ids{0}, lengths{1};
  ASSERT_TRUE(session.run({.ids = ids, .lengths = lengths}).ok());
  EXPECT_GE(session.workspaceBytes(), 256); // 128 of the entry, 128 of the block
  std::vector<ParameterSpec> specs = parametersOf(session.artifact());
  ASSERT_EQ(specs.size(), 2u);
  EXPECT_EQ(specs[0].name, "head");
  EXPECT_EQ(specs[1].shape, (std::vector<int64_t>{testVocab, testWidth}));
}

TEST(SessionTest, Profiles) {
  Session session = makeSession(2);
  Batch batch{{1, 2, 3, 4, 5}, {5}};
  Call call{.ids = batch.ids, .lengths = batch.lengths, .logits = LogitsMode::None};
  session.enableProfile(true);
  ASSERT_TRUE(session.run(call).ok() && session.run(call).ok());
  std::vector<KernelProfile> profile = session.profile();
  ASSERT_EQ(profile.size(), 5u); // the head's grid was empty
  for (size_t i = 1; i < profile.size(); ++i)
    EXPECT_LE(profile[i].seconds, profile[i - 1].seconds);
  for (const KernelProfile &kernel : profile) {
    if (kernel.kernel != "add_one")
      continue;
    EXPECT_EQ(kernel.op, "test.op");
    EXPECT_EQ(kernel.calls, 4);
    EXPECT_EQ(kernel.flops, 4 * 5 * 8);
    EXPECT_EQ(kernel.bytes, 4 * 5 * 32);
    EXPECT_GT(kernel.seconds, 0);
  }
  session.enableProfile(false);
  ASSERT_TRUE(session.run(call).ok());
  EXPECT_TRUE(session.profile().empty());
}

TEST(SessionTest, Traces) {
  Session session = makeSession();
  std::vector<int32_t> ids{1, 2, 3, 4, 5}, lengths{5};
  Expected<std::vector<TracedLaunch>> trace = session.trace({.ids = ids, .lengths = lengths});
  ASSERT_TRUE(trace.ok()) << trace.status().message();
  ASSERT_EQ(trace->size(), 8u);
  EXPECT_EQ(trace->front().kernel, "embed");
  EXPECT_EQ(trace->front().flops, 40);
  EXPECT_EQ(trace->at(2).stream, 1u);
  for (const TracedLaunch &launch : *trace)
    EXPECT_TRUE(0 <= launch.start && launch.start <= launch.end) << launch.kernel;
  for (size_t i : {1, 2}) { // behind the fork, before the join
    EXPECT_GE(trace->at(i).start, trace->at(0).end);
    EXPECT_LE(trace->at(i).end, trace->at(3).start);
  }
}

TEST(SessionTest, GivesTheMostLikelyTokens) {
  Session session = makeSession();
  Batch batch{{1, 2, 3, 0, 5}, {3, 2}};
  Call call{.ids = batch.ids, .lengths = batch.lengths, .logits = LogitsMode::All, .tokens = true};
  Expected<CallResult> result = session.run(call);
  ASSERT_TRUE(result.ok()) << result.status().message();
  ASSERT_EQ(result->tokens.size(), 5u);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_EQ(result->tokens[i],
              argmax(std::span(result->logits).subspan(i * testVocab, testVocab)));
  call.returnLogits = false;
  Expected<CallResult> tokensOnly = session.run(call);
  ASSERT_TRUE(tokensOnly.ok()) << tokensOnly.status().message();
  EXPECT_TRUE(tokensOnly->logits.empty());
  EXPECT_EQ(tokensOnly->tokens, result->tokens);
  call.tokens = false;
  EXPECT_TRUE(session.run(call)->tokens.empty());
  float buffer[5 * testVocab];
  call.logitsBuffer = buffer;
  expectError(session.run(call).status(), StatusCode::InvalidArgument,
              "a buffer for 30 logits, the call gives 0");
}

TEST(SessionTest, Argmax) {
  float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(argmax(std::vector<float>{}), -1);
  EXPECT_EQ(argmax(std::vector<float>{nan, nan}), -1);
  EXPECT_EQ(argmax(std::vector<float>{1, 3, 2, 3}), 1);
  EXPECT_EQ(argmax(std::vector<float>{nan, -INFINITY, nan, -INFINITY}), 1);
}

TEST(SessionTest, GeneratesTheMostLikelyTokens) {
  Reference reference;
  Session session = makeSession();
  Ids prompt{2, 3}, seen, expected = prompt;
  for (int i = 0; i < 5; ++i)
    expected.push_back(argmax(reference.logits(expected.back(), int64_t(expected.size()) - 1)));
  Expected<Generation> result = generateGreedy(session, prompt, 5, [&](int32_t token) {
    seen.push_back(token);
    return true;
  });
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->ids, Ids(expected.begin() + 2, expected.end()));
  EXPECT_EQ(seen, result->ids);
  EXPECT_FALSE(result->reachedLimit);
  EXPECT_EQ(generateGreedy(session, prompt, 5, [](int32_t) { return false; })->ids.size(), 1u);
  EXPECT_TRUE(generateGreedy(session, prompt, 0)->ids.empty());
}

TEST(SessionTest, GenerationEndsAtTheContext) {
  Session session = makeSession();
  Expected<Generation> result = generateGreedy(session, Ids{1, 2, 3}, 100);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->reachedLimit);
  // After position 15 comes a token that no longer fits into the context itself.
  EXPECT_EQ(result->ids.size(), size_t(testContext - 3 + 1));
  expectError(generateGreedy(session, Ids(17, 1), 1).status(), StatusCode::InvalidArgument,
              "length 17 of row 0 exceeds the context of 16");
  expectError(generateGreedy(session, Ids{}, 1).status(), StatusCode::InvalidArgument,
              "length 0 of row 0");
  expectError(generateGreedy(session, Ids{1}, -1).status(), StatusCode::InvalidArgument,
              "-1 new tokens");
}

} // namespace
