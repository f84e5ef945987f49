//===- Placement.h - Buffers in as little memory as their lives allow -----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_TRANSFORMS_PLACEMENT_H
#define FLOWHN_DIALECT_PLAN_TRANSFORMS_PLACEMENT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace mlir::plan {

/// A buffer to be placed: alive at the points first … last, both included.
struct Lifetime {
  int64_t first;
  int64_t last;
  int64_t size;
};

/// Where each buffer starts, and the end of the last.
struct Placement {
  llvm::SmallVector<int64_t> offsets;
  int64_t size = 0;
};

/// Places buffers so that no two that live at one point overlap: in the order of
/// their first points, each at the lowest offset that is free. Takes
/// O(n log n + n · most alive at once).
Placement placeBuffers(llvm::ArrayRef<Lifetime> lifetimes);

} // namespace mlir::plan

#endif // FLOWHN_DIALECT_PLAN_TRANSFORMS_PLACEMENT_H
