//===- Warp.cpp - A warp of an interpreted kernel -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <bit>

using namespace flowhn::ptx;

Warp::Warp(Cluster &cluster, Block &block, int number)
    : cluster(cluster), block(block), number(number), agent(block.rank * block.warps + number),
      registers(cluster.program.slots), stack{{0, cluster.program.end(), allLanes}} {
  auto fill = [&](int slot, uint64_t value) { registers[slot].fill(value); };
  for (int lane = 0; lane < laneCount; ++lane)
    registers[ThreadX][lane] = number * laneCount + lane;
  fill(BlockX, block.index[0]);
  fill(BlockY, block.index[1]);
  fill(BlockZ, block.index[2]);
  fill(GridX, cluster.launch.grid[0]);
  fill(BlockThreads, cluster.launch.threads);
  fill(ClusterRank, block.rank);
  fill(ClusterBlocks, cluster.launch.clusterBlocks);
  for (auto [slot, value] : cluster.program.constants)
    fill(slot, value);
}

void Warp::writeAll(Operand operand, const Lanes &values, Mask mask) {
  Lanes &target = registers[operand.slot];
  if (mask == allLanes) {
    for (int lane = 0; lane < laneCount; ++lane)
      target[lane] = narrow(values[lane], operand.bits);
    return;
  }
  forLanes(mask, [&](int lane) { target[lane] = narrow(values[lane], operand.bits); });
}

Lanes Warp::addresses(const Argument &argument) const {
  Lanes result = lanes(argument.parts[0]);
  for (uint64_t &address : result)
    address += argument.offset;
  return result;
}

void Warp::checkWaited(const Instruction &instruction, Mask mask) const {
  if (cluster.program.waitsForKernels && (mask & ~waited))
    throw Fault(instruction.text + " before the wait for the kernels in front");
}

void Warp::endSums(int count) {
  std::erase_if(sums, [&](const auto &sum) { return sum.second <= count; });
}

const Instruction &Warp::current() const { return cluster.program.instructions[stack.back().next]; }

bool Warp::run() {
  bool progress = false;
  for (int turn = 0; turn < turnLength && step(); ++turn)
    progress = true;
  return progress;
}

/// Returns whether something was done; the warp waits or has ended, else.
bool Warp::step() {
  if (pending) {
    if (!pending())
      return false;
    pending = nullptr;
    ++stack.back().next;
    return true;
  }
  while (!stack.empty() && (stack.back().next == stack.back().end || !stack.back().mask ||
                            stack.back().next >= cluster.program.end()))
    stack.pop_back();
  if (stack.empty())
    return false;
  const Instruction &instruction = current();
  Mask mask = condition(instruction, stack.back().mask);
  if (instruction.kind == Instruction::Branch) {
    branch(instruction, mask);
  } else if (instruction.kind == Instruction::Return) {
    leave(mask);
    ++stack.back().next;
  } else {
    if (mask)
      execute(instruction, mask);
    if (!pending)
      ++stack.back().next;
  }
  return true;
}

Mask Warp::condition(const Instruction &instruction, Mask mask) const {
  if (instruction.predicate.slot < 0)
    return mask;
  const Lanes &values = lanes(instruction.predicate);
  Mask holds = 0;
  for (int lane = 0; lane < laneCount; ++lane)
    holds |= Mask(values[lane] != 0) << lane;
  return mask & (instruction.negated ? ~holds : holds);
}

void Warp::branch(const Instruction &instruction, Mask taken) {
  Path &path = stack.back();
  Mask others = path.mask & ~taken;
  int next = path.next + 1, meeting = instruction.reconvergence;
  if (!taken || !others) {
    path.next = taken ? instruction.target : next;
    return;
  }
  path.next = meeting;
  stack.push_back({next, meeting, others});
  stack.push_back({instruction.target, meeting, taken});
}

void Warp::leave(Mask lanes) {
  for (Path &path : stack)
    path.mask &= ~lanes;
}

void Warp::execute(const Instruction &instruction, Mask mask) {
  if (!sums.empty())
    checkSums(instruction);
  instruction.handler(*this, instruction, mask);
}

/// Sums of products are not touched before a wait for them, but moved.
void Warp::checkSums(const Instruction &instruction) {
  if (instruction.kind == Instruction::Products)
    return;
  if (instruction.copiesRegister)
    if (auto source = sums.find(instruction.operand(1).slot); source != sums.end()) {
      sums[instruction.operand(0).slot] = source->second;
      return;
    }
  for (const Argument &argument : instruction.arguments)
    for (Operand operand : argument.parts)
      if (sums.contains(operand.slot)) {
        if (!block.shared.races++)
          block.shared.firstRace = "sums are used before their wait: " + instruction.text;
        return;
      }
}
