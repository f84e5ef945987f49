//===- Numbers.h - Formats of floating-point numbers ------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_NUMBERS_H
#define FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_NUMBERS_H

#include <bit>
#include <cmath>
#include <cstdint>

namespace flowhn::ptx {

inline float toFloat(uint64_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits)); }
inline uint32_t toBits(float value) { return std::bit_cast<uint32_t>(value); }

inline float fromBF16(uint64_t bits) { return toFloat((bits & 0xffff) << 16); }
inline uint16_t toBF16(float value) {
  uint32_t bits = toBits(value);
  return std::isnan(value) ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

inline float fromF16(uint64_t bits) { return std::bit_cast<_Float16>(static_cast<uint16_t>(bits)); }
inline uint16_t toF16(float value) { return std::bit_cast<uint16_t>(static_cast<_Float16>(value)); }

/// Rounds to the 10 bits of mantissa of tf32, halves away from 0.
inline uint32_t roundToTF32(uint32_t bits) { return (bits + 0x1000) & 0xffffe000; }

} // namespace flowhn::ptx

#endif // FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_NUMBERS_H
