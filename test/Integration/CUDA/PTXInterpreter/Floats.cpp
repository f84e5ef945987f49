//===- Floats.cpp - Arithmetic of floating-point numbers ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include "Numbers.h"

using namespace flowhn::ptx;

namespace {
/// Of float32 numbers, given by their bits.
template <int Count, auto Function>
void floatHandler(Warp &warp, const Instruction &instruction, Mask mask) {
  compute<uint32_t, Count>(warp, instruction, mask,
                           [](auto... bits) { return toBits(Function(toFloat(bits)...)); });
}

Handler findFloat32Handler(const std::string &name) {
  if (name == "add")
    return floatHandler<2, [](float x, float y) { return x + y; }>;
  if (name == "sub")
    return floatHandler<2, [](float x, float y) { return x - y; }>;
  if (name == "mul")
    return floatHandler<2, [](float x, float y) { return x * y; }>;
  if (name == "div")
    return floatHandler<2, [](float x, float y) { return x / y; }>;
  if (name == "fma")
    return floatHandler<3, [](float x, float y, float z) { return float(double(x) * y + z); }>;
  if (name == "max")
    return floatHandler<2, [](float x, float y) { return std::fmax(x, y); }>;
  if (name == "min")
    return floatHandler<2, [](float x, float y) { return std::fmin(x, y); }>;
  if (name == "neg")
    return floatHandler<1, [](float x) { return -x; }>;
  if (name == "abs")
    return floatHandler<1, [](float x) { return std::fabs(x); }>;
  if (name == "ex2")
    return floatHandler<1, [](float x) { return std::exp2(x); }>;
  if (name == "lg2")
    return floatHandler<1, [](float x) { return std::log2(x); }>;
  if (name == "sqrt")
    return floatHandler<1, [](float x) { return std::sqrt(x); }>;
  return name == "rcp" ? floatHandler<1, [](float x) { return 1 / x; }> : Handler();
}

template <auto Decode, auto Compare>
void comparison(Warp &warp, const Instruction &instruction, Mask mask) {
  compute<uint32_t, 2>(warp, instruction, mask,
                       [](uint32_t x, uint32_t y) { return Compare(Decode(x), Decode(y)); });
}

/// The comparisons that hold where one side is not a number end in u.
template <auto Decode> Handler findComparison(const std::string &name) {
  if (name == "eq")
    return comparison<Decode, [](float x, float y) { return x == y; }>;
  if (name == "ne")
    return comparison<Decode, [](float x, float y) { return x < y || x > y; }>;
  if (name == "lt")
    return comparison<Decode, [](float x, float y) { return x < y; }>;
  if (name == "le")
    return comparison<Decode, [](float x, float y) { return x <= y; }>;
  if (name == "gt")
    return comparison<Decode, [](float x, float y) { return x > y; }>;
  if (name == "ge")
    return comparison<Decode, [](float x, float y) { return x >= y; }>;
  if (name == "num")
    return comparison<Decode, [](float x, float y) { return x == x && y == y; }>;
  if (name == "nan")
    return comparison<Decode, [](float x, float y) { return x != x || y != y; }>;
  if (name == "equ")
    return comparison<Decode, [](float x, float y) { return !(x < y || x > y); }>;
  if (name == "neu")
    return comparison<Decode, [](float x, float y) { return x != y; }>;
  if (name == "ltu")
    return comparison<Decode, [](float x, float y) { return !(x >= y); }>;
  if (name == "leu")
    return comparison<Decode, [](float x, float y) { return !(x > y); }>;
  if (name == "gtu")
    return comparison<Decode, [](float x, float y) { return !(x <= y); }>;
  return name == "geu" ? comparison<Decode, [](float x, float y) { return !(x < y); }> : Handler();
}
} // namespace

Handler flowhn::ptx::findFloatHandler(const Opcode &opcode) {
  const std::string &type = opcode.type();
  if (opcode.words[0] == "setp") {
    if (type == "f32")
      return findComparison<toFloat>(opcode.words[1]);
    if (type == "bf16")
      return findComparison<fromBF16>(opcode.words[1]);
    return type == "f16" ? findComparison<fromF16>(opcode.words[1]) : nullptr;
  }
  return type == "f32" ? findFloat32Handler(opcode.words[0]) : nullptr;
}
