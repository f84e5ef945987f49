//===- Target.cpp - What to compile for, by default -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/Target.h"

#include "flowhn/Runtime/Device.h"

#include <algorithm>

using namespace flowhn;

static auto firstFor(const DeviceInfo &device, const std::vector<std::string> &chips) {
  return std::ranges::find_if(chips, [&](const auto &chip) { return canRun(device, chip); });
}

std::string flowhn::tools::targetOfMachine(const std::vector<std::string> &chips) {
  Expected<std::vector<DeviceInfo>> devices = listDevices();
  auto fits = [&](const DeviceInfo &device) { return firstFor(device, chips) != chips.end(); };
  return devices.ok() && std::ranges::any_of(*devices, fits) ? "nvptx" : "cpu";
}

std::vector<std::string> flowhn::tools::chipsForDevice(const std::vector<std::string> &chips,
                                                       int device) {
  Expected<DeviceInfo> info = findDevice(device);
  auto first = info.ok() ? firstFor(*info, chips) : chips.end();
  return first == chips.end() ? chips : std::vector{*first};
}
