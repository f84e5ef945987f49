//===- Program.cpp - A kernel's PTX, decoded ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Parser.h"

#include <algorithm>
#include <charconv>

using namespace flowhn::ptx;

Opcode::Opcode(std::string_view source) : text(source) {
  while (!source.empty()) {
    size_t dot = std::min(source.find('.'), source.size());
    words.emplace_back(source.substr(0, dot));
    source.remove_prefix(std::min(dot + 1, source.size()));
  }
}

bool Opcode::has(std::string_view word) const {
  return std::ranges::find(words, word) != words.end();
}

int Opcode::typeBits() const {
  if (type() == "pred")
    return 1;
  std::string_view digits = type();
  digits.remove_prefix(std::min(digits.find_first_of("0123456789"), digits.size()));
  int bits = 0;
  std::from_chars(digits.begin(), digits.end(), bits);
  return bits;
}

Program::Program(std::string_view text) {
  Parser(text, *this).parse();
  findReconvergence(*this);
}
