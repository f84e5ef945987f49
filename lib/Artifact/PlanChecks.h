//===- PlanChecks.h - The parts of validatePlan -----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ARTIFACT_PLANCHECKS_H
#define FLOWHN_LIB_ARTIFACT_PLANCHECKS_H

#include "Expression.h"
#include "flowhn/Artifact/Validate.h"

#include <vector>

namespace flowhn {

/// The values an index can take, ends included.
struct Range {
  int64_t low = 0;
  int64_t high = 0;

  Range join(Range other) const { return {std::min(low, other.low), std::max(high, other.high)}; }
};

/// Whether 8-byte elements can be read where they lie, which FlatBuffers' verifier
/// does not look at.
template <typename T> Status checkAlignment(const flatbuffers::Vector<T> &elements) {
  bool isAligned = reinterpret_cast<uintptr_t>(elements.Data()) % 8 == 0;
  return isAligned ? Status() : invalidInput("elements that are not aligned");
}

/// Whether an expression over `numValues` values leaves exactly one result.
Status checkExpression(const Expression &expression, size_t numValues);

/// The values a well-formed expression takes, or why it could fail: an
/// intermediate beyond ±2^62, or a divisor that is not always positive.
Expected<Range> rangeOf(const Expression &expression, std::span<const Range> values);

/// Whether a parameter's shape and type follow from its sources and layout.
Status checkParameter(const fb::Parameter &parameter);

/// Whether a kernel with `numIndices` index arguments says how a GPU launches it in a way
/// that a GPU can.
Status checkGPULaunch(const fb::Kernel &kernel, size_t numIndices);
/// The same for what depends on the index arguments of one launch.
Status checkGPUExtents(const fb::GPULaunch &gpu, std::span<const Range> arguments);

/// Whether a window obeys flowhn::WindowAttr, without `all`.
Status checkWindow(const fb::Window &window);

/// What is known of a procedure from those that call it. `validatePlan` looks at
/// callers first.
struct ProcedureUse {
  std::vector<Range> indexArguments; ///< empty: never called
  int64_t runs = 0;                  ///< times it runs in one call of the model; saturates
};

/// Tokens that a call within the limits can have.
inline int64_t maxCallTokens(const ManifestLimits &limits) {
  return std::min<int64_t>(limits.maxBatch * limits.maxTokens, (int64_t(1) << 31) - 1);
}

/// The most commands that one call of the model may run.
inline constexpr int64_t maxCommands = int64_t(1) << 20;

/// Checks the commands of procedure `number` and adds to the uses of those that it
/// calls.
Status checkProcedure(const fb::Plan &plan, uint32_t number, const ManifestLimits &limits,
                      std::vector<ProcedureUse> &uses);

} // namespace flowhn

#endif // FLOWHN_LIB_ARTIFACT_PLANCHECKS_H
