//===- Handlers.h - What instructions do ------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_HANDLERS_H
#define FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_HANDLERS_H

#include "Machine.h"

namespace flowhn::ptx {

/// Each of these gives the handler of an opcode of its kind, or none.
Handler findIntegerHandler(const Opcode &opcode);
Handler findFloatHandler(const Opcode &opcode);
Handler findConversionHandler(const Opcode &opcode);
Handler findMoveHandler(const Opcode &opcode, Instruction &instruction);
Handler findAccessHandler(const Opcode &opcode, Instruction &instruction);
Handler findCopyHandler(const Opcode &opcode);
Handler findMatrixHandler(const Opcode &opcode, Instruction &instruction);
Handler findProductHandler(const Opcode &opcode, Instruction &instruction);
Handler findBarrierHandler(const Opcode &opcode, Instruction &instruction);
Handler findBulkCopyHandler(const Opcode &opcode);

/// Writes what `function` gives of the numbers, as T, of the operands after the first.
template <typename T, int Count, typename Function>
void compute(Warp &warp, const Instruction &instruction, Mask mask, Function function) {
  const Lanes &a = warp.lanes(instruction.operand(1));
  const Lanes &b = warp.lanes(instruction.operand(Count > 1 ? 2 : 1));
  const Lanes &c = warp.lanes(instruction.operand(Count > 2 ? 3 : 1));
  Lanes result;
  for (int lane = 0; lane < laneCount; ++lane) {
    T x = static_cast<T>(a[lane]), y = static_cast<T>(b[lane]), z = static_cast<T>(c[lane]);
    if constexpr (Count == 1)
      result[lane] = function(x);
    else if constexpr (Count == 2)
      result[lane] = function(x, y);
    else
      result[lane] = function(x, y, z);
  }
  warp.writeAll(instruction.operand(0), result, mask);
}

/// A lambda without captures makes a handler: `handler<T, Count, [](T x) {…}>`.
template <typename T, int Count, auto Function>
void handler(Warp &warp, const Instruction &instruction, Mask mask) {
  compute<T, Count>(warp, instruction, mask, Function);
}

} // namespace flowhn::ptx

#endif // FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_HANDLERS_H
