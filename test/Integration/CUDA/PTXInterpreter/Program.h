//===- Program.h - A kernel's PTX, decoded ----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_PROGRAM_H
#define FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_PROGRAM_H

#include <array>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn::ptx {

/// What no correct kernel does.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// PTX that the interpreter does not know.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr int laneCount = 32;
/// A number for each lane of a warp, zero-extended.
using Lanes = std::array<uint64_t, laneCount>;
/// A bit for each lane.
using Mask = uint32_t;
constexpr Mask allLanes = ~0u;

/// Where parameters seem to be: the address of the first one, and how far apart they are.
constexpr uint64_t parameterBase = 0x500000000000, parameterBytes = 256;

/// The registers that every kernel has, in front of its own.
enum Special : int {
  ThreadX,
  BlockX,
  BlockY,
  BlockZ,
  GridX,
  BlockThreads,
  ClusterRank,
  ClusterBlocks,
  Specials
};

/// A register, or a constant, which has a register of its own.
struct Operand {
  int slot = -1;
  int bits = 64; // 1 for predicates
};

/// One operand as it is written: registers, {lists} of them and [addresses], whose coordinates
/// follow the base.
struct Argument {
  std::vector<Operand> parts;
  int64_t offset = 0;
};

/// The words of an opcode: ld.global.b32 has three.
class Opcode {
public:
  explicit Opcode(std::string_view text);

  std::string text;
  std::vector<std::string> words;

  bool has(std::string_view word) const;
  bool starts(std::string_view prefix) const { return text.starts_with(prefix); }
  const std::string &type() const { return words.back(); }
  /// The kind of the last word ('s', 'u', 'b', 'f') and its size.
  char typeKind() const { return type()[0]; }
  int typeBits() const;
};

class Warp;
struct Instruction;
/// Does what an instruction does in the lanes of a mask; may leave the warp waiting.
using Handler = void (*)(Warp &, const Instruction &, Mask);

struct Instruction {
  enum Kind : uint8_t { Plain, Branch, Return, Products };
  Kind kind = Plain;
  bool negated = false;
  bool copiesRegister = false; // mov.b32 of one register
  Operand predicate;           // slot -1: none
  Handler handler = nullptr;
  std::vector<Argument> arguments;
  int target = -1, reconvergence = -1; // of branches
  int number = 0;                      // of the opcode: how many columns, bytes, matrices
  bool flag = false;                   // of the opcode: transposed, relaxed, remote
  std::string text;

  Operand operand(int i) const { return arguments[i].parts[0]; }
};

/// A kernel's parameters, its shared variables and its instructions.
class Program {
public:
  explicit Program(std::string_view text);

  std::string name;
  std::vector<std::string> parameters;
  std::vector<Instruction> instructions;
  int slots = Specials;                            // of the register file
  std::vector<std::pair<int, uint64_t>> constants; // in which slots
  uint64_t sharedBytes = 0;                        // of its sized shared variables
  bool waitsForKernels = false;                    // griddepcontrol.wait

  int end() const { return instructions.size(); }
};

/// Sets where the two sides of each branch meet again.
void findReconvergence(Program &program);

/// What executes an opcode; sets what the handler wants to know of it.
Handler decode(const Opcode &opcode, Instruction &instruction);

} // namespace flowhn::ptx

#endif // FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_PROGRAM_H
