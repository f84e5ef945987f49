//===- Integers.cpp - Arithmetic of integers and predicates ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

#include <algorithm>
#include <type_traits>

using namespace flowhn::ptx;

namespace {
/// Shifts by the width or more leave nothing, or the sign.
template <typename T> T shiftLeft(T x, T by) {
  auto count = std::make_unsigned_t<T>(by);
  return count < sizeof(T) * 8 ? x << count : 0;
}
template <typename T> T shiftRight(T x, T by) {
  auto count = std::make_unsigned_t<T>(by);
  return count < sizeof(T) * 8 ? x >> count : x < 0 ? -1 : 0;
}

template <typename T> struct Wider;
template <> struct Wider<uint16_t> {
  using Type = uint32_t;
};
template <> struct Wider<int16_t> {
  using Type = int32_t;
};
template <> struct Wider<uint32_t> {
  using Type = uint64_t;
};
template <> struct Wider<int32_t> {
  using Type = int64_t;
};
template <> struct Wider<uint64_t> {
  using Type = unsigned __int128;
};
template <> struct Wider<int64_t> {
  using Type = __int128;
};
template <typename T> using WiderOf = Wider<T>::Type;

template <typename T> Handler findMultiplication(const Opcode &opcode) {
  bool isMad = opcode.words[0] == "mad";
  if (opcode.words[1] == "lo")
    return isMad ? handler<T, 3, [](T x, T y, T z) -> T { return WiderOf<T>(x) * y + z; }>
                 : handler<T, 2, [](T x, T y) -> T { return WiderOf<T>(x) * y; }>;
  if (opcode.words[1] == "hi" && !isMad)
    return handler<T, 2, [](T x, T y) -> T { return WiderOf<T>(x) * y >> sizeof(T) * 8; }>;
  if (opcode.words[1] != "wide" || sizeof(T) == 8)
    return nullptr;
  if (!isMad)
    return handler<T, 2, [](T x, T y) -> uint64_t { return WiderOf<T>(x) * y; }>;
  return [](Warp &warp, const Instruction &instruction, Mask mask) {
    compute<uint64_t, 3>(warp, instruction, mask, [](uint64_t x, uint64_t y, uint64_t z) {
      return uint64_t(WiderOf<T>(T(x)) * T(y)) + z;
    });
  };
}

template <typename T> Handler findComparison(const std::string &name) {
  if (name == "eq")
    return handler<T, 2, [](T x, T y) { return x == y; }>;
  if (name == "ne")
    return handler<T, 2, [](T x, T y) { return x != y; }>;
  if (name == "lt")
    return handler<T, 2, [](T x, T y) { return x < y; }>;
  if (name == "le")
    return handler<T, 2, [](T x, T y) { return x <= y; }>;
  if (name == "gt")
    return handler<T, 2, [](T x, T y) { return x > y; }>;
  return name == "ge" ? handler<T, 2, [](T x, T y) { return x >= y; }> : Handler();
}

template <typename T> Handler findBitwise(const std::string &name) {
  if (name == "and")
    return handler<T, 2, [](T x, T y) -> T { return x & y; }>;
  if (name == "or")
    return handler<T, 2, [](T x, T y) -> T { return x | y; }>;
  if (name == "xor")
    return handler<T, 2, [](T x, T y) -> T { return x ^ y; }>;
  if (name == "not")
    return handler<T, 1, [](T x) -> T { return ~x; }>;
  if (name == "shl")
    return handler<T, 2, shiftLeft<T>>;
  if (name == "shr")
    return handler<T, 2, shiftRight<T>>;
  if (name != "bfe")
    return nullptr;
  return handler<T, 3, [](T x, T position, T length) -> T {
    T above = T(sizeof(T) * 8) - position - length;
    return shiftRight(shiftLeft(x, above), T(above + position));
  }>;
}

template <typename T> Handler findArithmetic(const std::string &name) {
  if (name == "add")
    return handler<T, 2, [](T x, T y) -> T { return uint64_t(x) + y; }>;
  if (name == "sub")
    return handler<T, 2, [](T x, T y) -> T { return uint64_t(x) - y; }>;
  if (name == "neg")
    return handler<T, 1, [](T x) -> T { return -uint64_t(x); }>;
  if (name == "min")
    return handler<T, 2, [](T x, T y) { return std::min(x, y); }>;
  if (name == "max")
    return handler<T, 2, [](T x, T y) { return std::max(x, y); }>;
  if (name == "div")
    return handler<T, 2, [](T x, T y) -> T { return y ? x / y : -1; }>;
  return name == "rem" ? handler<T, 2, [](T x, T y) -> T { return y ? x % y : x; }> : Handler();
}

/// What is below 0 becomes 0.
template <typename T> Handler findRelu(const std::string &name) {
  if (name == "min")
    return handler<T, 2, [](T x, T y) { return std::max(std::min(x, y), T(0)); }>;
  return name == "max" ? handler<T, 2, [](T x, T y) { return std::max({x, y, T(0)}); }> : Handler();
}

template <typename T> Handler findFor(const Opcode &opcode) {
  const std::string &name = opcode.words[0];
  if (opcode.has("relu"))
    return findRelu<T>(name);
  if (name == "setp")
    return findComparison<T>(opcode.words[1]);
  if (name == "mul" || name == "mad")
    return findMultiplication<T>(opcode);
  Handler found = findBitwise<T>(name);
  return found ? found : findArithmetic<T>(name);
}

Handler findPredicateHandler(const std::string &name) {
  if (name == "and")
    return handler<bool, 2, [](bool x, bool y) { return x && y; }>;
  if (name == "or")
    return handler<bool, 2, [](bool x, bool y) { return x || y; }>;
  if (name == "xor")
    return handler<bool, 2, [](bool x, bool y) { return x != y; }>;
  return name == "not" ? handler<bool, 1, [](bool x) { return !x; }> : Handler();
}
} // namespace

Handler flowhn::ptx::findIntegerHandler(const Opcode &opcode) {
  const std::string &type = opcode.type();
  if (type == "pred")
    return findPredicateHandler(opcode.words[0]);
  if (type == "s16")
    return findFor<int16_t>(opcode);
  if (type == "s32")
    return findFor<int32_t>(opcode);
  if (type == "s64")
    return findFor<int64_t>(opcode);
  if (type == "u16" || type == "b16")
    return findFor<uint16_t>(opcode);
  if (type == "u32" || type == "b32")
    return findFor<uint32_t>(opcode);
  return type == "u64" || type == "b64" ? findFor<uint64_t>(opcode) : nullptr;
}
