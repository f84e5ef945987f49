//===- BufferPacker.cpp - Offsets for buffers by lifetime -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Plan/Transforms/BufferPacker.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <queue>
#include <utility>

using namespace mlir::plan;

namespace {

/// Free ranges of memory that grows at its end.
class FreeList {
public:
  /// The lowest offset with `bytes` free bytes, taken.
  int64_t take(int64_t bytes) {
    auto hole = std::find_if(holes.begin(), holes.end(),
                             [&](const auto &candidate) { return candidate.second >= bytes; });
    if (hole == holes.end())
      return grow(bytes);
    auto [offset, size] = *hole;
    holes.erase(hole);
    if (size > bytes)
      holes.emplace(offset + bytes, size - bytes);
    return offset;
  }

  /// Gives a range back and merges it with the holes on both sides.
  void give(int64_t offset, int64_t bytes) {
    auto next = holes.lower_bound(offset);
    if (next != holes.end() && next->first == offset + bytes) {
      bytes += next->second;
      next = holes.erase(next);
    }
    if (next != holes.begin()) {
      auto previous = std::prev(next);
      if (previous->first + previous->second == offset) {
        previous->second += bytes;
        return;
      }
    }
    holes.emplace(offset, bytes);
  }

  int64_t size() const { return end; }

private:
  /// Takes `bytes` at the end, from the hole that lies there on.
  int64_t grow(int64_t bytes) {
    int64_t offset = end;
    if (!holes.empty()) {
      auto last = std::prev(holes.end());
      if (last->first + last->second == end) {
        offset = last->first;
        holes.erase(last);
      }
    }
    end = offset + bytes;
    return offset;
  }

  std::map<int64_t, int64_t> holes; ///< offset to bytes
  int64_t end = 0;
};

} // namespace

BufferPlacement mlir::plan::packBuffers(const std::vector<BufferLifetime> &lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(lifetimes[a].first, a) < std::pair(lifetimes[b].first, b);
  });

  using Death = std::pair<int64_t, size_t>; // last position, buffer
  std::priority_queue<Death, std::vector<Death>, std::greater<>> live;
  BufferPlacement placement{std::vector<int64_t>(lifetimes.size()), 0};
  FreeList memory;
  for (size_t buffer : order) {
    const BufferLifetime &lifetime = lifetimes[buffer];
    for (; !live.empty() && live.top().first < lifetime.first; live.pop())
      memory.give(placement.offsets[live.top().second], lifetimes[live.top().second].bytes);
    placement.offsets[buffer] = memory.take(lifetime.bytes);
    live.emplace(lifetime.last, buffer);
  }
  placement.bytes = memory.size();
  return placement;
}
