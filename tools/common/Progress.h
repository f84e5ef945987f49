//===- Progress.h - How far long work has come ------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_COMMON_PROGRESS_H
#define FLOWHN_TOOLS_COMMON_PROGRESS_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace flowhn::tools {

/// A line on standard error about work in progress, gone when the work is done.
/// Only on a terminal, and only once the work has taken a second.
class Progress {
public:
  explicit Progress(std::string label);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// How much is done, in any unit. Without it, the line shows the time alone.
  void update(int64_t newDone, int64_t newTotal) {
    total = newTotal;
    done = newDone;
  }

private:
  void show();
  std::string line(double seconds) const;

  std::string label;
  std::atomic<int64_t> done = 0;
  std::atomic<int64_t> total = 0;
  std::mutex mutex;
  std::condition_variable wake;
  bool finished = false;
  std::thread painter;
};

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_COMMON_PROGRESS_H
