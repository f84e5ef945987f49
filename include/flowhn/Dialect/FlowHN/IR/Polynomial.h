//===- Polynomial.h - Costs as functions of a row length --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_IR_POLYNOMIAL_H
#define FLOWHN_DIALECT_FLOWHN_IR_POLYNOMIAL_H

#include "llvm/Support/MathExtras.h"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

namespace mlir::flowhn {

/// a + b of two numbers ≥ 0, at most the largest 64-bit integer.
inline int64_t saturatingAdd(int64_t a, int64_t b) {
  int64_t sum;
  return llvm::AddOverflow(a, b, sum) ? std::numeric_limits<int64_t>::max() : sum;
}

/// The product of numbers ≥ 0, at most the largest 64-bit integer.
inline int64_t saturatingProduct(std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  bool overflow = false;
  for (int64_t factor : factors) {
    if (factor == 0)
      return 0;
    overflow |= bool(llvm::MulOverflow(product, factor, product));
  }
  return overflow ? std::numeric_limits<int64_t>::max() : product;
}

/// constant + linear·n + quadratic·n² with coefficients ≥ 0: exact in 64-bit
/// integers for every model that the importer admits, and stuck at the largest
/// one, so still not decreasing in n, beyond that.
struct Polynomial {
  int64_t constant = 0;
  int64_t linear = 0;
  int64_t quadratic = 0;

  int64_t operator()(int64_t n) const {
    int64_t slope = saturatingAdd(linear, saturatingProduct({n, quadratic}));
    return saturatingAdd(constant, saturatingProduct({n, slope}));
  }
  Polynomial &operator+=(const Polynomial &other) {
    constant = saturatingAdd(constant, other.constant);
    linear = saturatingAdd(linear, other.linear);
    quadratic = saturatingAdd(quadratic, other.quadratic);
    return *this;
  }
  /// For people: "16*n^2 + 1200*n".
  std::string str() const;

  friend Polynomial operator+(Polynomial lhs, const Polynomial &rhs) { return lhs += rhs; }
  friend bool operator==(const Polynomial &, const Polynomial &) = default;
};

} // namespace mlir::flowhn

#endif // FLOWHN_DIALECT_FLOWHN_IR_POLYNOMIAL_H
