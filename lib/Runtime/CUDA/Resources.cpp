//===- Resources.cpp - What the CUDA driver hands out ---------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Resources.h"

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

std::string allocation(int64_t bytes, const char *where, const std::string &purpose) {
  return "no memory " + std::string(where) + " for " + std::to_string(bytes) + " bytes of " +
         purpose;
}

} // namespace

Expected<Stream> flowhn::cuda::createStream(const Driver &driver) {
  StreamHandle stream = nullptr;
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.streamCreate(&stream, constants::streamNonBlocking),
                                      "cannot create a stream"));
  return Stream(driver, stream);
}

Expected<Event> flowhn::cuda::createEvent(const Driver &driver, bool hasTime) {
  EventHandle event = nullptr;
  FLOWHN_RETURN_IF_ERROR(
      driver.check(driver.eventCreate(&event, hasTime ? 0 : constants::eventDisableTiming),
                   "cannot create an event"));
  return Event(driver, event);
}

Expected<double> flowhn::cuda::secondsBetween(const Driver &driver, const Event &start,
                                              const Event &end) {
  float milliseconds = 0;
  FLOWHN_RETURN_IF_ERROR(driver.check(
      driver.eventElapsedTime(&milliseconds, start.get(), end.get()), "cannot read a time"));
  return double(milliseconds) * 1e-3;
}

Expected<DeviceMemory> DeviceMemory::allocate(const Driver &driver, int64_t bytes,
                                              const std::string &purpose) {
  DeviceMemory result;
  if (bytes == 0)
    return result;
  DeviceAddress address = 0;
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.memAlloc(&address, size_t(bytes)),
                                      allocation(bytes, "of the device", purpose)));
  result.memory = {driver, address};
  result.length = bytes;
  return result;
}

Expected<PinnedMemory> PinnedMemory::allocate(const Driver &driver, int64_t bytes,
                                              const std::string &purpose) {
  PinnedMemory result;
  if (bytes == 0)
    return result;
  Expected<Memory> memory = Memory::allocate(bytes, purpose);
  FLOWHN_RETURN_IF_ERROR(memory.status());
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.memHostRegister(memory->data(), size_t(bytes), 0),
                                      allocation(bytes, "of the host to pin", purpose)));
  result.registration = {driver, memory->data()};
  result.memory = std::move(*memory);
  return result;
}

Expected<Context> Context::retain(const Driver &driver, int device) {
  Device handle = 0;
  ContextHandle context = nullptr;
  std::string asked = "cannot use device " + std::to_string(device);
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.deviceGet(&handle, device), asked));
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.primaryContextRetain(&context, handle), asked));
  return Context(driver, handle, context);
}

Context::~Context() {
  if (handle)
    driver->primaryContextRelease(device);
}

Status Context::push() const {
  return driver->check(driver->contextPush(handle), "cannot use the device's context");
}
