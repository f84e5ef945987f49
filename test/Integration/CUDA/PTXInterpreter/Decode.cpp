//===- Decode.cpp - Finds what an opcode does -----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

using namespace flowhn::ptx;

Handler flowhn::ptx::decode(const Opcode &opcode, Instruction &instruction) {
  for (auto find : {findIntegerHandler, findFloatHandler, findConversionHandler, findCopyHandler,
                    findBulkCopyHandler})
    if (Handler handler = find(opcode))
      return handler;
  for (auto find : {findMoveHandler, findAccessHandler, findMatrixHandler, findProductHandler,
                    findBarrierHandler})
    if (Handler handler = find(opcode, instruction))
      return handler;
  throw Unsupported("instruction " + instruction.text);
}
