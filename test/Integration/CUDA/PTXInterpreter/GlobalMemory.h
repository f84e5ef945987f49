//===- GlobalMemory.h - Buffers that an interpreted kernel may touch -*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_GLOBALMEMORY_H
#define FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_GLOBALMEMORY_H

#include "Program.h"

#include <span>

namespace flowhn::ptx {

struct Buffer {
  uint64_t begin, end;
};

/// Memory of buffers, between which nobody may touch anything.
class GlobalMemory {
public:
  GlobalMemory(uint8_t *bytes, std::span<const Buffer> buffers) : bytes(bytes), buffers(buffers) {}

  uint8_t *at(uint64_t address) { return bytes + address; }

  /// Every byte lies in one buffer.
  void check(uint64_t address, uint64_t size, const std::string &what) {
    auto holds = [&](const Buffer &one) {
      return address >= one.begin && address <= one.end && size <= one.end - address;
    };
    if (!size || (last && holds(*last)))
      return;
    for (const Buffer &buffer : buffers)
      if (holds(buffer)) {
        last = &buffer;
        return;
      }
    throw Fault("global memory: " + what + " of " + std::to_string(size) +
                " bytes outside of buffers at " + std::to_string(address));
  }

private:
  uint8_t *bytes;
  std::span<const Buffer> buffers;
  const Buffer *last = nullptr;
};

} // namespace flowhn::ptx

#endif // FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_GLOBALMEMORY_H
