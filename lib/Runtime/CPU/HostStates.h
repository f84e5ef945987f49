//===- HostStates.h - States in the memory of the host ----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CPU_HOSTSTATES_H
#define FLOWHN_LIB_RUNTIME_CPU_HOSTSTATES_H

#include "../Memory.h"
#include "../StateMemory.h"

#include <cstring>

namespace flowhn {

class HostStates : public StateMemory {
public:
  explicit HostStates(Memory memory) : memory(std::move(memory)) {}

  std::byte *data() const { return memory.data(); }

  Status clear(StateRange range) override {
    std::memset(data() + range.offset, 0, size_t(range.bytes));
    return {};
  }
  Status copy(int64_t to, StateRange from) override {
    std::memcpy(data() + to, data() + from.offset, size_t(from.bytes));
    return {};
  }
  Status read(StateRange from, std::byte *to) const override {
    std::memcpy(to, data() + from.offset, size_t(from.bytes));
    return {};
  }
  Status write(StateRange to, const std::byte *from) override {
    std::memcpy(data() + to.offset, from, size_t(to.bytes));
    return {};
  }

private:
  Memory memory;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_CPU_HOSTSTATES_H
