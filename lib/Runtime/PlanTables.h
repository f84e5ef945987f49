//===- PlanTables.h - Tables that a plan makes of a call --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_PLANTABLES_H
#define FLOWHN_LIB_RUNTIME_PLANTABLES_H

#include "Executor.h"
#include "flowhn/Artifact/Plan_generated.h"

#include <variant>

namespace flowhn {

/// A command that makes tables of the call's begin, length, select and slots.
using TableCommand =
    std::variant<const fb::Partition *, const fb::LastRows *, const fb::CacheRows *>;

/// What such a command defines, in its order.
struct MadeTables {
  std::vector<int64_t> indices;
  std::vector<std::vector<int32_t>> tables;
};

Expected<MadeTables> makeTables(const TableCommand &command, const EntryArguments &arguments);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_PLANTABLES_H
