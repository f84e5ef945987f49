//===- PlanWalk.cpp - What a plan does in one call ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanWalk.h"
#include "../Artifact/Expression.h"
#include "PlanParameters.h"
#include "flowhn/Support/Json.h"

#include <algorithm>

using namespace flowhn;

namespace {

/// Of arenas: whole cache lines, and whole sectors of a GPU.
constexpr int64_t alignment = 256;
/// Kernels may load whole vectors at the end of a buffer.
constexpr int64_t guardBytes = 256;
/// Beyond what any machine has, and far from where sums overflow: an arena that
/// `validatePlan` accepted has no more.
constexpr int64_t maxWorkspaceBytes = int64_t(1) << 56;

/// The values of a procedure that runs.
struct Frame {
  std::vector<int64_t> indices;
  std::vector<Place> memories;
  struct Arena {
    int64_t offset, units, bytes;
  };
  std::vector<Arena> arenas;
};

std::span<const uint32_t> spanOf(const flatbuffers::Vector<uint32_t> &numbers) {
  return {numbers.data(), numbers.size()};
}

/// The workspace is a stack: a procedure's arenas lie above those of its callers, and
/// go when it returns.
class Walk {
public:
  Walk(const fb::Plan &plan, const EntryArguments &arguments, const TapTarget &tapTarget,
       std::span<LaunchCounts> counts, PlanSink &sink)
      : plan(plan), arguments(arguments), tapTarget(tapTarget), counts(counts), sink(sink) {}

