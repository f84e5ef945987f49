//===- ValidateExpression.cpp - Checks of index expressions ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanChecks.h"

using namespace flowhn;

namespace {

constexpr int64_t limit = int64_t(1) << 62;

std::string text(Range range) {
  return "[" + std::to_string(range.low) + ", " + std::to_string(range.high) + "]";
}

/// The hull of some corner values, each computed wide enough not to overflow.
Expected<Range> hull(std::initializer_list<__int128> corners) {
  __int128 low = std::min(corners), high = std::max(corners);
  if (low < -__int128(limit) || high > __int128(limit))
    return invalidInput("an index expression overflows");
  return Range{int64_t(low), int64_t(high)};
}

Expected<Range> divided(Range a, Range b, fb::Opcode op) {
  if (b.low < 1)
    return invalidInput("a divisor in " + text(b) + ", it must be positive");
  if (op == fb::Opcode::Mod)
    return a.low >= 0 && a.high < b.low ? a : Range{0, b.high - 1};
  auto divide = op == fb::Opcode::FloorDiv ? floorDivide<int64_t> : ceilDivide<int64_t>;
  return hull(
      {divide(a.low, b.low), divide(a.low, b.high), divide(a.high, b.low), divide(a.high, b.high)});
}

Expected<Range> combined(fb::Opcode op, Range a, Range b) {
  using Wide = __int128;
  switch (op) {
  case fb::Opcode::Add:
    return hull({Wide(a.low) + b.low, Wide(a.high) + b.high});
  case fb::Opcode::Mul:
    return hull(
        {Wide(a.low) * b.low, Wide(a.low) * b.high, Wide(a.high) * b.low, Wide(a.high) * b.high});
  case fb::Opcode::Min:
    return Range{std::min(a.low, b.low), std::min(a.high, b.high)};
  case fb::Opcode::Max:
    return Range{std::max(a.low, b.low), std::max(a.high, b.high)};
  default:
    return divided(a, b, op);
  }
}

} // namespace

Status flowhn::checkExpression(const Expression &expression, size_t numValues) {
  FLOWHN_RETURN_IF_ERROR(checkAlignment(expression));
  size_t depth = 0;
  for (const fb::Instruction *step : expression) {
    if (step->op() > fb::Opcode::MAX)
      return invalidInput("unknown opcode " + std::to_string(int(step->op())));
    bool isLeaf = step->op() == fb::Opcode::Constant || step->op() == fb::Opcode::Value;
    if (step->op() == fb::Opcode::Value && uint64_t(step->operand()) >= numValues)
      return invalidInput("index value " + std::to_string(step->operand()) + " of " +
                          std::to_string(numValues));
    if (!isLeaf && depth < 2)
      return invalidInput("an operation with " + std::to_string(depth) + " operands on the stack");
    depth = isLeaf ? depth + 1 : depth - 1;
    if (depth > maxExpressionStack)
      return invalidInput("an expression deeper than " + std::to_string(maxExpressionStack));
  }
  if (depth != 1)
    return invalidInput("an expression with " + std::to_string(depth) + " results");
  return {};
}

Expected<Range> flowhn::rangeOf(const Expression &expression, std::span<const Range> values) {
  std::vector<Range> stack;
  for (const fb::Instruction *step : expression) {
    if (step->op() == fb::Opcode::Value) {
      stack.push_back(values[size_t(step->operand())]);
      continue;
    }
    if (step->op() == fb::Opcode::Constant) {
      Expected<Range> constant = hull({step->operand()});
      FLOWHN_RETURN_IF_ERROR(constant.status());
      stack.push_back(*constant);
      continue;
    }
    Range b = stack.back();
    stack.pop_back();
    Expected<Range> result = combined(step->op(), stack.back(), b);
    FLOWHN_RETURN_IF_ERROR(result.status());
    stack.back() = *result;
  }
  return stack.back();
}
