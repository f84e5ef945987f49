//===- Device.h - The GPUs of this machine ----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_RUNTIME_DEVICE_H
#define FLOWHN_RUNTIME_DEVICE_H

#include "flowhn/Support/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace flowhn {

/// What the driver says of a GPU.
struct DeviceInfo {
  int number = 0; ///< in the driver's order
  std::string name;
  int computeMajor = 0, computeMinor = 0;
  int multiprocessors = 0;
  int sharedBytes = 0; ///< of a multiprocessor
  int64_t memoryBytes = 0;
};

/// The GPUs of this machine. NotFound when there is no driver or no device, Unsupported
/// when the driver is too old, with what is there and what is needed.
Expected<std::vector<DeviceInfo>> listDevices();

/// The GPU of that number; NotFound, with those that are there, where there is none.
Expected<DeviceInfo> findDevice(int number);

/// Whether a GPU runs code for the nvptx chip `chip`, which the driver compiles for it where
/// that is needed: of "sm_90a" compute capability 9.0 alone, of "sm_80" 8.0 and whatever
/// comes later.
bool canRun(const DeviceInfo &device, const std::string &chip);

/// Whether it takes the machine code for `chip` as it is: of "sm_80" 8.0 and what comes later
/// of 8.
bool canRunMachineCode(const DeviceInfo &device, const std::string &chip);

/// What a GPU does in this moment, measured: bytes per second.
struct DeviceRates {
  double hostToDevice = 0; ///< from pinned memory
  double copy = 0;         ///< on the device, bytes read and bytes written
};
/// Takes about a second and 2 GB of the device's memory.
Expected<DeviceRates> measureDevice(int device);

} // namespace flowhn

#endif // FLOWHN_RUNTIME_DEVICE_H
