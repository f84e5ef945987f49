//===- ValidateWindow.cpp - Checks of the windows of a plan ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanChecks.h"

using namespace flowhn;

static constexpr int64_t maxInt32 = (int64_t(1) << 31) - 1;

/// Constraints of flowhn::WindowAttr, without `all`.
Status flowhn::checkWindow(const fb::Window &w) {
  bool fixed = !w.by_call() && w.period() > 0 && w.period() <= maxInt32 && w.start() >= 0 &&
               w.start() < w.period() && w.count() >= 0 && w.count() <= w.period() &&
               w.numerator() == 0 && w.denominator() == 0 && !w.last() && !w.ceil();
  bool byCall = w.by_call() && w.denominator() > 0 && w.denominator() <= maxInt32 &&
                w.numerator() >= 0 && w.numerator() <= w.denominator() && w.start() == 0 &&
                w.count() == 0 && w.period() == 0;
  if (fixed || byCall)
    return {};
  return invalidInput("an impossible window: start " + std::to_string(w.start()) + ", count " +
                      std::to_string(w.count()) + ", period " + std::to_string(w.period()) +
                      ", fraction " + std::to_string(w.numerator()) + "/" +
                      std::to_string(w.denominator()));
}
