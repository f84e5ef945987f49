//===- HalfPrecision.h - Floats of 16 bits ----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_HALFPRECISION_H
#define FLOWHN_SUPPORT_HALFPRECISION_H

#include <bit>
#include <cmath>
#include <cstdint>

namespace flowhn {

inline float widenBF16(uint16_t value) { return std::bit_cast<float>(uint32_t(value) << 16); }

inline float widenF16(uint16_t value) {
  uint32_t half = value;
  uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
  if (exponent == 0) // zero and subnormal: fraction · 2^-24
    return std::copysign(float(fraction) * 0x1p-24f, std::bit_cast<float>(sign));
  uint32_t biased = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | biased << 23 | fraction << 13);
}

/// The nearest bfloat16, to even; what is not a number stays so.
inline uint16_t roundToBF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  bool isNumber = (bits & 0x7fffffff) <= 0x7f800000;
  return uint16_t(isNumber ? rounded : bits >> 16 | 0x40);
}

/// The nearest float16, to even: infinity from 65520 on; what is not a number stays so.
inline uint16_t roundToF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff;
  uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  if (magnitude > 0x7f800000)
    return uint16_t(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= std::bit_cast<uint32_t>(65520.0f))
    return uint16_t(sign | 0x7c00);
  // Below 2^-14: the sum with 0.5 has the fraction's last place, 2^-24, as its own.
  if (magnitude < std::bit_cast<uint32_t>(0x1p-14f)) {
    float aligned = std::bit_cast<float>(magnitude) + 0.5f;
    return uint16_t(sign | (std::bit_cast<uint32_t>(aligned) - std::bit_cast<uint32_t>(0.5f)));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return uint16_t(sign | ((rounded - (112u << 23)) >> 13));
}

} // namespace flowhn

#endif // FLOWHN_SUPPORT_HALFPRECISION_H
