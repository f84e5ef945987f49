//===- PlanProgram.cpp - From a plan to launches --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanProgram.h"
#include "../RoomyBytes.h"
#include "HostStates.h"

#include <cstring>
#include <limits>

using namespace flowhn;

namespace {

/// The kernel behind a tap: args = {to, from, rows, bytes of a row, bytes between rows}.
void copyRows(const int64_t *args, int64_t, void *) {
  auto *to = reinterpret_cast<std::byte *>(args[0]);
  auto *from = reinterpret_cast<const std::byte *>(args[1]);
  for (int64_t row = 0; row < args[2]; ++row)
    std::memcpy(to + row * args[3], from + row * args[4], size_t(args[3]));
}

} // namespace

Status PlanProgram::addLaunch(const PlannedLaunch &launch) {
  program.addLaunch(launch.stream, kernels[launch.kernel], launch.grid.x, launch.kernel);
  auto index = launch.indices.begin();
  auto memory = launch.memories.begin();
  for (uint8_t isIndex : *plan.kernels()->Get(launch.kernel)->index_args())
    isIndex ? program.addValue(*index++) : addPlace(*memory++);
  return {};
}

void PlanProgram::addTap(const PlannedTap &tap) {
  program.barrier();
  program.addLaunch(/*stream=*/0, copyRows, 1, std::numeric_limits<uint32_t>::max());
  program.addAddress(tap.to);
  addPlace(tap.from);
  for (int64_t value : {tap.rows, tap.rowBytes, tap.stride})
    program.addValue(value);
  program.barrier();
}

void PlanProgram::addPlace(const Place &place) {
  place.space == Place::Workspace ? program.addWorkspaceOffset(place.offset)
                                  : program.addAddress(addressOf(place));
}

const void *PlanProgram::addressOf(const Place &place) const {
  if (place.space == Place::Parameter)
    return parameters[place.number].data();
  if (place.space == Place::Argument)
    return entryMemories[place.number];
  if (place.space == Place::State)
    return states + stateOffsets[place.number];
  return tables[place.number].data();
}

Expected<const LaunchProgram *> PlanProgram::instantiate(const EntryArguments &arguments,
                                                         const TapTarget &tapTarget,
                                                         std::span<LaunchCounts> counts) {
  program = {};
  tables.clear();
  entryMemories = {arguments.ids.data(),     arguments.begin.data(),  arguments.length.data(),
                   arguments.offsets.data(), arguments.select.data(), arguments.logits.data(),
                   arguments.tokens.data()};
  if (const StepArguments *step = arguments.step) {
    entryMemories[SlotsArgument] = step->slots.data();
    entryMemories[DrawsArgument] = step->draws.data();
    entryMemories[HistoryArgument] = step->history.data();
    states = static_cast<const HostStates &>(*step->memory).data();
    stateOffsets = step->layout->offsets();
  }
  Expected<int64_t> bytes = walkPlan(plan, arguments, tapTarget, counts, *this);
  FLOWHN_RETURN_IF_ERROR(bytes.status());
  FLOWHN_RETURN_IF_ERROR(reserve(*bytes));
  program.place(workspace.data());
  return &program;
}

Status PlanProgram::reserve(int64_t bytes) {
  if (bytes <= workspace.bytes())
    return {};
  // What is not touched of it costs nothing.
  int64_t roomy = roomyBytes(bytes, workspace.bytes());
  workspace = Memory(); // the old one goes before the new one comes
  Expected<Memory> grown = Memory::allocate(roomy, "buffers");
  if (!grown.ok() && roomy > bytes)
    grown = Memory::allocate(bytes, "buffers");
  FLOWHN_RETURN_IF_ERROR(grown.status());
  workspace = std::move(*grown);
  return {};
}
