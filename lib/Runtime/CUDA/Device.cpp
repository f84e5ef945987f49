//===- Device.cpp - The GPUs of this machine ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Device.h"
#include "Resources.h"
#include "flowhn/Support/Guard.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

constexpr int64_t rateBytes = int64_t(1) << 30; ///< of each device buffer
constexpr int64_t pinnedBytes = int64_t(256) << 20;
constexpr int repetitions = 10;

Expected<DeviceInfo> describe(const Driver &driver, int number) {
  DeviceInfo info;
  info.number = number;
  std::string asked = "cannot read the properties of device " + std::to_string(number);
  Device device = 0;
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.deviceGet(&device, number), asked));
  char name[256] = {};
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.deviceGetName(name, sizeof(name), device), asked));
  info.name = name;
  auto read = [&](int attribute, int &value) {
    return driver.check(driver.deviceGetAttribute(&value, attribute, device), asked);
  };
  FLOWHN_RETURN_IF_ERROR(read(constants::attributeComputeMajor, info.computeMajor));
  FLOWHN_RETURN_IF_ERROR(read(constants::attributeComputeMinor, info.computeMinor));
  FLOWHN_RETURN_IF_ERROR(read(constants::attributeMultiprocessors, info.multiprocessors));
  FLOWHN_RETURN_IF_ERROR(read(constants::attributeSharedBytes, info.sharedBytes));
  size_t bytes = 0;
  FLOWHN_RETURN_IF_ERROR(driver.check(driver.deviceTotalMem(&bytes, device), asked));
  info.memoryBytes = int64_t(bytes);
  return info;
}

Expected<std::vector<DeviceInfo>> describeAll() {
  Expected<const Driver *> driver = Driver::get();
  FLOWHN_RETURN_IF_ERROR(driver.status());
  int count = 0;
  FLOWHN_RETURN_IF_ERROR(
      (*driver)->check((*driver)->deviceGetCount(&count), "cannot count the devices"));
  if (count == 0)
    return notFound("the NVIDIA driver has no device");
  std::vector<DeviceInfo> devices;
  for (int number = 0; number < count; ++number) {
    Expected<DeviceInfo> info = describe(**driver, number);
    FLOWHN_RETURN_IF_ERROR(info.status());
    devices.push_back(std::move(*info));
  }
  return devices;
}

Expected<DeviceInfo> describeOne(int number) {
  Expected<std::vector<DeviceInfo>> devices = describeAll();
  FLOWHN_RETURN_IF_ERROR(devices.status());
  if (number >= 0 && size_t(number) < devices->size())
    return (*devices)[size_t(number)];
  std::string known;
  for (const DeviceInfo &device : *devices)
    known += (known.empty() ? ": " : ", ") + std::to_string(device.number) + " " + device.name;
  return notFound("no device " + std::to_string(number) + ", the driver has " +
                  std::to_string(devices->size()) + known);
}

/// "sm_90a" in parts.
struct Chip {
  int major = 0, minor = 0;
  bool isArchitectureAlone = false; ///< by the suffix "a"
};

std::optional<Chip> parseChip(std::string_view name) {
  constexpr std::string_view prefix = "sm_";
  int number = 0;
  if (!name.starts_with(prefix))
    return std::nullopt;
  const char *end = name.data() + name.size();
  auto [rest, error] = std::from_chars(name.data() + prefix.size(), end, number);
  std::string_view suffix(rest, end);
  if (error != std::errc() || number < 0 || (!suffix.empty() && suffix != "a"))
    return std::nullopt;
  return Chip{number / 10, number % 10, !suffix.empty()};
}

/// The best bytes per second of some repetitions of `copy`, which moves `bytes`.
template <typename Copy>
Expected<double> measure(const Driver &driver, const Stream &stream, int64_t bytes,
                         const Copy &copy) {
  Expected<Event> start = createEvent(driver, true), end = createEvent(driver, true);
  FLOWHN_RETURN_IF_ERROR(start.status());
  FLOWHN_RETURN_IF_ERROR(end.status());
  double best = 0;
  for (int i = 0; i < repetitions; ++i) {
    std::string asked = "cannot measure a copy";
    FLOWHN_RETURN_IF_ERROR(driver.check(driver.eventRecord(start->get(), stream.get()), asked));
    FLOWHN_RETURN_IF_ERROR(driver.check(copy(), asked));
    FLOWHN_RETURN_IF_ERROR(driver.check(driver.eventRecord(end->get(), stream.get()), asked));
    FLOWHN_RETURN_IF_ERROR(driver.check(driver.streamSynchronize(stream.get()), asked));
    Expected<double> seconds = secondsBetween(driver, *start, *end);
    FLOWHN_RETURN_IF_ERROR(seconds.status());
    if (*seconds > 0)
      best = std::max(best, double(bytes) / *seconds);
  }
  return best;
}

Expected<DeviceRates> measureRates(const Driver &driver) {
  auto from = DeviceMemory::allocate(driver, rateBytes, "a measurement");
  FLOWHN_RETURN_IF_ERROR(from.status());
  auto to = DeviceMemory::allocate(driver, rateBytes, "a measurement");
  FLOWHN_RETURN_IF_ERROR(to.status());
  auto pinned = PinnedMemory::allocate(driver, pinnedBytes, "a measurement");
  FLOWHN_RETURN_IF_ERROR(pinned.status());
  Expected<Stream> stream = createStream(driver);
  FLOWHN_RETURN_IF_ERROR(stream.status());
  Expected<double> hostToDevice = measure(driver, *stream, pinnedBytes, [&] {
    return driver.copyToDevice(to->address(), pinned->data(), pinnedBytes, stream->get());
  });
  FLOWHN_RETURN_IF_ERROR(hostToDevice.status());
  Expected<double> copy = measure(driver, *stream, 2 * rateBytes, [&] {
    return driver.copyOnDevice(to->address(), from->address(), rateBytes, stream->get());
  });
  FLOWHN_RETURN_IF_ERROR(copy.status());
  return DeviceRates{*hostToDevice, *copy};
}

} // namespace

Expected<std::vector<DeviceInfo>> flowhn::listDevices() {
  return guarded("a list of devices", describeAll);
}

Expected<DeviceInfo> flowhn::findDevice(int number) {
  return guarded("a device", [&] { return describeOne(number); });
}

bool flowhn::canRun(const DeviceInfo &device, const std::string &chip) {
  std::optional<Chip> parsed = parseChip(chip);
  if (!parsed)
    return false;
  std::pair has(device.computeMajor, device.computeMinor), needed(parsed->major, parsed->minor);
  return parsed->isArchitectureAlone ? has == needed : has >= needed;
}

bool flowhn::canRunMachineCode(const DeviceInfo &device, const std::string &chip) {
  return canRun(device, chip) && parseChip(chip)->major == device.computeMajor;
}

Expected<DeviceRates> flowhn::measureDevice(int device) {
  return guarded("a measurement of a device", [&]() -> Expected<DeviceRates> {
    Expected<const Driver *> driver = Driver::get();
    FLOWHN_RETURN_IF_ERROR(driver.status());
    FLOWHN_RETURN_IF_ERROR(findDevice(device).status());
    Expected<Context> context = Context::retain(**driver, device);
    FLOWHN_RETURN_IF_ERROR(context.status());
    return context->with([&] { return measureRates(**driver); });
  });
}
