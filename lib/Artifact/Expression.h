//===- Expression.h - Index expressions of a plan ---------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ARTIFACT_EXPRESSION_H
#define FLOWHN_LIB_ARTIFACT_EXPRESSION_H

#include "flowhn/Artifact/Plan_generated.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>

namespace flowhn {

/// Steps in postfix form.
using Expression = flatbuffers::Vector<const fb::Instruction *>;

/// Operands an expression may have on its stack at once.
inline constexpr size_t maxExpressionStack = 64;

/// ⌊a / b⌋ for b > 0.
template <typename T> T floorDivide(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return std::floor(a / b);
  else
    return a / b - (a % b < 0);
}

/// ⌈a / b⌉ for b > 0.
template <typename T> T ceilDivide(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return std::ceil(a / b);
  else
    return a / b + (a % b > 0);
}

/// The value of an expression that `validatePlan` accepted. In double, where sizes
/// too large for an index only lose digits, it serves reports.
template <typename T> T evaluate(const Expression &expression, std::span<const int64_t> values) {
  std::array<T, maxExpressionStack> stack;
  size_t top = 0;
  for (const fb::Instruction *step : expression) {
    if (step->op() == fb::Opcode::Constant) {
      stack[top++] = T(step->operand());
      continue;
    }
    if (step->op() == fb::Opcode::Value) {
      stack[top++] = T(values[size_t(step->operand())]);
      continue;
    }
    T b = stack[--top];
    T &a = stack[top - 1];
    switch (step->op()) {
    case fb::Opcode::Add:
      a = a + b;
      break;
    case fb::Opcode::Mul:
      a = a * b;
      break;
    case fb::Opcode::FloorDiv:
      a = floorDivide(a, b);
      break;
    case fb::Opcode::CeilDiv:
      a = ceilDivide(a, b);
      break;
    case fb::Opcode::Mod:
      a = a - b * floorDivide(a, b);
      break;
    case fb::Opcode::Min:
      a = std::min(a, b);
      break;
    default:
      a = std::max(a, b);
      break;
    }
  }
  return stack[0];
}

} // namespace flowhn

#endif // FLOWHN_LIB_ARTIFACT_EXPRESSION_H
