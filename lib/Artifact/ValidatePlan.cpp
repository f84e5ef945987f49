//===- ValidatePlan.cpp - Checks of a plan from a file --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ParameterTensors.h"
#include "PlanChecks.h"
#include "flowhn/Support/Json.h"

#include <map>

using namespace flowhn;

namespace {

constexpr uint32_t entryIndexArguments = 5;
constexpr uint32_t entryMemoryArguments = 7;
constexpr uint32_t stepIndexArguments = 6;
constexpr uint32_t stepMemoryArguments = 10;
constexpr int64_t maxStateRowBytes = int64_t(1) << 40;
constexpr uint32_t maxArguments = 1 << 16;
constexpr int64_t maxScratchBytes = int64_t(1) << 30;

Status checkStructure(std::span<const std::byte> bytes) {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % 8 != 0)
    return invalidInput("the plan is not aligned to 8 bytes");
  if (bytes.size() > FLATBUFFERS_MAX_BUFFER_SIZE)
    return invalidInput("a plan of " + std::to_string(bytes.size()) + " bytes");
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  if (bytes.size() < 8 || !fb::VerifyPlanBuffer(verifier))
    return invalidInput("not a well-formed FlatBuffer of identifier '" +
                        std::string(fb::PlanIdentifier()) + "'");
  return {};
}

/// Sources of one name are one tensor.
Status checkSources(const fb::Plan &plan) {
  std::map<std::string_view, const fb::Source *> known;
  for (const fb::Parameter *parameter : *plan.parameters())
    for (const fb::Source *source : tensorsOf(*parameter)) {
      auto [found, isNew] = known.emplace(source->name()->string_view(), source);
      const auto &a = *found->second->shape(), &b = *source->shape();
      if (!isNew && (found->second->dtype() != source->dtype() ||
                     !std::equal(a.begin(), a.end(), b.begin(), b.end())))
        return invalidInput("source " + quote(found->first) + " has two shapes or types");
    }
  return {};
}

Status checkKernel(const fb::Kernel &kernel, bool isGPU) {
  if (kernel.symbol()->size() == 0)
    return invalidInput("no symbol");
  if (kernel.scratch_bytes() < 0 || kernel.scratch_bytes() > maxScratchBytes)
    return invalidInput("scratch memory of " + std::to_string(kernel.scratch_bytes()) + " bytes");
  size_t numIndices = 0;
  for (uint8_t isIndex : *kernel.index_args()) {
    if (isIndex > 1)
      return invalidInput("an argument of kind " + std::to_string(isIndex));
    numIndices += isIndex;
  }
  for (const Expression *expression : {kernel.grid(), kernel.flops(), kernel.bytes()})
    if (expression)
      FLOWHN_RETURN_IF_ERROR(checkExpression(*expression, numIndices));
  if (bool(kernel.gpu()) != isGPU)
    return invalidInput(isGPU ? "no GPU launch, the target needs one"
                              : "a GPU launch, the target is a CPU");
  return isGPU ? checkGPULaunch(kernel, numIndices) : Status();
}

Status checkState(const fb::State &state) {
  if (state.kind() > fb::StateKind::MAX || state.dtype() > fb::DType::MAX)
    return invalidInput("unknown kind or element type");
  if (state.row_bytes() < 1 || state.row_bytes() > maxStateRowBytes)
    return invalidInput("rows of " + std::to_string(state.row_bytes()) + " bytes");
  if (!state.window())
    return {};
  FLOWHN_RETURN_IF_ERROR(checkWindow(*state.window()));
  if (state.kind() != fb::StateKind::KV || state.window()->by_call())
    return invalidInput("a window that follows the call, or of a state without tokens");
  return {};
}

template <typename T> std::string label(const char *kind, const T &table) {
  return std::string(kind) + " " + quote(table.name()->string_view());
}

