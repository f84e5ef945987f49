//===- StateMemory.h - The memory of states ---------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_STATEMEMORY_H
#define FLOWHN_LIB_RUNTIME_STATEMEMORY_H

#include "StateLayout.h"

#include <cstddef>
#include <span>

namespace flowhn {

/// Memory of an executor that outlives its calls. Offsets and sizes are of a StateLayout and
/// not checked.
class StateMemory {
public:
  virtual ~StateMemory() = default;

  virtual Status clear(StateRange range) = 0;
  virtual Status copy(int64_t to, StateRange from) = 0;
  virtual Status read(StateRange from, std::byte *to) const = 0;
  virtual Status write(StateRange to, const std::byte *from) = 0;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_STATEMEMORY_H
