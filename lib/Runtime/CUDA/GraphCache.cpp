//===- GraphCache.cpp - Calls that may repeat -----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphCache.h"

#include <algorithm>

using namespace flowhn;
using namespace flowhn::cuda;

GraphCache::Key GraphCache::keyOf(const EntryArguments &arguments) {
  Key key = {arguments.tokens.empty() ? 0 : 1, int64_t(arguments.length.size())};
  for (std::span<const int32_t> table : {arguments.begin, arguments.length, arguments.select})
    key.insert(key.end(), table.begin(), table.end());
  return key;
}

GraphCache::Entry *GraphCache::find(const Key &key) {
  auto found = std::find_if(entries.begin(), entries.end(),
                            [&](const Entry &entry) { return entry.key == key; });
  if (found == entries.end())
    return nullptr;
  entries.splice(entries.begin(), entries, found);
  return &entries.front();
}

void GraphCache::add(Key key) {
  if (entries.size() == maxEntries)
    entries.pop_back();
  entries.emplace_front().key = std::move(key);
}

void GraphCache::dropGraphs() {
  for (Entry &entry : entries) {
    entry.graph = GraphExec();
    entry.list.reset();
  }
}
