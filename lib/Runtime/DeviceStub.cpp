//===- DeviceStub.cpp - Stands for the CUDA runtime -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Temporary: goes when the CUDA runtime comes.

#include "flowhn/Runtime/Device.h"

using namespace flowhn;

Expected<std::vector<DeviceInfo>> flowhn::listDevices() { return notFound("no CUDA driver"); }

bool flowhn::canRun(const DeviceInfo &, const std::string &) { return false; }

Expected<DeviceRates> flowhn::measureDevice(int) { return notFound("no CUDA driver"); }
