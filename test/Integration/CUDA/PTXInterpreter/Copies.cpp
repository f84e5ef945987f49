//===- Copies.cpp - Copies from global to shared memory that a warp waits for ===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

#include <cstring>

using namespace flowhn::ptx;

namespace {
Warp::Copy copyOf(Warp &warp, const Instruction &instruction, int lane) {
  Lanes shared = warp.addresses(instruction.arguments[0]);
  Lanes global = warp.addresses(instruction.arguments[1]);
  uint64_t bytes = warp.first(instruction.operand(2));
  bool isPartial = instruction.arguments.size() > 3; // the bytes behind those that are read are 0
  uint64_t read = isPartial ? warp.read<uint32_t>(instruction.operand(3), lane) : bytes;
  return {shared[lane], global[lane], bytes, read};
}

void checkCopy(Warp &warp, const Instruction &instruction, const Warp::Copy &copy) {
  if (copy.shared % copy.bytes || copy.global % copy.bytes)
    throw Fault("misaligned: " + instruction.text);
  if (copy.read > copy.bytes)
    throw Fault(instruction.text + " reads " + std::to_string(copy.read) + " bytes");
  warp.cluster.global.check(copy.global, copy.read, instruction.text);
}

/// Copies are done when they are waited for, as late as can be.
void startCopies(Warp &warp, const Instruction &instruction, Mask mask) {
  warp.checkWaited(instruction, mask);
  forLanes(mask, [&](int lane) {
    Warp::Copy copy = copyOf(warp, instruction, lane);
    checkCopy(warp, instruction, copy);
    warp.shared().writeFor(warp.agent, warp.shared().copies(warp.agent), warp.copyCount + 1,
                           {&copy.shared, 1}, copy.bytes);
    warp.copies.push_back(copy);
  });
}

void commit(Warp &warp, const Instruction &, Mask) {
  warp.copyGroups.push_back(std::move(warp.copies));
  warp.copies.clear();
  ++warp.copyCount;
}

void finish(Warp &warp, const Warp::Copy &copy) {
  uint8_t *target = warp.shared().data() + copy.shared;
  std::memset(target, 0, copy.bytes);
  std::memcpy(target, warp.cluster.global.at(copy.global), copy.read);
}

void wait(Warp &warp, const Instruction &instruction, Mask) {
  size_t left = warp.first(instruction.operand(0));
  for (; warp.copyGroups.size() > left; warp.copyGroups.pop_front())
    for (const Warp::Copy &copy : warp.copyGroups.front())
      finish(warp, copy);
  warp.shared().wait(warp.agent, warp.shared().copies(warp.agent), warp.copyCount - int(left));
}
} // namespace

Handler flowhn::ptx::findCopyHandler(const Opcode &opcode) {
  if (opcode.starts("cp.async.cg.") || opcode.starts("cp.async.ca."))
    return startCopies;
  if (opcode.text == "cp.async.commit_group")
    return commit;
  return opcode.text == "cp.async.wait_group" ? wait : nullptr;
}
