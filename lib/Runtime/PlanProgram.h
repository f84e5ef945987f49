//===- PlanProgram.h - From a plan to launches ------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_PLANPROGRAM_H
#define FLOWHN_LIB_RUNTIME_PLANPROGRAM_H

#include "LaunchProgram.h"
#include "Partition.h"
#include "PreparedParameters.h"

#include <deque>
#include <functional>

namespace flowhn {

/// The arguments of a plan's entry.
struct EntryArguments {
  int64_t maxLength = 0;
  std::span<const int32_t> ids;     ///< [rows]
  std::span<const int32_t> begin;   ///< [batch]
  std::span<const int32_t> length;  ///< [batch], at least 1 each
  std::span<const int32_t> offsets; ///< [batch + 1]
  std::span<const int32_t> select;  ///< [selected]
  std::span<float> logits;          ///< [selected, vocabulary]
};

/// Where the value of a tap goes: memory for [rows, elements]; null when the caller
/// did not ask for it. The memory must live until the program has run.
using TapTarget = std::function<Expected<std::byte *>(std::string_view name, DType type,
                                                      int64_t rows, int64_t elements)>;

/// What reports want to know of a kernel's launches.
struct LaunchCounts {
  int64_t calls = 0;
  double flops = 0;
  double bytes = 0;
};

/// A plan with its kernels and parameters. Points to all three.
class PlanProgram {
public:
  PlanProgram(const fb::Plan &plan, std::vector<KernelFunction> kernels,
              const PreparedParameters &parameters)
      : plan(plan), kernels(std::move(kernels)), parameters(parameters) {}

  /// Works the plan out for one call: evaluates sizes, shares out rows, lays out
  /// the workspace and lists the launches. The result is valid until the next call
  /// and as long as what `arguments` points to. With `counts`, one per kernel, adds
  /// up what is launched.
  Expected<const LaunchProgram *> instantiate(const EntryArguments &arguments,
                                              const TapTarget &tapTarget,
                                              std::span<LaunchCounts> counts = {});

  int64_t workspaceBytes() const { return workspace.bytes(); }

private:
  friend class Interpreter;

  Status reserve(int64_t bytes);

  const fb::Plan &plan;
  std::vector<KernelFunction> kernels;
  const PreparedParameters &parameters;
  Memory workspace;
  LaunchProgram program;
  std::deque<Partition> partitions; ///< of the current program, which points to them
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_PLANPROGRAM_H
