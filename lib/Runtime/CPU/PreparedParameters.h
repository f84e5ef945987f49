//===- PreparedParameters.h - The parameters of a session -------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CPU_PREPAREDPARAMETERS_H
#define FLOWHN_LIB_RUNTIME_CPU_PREPAREDPARAMETERS_H

#include "../Memory.h"
#include "../PlanParameters.h"

#include <functional>

namespace flowhn {

/// The parameters of a plan as kernels read them.
class PreparedParameters {
public:
  struct Options {
    int threads = 1;
    std::function<void(int64_t done, int64_t total)> progress; ///< bytes; may be empty
  };

  /// Checks `source` and packs what it holds, a parameter per thread at a time,
  /// large ones first. Memory beyond the result is one tensor per thread: the
  /// source's is given back as soon as it is packed. `source` stays with the
  /// result, which may point into it.
  static Expected<PreparedParameters>
  prepare(const fb::Plan &plan, std::unique_ptr<ParameterSource> source, const Options &options);

  /// Parameter `index` of the plan.
  std::span<const std::byte> operator[](size_t index) const { return parameters[index]; }
  size_t size() const { return parameters.size(); }
  int64_t bytes() const { return totalBytes; }
  /// Of these, bytes that are the source's own.
  int64_t sharedBytes() const { return aliasedBytes; }

private:
  friend class Preparation;
  PreparedParameters() = default;

  std::unique_ptr<ParameterSource> source;
  Memory memory;
  std::vector<std::span<const std::byte>> parameters;
  int64_t totalBytes = 0;
  int64_t aliasedBytes = 0;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_CPU_PREPAREDPARAMETERS_H
