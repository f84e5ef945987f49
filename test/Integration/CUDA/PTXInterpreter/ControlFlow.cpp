//===- ControlFlow.cpp - Where branches meet again ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include <algorithm>
#include <functional>

using namespace flowhn::ptx;

namespace {
/// Immediate post-dominators, after Cooper, Harvey and Kennedy: "A Simple, Fast Dominance
/// Algorithm". Nodes are instructions and, last, the kernel's end.
class PostDominators {
public:
  explicit PostDominators(const Program &program)
      : program(program), end(program.end()), predecessors(end + 1), order(end + 1, -1),
        dominator(end + 1, -1) {
    for (int node = 0; node < end; ++node)
      for (int successor : successors(node))
        predecessors[successor].push_back(node);
    number();
    solve();
  }

  /// The end, for what does not reach it.
  int operator[](int node) const { return dominator[node] < 0 ? end : dominator[node]; }

private:
  std::vector<int> successors(int node) const {
    const Instruction &one = program.instructions[node];
    bool conditional = one.predicate.slot >= 0;
    if (one.kind == Instruction::Branch)
      return conditional ? std::vector{one.target, node + 1} : std::vector{one.target};
    if (one.kind == Instruction::Return && !conditional)
      return {end};
    return {node + 1};
  }

  /// Post-order, from the end against the edges.
  void number() {
    std::vector<std::pair<int, size_t>> stack{{end, 0}};
    std::vector<bool> seen(end + 1);
    seen[end] = true;
    while (!stack.empty()) {
      auto &[node, next] = stack.back();
      if (next == predecessors[node].size()) {
        order[node] = sorted.size();
        sorted.push_back(node);
        stack.pop_back();
      } else if (int predecessor = predecessors[node][next++]; !seen[predecessor]) {
        seen[predecessor] = true;
        stack.emplace_back(predecessor, 0);
      }
    }
    std::ranges::reverse(sorted);
  }

  int intersect(int one, int other) const {
    while (one != other) {
      while (order[one] < order[other])
        one = dominator[one];
      while (order[other] < order[one])
        other = dominator[other];
    }
    return one;
  }

  void solve() {
    dominator[end] = end;
    for (bool changed = true; changed;) {
      changed = false;
      for (int node : sorted) {
        int best = node == end ? end : -1;
        for (int successor : node == end ? std::vector<int>{} : successors(node))
          if (dominator[successor] >= 0)
            best = best < 0 ? successor : intersect(successor, best);
        changed |= best != dominator[node];
        dominator[node] = best;
      }
    }
  }

  const Program &program;
  int end;
  std::vector<std::vector<int>> predecessors;
  std::vector<int> order, dominator, sorted;
};
} // namespace

void flowhn::ptx::findReconvergence(Program &program) {
  PostDominators dominators(program);
  for (int node = 0; node < program.end(); ++node)
    if (program.instructions[node].kind == Instruction::Branch)
      program.instructions[node].reconvergence = dominators[node];
}
