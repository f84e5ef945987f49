//===- MemoryPeak.cpp - How fast this machine's memory reads --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryPeak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t words = (size_t(256) << 20) / sizeof(uint64_t);
constexpr int passes = 8;

/// The sum of all words, which the compiler turns into vector loads.
uint64_t sum(std::span<const uint64_t> part) {
  uint64_t total = 0;
  for (uint64_t word : part)
    total += word;
  return total;
}

double readOnce(std::span<const uint64_t> memory, int threads, std::vector<uint64_t> &sums) {
  Clock::time_point start = Clock::now();
  std::vector<std::thread> others;
  size_t part = memory.size() / size_t(threads);
  for (int i = 1; i < threads; ++i)
    others.emplace_back([&, i] { sums[size_t(i)] += sum(memory.subspan(size_t(i) * part, part)); });
  sums[0] += sum(memory.first(part));
  for (std::thread &other : others)
    other.join();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

} // namespace

double flowhn::tools::measureMemoryRate(int threads) {
  std::vector<uint64_t> memory(words, 1), sums(size_t(threads), 0);
  double best = 0;
  for (int pass = 0; pass < passes; ++pass)
    best = std::max(best, double(words * sizeof(uint64_t)) / readOnce(memory, threads, sums));
  // The sums are used, so that they are computed.
  return sums.front() > 0 ? best : 0;
}
