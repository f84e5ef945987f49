//===- ParallelTest.cpp - Work shared by short-lived threads ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Parallel.h"
#include "../TestFiles.h"

#include <atomic>
#include <new>
#include <thread>
#include <vector>

using namespace flowhn;
using namespace flowhn::test;

namespace {

TEST(Parallel, DoesEveryItemOnce) {
  for (size_t threads : {0, 1, 3, 100}) {
    std::vector<std::atomic<int>> calls(50);
    auto work = [&](size_t i) {
      ++calls[i];
      return Status();
    };
    EXPECT_TRUE(forEachInParallel(calls.size(), threads, "a test", work).ok());
    for (const std::atomic<int> &count : calls)
      EXPECT_EQ(count, 1);
  }
  EXPECT_TRUE(forEachInParallel(0, 4, "a test", [](size_t) { return notFound("x"); }).ok());
}

TEST(Parallel, StopsAtAFailure) {
  size_t calls = 0;
  auto work = [&](size_t i) { return ++calls, i < 3 ? Status() : notFound(std::to_string(i)); };
  expectError(forEachInParallel(100, 1, "a test", work), StatusCode::NotFound, "3");
  EXPECT_EQ(calls, 4u);
}

TEST(Parallel, ReportsTheLowestFailure) {
  // Every item waits for all others, so that all of them fail.
  std::atomic<int> arrived{0};
  auto work = [&](size_t i) {
    ++arrived;
    while (arrived < 4)
      std::this_thread::yield();
    return notFound(std::to_string(i));
  };
  expectError(forEachInParallel(4, 4, "a test", work), StatusCode::NotFound, "0");
}

TEST(Parallel, ThrownInAThreadIsAFailure) {
  auto work = [](size_t) -> Status { throw std::bad_alloc(); };
  expectError(forEachInParallel(8, 4, "a test", work), StatusCode::ResourceExhausted,
              "no memory for a test");
}

} // namespace
