//===- PlanProgram.cpp - From a plan to launches --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanProgram.h"
#include "../Artifact/Expression.h"
#include "flowhn/Support/Json.h"

#include <algorithm>
#include <cstring>
#include <limits>

using namespace flowhn;

namespace {

constexpr int64_t alignment = 64;
/// Kernels may load whole vectors at the end of a buffer.
constexpr int64_t guardBytes = 256;
/// Beyond what any machine has, and far from where sums overflow: an arena that
/// `validatePlan` accepted has no more.
constexpr int64_t maxWorkspaceBytes = int64_t(1) << 56;

/// A memory value: a place in the workspace or somewhere else.
struct Place {
  const std::byte *address = nullptr; ///< null: in the workspace
  int64_t offset = 0;                 ///< in the workspace
  int64_t bytes = 0;                  ///< to the end of what it lies in
};

template <typename T> Place placeOf(std::span<T> values) {
  return {reinterpret_cast<const std::byte *>(values.data()), 0, int64_t(values.size_bytes())};
}

/// The values of a procedure that runs.
struct Frame {
  std::vector<int64_t> indices;
  std::vector<Place> memories;
  struct Arena {
    int64_t offset, units, bytes;
  };
  std::vector<Arena> arenas;
};

/// The kernel behind a tap: args = {to, from, bytes}.
void copyBytes(const int64_t *args, int64_t, void *) {
  std::memcpy(reinterpret_cast<void *>(args[0]), reinterpret_cast<const void *>(args[1]),
              size_t(args[2]));
}

} // namespace

namespace flowhn {

/// Walks the procedures of a plan once, for one call. The workspace is a stack: a
/// procedure's arenas lie above those of its callers, and go when it returns.
class Interpreter {
public:
  Interpreter(PlanProgram &owner, const EntryArguments &arguments, const TapTarget &tapTarget,
              std::span<LaunchCounts> counts)
      : owner(owner), arguments(arguments), tapTarget(tapTarget), counts(counts) {}

  Status run() {
    Frame frame;
    frame.indices = {int64_t(arguments.length.size()), int64_t(arguments.ids.size()),
                     arguments.maxLength, int64_t(arguments.select.size())};
    frame.memories = {placeOf(arguments.ids),    placeOf(arguments.begin),
                      placeOf(arguments.length), placeOf(arguments.offsets),
                      placeOf(arguments.select), placeOf(arguments.logits)};
    return runProcedure(*owner.plan.procedures()->Get(owner.plan.entry()), std::move(frame));
  }

  /// Bytes of workspace that the walk found to be needed.
  int64_t workspaceBytes() const { return peak + guardBytes; }

private:
  Status runProcedure(const fb::Procedure &procedure, Frame frame) {
    int64_t callersTop = top;
    for (uint32_t i = 0; i < procedure.commands()->size(); ++i)
      FLOWHN_RETURN_IF_ERROR(runCommand(procedure.commands_type()->GetEnum<fb::Command>(i),
                                        procedure.commands()->Get(i), frame)
                                 .withContext(procedure.name()->string_view()));
    top = callersTop;
    return {};
  }

  template <typename T> Status as(const void *command, Frame &frame) {
    return run(*static_cast<const T *>(command), frame);
  }

  Status runCommand(fb::Command type, const void *command, Frame &frame) {
    switch (type) {
    case fb::Command::Compute:
      return as<fb::Compute>(command, frame);
    case fb::Command::GetParameter:
      return as<fb::GetParameter>(command, frame);
    case fb::Command::Arena:
      return as<fb::Arena>(command, frame);
    case fb::Command::View:
      return as<fb::View>(command, frame);
    case fb::Command::Partition:
      return as<fb::Partition>(command, frame);
    case fb::Command::Launch:
      return as<fb::Launch>(command, frame);
    case fb::Command::Call:
      return as<fb::Call>(command, frame);
    case fb::Command::Tap:
      return as<fb::Tap>(command, frame);
    default: // fork and join
      owner.program.barrier();
      return {};
    }
  }

  Status run(const fb::Compute &command, Frame &frame) {
    frame.indices.push_back(evaluate<int64_t>(*command.expression(), frame.indices));
    return {};
  }

  Status run(const fb::GetParameter &command, Frame &frame) {
    frame.memories.push_back(placeOf(owner.parameters[command.parameter()]));
    return {};
  }

  Status run(const fb::Arena &command, Frame &frame) {
    int64_t units = frame.indices[command.units()], bytes = units * command.bytes_per_unit();
    int64_t offset = top;
    top += (bytes + alignment - 1) / alignment * alignment;
    if (top > maxWorkspaceBytes)
      return resourceExhausted("the call needs more than " + std::to_string(maxWorkspaceBytes) +
                               " bytes of buffers");
    peak = std::max(peak, top);
    frame.arenas.push_back({offset, units, bytes});
    return {};
  }

  Status run(const fb::View &command, Frame &frame) {
    const Frame::Arena &arena = frame.arenas[command.arena()];
    int64_t start = command.offset() * arena.units;
    frame.memories.push_back({nullptr, arena.offset + start, arena.bytes - start});
    return {};
  }

