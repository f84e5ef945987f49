//===- Matrices.h - Fragments of matrices in the registers of a warp -*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_MATRICES_H
#define FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_MATRICES_H

#include "Machine.h"
#include "Numbers.h"

namespace flowhn::ptx {

/// The elements of a fragment, in rows of `Columns`.
template <int Rows, int Columns> using Matrix = std::array<float, size_t(Rows) * Columns>;

template <auto Decode> float lowHalf(uint64_t bits) { return Decode(bits & 0xffff); }
template <auto Decode> float highHalf(uint64_t bits) { return Decode(bits >> 16 & 0xffff); }

/// A 16×16 matrix of 2-byte elements, of which a lane has pairs in rows lane / 4 and 8 below.
template <auto Decode> Matrix<16, 16> readRows(Warp &warp, const std::vector<Operand> &registers) {
  Matrix<16, 16> result;
  for (int i = 0; i < 4; ++i)
    for (int lane = 0; lane < laneCount; ++lane) {
      int row = lane / 4 + 8 * (i % 2), column = lane % 4 * 2 + 8 * (i / 2);
      uint64_t bits = warp.lanes(registers[i])[lane];
      result[row * 16 + column] = lowHalf<Decode>(bits);
      result[row * 16 + column + 1] = highHalf<Decode>(bits);
    }
  return result;
}

/// Adds to registers of sums, of which a lane has pairs in rows lane / 4 and 8 below; with
/// `starts` they are 0 before.
template <typename Product>
void addProduct(Warp &warp, const std::vector<Operand> &results, const std::vector<Operand> &sums,
                bool starts, Product product) {
  for (int i = 0; i < int(results.size()); ++i)
    for (int lane = 0; lane < laneCount; ++lane) {
      float value = product(lane / 4 + 8 * (i / 2 % 2), i / 4 * 8 + lane % 4 * 2 + i % 2);
      if (!starts)
        value += toFloat(warp.lanes(sums[i])[lane]);
      warp.write(results[i], lane, toBits(value));
    }
}

} // namespace flowhn::ptx

#endif // FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_MATRICES_H
