//===- ThreadPoolTest.cpp - The workers of a session ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Runtime/CPU/ThreadPool.h"
#include "../TestFiles.h"

#include <atomic>
#include <chrono>
#include <ctime>
#include <random>

using namespace flowhn;
using namespace flowhn::test;

namespace {

std::unique_ptr<ThreadPool> makePool(int threads, int64_t scratchBytes = 64) {
  Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(threads, scratchBytes);
  EXPECT_TRUE(pool.ok()) << pool.status().message();
  return std::move(*pool);
}

/// args = {to, from, count}: to[item] += 3 · from[(item + 1) mod count] + item. Reads
/// what another item of the launch before wrote, and is not atomic: a race or an
/// item that runs twice or never gives other numbers.
void mixCell(const int64_t *args, int64_t item, void *) {
  auto *to = reinterpret_cast<uint64_t *>(args[0]);
  auto *from = reinterpret_cast<const uint64_t *>(args[1]);
  to[item] += 3 * from[(item + 1) % args[2]] + uint64_t(item);
}

/// Streams of launches that each read what the one before wrote, and segments whose
/// streams read what other streams of the segment before wrote.
struct Mixer {
  static constexpr int streams = 3;
  static constexpr int64_t cells = 64;
  std::vector<uint64_t> buffers[2 * streams];

  Mixer() {
    for (auto &buffer : buffers)
      buffer.assign(cells, 1);
  }

  void launch(LaunchProgram &program, unsigned stream, int to, int from, int64_t items) {
    if (!program.addLaunch(stream, mixCell, items, 0))
      return;
    program.addAddress(buffers[to].data());
    program.addAddress(buffers[from].data());
    program.addValue(cells);
  }

  LaunchProgram build(unsigned seed) {
    std::mt19937 random(seed);
    LaunchProgram program;
    for (int segment = 0; segment < 20; ++segment) {
      for (int i = 0; i < 12; ++i) {
        int stream = int(random() % streams);
        int to = 2 * stream + i % 2;
        launch(program, unsigned(stream), to, to ^ 1, int64_t(random() % (cells + 1)));
      }
      program.barrier();
      launch(program, 0, int(random() % 3), 3 + int(random() % 3), cells);
      program.barrier();
    }
    return program;
  }

  std::vector<uint64_t> result() const {
    std::vector<uint64_t> all;
    for (const auto &buffer : buffers)
      all.insert(all.end(), buffer.begin(), buffer.end());
    return all;
  }
};

TEST(ThreadPoolTest, ResultsDoNotDependOnThreads) {
  std::vector<std::unique_ptr<ThreadPool>> pools;
  for (int threads : {1, 2, 3, 8})
    pools.push_back(makePool(threads));
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::vector<std::vector<uint64_t>> results;
    for (auto &pool : pools) {
      Mixer mixer;
      LaunchProgram program = mixer.build(seed);
      pool->run(program);
      pool->run(program);
      results.push_back(mixer.result());
    }
    for (const auto &result : results)
      ASSERT_EQ(result, results[0]) << seed;
  }
}

TEST(ThreadPoolTest, RunsEmptyPrograms) {
  LaunchProgram program;
  program.barrier();
  EXPECT_FALSE(program.addLaunch(0, mixCell, 0, 0));
  EXPECT_FALSE(program.addLaunch(0, mixCell, -1, 0));
  for (int threads : {1, 4})
    makePool(threads)->run(program);
}

/// args = {mine, other}: says that it runs, and waits for the other stream to say so.
void meet(const int64_t *args, int64_t, void *) {
  auto &mine = *reinterpret_cast<std::atomic<int> *>(args[0]);
  auto &other = *reinterpret_cast<std::atomic<int> *>(args[1]);
  mine = 1;
  auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!other && std::chrono::steady_clock::now() < limit)
    std::this_thread::yield();
  if (other)
    mine = 2;
}

TEST(ThreadPoolTest, StreamsRunAtTheSameTime) {
  std::atomic<int> met[2] = {0, 0};
  LaunchProgram program;
  for (unsigned stream : {0u, 1u}) {
    program.addLaunch(stream, meet, 1, 0);
    program.addAddress(&met[stream]);
    program.addAddress(&met[1 - stream]);
  }
  makePool(2)->run(program);
  EXPECT_EQ(met[0], 2);
  EXPECT_EQ(met[1], 2);
}

/// args = {seen}: adds the running thread; takes long enough for others to come.
void recordThread(const int64_t *args, int64_t item, void *) {
  auto *seen = reinterpret_cast<std::thread::id *>(args[0]);
  seen[item] = std::this_thread::get_id();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST(ThreadPoolTest, AllWorkersHelpWithOneStream) {
  std::vector<std::thread::id> seen(40);
  LaunchProgram program;
  // A second stream, finished at once, that some workers would have preferred.
  program.addLaunch(0, recordThread, 40, 0);
  program.addAddress(seen.data());
  std::thread::id other;
  program.addLaunch(1, recordThread, 1, 0);
  program.addAddress(&other);
  makePool(4)->run(program);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()) - seen.begin(), 4);
}

/// args = {failures, bytes}: fills its scratch memory, and finds it as it left it.
void useScratch(const int64_t *args, int64_t item, void *scratch) {
  auto *bytes = static_cast<volatile unsigned char *>(scratch);
  auto &failures = *reinterpret_cast<std::atomic<int> *>(args[0]);
  failures += uintptr_t(scratch) % 64 != 0;
  for (int64_t i = 0; i < args[1]; ++i)
    bytes[i] = (unsigned char)(item);
  std::this_thread::yield();
  for (int64_t i = 0; i < args[1]; ++i)
    failures += bytes[i] != (unsigned char)(item);
}

TEST(ThreadPoolTest, ScratchIsAWorkersOwn) {
  std::atomic<int> failures = 0;
  LaunchProgram program;
  program.addLaunch(0, useScratch, 500, 0);
  program.addAddress(&failures);
  program.addValue(1000);
  makePool(4, 1000)->run(program);
  EXPECT_EQ(failures, 0);
}

TEST(ThreadPoolTest, SleepsBetweenCalls) {
  auto pool = makePool(4);
  Mixer mixer;
  pool->run(mixer.build(1));
  std::clock_t before = std::clock(); // processor time of all threads
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  double seconds = double(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds, 0.1);
}

TEST(ThreadPoolTest, ChargesTimeToKernels) {
  for (int threads : {1, 3}) {
    auto pool = makePool(threads);
    std::vector<std::thread::id> seen(4);
    LaunchProgram program;
    program.addLaunch(0, recordThread, 4, 1);
    program.addAddress(seen.data());
    pool->run(program);
    EXPECT_EQ(pool->nanoseconds(1), 0);
    pool->setProfile(2);
    pool->run(program);
    EXPECT_GE(pool->nanoseconds(1), 4 * 5'000'000);
    EXPECT_EQ(pool->nanoseconds(0), 0);
  }
}

TEST(ThreadPoolTest, RefusesWhatDoesNotFit) {
  expectError(ThreadPool::create(2, int64_t(1) << 60).status(), StatusCode::ResourceExhausted,
              "2305843009213693952 bytes of scratch memory");
}

} // namespace