Status checkTables(const fb::Plan &plan, bool isGPU) {
  for (const fb::Parameter *parameter : *plan.parameters()) {
    FLOWHN_RETURN_IF_ERROR(checkParameter(*parameter).withContext(label("parameter", *parameter)));
    if (isGPU && parameter->layout() == fb::Layout::Panels)
      return invalidInput(label("parameter", *parameter) + ": a GPU reads no panels");
  }
  FLOWHN_RETURN_IF_ERROR(checkSources(plan));
  for (uint32_t i = 0; plan.states() && i < plan.states()->size(); ++i) {
    const fb::State &state = *plan.states()->Get(i);
    FLOWHN_RETURN_IF_ERROR(checkState(state).withContext(label("state", state)));
  }
  for (const fb::Kernel *kernel : *plan.kernels())
    FLOWHN_RETURN_IF_ERROR(checkKernel(*kernel, isGPU).withContext(label("kernel", *kernel)));
  for (const fb::Procedure *procedure : *plan.procedures())
    if (procedure->index_args() > maxArguments || procedure->memory_args() > maxArguments)
      return invalidInput(label("procedure", *procedure) + ": too many arguments");
  return {};
}

Status checkEntry(const fb::Plan &plan, const std::string &name, uint32_t number,
                  uint32_t indexArguments, uint32_t memoryArguments) {
  if (number >= plan.procedures()->size())
    return invalidInput(name + " " + std::to_string(number) + " of " +
                        std::to_string(plan.procedures()->size()) + " procedures");
  const fb::Procedure &entry = *plan.procedures()->Get(number);
  if (entry.index_args() == indexArguments && entry.memory_args() == memoryArguments)
    return {};
  return invalidInput("the " + name + " takes " + std::to_string(entry.index_args()) +
                      " index and " + std::to_string(entry.memory_args()) +
                      " memory arguments, not " + std::to_string(indexArguments) + " and " +
                      std::to_string(memoryArguments));
}

Status checkEntries(const fb::Plan &plan) {
  FLOWHN_RETURN_IF_ERROR(
      checkEntry(plan, "entry", plan.entry(), entryIndexArguments, entryMemoryArguments));
  if (plan.step() == -1)
    return {};
  return checkEntry(plan, "step", uint32_t(plan.step()), stepIndexArguments, stepMemoryArguments);
}

/// Callers come before callees here, so that a procedure is checked once, with
/// all that its callers pass.
Status checkProcedures(const fb::Plan &plan, const ManifestLimits &limits) {
  std::vector<ProcedureUse> uses(plan.procedures()->size());
  int64_t tokens = maxCallTokens(limits);
  ProcedureUse call = {
      {{1, limits.maxBatch}, {1, tokens}, {1, limits.maxTokens}, {0, tokens}, {0, tokens}}, 1};
  uses[plan.entry()] = call;
  if (plan.step() >= 0) {
    ProcedureUse &step = uses[uint32_t(plan.step())] = call;
    step.indexArguments.push_back({0, tokens});
  }
  int64_t commands = 0;
  for (uint32_t i = plan.procedures()->size(); i-- > 0;) {
    const fb::Procedure &procedure = *plan.procedures()->Get(i);
    FLOWHN_RETURN_IF_ERROR(
        checkProcedure(plan, i, limits, uses).withContext(label("procedure", procedure)));
    commands += uses[i].runs * std::min<int64_t>(maxCommands, procedure.commands()->size());
    if (commands > maxCommands)
      return invalidInput("a call runs more than " + std::to_string(maxCommands) + " commands");
  }
  return {};
}

} // namespace

Status flowhn::validatePlan(std::span<const std::byte> bytes, const ManifestLimits &limits,
                            std::string_view targetKind) {
  auto check = [&]() -> Status {
    FLOWHN_RETURN_IF_ERROR(checkStructure(bytes));
    const fb::Plan &plan = *fb::GetPlan(bytes.data());
    FLOWHN_RETURN_IF_ERROR(checkTables(plan, targetKind == "nvptx"));
    FLOWHN_RETURN_IF_ERROR(checkEntries(plan));
    return checkProcedures(plan, limits);
  };
  return check().withContext("plan");
}
