//===- Kernels.h - The kernels of an artifact, loaded -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_KERNELS_H
#define FLOWHN_LIB_RUNTIME_CUDA_KERNELS_H

#include "Resources.h"
#include "flowhn/Artifact/Artifact.h"
#include "flowhn/Artifact/Plan_generated.h"
#include "flowhn/Runtime/Device.h"

namespace flowhn::cuda {

/// The code of a plan's kernels on one device.
class Kernels {
public:
  /// Loads the code of `chip`, every kernel's machine code where the device takes it, or its
  /// PTX, which the driver compiles, on `threads` threads. NotFound when the artifact lacks a
  /// kernel; errors name it and carry the driver's compilation log.
  static Expected<Kernels> load(const Driver &driver, const Context &context,
                                const Artifact &artifact, const std::string &chip,
                                const DeviceInfo &device, int threads);

  /// Of kernel `number` of the plan.
  FunctionHandle operator[](uint32_t number) const { return functions[number]; }
  /// Whether a launch of so many blocks of kernel `number` spreads over the multiprocessors
  /// however these become free: one block is all that each has room for, or all are full.
  bool liesEvenly(uint32_t number, int64_t blocks) const {
    int64_t most = blocksPerMultiprocessor[number];
    return most == 1 || blocks >= most * multiprocessors;
  }

private:
  std::vector<Module> modules; ///< one per symbol
  std::vector<FunctionHandle> functions;
  std::vector<int> blocksPerMultiprocessor; ///< of each function, at most
  int multiprocessors = 0;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_KERNELS_H
