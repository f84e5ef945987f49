//===- Moves.cpp - Moves between registers, lanes and kinds of addresses --===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

using namespace flowhn::ptx;

namespace {
void move(Warp &warp, const Instruction &instruction, Mask mask) {
  warp.writeAll(instruction.operand(0), warp.lanes(instruction.operand(1)), mask);
}

/// One register of `number` bits to several smaller ones.
void unpack(Warp &warp, const Instruction &instruction, Mask mask) {
  const std::vector<Operand> &parts = instruction.arguments[0].parts;
  int bits = instruction.number / parts.size();
  Lanes values = warp.lanes(instruction.operand(1));
  for (size_t i = 0; i < parts.size(); ++i)
    forLanes(mask, [&](int lane) {
      warp.write(parts[i], lane, values[lane] >> bits * i & ((uint64_t(1) << bits) - 1));
    });
}

void pack(Warp &warp, const Instruction &instruction, Mask mask) {
  const std::vector<Operand> &parts = instruction.arguments[1].parts;
  int bits = instruction.number / parts.size();
  Lanes result{};
  for (size_t i = 0; i < parts.size(); ++i)
    for (int lane = 0; lane < laneCount; ++lane)
      result[lane] |= (warp.lanes(parts[i])[lane] & ((uint64_t(1) << bits) - 1)) << bits * i;
  warp.writeAll(instruction.operand(0), result, mask);
}

void select(Warp &warp, const Instruction &instruction, Mask mask) {
  compute<uint64_t, 3>(warp, instruction, mask,
                       [](uint64_t x, uint64_t y, uint64_t first) { return first ? x : y; });
}

template <bool IsXor> void shuffle(Warp &warp, const Instruction &instruction, Mask mask) {
  const std::vector<Operand> &results = instruction.arguments[0].parts;
  const Lanes &values = warp.lanes(instruction.operand(1));
  const Lanes &places = warp.lanes(instruction.operand(2));
  int kept = warp.first(instruction.operand(3)) >> 8 & 31; // bits of the lane that the source keeps
  Lanes result;
  for (int lane = 0; lane < laneCount; ++lane) {
    int place = places[lane] & 31;
    result[lane] = values[IsXor ? lane ^ place : (lane & kept) | (place & ~kept)];
  }
  warp.writeAll(results[0], result, mask);
  if (results.size() > 1)
    forLanes(mask, [&](int lane) { warp.write(results[1], lane, 1); });
}

void sharedToGeneric(Warp &warp, const Instruction &instruction, Mask mask) {
  Lanes result = warp.lanes(instruction.operand(1));
  for (uint64_t &address : result)
    address += sharedWindow + (uint64_t(warp.block.rank) << rankShift);
  warp.writeAll(instruction.operand(0), result, mask);
}

void genericToCluster(Warp &warp, const Instruction &instruction, Mask mask) {
  compute<uint64_t, 1>(warp, instruction, mask, [](uint64_t x) { return x - sharedWindow; });
}

void genericToShared(Warp &warp, const Instruction &instruction, Mask mask) {
  compute<uint64_t, 1>(warp, instruction, mask, [](uint64_t x) { return x & sharedOffset; });
}

void mapToRank(Warp &warp, const Instruction &instruction, Mask mask) {
  compute<uint64_t, 2>(warp, instruction, mask, [](uint64_t address, uint64_t rank) {
    return (address & sharedOffset) | rank << rankShift;
  });
}

Handler findMove(const Opcode &opcode, Instruction &instruction) {
  instruction.number = opcode.typeBits();
  if (instruction.arguments[0].parts.size() > 1)
    return unpack;
  if (instruction.arguments[1].parts.size() > 1)
    return pack;
  instruction.copiesRegister = opcode.text == "mov.b32";
  return move;
}
} // namespace

Handler flowhn::ptx::findMoveHandler(const Opcode &opcode, Instruction &instruction) {
  if (opcode.words[0] == "mov")
    return findMove(opcode, instruction);
  if (opcode.words[0] == "selp")
    return select;
  if (opcode.starts("shfl.sync.bfly"))
    return shuffle<true>;
  if (opcode.starts("shfl.sync.idx"))
    return shuffle<false>;
  if (opcode.words[0] == "mapa")
    return mapToRank;
  if (opcode.words[0] != "cvta")
    return nullptr;
  if (opcode.words[1] == "shared")
    return sharedToGeneric;
  if (opcode.has("shared::cluster"))
    return genericToCluster;
  return opcode.starts("cvta.to.shared") ? genericToShared : move;
}
