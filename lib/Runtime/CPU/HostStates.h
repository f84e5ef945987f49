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

#include <algorithm>

namespace flowhn {

class HostStates : public StateMemory {
public:
  explicit HostStates(Memory memory) : memory(std::move(memory)) {}

  std::byte *data() const { return memory.data(); }

  Status clear(StateRange range) override {
    std::fill_n(data() + range.offset, range.bytes, std::byte());
    return {};
  }
  Status copy(int64_t to, StateRange from) override {
    std::copy_n(data() + from.offset, from.bytes, data() + to);
    return {};
  }
  Status read(StateRange from, std::byte *to) const override {
    std::copy_n(data() + from.offset, from.bytes, to);
    return {};
  }
  Status write(StateRange to, const std::byte *from) override {
    std::copy_n(from, to.bytes, data() + to.offset);
    return {};
  }

private:
  Memory memory;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_CPU_HOSTSTATES_H
