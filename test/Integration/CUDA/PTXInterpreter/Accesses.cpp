//===- Accesses.cpp - Loads, stores and atomic additions ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

#include <algorithm>
#include <cstring>

using namespace flowhn::ptx;

namespace {
void checkAlignment(const Instruction &instruction, std::span<const uint64_t> addresses,
                    uint64_t bytes) {
  for (uint64_t address : addresses)
    if (address % bytes)
      throw Fault("misaligned: " + instruction.text + " at " + std::to_string(address));
}

/// Of all lanes of an access to global memory: the instruction's `number` of bytes for each
/// register.
uint64_t accessBytes(const Instruction &instruction, int argument) {
  return instruction.number * instruction.arguments[argument].parts.size();
}

void checkGlobal(Warp &warp, const Instruction &instruction, Mask mask,
                 std::span<const uint64_t> addresses, uint64_t bytes) {
  checkAlignment(instruction, addresses, bytes);
  warp.checkWaited(instruction, mask);
  for (uint64_t address : addresses)
    warp.cluster.global.check(address, bytes, instruction.text);
}

/// `place` gives where the bytes of a lane are.
template <typename Place>
void loadLanes(Warp &warp, const Instruction &instruction, Mask mask, Place place) {
  forLanes(mask, [&](int lane) {
    const uint8_t *source = place(lane);
    for (const Operand &part : instruction.arguments[0].parts) {
      uint64_t value = 0;
      std::memcpy(&value, source, instruction.number);
      warp.write(part, lane, value);
      source += instruction.number;
    }
  });
}

template <typename Place>
void storeLanes(Warp &warp, const Instruction &instruction, Mask mask, Place place) {
  forLanes(mask, [&](int lane) {
    uint8_t *target = place(lane);
    for (const Operand &part : instruction.arguments[1].parts) {
      std::memcpy(target, &warp.lanes(part)[lane], instruction.number);
      target += instruction.number;
    }
  });
}

void loadGlobal(Warp &warp, const Instruction &instruction, Mask mask) {
  Lanes addresses = warp.addresses(instruction.arguments[1]);
  checkGlobal(warp, instruction, mask, Selected(addresses, mask), accessBytes(instruction, 0));
  loadLanes(warp, instruction, mask,
            [&](int lane) { return warp.cluster.global.at(addresses[lane]); });
}

void storeGlobal(Warp &warp, const Instruction &instruction, Mask mask) {
  Lanes addresses = warp.addresses(instruction.arguments[0]);
  checkGlobal(warp, instruction, mask, Selected(addresses, mask), accessBytes(instruction, 1));
  storeLanes(warp, instruction, mask,
             [&](int lane) { return warp.cluster.global.at(addresses[lane]); });
}

void loadFrom(Warp &warp, Block &block, const Instruction &instruction, Mask mask,
              const Lanes &addresses) {
  Selected selected(addresses, mask);
  uint64_t bytes = accessBytes(instruction, 0);
  checkAlignment(instruction, selected, bytes);
  block.shared.read(warp.agent, selected, bytes);
  loadLanes(warp, instruction, mask,
            [&](int lane) { return block.shared.data() + addresses[lane]; });
}

void loadShared(Warp &warp, const Instruction &instruction, Mask mask) {
  loadFrom(warp, warp.block, instruction, mask, warp.addresses(instruction.arguments[1]));
}

/// The block whose memory `addresses` of shared::cluster are in, all of them one's; they become
/// addresses there.
Block &findBlock(Warp &warp, Mask mask, Lanes &addresses) {
  uint64_t rank = addresses[__builtin_ctz(mask)] >> rankShift;
  Block &block = warp.cluster.blockOf(rank);
  for (uint64_t &address : addresses)
    address -= rank << rankShift;
  return block;
}

void loadCluster(Warp &warp, const Instruction &instruction, Mask mask) {
  Lanes addresses = warp.addresses(instruction.arguments[1]);
  Block &block = findBlock(warp, mask, addresses);
  loadFrom(warp, block, instruction, mask, addresses);
}

void storeTo(Warp &warp, Block &block, const Instruction &instruction, Mask mask,
             const Lanes &addresses) {
  Selected selected(addresses, mask);
  uint64_t bytes = accessBytes(instruction, 1);
  checkAlignment(instruction, selected, bytes);
  block.shared.write(warp.agent, selected, bytes);
  storeLanes(warp, instruction, mask,
             [&](int lane) { return block.shared.data() + addresses[lane]; });
}

void storeShared(Warp &warp, const Instruction &instruction, Mask mask) {
  storeTo(warp, warp.block, instruction, mask, warp.addresses(instruction.arguments[0]));
}

void storeCluster(Warp &warp, const Instruction &instruction, Mask mask) {
  Lanes addresses = warp.addresses(instruction.arguments[0]);
  Block &block = findBlock(warp, mask, addresses);
  storeTo(warp, block, instruction, mask, addresses);
}

/// Values are those of arguments; kernels have no parameters in memory of their own.
void loadParameter(Warp &warp, const Instruction &instruction, Mask mask) {
  uint64_t address = warp.addresses(instruction.arguments[1])[0] - parameterBase;
  const std::span<const uint64_t> arguments = warp.cluster.launch.arguments;
  if (address % parameterBytes || address / parameterBytes >= arguments.size())
    throw Unsupported(instruction.text);
  Lanes result;
  result.fill(arguments[address / parameterBytes]);
  warp.writeAll(instruction.operand(0), result, mask);
}

/// One lane after the other.
template <typename T> void addShared(Warp &warp, const Instruction &instruction, Mask mask) {
  const size_t last = instruction.arguments.size() - 1;
  Lanes addresses = warp.addresses(instruction.arguments[last - 1]);
  const Lanes values = warp.lanes(instruction.operand(last));
  Selected selected(addresses, mask);
  checkAlignment(instruction, selected, sizeof(T));
  warp.shared().add(warp.agent, selected, sizeof(T));
  forLanes(mask, [&](int lane) {
    T old;
    std::memcpy(&old, warp.shared().data() + addresses[lane], sizeof(T));
    if (last == 2)
      warp.write(instruction.operand(0), lane, old);
    old += values[lane];
    std::memcpy(warp.shared().data() + addresses[lane], &old, sizeof(T));
  });
}

Handler findAddition(const Opcode &opcode) {
  if (!opcode.has("shared") || !opcode.has("add"))
    return nullptr;
  if (opcode.type() == "u32")
    return addShared<uint32_t>;
  return opcode.type() == "u64" ? addShared<uint64_t> : nullptr;
}
} // namespace

Handler flowhn::ptx::findAccessHandler(const Opcode &opcode, Instruction &instruction) {
  const std::string &name = opcode.words[0];
  if (name == "atom" || name == "red")
    return findAddition(opcode);
  if (name != "ld" && name != "st")
    return nullptr;
  instruction.number = opcode.typeBits() / 8;
  bool isLoad = name == "ld";
  if (opcode.words[1] == "global")
    return isLoad ? loadGlobal : storeGlobal;
  if (opcode.words[1] == "shared")
    return isLoad ? loadShared : storeShared;
  if (opcode.words[1] == "shared::cluster")
    return isLoad ? loadCluster : storeCluster;
  return opcode.words[1] == "param" && isLoad ? loadParameter : nullptr;
}
