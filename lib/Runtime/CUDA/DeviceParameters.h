//===- DeviceParameters.h - The parameters of a session on a device *- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_DEVICEPARAMETERS_H
#define FLOWHN_LIB_RUNTIME_CUDA_DEVICEPARAMETERS_H

#include "Resources.h"
#include "flowhn/Artifact/Plan_generated.h"
#include "flowhn/Runtime/ParameterSource.h"

#include <functional>
#include <vector>

namespace flowhn::cuda {

/// The parameters of a plan as kernels read them, in one allocation.
class DeviceParameters {
public:
  struct Options {
    int threads = 1;
    std::function<void(int64_t done, int64_t total)> progress; ///< bytes; may be empty
  };

  /// Checks `source` and uploads what it holds. Threads make pieces of parameters in
  /// pinned memory while the device copies the pieces before them; large tensors are
  /// cut into many pieces. The context is current.
  static Expected<DeviceParameters> upload(const Driver &driver, const Context &context,
                                           const fb::Plan &plan, ParameterSource &source,
                                           const Options &options);

  /// Of parameter `number` of the plan.
  DeviceAddress operator[](uint32_t number) const { return memory.address() + offsets[number]; }
  int64_t bytesOf(uint32_t number) const { return sizes[number]; }
  /// Bytes of the parameters, and with what lies between them.
  int64_t bytes() const { return parameterBytes; }
  int64_t deviceBytes() const { return memory.bytes(); }

private:
  DeviceMemory memory;
  std::vector<uint64_t> offsets;
  std::vector<int64_t> sizes;
  int64_t parameterBytes = 0;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_DEVICEPARAMETERS_H
