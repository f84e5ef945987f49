//===- RoomyBytes.h - How memory that is used again grows -------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_ROOMYBYTES_H
#define FLOWHN_LIB_RUNTIME_ROOMYBYTES_H

#include <algorithm>
#include <cstdint>

namespace flowhn {

/// A size for memory of `current` bytes that must hold `bytes`: calls that get a little
/// longer each time do not need new memory each time.
inline int64_t roomyBytes(int64_t bytes, int64_t current) {
  return std::max(bytes, current + current / 2);
}

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_ROOMYBYTES_H
