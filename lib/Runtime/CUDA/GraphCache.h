//===- GraphCache.h - Calls that may repeat ---------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_GRAPHCACHE_H
#define FLOWHN_LIB_RUNTIME_CUDA_GRAPHCACHE_H

#include "LaunchList.h"
#include "Resources.h"

#include <list>

namespace flowhn::cuda {

/// The last few kinds of calls, and the graphs of those that came again.
class GraphCache {
public:
  /// What calls that do the same but to other tables have in common.
  using Key = std::vector<int64_t>;
  /// Of a call of whole sequences: its lengths decide the tables too, but for ids.
  static Key keyOf(const EntryArguments &arguments);

  struct Entry {
    Key key;
    GraphExec graph;                ///< empty until the call came again
    std::optional<LaunchList> list; ///< what it launches
    DeviceAddress states = 0;       ///< of a step
  };

  /// Null when it is not among the last.
  Entry *find(const Key &key);
  /// The one that was used last, null when there is none.
  Entry *last() { return entries.empty() ? nullptr : &entries.front(); }
  /// Remembers a call; the one that was used longest ago goes.
  void add(Key key);
  /// Forgets the graphs: what they point to has moved.
  void dropGraphs();

private:
  static constexpr size_t maxEntries = 32;
  std::list<Entry> entries; ///< the last one used first
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_GRAPHCACHE_H
