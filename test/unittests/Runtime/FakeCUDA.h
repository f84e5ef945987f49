//===- FakeCUDA.h - A CUDA driver without a device --------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_UNITTESTS_RUNTIME_FAKECUDA_H
#define FLOWHN_TEST_UNITTESTS_RUNTIME_FAKECUDA_H

#include "../../../lib/Runtime/CUDA/Driver.h"

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace flowhn::test {

/// What a kernel of the fake is called with, for the whole grid.
struct FakeLaunch {
  unsigned grid[3];
  std::vector<int64_t> arguments;
  /// words: address, columns, rows, bytes between rows, box columns, box rows, swizzle.
  std::vector<cuda::EncodedTensorMap> maps;
};

struct FakeKernel {
  size_t numArguments = 0;
  size_t numMaps = 0;
  std::function<void(const FakeLaunch &)> run;
};

struct FakeDevice {
  std::string name = "Fake GPU";
  int computeMajor = 9, computeMinor = 0;
};

/// Stands for libcuda.so.1: device memory is the host's, and whatever is handed over runs
/// at once, in the order in which it comes. A kernel runs on the device that its code was
/// loaded on, in a stream of that device.
struct FakeCUDA {
  static FakeCUDA &get();
  /// As before the first call, but for objects that are alive and calls of `Driver::get`.
  void reset();

  int version = 12080;
  std::vector<FakeDevice> devices{2};
  std::map<std::string, FakeKernel> kernels; ///< by symbol
  int blocksPerMultiprocessor = 1;           ///< of any kernel
  int clusterWidth = 0;                      ///< of any kernel
  /// The call that fails, counted from 1, for want of memory; 0: none.
  int failingCall = 0;

  int numCalls = 0;
  std::set<std::string> images; ///< code that was loaded
  /// "embed s0 5x1x1", "head s0 1x1x1 early", "embed s0 5x1x1 signals", "s1 after s0", "capture",
  /// "graph", "upload 20", "download 24".
  std::vector<std::string> log;
  int64_t liveObjects = 0; ///< allocations, streams, events, modules, graphs, contexts
  int64_t liveBytes = 0;   ///< of the device
  int sharedBytes = 0;     ///< the most that a kernel was allowed
  unsigned earlyBytes = 0; ///< the most shared memory of a launch that started early
  int contexts = 0;        ///< current ones of all threads

  std::recursive_mutex mutex;
};

} // namespace flowhn::test

#endif // FLOWHN_TEST_UNITTESTS_RUNTIME_FAKECUDA_H
