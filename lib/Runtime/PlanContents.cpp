//===- PlanContents.cpp - What calls may ask of a plan --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanContents.h"
#include "PlanWalk.h"

#include <algorithm>

using namespace flowhn;

std::set<std::string> flowhn::collectTaps(const fb::Plan &plan) {
  std::set<std::string> names;
  for (const fb::Procedure *procedure : *plan.procedures())
    for (uint32_t i = 0; i < procedure->commands()->size(); ++i)
      if (procedure->commands_type()->GetEnum<fb::Command>(i) == fb::Command::Tap)
        names.insert(procedure->commands()->GetAs<fb::Tap>(i)->name()->str());
  return names;
}

/// Whether a procedure hands an argument of its own to anything that it runs.
static bool usesArgument(const fb::Plan &plan, uint32_t number, uint32_t argument) {
  const fb::Procedure &procedure = *plan.procedures()->Get(number);
  for (uint32_t i = 0; i < procedure.commands()->size(); ++i) {
    fb::Command type = procedure.commands_type()->GetEnum<fb::Command>(i);
    if (type == fb::Command::Launch) {
      const auto &launch = *procedure.commands()->GetAs<fb::Launch>(i);
      const auto &isIndex = *plan.kernels()->Get(launch.kernel())->index_args();
      for (uint32_t k = 0; k < isIndex.size(); ++k)
        if (!isIndex.Get(k) && launch.operands()->Get(k) == argument)
          return true;
    } else if (type == fb::Command::Call) {
      const auto &operands = *procedure.commands()->GetAs<fb::Call>(i)->memory_operands();
      if (std::find(operands.begin(), operands.end(), argument) != operands.end())
        return true;
    }
  }
  return false;
}

bool flowhn::computesTokens(const fb::Plan &plan) {
  return usesArgument(plan, plan.entry(), TokensArgument);
}

bool flowhn::drawsTokens(const fb::Plan &plan) {
  return plan.step() >= 0 && usesArgument(plan, uint32_t(plan.step()), DrawsArgument);
}
