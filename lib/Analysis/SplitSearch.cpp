//===- SplitSearch.cpp - How many tokens balance the branches -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/SplitSearch.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include <algorithm>

using namespace mlir::flowhn;

/// The smallest n in [0, end) that `holds`, or `end`; once it holds it keeps holding.
static int64_t findFirst(int64_t end, llvm::function_ref<bool(int64_t)> holds) {
  int64_t begin = 0;
  while (begin < end) {
    int64_t middle = begin + (end - begin) / 2;
    if (holds(middle))
      end = middle;
    else
      begin = middle + 1;
  }
  return begin;
}

// Write a(n) for the attention's FLOPs, which do not decrease in n, and s(n) for
// the SSM's on the other context - n tokens, which do not increase in n, all
// coefficients being ≥ 0. Let m be the first n with a(n) ≥ s(n), or context.
//  - For n ≥ m, a(n) ≥ a(m) ≥ s(m) ≥ s(n): max(a, s) = a, smallest at m. (If no n
//    has a(n) ≥ s(n), m is context and max(a, s)(m) = s(m) is what counts there.)
//  - For n < m, a(n) < s(n): max(a, s) = s, smallest at m - 1.
// So the least maximum v is that of m or of m - 1. Ties: n attains v only if
// s(n) ≤ v; let f be the first n for which this is so, f ≤ m. Some k ≥ f attains
// v, and a(f) ≤ a(k) ≤ v: f attains it too, and is the smallest that does.
int64_t mlir::flowhn::flopBalancedCount(const Polynomial &attention, const Polynomial &ssm,
                                        int64_t context) {
  auto a = [&](int64_t n) { return attention(n); };
  auto s = [&](int64_t n) { return ssm(context - n); };
  auto larger = [&](int64_t n) { return std::max(a(n), s(n)); };
  int64_t crossing = findFirst(context, [&](int64_t n) { return a(n) >= s(n); });
  int64_t least = larger(crossing);
  if (crossing > 0)
    least = std::min(least, larger(crossing - 1));
  return findFirst(context, [&](int64_t n) { return s(n) <= least; });
}
