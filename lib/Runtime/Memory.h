//===- Memory.h - Large pieces of memory ------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_MEMORY_H
#define FLOWHN_LIB_RUNTIME_MEMORY_H

#include "flowhn/Support/Status.h"

#include <cstddef>
#include <cstdint>

namespace flowhn {

/// Zeroed memory straight from the system, on huge pages where it has them.
class Memory {
public:
  /// At least 64-byte aligned; `purpose` is for the message when there is none.
  static Expected<Memory> allocate(int64_t bytes, const std::string &purpose);

  Memory() = default;
  Memory(Memory &&other) noexcept;
  Memory &operator=(Memory &&other) noexcept;
  ~Memory();

  std::byte *data() const { return base; }
  int64_t bytes() const { return length; }

private:
  void *mapping = nullptr;
  size_t mappedBytes = 0;
  std::byte *base = nullptr;
  int64_t length = 0;
};

/// Bytes that processes can still have without swapping, as the system estimates.
int64_t availableMemory();

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_MEMORY_H
