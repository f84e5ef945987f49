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
  FunctionHandle operator[](uint32_t number) const { return entries[number].function; }
  /// The dynamic shared memory with which a launch of so many blocks of kernel `number` spreads
  /// over the multiprocessors however these become free: what it needs, where one block is all that
  /// each has room for, or all are full, and of clusters, whose blocks take their places together;
  /// else so much that each has room for its share of them.
  uint32_t sharedBytesToSpread(uint32_t number, int64_t blocks) const;

private:
  struct Entry {
    FunctionHandle function;
    uint32_t sharedBytes;        ///< that it needs
    int blocksPerMultiprocessor; ///< at most, with so much
    bool hasClusters;
  };
  std::vector<Module> modules; ///< one per section of code
  std::vector<Entry> entries;  ///< of the plan's kernels
  int multiprocessors = 0, multiprocessorBytes = 0;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_KERNELS_H
