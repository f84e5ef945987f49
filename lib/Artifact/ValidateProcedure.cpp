//===- ValidateProcedure.cpp - Checks of the commands of a plan -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanChecks.h"
#include "RunningStreams.h"
#include "flowhn/Support/DType.h"
#include "flowhn/Support/Json.h"

using namespace flowhn;

namespace {

constexpr int64_t maxArenaBytes = int64_t(1) << 56;
constexpr int64_t maxInt32 = (int64_t(1) << 31) - 1;

using Indices = flatbuffers::Vector<uint32_t>;

std::string outOf(const char *what, uint64_t index, size_t count) {
  return std::string(what) + " " + std::to_string(index) + " of " + std::to_string(count);
}

/// Follows the values that the commands define.
class Checker {
public:
  Checker(const fb::Plan &plan, uint32_t number, const ManifestLimits &limits,
          std::vector<ProcedureUse> &uses)
      : plan(plan), number(number), procedure(*plan.procedures()->Get(number)), uses(uses),
        anyRows{0, maxCallTokens(limits)} {
    // What is never called is checked as if it got any number of rows.
    indices = uses[number].indexArguments;
    indices.resize(procedure.index_args(), anyRows);
    memories = procedure.memory_args();
  }

  Status run() {
    const auto &types = *procedure.commands_type();
    for (uint32_t i = 0; i < types.size(); ++i) {
      if (Status status = check(types.GetEnum<fb::Command>(i), procedure.commands()->Get(i));
          !status.ok())
        return status.withContext("command " + std::to_string(i) + " (" +
                                  fb::EnumNameCommand(types.GetEnum<fb::Command>(i)) + ")");
    }
    return streams.areJoined() ? Status()
                               : invalidInput("it ends with streams that were not joined");
  }

private:
  template <typename T> Status as(const void *command) {
    return check(*static_cast<const T *>(command));
  }

  Status check(fb::Command type, const void *command) {
    if (!command)
      return invalidInput("empty");
    switch (type) {
    case fb::Command::Compute:
      return as<fb::Compute>(command);
    case fb::Command::GetParameter:
      return as<fb::GetParameter>(command);
    case fb::Command::Arena:
      return as<fb::Arena>(command);
    case fb::Command::View:
      return as<fb::View>(command);
    case fb::Command::Partition:
      return as<fb::Partition>(command);
    case fb::Command::Launch:
      return as<fb::Launch>(command);
    case fb::Command::Call:
      return as<fb::Call>(command);
    case fb::Command::Fork:
      return as<fb::Fork>(command);
    case fb::Command::Join:
      return as<fb::Join>(command);
    case fb::Command::Tap:
      return as<fb::Tap>(command);
    case fb::Command::LastRows:
      return as<fb::LastRows>(command);
    case fb::Command::GetState:
      return as<fb::GetState>(command);
    case fb::Command::CacheRows:
      return as<fb::CacheRows>(command);
    case fb::Command::NONE:
      break;
    }
    return invalidInput("unknown command " + std::to_string(int(type)));
  }

  Status checkIndex(uint32_t index) const {
    return index < indices.size() ? Status()
                                  : invalidInput(outOf("index value", index, indices.size()));
  }
  Status checkMemory(uint32_t memory) const {
    return memory < memories ? Status() : invalidInput(outOf("memory value", memory, memories));
  }

  Status check(const fb::Compute &command) {
    FLOWHN_RETURN_IF_ERROR(checkExpression(*command.expression(), indices.size()));
    Expected<Range> range = rangeOf(*command.expression(), indices);
    FLOWHN_RETURN_IF_ERROR(range.status());
    indices.push_back(*range);
    return {};
  }

  Status check(const fb::GetParameter &command) {
    if (command.parameter() >= plan.parameters()->size())
      return invalidInput(outOf("parameter", command.parameter(), plan.parameters()->size()));
    ++memories;
    return {};
  }

