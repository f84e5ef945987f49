//===- DeviceStates.h - States in the memory of a device --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_DEVICESTATES_H
#define FLOWHN_LIB_RUNTIME_CUDA_DEVICESTATES_H

#include "../StateMemory.h"
#include "Resources.h"

namespace flowhn::cuda {

/// What is done to them is done in the order of a stream, that of the steps. The context and
/// the stream outlive them.
class DeviceStates : public StateMemory {
public:
  static Expected<std::unique_ptr<StateMemory>>
  allocate(const Driver &driver, const Context &context, StreamHandle stream, int64_t bytes);
  ~DeviceStates() override;

  DeviceAddress address() const { return memory.address(); }

  Status clear(StateRange range) override;
  Status copy(int64_t to, StateRange from) override;
  Status read(StateRange from, std::byte *to) const override;
  Status write(StateRange to, const std::byte *from) override;

private:
  DeviceStates(const Driver &driver, const Context &context, StreamHandle stream,
               DeviceMemory memory)
      : driver(driver), context(context), stream(stream), memory(std::move(memory)) {}

  DeviceAddress at(int64_t offset) const { return memory.address() + uint64_t(offset); }

  const Driver &driver;
  const Context &context;
  StreamHandle stream;
  DeviceMemory memory;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_DEVICESTATES_H
