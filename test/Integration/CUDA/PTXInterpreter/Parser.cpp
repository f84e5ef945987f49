//===- Parser.cpp - Reads PTX ---------------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

#include "Text.h"

#include <algorithm>

using namespace flowhn::ptx;

Parser::Parser(std::string_view source, Program &program)
    : text(withoutComments(source)), program(program) {
  const char *names[] = {"%tid.x",    "%ctaid.x", "%ctaid.y",         "%ctaid.z",
                         "%nctaid.x", "%ntid.x",  "%cluster_ctarank", "%cluster_nctaid.x"};
  for (int slot = 0; slot < Specials; ++slot)
    registers[names[slot]] = {slot, 32};
}

void Parser::parse() {
  parseShared();
  std::string_view rest = text;
  size_t entry = rest.find(".entry");
  if (entry == std::string_view::npos)
    throw Unsupported("no kernel");
  rest = rest.substr(entry + 6);
  size_t open = rest.find('('), close = rest.find(')');
  program.name = trim(rest.substr(0, open));
  parseParameters(rest.substr(open + 1, close - open - 1));
  rest = rest.substr(close);
  size_t begin = rest.find('{') + 1;
  parseBody(rest.substr(begin, rest.rfind('}') - begin));
  resolveLabels();
}

void Parser::parseShared() {
  struct Variable {
    uint64_t align, size;
    std::string name;
  };
  std::vector<Variable> variables;
  for (size_t at = text.find(".shared .align"); at != std::string::npos;
       at = text.find(".shared .align", at + 1)) {
    std::string_view rest = std::string_view(text).substr(at, text.find(';', at) - at);
    takeWord(rest), takeWord(rest);
    Variable variable{};
    parseNumber(takeWord(rest), variable.align);
    takeWord(rest);
    size_t bracket = rest.find('[');
    variable.name = trim(rest.substr(0, bracket));
    parseNumber(rest.substr(bracket + 1, rest.find(']') - bracket - 1), variable.size);
    variables.push_back(variable);
  }
  // What has no size comes behind the others.
  std::ranges::stable_sort(variables, {}, [](const Variable &one) { return one.size == 0; });
  uint64_t &offset = program.sharedBytes;
  for (const Variable &variable : variables) {
    offset = (offset + variable.align - 1) / variable.align * variable.align;
    symbols[variable.name] = offset;
    offset += variable.size;
  }
}

void Parser::parseParameters(std::string_view list) {
  for (std::string_view declaration : split(list)) {
    std::string_view name = declaration.substr(declaration.find_last_of(" \t") + 1);
    name = name.substr(0, std::min(name.find('['), name.size()));
    symbols[std::string(name)] = parameterBase + parameterBytes * program.parameters.size();
    program.parameters.emplace_back(name);
  }
}

void Parser::parseBody(std::string_view body) {
  scopes.push_back({scopeCount++, {}});
  for (body = trim(body); !body.empty(); body = trim(body)) {
    size_t length = 1;
    if (body[0] == '{') {
      scopes.push_back({scopeCount++, {}});
    } else if (body[0] == '}') {
      scopes.pop_back();
    } else if (size_t label = labelLength(body)) {
      labels[{std::string(body.substr(0, label)), scopes.back().number}] = program.end();
      length = label + 1;
    } else {
      size_t end = std::min(body.find(';'), body.size());
      parseStatement(trim(body.substr(0, end)));
      length = std::min(end + 1, body.size());
    }
    body.remove_prefix(length);
  }
}

void Parser::parseStatement(std::string_view statement) {
  if (statement.starts_with(".reg"))
    declareRegisters(statement);
  else if (!statement.empty() && statement[0] != '.')
    parseInstruction(statement);
}

void Parser::declareRegisters(std::string_view statement) {
  takeWord(statement);
  std::string_view type = takeWord(statement);
  uint64_t bits = 1;
  if (type != ".pred")
    parseNumber(type.substr(2), bits);
  for (std::string_view name : split(statement)) {
    size_t row = name.find('<');
    if (row != std::string_view::npos)
      prefixes[std::string(name.substr(0, row))] = bits;
    else
      scopes.back().registers[std::string(name)] = newRegister(bits);
  }
}

