//===- KernelHarness.h - Run emitted CPU kernels in process ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_UNITTESTS_CONVERSION_KERNELHARNESS_H
#define FLOWHN_TEST_UNITTESTS_CONVERSION_KERNELHARNESS_H

#include "mlir/IR/AffineMap.h"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace flowhn::test {

/// One argument of a kernel: an extent, or the address of a buffer.
struct KernelArgument {
  KernelArgument(int64_t extent) : bits(extent), isIndex(true) {}
  KernelArgument(int extent) : bits(extent), isIndex(true) {}
  KernelArgument(const void *buffer) : bits(reinterpret_cast<int64_t>(buffer)), isIndex(false) {}

  int64_t bits;
  bool isIndex;
};

/// Seconds that each stage of a compilation took.
struct CompileTimes {
  double emission = 0, lowering = 0, optimisation = 0, code = 0;
};

/// A kernel, compiled from text for `cpu` through the passes of KernToCPU and LLVM.
class CompiledKernel {
public:
  /// `function` is a `func.func` with the attribute kern.kernel; the harness puts it
  /// into the module `@kernels`. Prints the diagnostics and returns null on failure.
  static std::unique_ptr<CompiledKernel> compile(const std::string &function,
                                                 const std::string &cpu = "host");
  ~CompiledKernel();

  /// Runs every work item, in order or from the last to the first.
  void run(std::initializer_list<KernelArgument> arguments, bool backwards = false) const;
  /// One work item, on scratch memory of the caller.
  void runItem(const int64_t *arguments, int64_t item, void *scratch) const {
    entry(arguments, item, scratch);
  }
  int64_t countItems(std::initializer_list<KernelArgument> arguments) const;
  int64_t scratchBytes() const { return scratch; }
  const CompileTimes &times() const { return compileTimes; }
  /// The assembly text, for people.
  const std::string &assembly() const { return text; }

private:
  struct Code;
  CompiledKernel();

  std::unique_ptr<Code> code;
  void (*entry)(const int64_t *, int64_t, void *) = nullptr;
  int64_t scratch = 0;
  CompileTimes compileTimes;
  std::string text;
};

/// How numbers lie in memory.
enum class Storage { F32, BF16, F16 };
const char *mlirName(Storage storage);
/// The value of `x` after it was stored, to nearest even.
float round(float x, Storage storage);

/// A buffer of floats of one storage type that ends where a page begins which may
/// not be touched: reading or writing behind the end is a crash.
class Buffer {
public:
  Buffer(size_t elements, Storage storage, float fill = 0);
  Buffer(Buffer &&other) noexcept;
  ~Buffer();
  void set(size_t index, float value);
  float get(size_t index) const;
  size_t size() const { return count; }
  void *data(size_t index = 0) { return begin + index * elementBytes; }
  /// Normal deviates of the given scale.
  static Buffer random(size_t elements, Storage storage, uint32_t seed, float scale = 1);

private:
  size_t count, elementBytes, mappedBytes;
  Storage storage;
  uint8_t *mapping, *begin;
};

/// A table of row numbers, with the same guard.
class Table {
public:
  Table(const std::vector<int32_t> &entries);
  void *data() { return buffer.data(); }

private:
  Buffer buffer;
};

/// Whether this machine can run code for a level ("x86-64-v3").
bool hostRuns(const std::string &cpu);

/// ‖actual - expected‖ / ‖expected‖.
double relativeError(const std::vector<float> &actual, const std::vector<double> &expected);

} // namespace flowhn::test

#endif // FLOWHN_TEST_UNITTESTS_CONVERSION_KERNELHARNESS_H
