//===- Parallel.cpp - Work shared by short-lived threads ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Parallel.h"

#include "flowhn/Support/Guard.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

using namespace flowhn;

namespace {

/// The items that are left, and the first failure.
class WorkList {
public:
  WorkList(size_t count, std::string_view purpose, const std::function<Status(size_t)> &work)
      : count(count), purpose(purpose), work(work) {}

  /// What each thread does until nothing is left.
  void drain() {
    for (size_t i = next++; i < count; i = next++)
      if (Status status = guarded(purpose, [&] { return work(i); }); !status.ok())
        fail(i, std::move(status));
  }

  Status takeFailure() { return std::move(failure); }

private:
  void fail(size_t item, Status status) {
    next = count;
    std::lock_guard lock(mutex);
    if (!failure.ok() && failedItem < item)
      return;
    failure = std::move(status);
    failedItem = item;
  }

  size_t count;
  std::string_view purpose;
  const std::function<Status(size_t)> &work;
  std::atomic<size_t> next{0};
  std::mutex mutex; ///< for what follows
  Status failure;
  size_t failedItem = 0;
};

} // namespace

Status flowhn::forEachInParallel(size_t count, size_t threads, std::string_view purpose,
                                 const std::function<Status(size_t)> &work) {
  WorkList list(count, purpose, work);
  std::vector<std::thread> helpers;
  try {
    helpers.reserve(std::min(threads, count));
    for (size_t i = 1; i < std::min(threads, count); ++i)
      helpers.emplace_back([&] { list.drain(); });
  } catch (...) { // NOLINT(bugprone-empty-catch)
    // No more threads to be had.
  }
  list.drain();
  for (std::thread &helper : helpers)
    helper.join();
  return list.takeFailure();
}