void Parser::parseInstruction(std::string_view statement) {
  Instruction instruction;
  if (statement[0] == '@') {
    std::string_view predicate = takeWord(statement).substr(1);
    instruction.negated = predicate.starts_with('!');
    instruction.predicate = parseOperand(predicate.substr(instruction.negated));
  }
  instruction.text = joinWords(statement);
  Opcode opcode(takeWord(statement));
  if (opcode.words[0] == "bra") {
    addBranch(instruction, statement);
    return;
  }
  for (std::string_view argument : split(statement))
    instruction.arguments.push_back(parseArgument(argument));
  program.waitsForKernels |= opcode.text == "griddepcontrol.wait";
  if (opcode.text == "ret")
    instruction.kind = Instruction::Return;
  else
    instruction.handler = decode(opcode, instruction);
  program.instructions.push_back(std::move(instruction));
}

void Parser::addBranch(Instruction &instruction, std::string_view label) {
  instruction.kind = Instruction::Branch;
  uses.push_back({program.end(), std::string(trim(label)), scopes.back().number});
  program.instructions.push_back(std::move(instruction));
}

void Parser::resolveLabels() {
  for (const Label &use : uses) {
    auto found = labels.find({use.name, use.scope});
    if (found == labels.end())
      found = labels.find({use.name, 0});
    if (found == labels.end())
      throw Unsupported("no label " + use.name);
    program.instructions[use.instruction].target = found->second;
  }
}

/// Registers, and constants of an address, are told apart by the brackets alone.
Argument Parser::parseArgument(std::string_view argument) {
  Argument result;
  if (argument[0] == '[') {
    std::vector<std::string_view> inner = split(argument.substr(1, argument.size() - 2));
    std::string_view base = inner[0];
    if (size_t plus = base.find('+'); plus != std::string_view::npos) {
      uint64_t offset = 0;
      if (!parseNumber(base.substr(plus + 1), offset))
        throw Unsupported("address " + std::string(argument));
      result.offset = offset;
      base = base.substr(0, plus);
    }
    result.parts.push_back(parseOperand(trim(base)));
    if (inner.size() == 2)
      for (const Operand &coordinate : parseArgument(inner[1]).parts)
        result.parts.push_back(coordinate);
  } else if (argument[0] == '{') {
    for (std::string_view part : split(argument.substr(1, argument.size() - 2)))
      result.parts.push_back(parseOperand(part));
  } else {
    for (size_t bar; (bar = argument.find('|')) != std::string_view::npos;
         argument.remove_prefix(bar + 1))
      result.parts.push_back(parseOperand(argument.substr(0, bar)));
    result.parts.push_back(parseOperand(argument));
  }
  return result;
}

Operand Parser::parseOperand(std::string_view name) {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto found = scope->registers.find(name); found != scope->registers.end())
      return found->second;
  if (auto found = registers.find(name); found != registers.end())
    return found->second;
  if (name[0] == '%') {
    auto prefix = prefixes.find(name.substr(0, name.find_last_not_of("0123456789") + 1));
    if (prefix == prefixes.end())
      throw Unsupported("register " + std::string(name));
    return registers[std::string(name)] = newRegister(prefix->second);
  }
  if (name == "_") // takes what nobody wants
    return newRegister(64);
  uint64_t value = 0;
  size_t plus = name.find('+');
  if (auto symbol = symbols.find(name.substr(0, plus)); symbol != symbols.end()) {
    if (plus != std::string_view::npos && !parseNumber(name.substr(plus + 1), value))
      throw Unsupported("operand " + std::string(name));
    return constant(symbol->second + value);
  }
  if (!parseNumber(name, value))
    throw Unsupported("operand " + std::string(name));
  return constant(value);
}

Operand Parser::constant(uint64_t value) {
  auto [place, isNew] = constants.try_emplace(value);
  if (isNew) {
    place->second = newRegister(64);
    program.constants.push_back({place->second.slot, value});
  }
  return place->second;
}
