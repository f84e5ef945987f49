//===- Matrices.cpp - Matrices of a warp: between shared memory and registers, and products ===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"

#include "Handlers.h"

#include <cstring>

using namespace flowhn::ptx;

namespace {
/// Matrices of 8×8 elements of 2 bytes; lane 8 i + r has the address of row r of matrix i.
constexpr int side = 8, rowBytes = 16;
using Tile = std::array<std::array<uint16_t, side>, side>;

std::span<const uint64_t> rowsOf(const Lanes &addresses, const std::vector<Operand> &registers) {
  return {addresses.data(), side * registers.size()};
}

void loadMatrices(Warp &warp, const Instruction &instruction, Mask mask) {
  const std::vector<Operand> &registers = instruction.arguments[0].parts;
  Lanes addresses = warp.addresses(instruction.arguments[1]);
  warp.shared().read(warp.agent, rowsOf(addresses, registers), rowBytes);
  for (size_t i = 0; i < registers.size(); ++i) {
    Tile tile;
    for (int row = 0; row < side; ++row)
      std::memcpy(tile[row].data(), warp.shared().data() + addresses[side * i + row], rowBytes);
    forLanes(mask, [&](int lane) {
      int row = lane / 4, column = lane % 4 * 2;
      bool transposed = instruction.flag;
      uint32_t low = transposed ? tile[column][row] : tile[row][column];
      uint32_t high = transposed ? tile[column + 1][row] : tile[row][column + 1];
      warp.write(registers[i], lane, high << 16 | low);
    });
  }
}

void storeMatrices(Warp &warp, const Instruction &instruction, Mask) {
  const std::vector<Operand> &registers = instruction.arguments[1].parts;
  Lanes addresses = warp.addresses(instruction.arguments[0]);
  warp.shared().write(warp.agent, rowsOf(addresses, registers), rowBytes);
  for (size_t i = 0; i < registers.size(); ++i)
    for (int lane = 0; lane < laneCount; ++lane) {
      uint32_t value = warp.read<uint32_t>(registers[i], lane);
      std::memcpy(warp.shared().data() + addresses[side * i + lane / 4] + lane % 4 * 4, &value, 4);
    }
}

template <int K>
void multiply(Warp &warp, const Instruction &instruction, const Matrix<16, K> &left,
              const Matrix<K, 8> &right) {
  addProduct(warp, instruction.arguments[0].parts, instruction.arguments[3].parts, false,
             [&](int row, int column) {
               float sum = 0;
               for (int k = 0; k < K; ++k)
                 sum += left[row * K + k] * right[k * 8 + column];
               return sum;
             });
}

template <auto Decode> void multiplyHalves(Warp &warp, const Instruction &instruction, Mask) {
  const std::vector<Operand> &registers = instruction.arguments[2].parts;
  Matrix<16, 8> right;
  for (int i = 0; i < 2; ++i)
    for (int lane = 0; lane < laneCount; ++lane) {
      uint64_t bits = warp.lanes(registers[i])[lane];
      int row = lane % 4 * 2 + 8 * i, column = lane / 4;
      right[row * 8 + column] = lowHalf<Decode>(bits);
      right[(row + 1) * 8 + column] = highHalf<Decode>(bits);
    }
  multiply<16>(warp, instruction, readRows<Decode>(warp, instruction.arguments[1].parts), right);
}

/// The hardware does not read the bits that tf32 has not.
float readTF32(Warp &warp, Operand operand, int lane) {
  return toFloat(warp.lanes(operand)[lane] & 0xffffe000);
}

void multiplyTF32(Warp &warp, const Instruction &instruction, Mask) {
  const std::vector<Operand> &a = instruction.arguments[1].parts;
  const std::vector<Operand> &b = instruction.arguments[2].parts;
  Matrix<16, 8> left;
  Matrix<8, 8> right;
  for (int lane = 0; lane < laneCount; ++lane) {
    for (int i = 0; i < 4; ++i)
      left[(lane / 4 + 8 * (i % 2)) * 8 + lane % 4 + 4 * (i / 2)] = readTF32(warp, a[i], lane);
    for (int i = 0; i < 2; ++i)
      right[(lane % 4 + 4 * i) * 8 + lane / 4] = readTF32(warp, b[i], lane);
  }
  multiply<8>(warp, instruction, left, right);
}

Handler findProduct(const Opcode &opcode) {
  if (opcode.text == "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
    return multiplyTF32;
  if (opcode.text == "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32")
    return multiplyHalves<fromF16>;
  return opcode.text == "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
             ? multiplyHalves<fromBF16>
             : nullptr;
}
} // namespace

Handler flowhn::ptx::findMatrixHandler(const Opcode &opcode, Instruction &instruction) {
  instruction.flag = opcode.has("trans");
  if (opcode.words[0] == "ldmatrix")
    return loadMatrices;
  if (opcode.words[0] == "stmatrix" && !instruction.flag)
    return storeMatrices;
  return findProduct(opcode);
}
