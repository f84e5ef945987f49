//===- PlanTables.cpp - Tables that a plan makes of a call ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanTables.h"
#include "Partition.h"

using namespace flowhn;

namespace {

struct Maker {
  const EntryArguments &arguments;

  Expected<MadeTables> operator()(const fb::Partition *command) const {
    Expected<Partition> made = makePartition(*command->window(), arguments.begin, arguments.length);
    FLOWHN_RETURN_IF_ERROR(made.status());
    MadeTables result;
    for (BranchRows *branch : {&made->attention, &made->ssm}) {
      fill(branch->index, int64_t(arguments.ids.size()));
      result.indices.insert(result.indices.end(), {branch->rows(), branch->maxLength});
      add(result, {&branch->offsets, &branch->index});
    }
    return result;
  }

  Expected<MadeTables> operator()(const fb::LastRows *command) const {
    Expected<LastRows> made =
        makeLastRows(command->window(), arguments.begin, arguments.length, arguments.select);
    FLOWHN_RETURN_IF_ERROR(made.status());
    MadeTables result;
    for (BranchLastRows *branch : {&made->attention, &made->ssm}) {
      result.indices.insert(result.indices.end(), {branch->rows(), branch->maxLength});
      add(result, {&branch->offsets, &branch->index, &branch->last});
    }
    return result;
  }

  Expected<MadeTables> operator()(const fb::CacheRows *command) const {
    const StateLayout &layout = *arguments.step->layout;
    CacheRows cache = makeCacheRows(command->window(), arguments.begin, arguments.length,
                                    arguments.step->slots, layout.context());
    fill(cache.rows, layout.spareRow(command->window()));
    MadeTables result;
    add(result, {&cache.first, &cache.before, &cache.rows});
    return result;
  }

  /// Adds rows of no sequence, which read and write `spare`, to a table that has others.
  void fill(std::vector<int32_t> &rows, int64_t spare) const {
    if (!rows.empty() && arguments.bucket > 0)
      rows.resize(size_t(arguments.bucket), int32_t(spare));
  }

  static void add(MadeTables &result, std::initializer_list<std::vector<int32_t> *> tables) {
    for (std::vector<int32_t> *table : tables)
      result.tables.push_back(std::move(*table));
  }
};

} // namespace

Expected<MadeTables> flowhn::makeTables(const TableCommand &command,
                                        const EntryArguments &arguments) {
  return std::visit(Maker{arguments}, command);
}
