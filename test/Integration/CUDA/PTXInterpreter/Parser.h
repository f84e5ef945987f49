//===- Parser.h - Reads PTX -------------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_PARSER_H
#define FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_PARSER_H

#include "Program.h"

namespace flowhn::ptx {

/// Reads a file of one kernel into a program. Nothing is checked that ptxas checks.
class Parser {
public:
  Parser(std::string_view text, Program &program);

  void parse();

private:
  struct Scope {
    int number;
    std::map<std::string, Operand, std::less<>> registers;
  };
  struct Label {
    int instruction;
    std::string name;
    int scope;
  };

  void parseShared();
  void parseParameters(std::string_view text);
  void parseBody(std::string_view body);
  void parseStatement(std::string_view statement);
  void declareRegisters(std::string_view statement);
  void parseInstruction(std::string_view statement);
  void addBranch(Instruction &instruction, std::string_view label);
  Argument parseArgument(std::string_view text);
  Operand parseOperand(std::string_view text);
  Operand constant(uint64_t value);
  Operand newRegister(int bits) { return {program.slots++, bits}; }
  void resolveLabels();

  std::string text; // without comments
  Program &program;
  std::vector<Scope> scopes;
  int scopeCount = 0;
  std::map<std::string, int, std::less<>> prefixes; // of registers in rows: their bits
  std::map<std::string, Operand, std::less<>> registers;
  std::map<std::string, uint64_t, std::less<>> symbols; // addresses
  std::map<uint64_t, Operand> constants;
  std::map<std::pair<std::string, int>, int> labels;
  std::vector<Label> uses;
};

} // namespace flowhn::ptx

#endif // FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_PARSER_H
