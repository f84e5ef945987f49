//===- TokenText.cpp - Tokens as they are read and written ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenText.h"

#include <charconv>
#include <cstdio>

using namespace flowhn;
using namespace flowhn::tools;

TokenText TokenText::of(const Session &session) {
  return TokenText(session.artifact().manifest().model.tokenizer == "bytes" ? Bytes : Ids);
}

static Expected<std::vector<int32_t>> parseIds(const std::string &text) {
  std::vector<int32_t> ids;
  const char *next = text.data(), *last = text.data() + text.size();
  while (next != last) {
    auto [end, error] = std::from_chars(next, last, ids.emplace_back());
    bool endsWell = end == last || (*end == ',' && end + 1 != last);
    if (error != std::errc() || !endsWell)
      return invalidInput("'" + text + "' is no list of token ids such as 1,2,3");
    next = end == last ? end : end + 1;
  }
  return ids;
}

Expected<std::vector<int32_t>> TokenText::parse(const std::string &text) const {
  if (kind == Ids)
    return parseIds(text);
  std::vector<int32_t> ids;
  for (unsigned char byte : text)
    ids.push_back(byte);
  return ids;
}

void TokenText::print(int32_t token, bool isFirst) const {
  if (kind == Ids)
    std::printf(isFirst ? "%d" : ",%d", token);
  else if (token < 256)
    std::fputc(token, stdout);
  else
    std::printf("<%d>", token);
}
