//===- Placement.cpp - Buffers in as little memory as their lives allow ---===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Plan/Transforms/Placement.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir::plan;

Placement mlir::plan::placeBuffers(llvm::ArrayRef<Lifetime> lifetimes) {
  auto order = llvm::to_vector(llvm::seq<size_t>(lifetimes.size()));
  llvm::stable_sort(order,
                    [&](size_t a, size_t b) { return lifetimes[a].first < lifetimes[b].first; });

  Placement placement;
  placement.offsets.resize(lifetimes.size());
  // Buffers alive at the current point, in the order of their offsets.
  llvm::SmallVector<size_t> alive;
  for (size_t current : order) {
    const Lifetime &lifetime = lifetimes[current];
    llvm::erase_if(alive, [&](size_t other) { return lifetimes[other].last < lifetime.first; });
    int64_t offset = 0;
    auto *position = llvm::find_if(alive, [&](size_t other) {
      if (offset + lifetime.size <= placement.offsets[other])
        return true;
      offset = placement.offsets[other] + lifetimes[other].size;
      return false;
    });
    alive.insert(position, current);
    placement.offsets[current] = offset;
    placement.size = std::max(placement.size, offset + lifetime.size);
  }
  return placement;
}
