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
#include <cstdlib>
#include <memory>
#include <span>
#include <sys/mman.h>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t bytes = size_t(256) << 20, words = bytes / sizeof(uint64_t);
constexpr int passes = 8;

/// The sum of all words, in vectors, of four streams: memory delivers them faster than one.
uint64_t sum(std::span<const uint64_t> part) {
  size_t length = part.size() / 4;
  uint64_t total = 0;
  for (size_t i = 0; i < length; ++i)
    total += part[i] + part[i + length] + part[i + 2 * length] + part[i + 3 * length];
  return total;
}

/// Words in large pages where the system has them, all of them touched.
class Words {
public:
  Words() : memory(static_cast<uint64_t *>(std::aligned_alloc(size_t(2) << 20, bytes))) {
    if (!memory)
      return;
    madvise(memory.get(), bytes, MADV_HUGEPAGE);
    std::fill_n(memory.get(), words, 1);
  }
  explicit operator bool() const { return bool(memory); }
  std::span<const uint64_t> span() const { return {memory.get(), words}; }

private:
  struct Free {
    void operator()(uint64_t *pointer) const { std::free(pointer); }
  };
  std::unique_ptr<uint64_t, Free> memory;
};

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
  Words memory;
  std::vector<uint64_t> sums(size_t(threads), 0);
  double best = 0;
  if (!memory)
    return best;
  for (int pass = 0; pass < passes; ++pass)
    best = std::max(best, double(bytes) / readOnce(memory.span(), threads, sums));
  // The sums are used, so that they are computed.
  return sums.front() > 0 ? best : 0;
}
