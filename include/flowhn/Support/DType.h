//===- DType.h - Element types ----------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_DTYPE_H
#define FLOWHN_SUPPORT_DTYPE_H

#include <cstdint>
#include <string_view>

namespace flowhn {

/// Element type of a tensor in memory or in a file. The values are part of the
/// artifact format: append, never renumber.
enum class DType : uint8_t { F32 = 0, BF16 = 1, F16 = 2, F64 = 3, I32 = 4, I64 = 5, I8 = 6, U8 = 7, I16 = 8, Bool = 9 };

/// Bytes of one element.
constexpr int64_t byteSize(DType type) {
  switch (type) {
  case DType::F64:
  case DType::I64:
    return 8;
  case DType::F32:
  case DType::I32:
    return 4;
  case DType::BF16:
  case DType::F16:
  case DType::I16:
    return 2;
  case DType::I8:
  case DType::U8:
  case DType::Bool:
    return 1;
  }
  return 0;
}

/// The safetensors spelling, for example "BF16".
constexpr std::string_view name(DType type) {
  switch (type) {
  case DType::F32:
    return "F32";
  case DType::BF16:
    return "BF16";
  case DType::F16:
    return "F16";
  case DType::F64:
    return "F64";
  case DType::I32:
    return "I32";
  case DType::I64:
    return "I64";
  case DType::I8:
    return "I8";
  case DType::U8:
    return "U8";
  case DType::I16:
    return "I16";
  case DType::Bool:
    return "BOOL";
  }
  return "?";
}

} // namespace flowhn

#endif // FLOWHN_SUPPORT_DTYPE_H
