//===- Polynomial.h - Costs as functions of a row length --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_IR_POLYNOMIAL_H
#define FLOWHN_DIALECT_FLOWHN_IR_POLYNOMIAL_H

#include <cstdint>

namespace mlir::flowhn {

/// constant + linear·n + quadratic·n², exact in 64-bit integers for every model
/// that the importer admits.
struct Polynomial {
  int64_t constant = 0;
  int64_t linear = 0;
  int64_t quadratic = 0;

  int64_t operator()(int64_t n) const { return constant + n * (linear + n * quadratic); }
  Polynomial &operator+=(const Polynomial &other) {
    constant += other.constant;
    linear += other.linear;
    quadratic += other.quadratic;
    return *this;
  }
  friend Polynomial operator+(Polynomial lhs, const Polynomial &rhs) { return lhs += rhs; }
  friend bool operator==(const Polynomial &, const Polynomial &) = default;
};

} // namespace mlir::flowhn

#endif // FLOWHN_DIALECT_FLOWHN_IR_POLYNOMIAL_H
