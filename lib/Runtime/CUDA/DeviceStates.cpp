//===- DeviceStates.cpp - States in the memory of a device ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceStates.h"

using namespace flowhn;
using namespace flowhn::cuda;

Expected<std::unique_ptr<StateMemory>> DeviceStates::allocate(const Driver &driver,
                                                              const Context &context,
                                                              StreamHandle stream, int64_t bytes) {
  return context.with([&]() -> Expected<std::unique_ptr<StateMemory>> {
    Expected<DeviceMemory> memory = DeviceMemory::allocate(driver, bytes, "states");
    FLOWHN_RETURN_IF_ERROR(memory.status());
    std::unique_ptr<StateMemory> states(
        new DeviceStates(driver, context, stream, std::move(*memory)));
    FLOWHN_RETURN_IF_ERROR(states->clear({0, bytes}));
    return states;
  });
}

/// Memory goes while its context is current, and when no step uses it.
DeviceStates::~DeviceStates() {
  (void)context.with([&] {
    memory = DeviceMemory();
    return Status();
  });
}

Status DeviceStates::clear(StateRange range) {
  if (range.bytes == 0)
    return {};
  return context.with([&] {
    return driver.check(driver.setBytes(at(range.offset), 0, size_t(range.bytes), stream),
                        "cannot clear the state of a sequence");
  });
}

Status DeviceStates::copy(int64_t to, StateRange from) {
  if (from.bytes == 0)
    return {};
  return context.with([&] {
    return driver.check(driver.copyOnDevice(at(to), at(from.offset), size_t(from.bytes), stream),
                        "cannot copy the state of a sequence");
  });
}

Status DeviceStates::read(StateRange from, std::byte *to) const {
  if (from.bytes == 0)
    return {};
  std::string asked = "cannot read the state of a sequence";
  return context.with([&]() -> Status {
    FLOWHN_RETURN_IF_ERROR(
        driver.check(driver.copyToHost(to, at(from.offset), size_t(from.bytes), stream), asked));
    return driver.check(driver.streamSynchronize(stream), asked);
  });
}

Status DeviceStates::write(StateRange to, const std::byte *from) {
  if (to.bytes == 0)
    return {};
  std::string asked = "cannot write the state of a sequence";
  return context.with([&]() -> Status {
    FLOWHN_RETURN_IF_ERROR(
        driver.check(driver.copyToDevice(at(to.offset), from, size_t(to.bytes), stream), asked));
    return driver.check(driver.streamSynchronize(stream), asked);
  });
}
