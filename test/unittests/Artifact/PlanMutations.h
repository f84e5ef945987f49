//===- PlanMutations.h - Plans with something wrong -------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_UNITTESTS_ARTIFACT_PLANMUTATIONS_H
#define FLOWHN_TEST_UNITTESTS_ARTIFACT_PLANMUTATIONS_H

#include "../TestFiles.h"
#include "../TestPlan.h"
#include "flowhn/Artifact/Validate.h"

namespace flowhn::test {

inline constexpr ManifestLimits limits{4, 10}; // 40 tokens in all

// Places in testPlan.
enum EntryCommand {
  GetTable,
  GetHead,
  MakePartition,
  MakeArena,
  MakeView,
  Embed,
  Fork,
  Double,
  Negate,
  Join,
  TapBranches,
  FirstCall,
  SecondCall,
  TapBlocks,
  Head
};
enum BlockCommand { Twice, BlockArena, BlockView, AddOne };

inline fb::CommandUnion &entry(fb::PlanT &plan, EntryCommand i) {
  return plan.procedures[1]->commands[i];
}
inline fb::CommandUnion &block(fb::PlanT &plan, BlockCommand i) {
  return plan.procedures[0]->commands[i];
}
inline fb::LaunchT &embed(fb::PlanT &plan) { return *entry(plan, Embed).AsLaunch(); }
inline fb::Window &window(fb::PlanT &plan) {
  return *entry(plan, MakePartition).AsPartition()->window;
}
inline fb::ParameterT &table(fb::PlanT &plan) { return *plan.parameters[0]; }
inline fb::ParameterT &head(fb::PlanT &plan) { return *plan.parameters[1]; }
inline std::vector<fb::Instruction> &twice(fb::PlanT &plan) {
  return block(plan, Twice).AsCompute()->expression;
}

struct Mutation {
  void (*change)(fb::PlanT &);
  const char *message;
};

inline void expectRefused(std::initializer_list<Mutation> cases) {
  for (const Mutation &c : cases) {
    SCOPED_TRACE(c.message);
    fb::PlanT plan = testPlan();
    c.change(plan);
    expectError(validatePlan(planBytes(plan), limits), StatusCode::InvalidInput, c.message);
  }
}

} // namespace flowhn::test

#endif // FLOWHN_TEST_UNITTESTS_ARTIFACT_PLANMUTATIONS_H
