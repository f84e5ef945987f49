//===- Conversions.cpp - Conversions between types ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include "Numbers.h"

#include <algorithm>

using namespace flowhn::ptx;

namespace {
/// Two numbers in a register, the second one below.
template <auto Encode> uint64_t pack(uint32_t high, uint32_t low) {
  return uint32_t(Encode(toFloat(high))) << 16 | Encode(toFloat(low));
}

/// Towards 0, to the nearest there is; what is not a number gives 0.
uint64_t truncateToInt(uint32_t bits) {
  double value = toFloat(bits);
  return std::isnan(value) ? 0 : int64_t(std::clamp(value, -0x1p31, 0x1p31 - 1));
}

Handler findFloatConversion(const Opcode &opcode) {
  const std::string &to = opcode.words[opcode.words.size() - 2], &from = opcode.type();
  if (opcode.text == "cvt.rna.tf32.f32")
    return handler<uint32_t, 1, roundToTF32>;
  if (to == "f16x2" && from == "f32")
    return handler<uint32_t, 2, pack<toF16>>;
  if (to == "bf16x2" && from == "f32")
    return handler<uint32_t, 2, pack<toBF16>>;
  if (to == "f16" && from == "f32")
    return handler<uint32_t, 1, [](uint32_t x) { return toF16(toFloat(x)); }>;
  if (to == "bf16" && from == "f32")
    return handler<uint32_t, 1, [](uint32_t x) { return toBF16(toFloat(x)); }>;
  if (to == "f32" && from == "f16")
    return handler<uint32_t, 1, [](uint32_t x) { return toBits(fromF16(x)); }>;
  if (to == "f32" && from == "bf16")
    return handler<uint32_t, 1, [](uint32_t x) { return toBits(fromBF16(x)); }>;
  return to == "s32" && from == "f32" && opcode.has("rzi") ? handler<uint32_t, 1, truncateToInt>
                                                           : Handler();
}

/// Integers are extended by their sign or by zeros; the register cuts them off.
Handler findExtension(const std::string &from) {
  if (from == "s8")
    return handler<int8_t, 1, [](int8_t x) -> int64_t { return x; }>;
  if (from == "s16")
    return handler<int16_t, 1, [](int16_t x) -> int64_t { return x; }>;
  if (from == "s32")
    return handler<int32_t, 1, [](int32_t x) -> int64_t { return x; }>;
  if (from == "u8")
    return handler<uint8_t, 1, [](uint8_t x) -> uint64_t { return x; }>;
  if (from == "u16")
    return handler<uint16_t, 1, [](uint16_t x) -> uint64_t { return x; }>;
  if (from == "u32")
    return handler<uint32_t, 1, [](uint32_t x) -> uint64_t { return x; }>;
  return from == "u64" || from == "s64" ? handler<uint64_t, 1, [](uint64_t x) { return x; }>
                                        : Handler();
}
} // namespace

Handler flowhn::ptx::findConversionHandler(const Opcode &opcode) {
  if (opcode.words[0] != "cvt")
    return nullptr;
  const std::string &to = opcode.words[opcode.words.size() - 2];
  bool integers =
      opcode.words.size() == 3 && (to[0] == 's' || to[0] == 'u') && opcode.typeKind() != 'f';
  return integers ? findExtension(opcode.type()) : findFloatConversion(opcode);
}