  Status check(const fb::Arena &command) {
    FLOWHN_RETURN_IF_ERROR(checkIndex(command.units()));
    Range units = indices[command.units()];
    if (units.low < 0 || command.bytes_per_unit() < 0 ||
        __int128(units.high) * command.bytes_per_unit() > maxArenaBytes)
      return invalidInput("arena " + quote(command.name()->string_view()) + " of " +
                          std::to_string(units.low) + " to " + std::to_string(units.high) +
                          " units of " + std::to_string(command.bytes_per_unit()) + " bytes");
    arenas.push_back(command.bytes_per_unit());
    return {};
  }

  Status check(const fb::View &command) {
    if (command.arena() >= arenas.size())
      return invalidInput(outOf("arena", command.arena(), arenas.size()));
    int64_t bytes = arenas[command.arena()];
    if (command.dtype() > fb::DType::MAX)
      return invalidInput("unknown element type " + std::to_string(int(command.dtype())));
    if (command.offset() < 0 || command.offset() % 64 != 0 || command.row_bytes() < 0 ||
        command.offset() > bytes || command.row_bytes() > bytes - command.offset())
      return invalidInput("a view of " + std::to_string(command.row_bytes()) + " bytes at " +
                          std::to_string(command.offset()) + " of the arena's " +
                          std::to_string(bytes) + " per unit");
    ++memories;
    return {};
  }

  Status check(const fb::Partition &command) {
    FLOWHN_RETURN_IF_ERROR(checkMemory(command.begin()));
    FLOWHN_RETURN_IF_ERROR(checkMemory(command.length()));
    if (!command.window())
      return invalidInput("no window");
    FLOWHN_RETURN_IF_ERROR(checkWindow(*command.window()));
    indices.insert(indices.end(), 4, anyRows);
    memories += 4;
    return {};
  }

  Status check(const fb::LastRows &command) {
    for (uint32_t memory : {command.begin(), command.length(), command.select()})
      FLOWHN_RETURN_IF_ERROR(checkMemory(memory));
    if (command.window())
      FLOWHN_RETURN_IF_ERROR(checkWindow(*command.window()));
    indices.insert(indices.end(), 4, anyRows);
    memories += 6;
    return {};
  }

  Status check(const fb::GetState &command) {
    size_t numStates = plan.states() ? plan.states()->size() : 0;
    if (command.state() >= numStates)
      return invalidInput(outOf("state", command.state(), numStates));
    ++memories;
    return {};
  }

  Status check(const fb::CacheRows &command) {
    for (uint32_t memory : {command.begin(), command.length(), command.slots()})
      FLOWHN_RETURN_IF_ERROR(checkMemory(memory));
    if (command.window())
      FLOWHN_RETURN_IF_ERROR(checkWindow(*command.window()));
    if (command.window() && command.window()->by_call())
      return invalidInput("a window that follows the call, of rows that outlive it");
    memories += 3;
    return {};
  }

  Status check(const fb::Launch &command) {
    if (command.kernel() >= plan.kernels()->size())
      return invalidInput(outOf("kernel", command.kernel(), plan.kernels()->size()));
    FLOWHN_RETURN_IF_ERROR(streams.checkRunning(command.stream()));
    if (command.branch() > fb::Branch::MAX)
      return invalidInput("unknown branch " + std::to_string(int(command.branch())));
    const fb::Kernel &kernel = *plan.kernels()->Get(command.kernel());
    if (command.operands()->size() != kernel.index_args()->size())
      return invalidInput(std::to_string(command.operands()->size()) + " operands, kernel " +
                          quote(kernel.name()->string_view()) + " takes " +
                          std::to_string(kernel.index_args()->size()));
    std::vector<Range> arguments;
    for (uint32_t i = 0; i < command.operands()->size(); ++i) {
      uint32_t operand = command.operands()->Get(i);
      if (!kernel.index_args()->Get(i)) {
        FLOWHN_RETURN_IF_ERROR(checkMemory(operand));
        continue;
      }
      FLOWHN_RETURN_IF_ERROR(checkIndex(operand));
      arguments.push_back(indices[operand]);
    }
    FLOWHN_RETURN_IF_ERROR(rangeOf(*kernel.grid(), arguments).status());
    return kernel.gpu() ? checkGPUExtents(*kernel.gpu(), arguments) : Status();
  }

