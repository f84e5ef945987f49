//===- SessionTest.cpp - Sessions on a GPU --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BundleModels.h"

#include <thread>

using namespace flowhn;
using namespace flowhn::test;

namespace {

using SessionTest = BundleTest;

constexpr const char *kjv = "kjv-fac-rotate";

/// Branches on streams of their own, replayed as a graph, with other tokens each time, give
/// the bits that branches one after the other give.
void expectReplaysLikeSerial(const std::string &model, const std::vector<int32_t> &lengths) {
  Session serial = openSession(model + "-serial", {.graphs = false});
  Session streams = openSession(model + "-streams");
  std::vector<Rows> rows;
  std::vector<std::vector<float>> expected;
  for (uint32_t seed : {1, 2, 3}) {
    rows.emplace_back(serial, lengths, seed);
    expected.push_back(logitsOf(serial, rows.back().call()));
  }
  ASSERT_FALSE(sameBits(expected[0], expected[1]));
  constexpr size_t replays = 1000, callsBefore = 2; // one without a graph, one that records it
  for (size_t i = 0; i < callsBefore + replays; ++i)
    ASSERT_TRUE(sameBits(logitsOf(streams, rows[i % 3].call()), expected[i % 3])) << "call " << i;
}

TEST_F(SessionTest, ReplaysOfASmallModelGiveTheBitsOfASerialSchedule) {
  expectReplaysLikeSerial(kjv, {200, 1, 64, 512});
}

TEST_F(SessionTest, ReplaysOfALargerModelGiveTheBitsOfASerialSchedule) {
  expectReplaysLikeSerial("135M-fac-rotate", {512, 512});
}

TEST_F(SessionTest, ModelsTakeTurns) {
  Session small = openSession(kjv), large = openSession("135M-fac-rotate-streams");
  Rows smallRows(small, {37, 200}), largeRows(large, {129});
  std::vector<float> smallExpected = logitsOf(small, smallRows.call());
  std::vector<float> largeExpected = logitsOf(large, largeRows.call());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(sameBits(logitsOf(small, smallRows.call()), smallExpected)) << "turn " << i;
    ASSERT_TRUE(sameBits(logitsOf(large, largeRows.call()), largeExpected)) << "turn " << i;
  }
}

TEST_F(SessionTest, FourThreadsEachWithASession) {
  Session session = openSession(kjv);
  Rows rows(session, {37, 200, 1});
  const std::vector<float> expected = logitsOf(session, rows.call());
  auto work = [&] {
    Session own = openSession(kjv);
    for (int i = 0; i < 50; ++i)
      EXPECT_TRUE(sameBits(logitsOf(own, rows.call()), expected)) << "call " << i;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back(work);
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(SessionTest, TapsAreTheSameWithAndWithoutGraphs) {
  Session with = openSession(kjv), without = openSession(kjv, {.graphs = false});
  Rows rows(with, {37, 200});
  std::vector<std::string> names = with.tapNames();
  ASSERT_FALSE(names.empty());
  for (int i = 0; i < 3; ++i) // the graph is there when the taps are taken
    logitsOf(with, rows.call());
  Call call = rows.call();
  call.taps = names;
  Expected<CallResult> a = with.run(call), b = without.run(call);
  ASSERT_TRUE(a.ok()) << a.status().message();
  ASSERT_TRUE(b.ok()) << b.status().message();
  EXPECT_TRUE(sameBits(a->logits, b->logits));
  EXPECT_TRUE(sameBits(a->logits, logitsOf(with, rows.call())));
  ASSERT_EQ(a->taps.size(), names.size());
  for (const auto &[name, tensor] : a->taps) {
    EXPECT_FALSE(tensor.data.empty()) << name;
    EXPECT_EQ(tensor.shape, b->taps.at(name).shape) << name;
    EXPECT_TRUE(tensor.data == b->taps.at(name).data) << name;
  }
}

/// The logits of each row of a ragged call, each row alone beside them.
void compareRowsAlone(const std::vector<int32_t> &lengths,
                      const std::function<void(std::span<const float> together,
                                               const std::vector<float> &alone)> &compare) {
  Session session = openSession(kjv);
  Rows rows(session, lengths);
  std::vector<float> together = logitsOf(session, rows.call(LogitsMode::All));
  size_t first = 0, vocabulary = size_t(session.vocabSize());
  ASSERT_EQ(together.size(), rows.ids.size() * vocabulary);
  for (int32_t length : lengths) {
    Call call{.ids = std::span(rows.ids).subspan(first, size_t(length)),
              .lengths = std::span(&length, 1),
              .logits = LogitsMode::All};
    compare(std::span(together).subspan(first * vocabulary, size_t(length) * vocabulary),
            logitsOf(session, call));
    first += size_t(length);
  }
}

/// Nothing that a kernel adds up depends on other rows while there are few enough that all
/// products have the kernels of few rows, and no scan runs in chunks.
TEST_F(SessionTest, ShortRowsHaveTheBitsOfEachAlone) {
  compareRowsAlone({1, 37, 8, 2, 7, 9}, [](auto together, const auto &alone) {
    EXPECT_TRUE(sameBits({together.begin(), together.end()}, alone))
        << alone.size() << " logits, relative error " << relativeError(together, alone);
  });
}

/// Which kernels multiply and how long chunks are follows from the whole call, and with it how
/// sums and states are rounded.
TEST_F(SessionTest, LongRowsAreCloseToEachAlone) {
  compareRowsAlone({512, 1, 300, 37, 129, 64}, [](auto together, const auto &alone) {
    ASSERT_EQ(together.size(), alone.size());
    EXPECT_LE(relativeError(together, alone), 1e-2);
  });
}

TEST_F(SessionTest, TokensAreTheLargestLogits) {
  for (const char *model : {kjv, "135M-fac-rotate-streams"}) {
    Session session = openSession(model);
    Rows rows(session, {37, 200, 1, 129});
    Call call = rows.call();
    call.tokens = true;
    for (bool returnLogits : {true, false, true}) {
      call.returnLogits = returnLogits;
      Expected<CallResult> result = session.run(call);
      ASSERT_TRUE(result.ok()) << result.status().message();
      EXPECT_EQ(result->logits.empty(), !returnLogits);
      std::vector<float> logits = logitsOf(session, rows.call());
      ASSERT_EQ(result->tokens.size(), rows.lengths.size());
      for (size_t i = 0; i < result->tokens.size(); ++i)
        EXPECT_EQ(result->tokens[i],
                  argmax(std::span(logits).subspan(i * size_t(session.vocabSize()),
                                                   size_t(session.vocabSize()))));
    }
  }
}

} // namespace
