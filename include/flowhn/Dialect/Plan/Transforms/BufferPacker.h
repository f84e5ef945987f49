//===- BufferPacker.h - Offsets for buffers by lifetime ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_TRANSFORMS_BUFFERPACKER_H
#define FLOWHN_DIALECT_PLAN_TRANSFORMS_BUFFERPACKER_H

#include <cstdint>
#include <vector>

namespace mlir::plan {

/// A buffer to place: it is live from position `first` to position `last`, both
/// included, and takes `bytes`, at least 1.
struct BufferLifetime {
  int64_t first = 0;
  int64_t last = 0;
  int64_t bytes = 0;
};

/// Where buffers lie, in the order they were given, and how much they take.
struct BufferPlacement {
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
};

/// Gives every buffer the lowest offset that is free over its lifetime, buffers in
/// order of their first position. Two buffers that share a position never overlap.
/// n log n for n buffers, as long as few holes lie between live ones.
BufferPlacement packBuffers(const std::vector<BufferLifetime> &lifetimes);

} // namespace mlir::plan

#endif // FLOWHN_DIALECT_PLAN_TRANSFORMS_BUFFERPACKER_H
