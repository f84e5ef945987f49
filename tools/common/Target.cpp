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

std::string flowhn::tools::targetOfMachine(const std::string &chip) {
  Expected<std::vector<DeviceInfo>> devices = listDevices();
  auto fits = [&](const DeviceInfo &device) { return canRun(device, chip); };
  return devices.ok() && std::ranges::any_of(*devices, fits) ? "nvptx" : "cpu";
}