  Status check(const fb::Call &command) {
    if (command.procedure() >= number)
      return invalidInput("calls procedure " + std::to_string(command.procedure()) +
                          ", which is not before " + std::to_string(number));
    if (!streams.areJoined())
      return invalidInput("calls while streams are forked");
    if (command.times() && command.times()->schedule() > fb::Schedule::MAX)
      return invalidInput("unknown schedule " + std::to_string(int(command.times()->schedule())));
    const fb::Procedure &callee = *plan.procedures()->Get(command.procedure());
    if (command.index_operands()->size() != callee.index_args() ||
        command.memory_operands()->size() != callee.memory_args())
      return invalidInput(std::to_string(command.index_operands()->size()) + " index and " +
                          std::to_string(command.memory_operands()->size()) +
                          " memory operands for procedure " + quote(callee.name()->string_view()) +
                          ", which takes " + std::to_string(callee.index_args()) + " and " +
                          std::to_string(callee.memory_args()));
    for (uint32_t memory : *command.memory_operands())
      FLOWHN_RETURN_IF_ERROR(checkMemory(memory));
    for (uint32_t index : *command.index_operands())
      FLOWHN_RETURN_IF_ERROR(checkIndex(index));
    addUse(uses[command.procedure()], *command.index_operands());
    return {};
  }

  void addUse(ProcedureUse &use, const Indices &operands) const {
    bool first = use.indexArguments.empty();
    for (uint32_t i = 0; i < operands.size(); ++i) {
      Range range = indices[operands.Get(i)];
      if (first)
        use.indexArguments.push_back(range);
      else
        use.indexArguments[i] = use.indexArguments[i].join(range);
    }
    use.runs = std::min(maxCommands, use.runs + uses[number].runs);
  }

  Status check(const fb::Fork &command) { return streams.fork(*command.streams()); }
  Status check(const fb::Join &command) { return streams.join(*command.streams()); }

  Status check(const fb::Tap &command) {
    FLOWHN_RETURN_IF_ERROR(checkIndex(command.rows()));
    FLOWHN_RETURN_IF_ERROR(checkMemory(command.memory()));
    if (command.dtype() > fb::DType::MAX || command.row_elements() < 0 ||
        command.row_elements() > maxInt32)
      return invalidInput("tap " + quote(command.name()->string_view()) + " of " +
                          std::to_string(command.row_elements()) + " elements of type " +
                          std::to_string(int(command.dtype())));
    int64_t rowBytes = command.row_elements() * byteSize(DType(command.dtype()));
    if (command.row_bytes() != 0 && command.row_bytes() < rowBytes)
      return invalidInput("tap " + quote(command.name()->string_view()) + " of rows of " +
                          std::to_string(rowBytes) + " bytes, " +
                          std::to_string(command.row_bytes()) + " bytes apart");
    return {};
  }

  const fb::Plan &plan;
  uint32_t number;
  const fb::Procedure &procedure;
  std::vector<ProcedureUse> &uses;
  Range anyRows;
  std::vector<Range> indices;
  size_t memories = 0;
  std::vector<int64_t> arenas; ///< bytes per unit
  RunningStreams streams;
};

} // namespace

Status flowhn::checkProcedure(const fb::Plan &plan, uint32_t number, const ManifestLimits &limits,
                              std::vector<ProcedureUse> &uses) {
  return Checker(plan, number, limits, uses).run();
}
