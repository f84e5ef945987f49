//===- Progress.cpp - How far long work has come --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/Progress.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <unistd.h>

using namespace flowhn::tools;
using Clock = std::chrono::steady_clock;

Progress::Progress(std::string label) : label(std::move(label)) {
  if (isatty(STDERR_FILENO))
    painter = std::thread([this] { show(); });
}

Progress::~Progress() {
  if (!painter.joinable())
    return;
  {
    std::lock_guard lock(mutex);
    finished = true;
  }
  wake.notify_one();
  painter.join();
}

std::string Progress::line(double seconds) const {
  char text[160];
  int64_t all = total;
  if (all <= 0) {
    std::snprintf(text, sizeof(text), "%s  %.0f s", label.c_str(), seconds);
    return text;
  }
  constexpr int width = 30;
  double share = std::clamp(static_cast<double>(done) / static_cast<double>(all), 0.0, 1.0);
  int filled = static_cast<int>(share * width);
  std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
  std::snprintf(text, sizeof(text), "%s  [%s] %3.0f %%  %.0f s", label.c_str(), bar.c_str(),
                share * 100, seconds);
  return text;
}

void Progress::show() {
  const Clock::time_point start = Clock::now();
  std::unique_lock lock(mutex);
  auto delay = std::chrono::milliseconds(1000);
  bool painted = false;
  while (!wake.wait_for(lock, delay, [this] { return finished; })) {
    std::fprintf(stderr, "\r\033[K%s",
                 line(std::chrono::duration<double>(Clock::now() - start).count()).c_str());
    std::fflush(stderr);
    painted = true;
    delay = std::chrono::milliseconds(100);
  }
  if (painted)
    std::fprintf(stderr, "\r\033[K");
}
