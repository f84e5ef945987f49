//===- ElementReaders.h - Reading stored elements as others -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_ELEMENTREADERS_H
#define FLOWHN_LIB_RUNTIME_ELEMENTREADERS_H

#include "flowhn/Artifact/Plan_generated.h"
#include "flowhn/Support/DType.h"
#include "flowhn/Support/HalfPrecision.h"

#include <cmath>
#include <cstddef>
#include <cstring>

namespace flowhn {

// Ways to read one element at an address that need not be aligned.

/// Keeps the bits.
template <typename T> struct Copy {
  using Stored = T;
  static constexpr int64_t bytes = sizeof(T);
  static T load(const std::byte *from) {
    T value;
    std::memcpy(&value, from, sizeof(value));
    return value;
  }
};

template <float (*widenHalf)(uint16_t)> struct Widened {
  using Stored = float;
  static constexpr int64_t bytes = 2;
  static float load(const std::byte *from) { return widenHalf(Copy<uint16_t>::load(from)); }
};

template <typename Source> struct NegExp {
  using Stored = float;
  static constexpr int64_t bytes = Source::bytes;
  static float load(const std::byte *from) { return -std::exp(Source::load(from)); }
};

template <typename Source, uint16_t (*round)(float)> struct Rounded {
  using Stored = uint16_t;
  static constexpr int64_t bytes = Source::bytes;
  static uint16_t load(const std::byte *from) { return round(Source::load(from)); }
};

/// Runs `work` with the way to read values stored as `stored` in float32.
template <typename Work> void widen(DType stored, const Work &work) {
  if (stored == DType::BF16)
    return work.template as<Widened<widenBF16>>();
  if (stored == DType::F16)
    return work.template as<Widened<widenF16>>();
  work.template as<Copy<float>>();
}

/// Work on the values that the parameter's transform makes.
template <typename Work> struct Transformed {
  const fb::Parameter &parameter;
  const Work &work;

  template <typename Source> void as() const {
    if (parameter.transform() == fb::Transform::NegExp)
      return work.template as<NegExp<Source>>();
    work.template as<Source>();
  }
};

/// Work on values of 16 bits.
template <typename Work, uint16_t (*round)(float)> struct Rounding {
  const Work &work;

  template <typename Source> void as() const { work.template as<Rounded<Source, round>>(); }
};

/// Runs `work` with the way to read values stored as `stored`.
template <typename Work>
void convert(const fb::Parameter &parameter, DType stored, const Work &work) {
  DType wanted = DType(parameter.dtype());
  if (wanted == DType::F32)
    return widen(stored, Transformed<Work>{parameter, work});
  if (stored == wanted)
    return work.template as<Copy<uint16_t>>();
  if (wanted == DType::F16)
    return widen(stored, Rounding<Work, roundToF16>{work});
  widen(stored, Rounding<Work, roundToBF16>{work});
}

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_ELEMENTREADERS_H