  Status run() {
    uint32_t entry = arguments.step ? uint32_t(plan.step()) : plan.entry();
    return runProcedure(*plan.procedures()->Get(entry),
                        {entryIndices(arguments), entryMemories(arguments), {}});
  }

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
    case fb::Command::LastRows:
      return as<fb::LastRows>(command, frame);
    case fb::Command::GetState:
      return as<fb::GetState>(command, frame);
    case fb::Command::CacheRows:
      return as<fb::CacheRows>(command, frame);
    case fb::Command::Fork:
      return as<fb::Fork>(command, frame);
    default:
      return as<fb::Join>(command, frame);
    }
  }

  Status run(const fb::Compute &command, Frame &frame) {
    frame.indices.push_back(evaluate<int64_t>(*command.expression(), frame.indices));
    return {};
  }

  Status run(const fb::GetParameter &command, Frame &frame) {
    uint32_t number = command.parameter();
    frame.memories.push_back(
        {Place::Parameter, number, 0, preparedBytes(*plan.parameters()->Get(number))});
    return {};
  }

  Status run(const fb::Arena &command, Frame &frame) {
    // Of a buffer the row behind the last one is that of rows of no sequence.
    int64_t units = frame.indices[command.units()] + (arguments.bucket > 0 ? 1 : 0),
            bytes = units * command.bytes_per_unit();
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
    frame.memories.push_back({Place::Workspace, 0, arena.offset + start, arena.bytes - start});
    return {};
  }

  Status run(const fb::Partition &command, Frame &frame) {
    if (!isArgument(frame.memories[command.begin()], BeginArgument) ||
        !isArgument(frame.memories[command.length()], LengthArgument))
      return invalidInput("a partition of something other than the call's begin and length");
    return makeTables(&command, frame);
  }

  Status run(const fb::LastRows &command, Frame &frame) {
    if (!isArgument(frame.memories[command.begin()], BeginArgument) ||
        !isArgument(frame.memories[command.length()], LengthArgument) ||
        !isArgument(frame.memories[command.select()], SelectArgument))
      return invalidInput("last rows of something other than the call's begin, length and select");
    return makeTables(&command, frame);
  }

  Status run(const fb::GetState &command, Frame &frame) {
    if (!arguments.step)
      return invalidInput("a state in a call of whole sequences");
    const StateLayout &layout = *arguments.step->layout;
    frame.memories.push_back(
        {Place::State, command.state(), 0, layout.bytes() - layout.offsets()[command.state()]});
    return {};
  }

  Status run(const fb::CacheRows &command, Frame &frame) {
    if (!arguments.step || !isArgument(frame.memories[command.begin()], BeginArgument) ||
        !isArgument(frame.memories[command.length()], LengthArgument) ||
        !isArgument(frame.memories[command.slots()], SlotsArgument))
      return invalidInput("cache rows of something other than a step's begin, length and slots");
    return makeTables(&command, frame);
  }

  Status makeTables(TableCommand command, Frame &frame) {
    Expected<MadeTables> made = flowhn::makeTables(command, arguments);
    FLOWHN_RETURN_IF_ERROR(made.status());
    frame.indices.insert(frame.indices.end(), made->indices.begin(), made->indices.end());
    sink.addTables(command, made->indices);
    for (std::vector<int32_t> &table : made->tables) {
      frame.memories.push_back(
          {Place::Table, numTables++, 0, int64_t(table.size() * sizeof(int32_t))});
      sink.addTable(std::move(table));
    }
    return {};
  }

  static bool isArgument(const Place &place, EntryMemory number) {
    return place.space == Place::Argument && place.number == number;
  }

  Status run(const fb::Launch &command, Frame &frame) {
    const fb::Kernel &kernel = *plan.kernels()->Get(command.kernel());
    const auto &isIndex = *kernel.index_args();
    indices.clear();
    memories.clear();
    for (uint32_t i = 0; i < isIndex.size(); ++i) {
      uint32_t operand = command.operands()->Get(i);
      if (isIndex.Get(i))
        indices.push_back(frame.indices[operand]);
      else
        memories.push_back(frame.memories[operand]);
    }
    Grid grid = gridOf(kernel);
    if (grid.isEmpty())
      return {};
    if (!counts.empty())
      counts[command.kernel()] += countsOf(kernel, indices);
    return sink
        .addLaunch({command.kernel(), command.stream(), grid, block < 0 ? command.block() : block,
                    command.branch(), indices, memories})
        .withContext("kernel " + quote(kernel.name()->string_view()));
  }

  Grid gridOf(const fb::Kernel &kernel) const {
    auto extent = [&](const Expression *expression) {
      return expression ? evaluate<int64_t>(*expression, indices) : 1;
    };
    Grid grid{extent(kernel.grid())};
    if (const fb::GPULaunch *gpu = kernel.gpu()) {
      grid.y = extent(gpu->grid_y());
      grid.z = extent(gpu->grid_z());
    }
    return grid;
  }

  Status run(const fb::Call &command, Frame &frame) {
    Frame callee;
    for (uint32_t index : *command.index_operands())
      callee.indices.push_back(frame.indices[index]);
    for (uint32_t memory : *command.memory_operands())
      callee.memories.push_back(frame.memories[memory]);
    const fb::Procedure &procedure = *plan.procedures()->Get(command.procedure());
    if (command.block() < 0 || block >= 0) // none, or inside of one
      return runProcedure(procedure, std::move(callee));
    block = command.block();
    sink.beginBlock(block);
    FLOWHN_RETURN_IF_ERROR(runProcedure(procedure, std::move(callee)));
    sink.endBlock();
    block = -1;
    return {};
  }

  Status run(const fb::Fork &command, Frame &) {
    sink.fork(spanOf(*command.streams()));
    return {};
  }

  Status run(const fb::Join &command, Frame &) {
    sink.join(spanOf(*command.streams()));
    return {};
  }

  Status run(const fb::Tap &command, Frame &frame) {
    int64_t rows = frame.indices[command.rows()];
    Place from = frame.memories[command.memory()];
    DType type = DType(command.dtype());
    int64_t rowBytes = command.row_elements() * byteSize(type);
    int64_t stride = command.row_bytes() ? command.row_bytes() : rowBytes, span = 0;
    if (rows < 0 || __builtin_mul_overflow(rows, stride, &span) ||
        (rows > 0 && span - stride + rowBytes > from.bytes))
      return invalidInput("tap " + quote(command.name()->string_view()) + " of " +
                          std::to_string(rows) + " rows of " + std::to_string(rowBytes) +
                          " bytes is larger than its buffer of " + std::to_string(from.bytes));
    if (!tapTarget)
      return {};
    Expected<std::byte *> to =
        tapTarget(command.name()->string_view(), type, rows, command.row_elements());
    FLOWHN_RETURN_IF_ERROR(to.status());
    if (*to && rows * rowBytes > 0)
      sink.addTap({*to, from, rows, rowBytes, stride});
    return {};
  }

  const fb::Plan &plan;
  const EntryArguments &arguments;
  const TapTarget &tapTarget;
  std::span<LaunchCounts> counts;
  PlanSink &sink;
  int64_t top = 0;
  int64_t peak = 0;
  uint32_t numTables = 0;
  int64_t block = -1;           ///< that is called; -1: none
  std::vector<int64_t> indices; ///< of the launch at hand
  std::vector<Place> memories;
};

} // namespace

Expected<int64_t> flowhn::walkPlan(const fb::Plan &plan, const EntryArguments &arguments,
                                   const TapTarget &tapTarget, std::span<LaunchCounts> counts,
                                   PlanSink &sink) {
  Walk walk(plan, arguments, tapTarget, counts, sink);
  FLOWHN_RETURN_IF_ERROR(walk.run());
  return walk.workspaceBytes();
}

LaunchCounts flowhn::countsOf(const fb::Kernel &kernel, std::span<const int64_t> indices) {
  double flops = kernel.flops() ? evaluate<double>(*kernel.flops(), indices) : 0;
  double bytes = kernel.bytes() ? evaluate<double>(*kernel.bytes(), indices) : 0;
  double floorSeconds = std::max(kernel.flop_rate() > 0 ? flops / kernel.flop_rate() : 0,
                                 kernel.byte_rate() > 0 ? bytes / kernel.byte_rate() : 0);
  return {1, flops, bytes, floorSeconds};
}