  Status run(const fb::Partition &command, Frame &frame) {
    if (!isTable(frame.memories[command.begin()], arguments.begin) ||
        !isTable(frame.memories[command.length()], arguments.length))
      return invalidInput("a partition of something other than the call's begin and length");
    Expected<Partition> made = makePartition(*command.window(), arguments.begin, arguments.length);
    FLOWHN_RETURN_IF_ERROR(made.status());
    owner.partitions.push_back(std::move(*made));
    for (const BranchRows *branch :
         {&owner.partitions.back().attention, &owner.partitions.back().ssm}) {
      frame.indices.insert(frame.indices.end(), {branch->rows(), branch->maxLength});
      frame.memories.push_back(placeOf(std::span(branch->offsets)));
      frame.memories.push_back(placeOf(std::span(branch->index)));
    }
    return {};
  }

  static bool isTable(const Place &place, std::span<const int32_t> table) {
    return place.address == reinterpret_cast<const std::byte *>(table.data());
  }

  Status run(const fb::Launch &command, Frame &frame) {
    const fb::Kernel &kernel = *owner.plan.kernels()->Get(command.kernel());
    const auto &isIndex = *kernel.index_args();
    std::vector<int64_t> extents;
    for (uint32_t i = 0; i < isIndex.size(); ++i)
      if (isIndex.Get(i))
        extents.push_back(frame.indices[command.operands()->Get(i)]);
    if (!owner.program.addLaunch(command.stream(), owner.kernels[command.kernel()],
                                 evaluate<int64_t>(*kernel.grid(), extents), command.kernel()))
      return {};
    for (uint32_t i = 0; i < isIndex.size(); ++i) {
      uint32_t operand = command.operands()->Get(i);
      isIndex.Get(i) ? owner.program.addValue(frame.indices[operand])
                     : addPlace(frame.memories[operand]);
    }
    if (!counts.empty())
      count(counts[command.kernel()], kernel, extents);
    return {};
  }

  static void count(LaunchCounts &count, const fb::Kernel &kernel,
                    std::span<const int64_t> extents) {
    ++count.calls;
    count.flops += kernel.flops() ? evaluate<double>(*kernel.flops(), extents) : 0;
    count.bytes += kernel.bytes() ? evaluate<double>(*kernel.bytes(), extents) : 0;
  }

  void addPlace(const Place &place) {
    place.address ? owner.program.addAddress(place.address)
                  : owner.program.addWorkspaceOffset(place.offset);
  }

  Status run(const fb::Call &command, Frame &frame) {
    Frame callee;
    for (uint32_t index : *command.index_operands())
      callee.indices.push_back(frame.indices[index]);
    for (uint32_t memory : *command.memory_operands())
      callee.memories.push_back(frame.memories[memory]);
    return runProcedure(*owner.plan.procedures()->Get(command.procedure()), std::move(callee));
  }

  Status run(const fb::Tap &command, Frame &frame) {
    int64_t rows = frame.indices[command.rows()];
    Place from = frame.memories[command.memory()];
    DType type = DType(command.dtype());
    int64_t rowBytes = command.row_elements() * byteSize(type), bytes = 0;
    if (__builtin_mul_overflow(rows, rowBytes, &bytes) || rows < 0 || bytes > from.bytes)
      return invalidInput("tap " + quote(command.name()->string_view()) + " of " +
                          std::to_string(rows) + " rows of " + std::to_string(rowBytes) +
                          " bytes is larger than its buffer of " + std::to_string(from.bytes));
    Expected<std::byte *> to =
        tapTarget(command.name()->string_view(), type, rows, command.row_elements());
    FLOWHN_RETURN_IF_ERROR(to.status());
    if (!*to || bytes == 0)
      return {};
    owner.program.barrier();
    owner.program.addLaunch(/*stream=*/0, copyBytes, 1, std::numeric_limits<uint32_t>::max());
    owner.program.addAddress(*to);
    addPlace(from);
    owner.program.addValue(bytes);
    owner.program.barrier();
    return {};
  }

  PlanProgram &owner;
  const EntryArguments &arguments;
  const TapTarget &tapTarget;
  std::span<LaunchCounts> counts;
  int64_t top = 0;
  int64_t peak = 0;
};

} // namespace flowhn

Expected<const LaunchProgram *> PlanProgram::instantiate(const EntryArguments &arguments,
                                                         const TapTarget &tapTarget,
                                                         std::span<LaunchCounts> counts) {
  program = {};
  partitions.clear();
  Interpreter interpreter(*this, arguments, tapTarget, counts);
  FLOWHN_RETURN_IF_ERROR(interpreter.run());
  FLOWHN_RETURN_IF_ERROR(reserve(interpreter.workspaceBytes()));
  program.place(workspace.data());
  return &program;
}

Status PlanProgram::reserve(int64_t bytes) {
  if (bytes <= workspace.bytes())
    return {};
  // Calls that get a little longer each time do not need new memory each time;
  // what is not touched costs nothing.
  int64_t roomy = std::max(bytes, workspace.bytes() + workspace.bytes() / 2);
  workspace = Memory(); // the old one goes before the new one comes
  Expected<Memory> grown = Memory::allocate(roomy, "buffers");
  if (!grown.ok() && roomy > bytes)
    grown = Memory::allocate(bytes, "buffers");
  FLOWHN_RETURN_IF_ERROR(grown.status());
  workspace = std::move(*grown);
  return {};
}
