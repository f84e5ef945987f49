//===- Products.cpp - Products of warpgroups ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"

#include "Handlers.h"

#include <algorithm>
#include <cstring>

using namespace flowhn::ptx;

namespace {
constexpr int depth = 16, groupRows = 16; // of a warp of the group

/// Where elements of 2 bytes lie in shared memory, in the layout of 128-byte swizzles.
struct Descriptor {
  explicit Descriptor(uint64_t bits)
      : start((bits & 0x3fff) << 4), leading((bits >> 16 & 0x3fff) << 4),
        stride((bits >> 32 & 0x3fff) << 4) {
    if (bits >> 62 != 1)
      throw Unsupported("a matrix descriptor without swizzles of 128 bytes");
  }
  /// Of element k of a row, the rows being as long as the swizzle.
  uint64_t inRow(int row, int k) const { return start + row / 8 * stride + row % 8 * 128 + k * 2; }
  /// Of element k of a column, where columns lie side by side.
  uint64_t inColumn(int column, int k) const {
    return start + column / 64 * leading + k / 8 * stride + k % 8 * 128 + column % 64 * 2;
  }

  uint64_t start, leading, stride;
};

/// The elements at `place(row, k)`, read on the warp's behalf: eight of them lie together.
template <auto Decode, typename Place>
std::vector<float> readElements(Warp &warp, int rows, Place place) {
  std::vector<uint64_t> addresses, pieces;
  for (int row = 0; row < rows; ++row)
    for (int k = 0; k < depth; ++k)
      addresses.push_back(swizzle(place(row, k)));
  for (uint64_t address : addresses)
    pieces.push_back(address & ~uint64_t(15));
  std::ranges::sort(pieces);
  pieces.erase(std::unique(pieces.begin(), pieces.end()), pieces.end());
  SharedMemory &shared = warp.shared();
  shared.readFor(warp.agent, shared.products(warp.agent), warp.productCount + 1, pieces, 16);
  std::vector<float> result;
  for (uint64_t address : addresses) {
    uint16_t bits;
    std::memcpy(&bits, shared.data() + address, 2);
    result.push_back(Decode(bits));
  }
  return result;
}

template <auto Decode>
std::vector<float> readLeft(Warp &warp, const Argument &argument, bool inRegisters) {
  if (inRegisters) {
    for (Operand operand : argument.parts)
      warp.noteSum(operand);
    Matrix<16, 16> rows = readRows<Decode>(warp, argument.parts);
    return {rows.begin(), rows.end()};
  }
  Descriptor descriptor(warp.first(argument.parts[0]));
  int first = warp.number % 4 * groupRows;
  return readElements<Decode>(warp, groupRows,
                              [&](int row, int k) { return descriptor.inRow(first + row, k); });
}

template <auto Decode>
std::vector<float> readRight(Warp &warp, const Argument &argument, int columns, bool transposed) {
  Descriptor descriptor(warp.first(argument.parts[0]));
  return readElements<Decode>(warp, columns, [&](int column, int k) {
    return transposed ? descriptor.inColumn(column, k) : descriptor.inRow(column, k);
  });
}

/// Operands: sums, left, right, whether sums are kept, signs of both, and which are transposed.
template <auto Decode> void multiply(Warp &warp, const Instruction &instruction, Mask) {
  const std::vector<Argument> &arguments = instruction.arguments;
  bool inRegisters = arguments[1].parts.size() > 1;
  int transposedAt = inRegisters ? 6 : 7;
  if (!inRegisters && warp.first(instruction.operand(6)))
    throw Unsupported("a transposed left side: " + instruction.text);
  bool transposed = warp.first(instruction.operand(transposedAt));
  std::vector<float> left = readLeft<Decode>(warp, arguments[1], inRegisters);
  std::vector<float> right = readRight<Decode>(warp, arguments[2], instruction.number, transposed);
  const std::vector<Operand> &sums = arguments[0].parts;
  bool starts = !warp.first(instruction.operand(3));
  addProduct(warp, sums, sums, starts, [&](int row, int column) {
    float sum = 0;
    for (int k = 0; k < depth; ++k)
      sum += left[row * depth + k] * right[column * depth + k];
    return sum;
  });
  for (Operand operand : sums)
    warp.noteSum(operand);
}

void commit(Warp &warp, const Instruction &, Mask) { ++warp.productCount; }

void wait(Warp &warp, const Instruction &instruction, Mask) {
  int finished = warp.productCount - int(warp.first(instruction.operand(0)));
  warp.shared().wait(warp.agent, warp.shared().products(warp.agent), finished);
  warp.endSums(finished);
}

void ignore(Warp &, const Instruction &, Mask) {}

Handler findProduct(const Opcode &opcode, Instruction &instruction) {
  std::string_view shape = opcode.words[4]; // m64n256k16
  if (!shape.starts_with("m64n") || !shape.ends_with("k16") || opcode.words[5] != "f32")
    return nullptr;
  instruction.number = int(std::strtol(shape.data() + 4, nullptr, 10));
  if (opcode.type() == "f16")
    return multiply<fromF16>;
  return opcode.type() == "bf16" ? multiply<fromBF16> : nullptr;
}
} // namespace

Handler flowhn::ptx::findProductHandler(const Opcode &opcode, Instruction &instruction) {
  if (opcode.words[0] != "wgmma")
    return nullptr;
  instruction.kind = Instruction::Products;
  if (opcode.words[1] == "mma_async")
    return findProduct(opcode, instruction);
  if (opcode.words[1] == "commit_group")
    return commit;
  if (opcode.words[1] == "wait_group")
    return wait;
  return opcode.words[1] == "fence" ? ignore : nullptr;
}
