//===- SplitTable.cpp - Which tokens go to which branch -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Artifact/SplitTable.h"

#include "flowhn/Support/Json.h"

#include <algorithm>
#include <charconv>

using namespace flowhn;

namespace {

/// Takes the parts of a window's text off its front.
class WindowReader {
public:
  explicit WindowReader(std::string_view text) : rest(text) {}

  bool eat(std::string_view part) {
    if (!rest.starts_with(part))
      return false;
    rest.remove_prefix(part.size());
    return true;
  }
  bool eatNumber(int64_t &value) {
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc() || value < 0)
      return false;
    rest.remove_prefix(end - rest.data());
    return true;
  }
  bool atEnd() const { return rest.empty(); }

private:
  std::string_view rest;
};

bool readFixed(WindowReader &reader, SplitWindow &window) {
  window.kind = SplitWindow::Kind::Fixed;
  return reader.eat("start = ") && reader.eatNumber(window.start) && reader.eat(", count = ") &&
         reader.eatNumber(window.count) && reader.eat(", period = ") &&
         reader.eatNumber(window.period) && window.start < window.period &&
         window.count <= window.period;
}

bool readFraction(WindowReader &reader, SplitWindow &window) {
  if (reader.eat("first "))
    window.kind = SplitWindow::Kind::First;
  else if (reader.eat("last "))
    window.kind = SplitWindow::Kind::Last;
  else
    return false;
  window.roundUp = reader.eat("ceil ");
  return (window.roundUp || reader.eat("floor ")) && reader.eatNumber(window.numerator) &&
         reader.eat("/") && reader.eatNumber(window.denominator) &&
         window.numerator <= window.denominator && window.denominator > 0;
}

void append(std::vector<PositionRange> &ranges, int64_t begin, int64_t end) {
  if (begin >= end)
    return;
  if (!ranges.empty() && ranges.back().end == begin)
    ranges.back().end = end;
  else
    ranges.push_back({begin, end});
}

/// Attention takes [begin, end) of the first `length` positions.
BlockSplit splitAt(int64_t begin, int64_t end, int64_t length) {
  BlockSplit split;
  append(split.attention, std::min(begin, length), std::min(end, length));
  append(split.ssm, 0, std::min(begin, length));
  append(split.ssm, end, length);
  return split;
}

BlockSplit splitFixed(const SplitWindow &window, int64_t length) {
  int64_t end = window.start + window.count;
  if (end <= window.period)
    return splitAt(window.start, end, length);
  BlockSplit rest = splitAt(end - window.period, window.start, length);
  return {rest.ssm, rest.attention};
}

std::string describeRanges(std::string_view branch, const std::vector<PositionRange> &ranges) {
  std::string text = std::string(branch) + " " + std::to_string(countPositions(ranges)) + " tokens";
  for (const PositionRange &range : ranges)
    text += " [" + std::to_string(range.begin) + ", " + std::to_string(range.end) + ")";
  return text;
}

std::string describeRule(const SplitWindow &window) {
  if (window.kind == SplitWindow::Kind::All)
    return "attention all tokens, ssm all tokens";
  std::string fraction =
      std::to_string(window.numerator) + " L / " + std::to_string(window.denominator);
  return std::string("attention ") +
         (window.kind == SplitWindow::Kind::First ? "first " : "last ") +
         (window.roundUp ? "ceil(" : "floor(") + fraction + ") of L tokens, ssm the others";
}

} // namespace

Expected<SplitWindow> SplitWindow::parse(std::string_view text) {
  WindowReader reader(text);
  SplitWindow window;
  bool valid = reader.eat("#flowhn.window<") &&
               (reader.eat("all") || (window = {}, readFraction(reader, window)) ||
                (window = {}, readFixed(reader, window)));
  if (!valid || !reader.eat(">") || !reader.atEnd())
    return invalidInput("expected a split window, got " + quote(text));
  return window;
}

BlockSplit flowhn::splitPositions(const SplitWindow &window, int64_t length) {
  BlockSplit split;
  if (window.kind == SplitWindow::Kind::All) {
    append(split.attention, 0, length);
    append(split.ssm, 0, length);
    return split;
  }
  if (window.kind == SplitWindow::Kind::Fixed)
    return splitFixed(window, length);
  int64_t product = length * window.numerator;
  int64_t count = (product + (window.roundUp ? window.denominator - 1 : 0)) / window.denominator;
  return window.kind == SplitWindow::Kind::First ? splitAt(0, count, length)
                                                 : splitAt(length - count, length, length);
}

int64_t flowhn::countPositions(const std::vector<PositionRange> &ranges) {
  int64_t count = 0;
  for (const PositionRange &range : ranges)
    count += range.end - range.begin;
  return count;
}

Expected<std::vector<std::string>> flowhn::describeSplit(const ManifestModel &model) {
  std::vector<std::string> lines;
  for (const std::string &text : model.windows) {
    Expected<SplitWindow> window = SplitWindow::parse(text);
    if (!window.ok())
      return window.status();
    std::string line = "block " + std::to_string(lines.size()) + ": ";
    // A fixed window knows its context even where the model does not limit calls.
    int64_t length =
        window->kind == SplitWindow::Kind::Fixed ? window->period : model.contextLength;
    if (length > 0) {
      BlockSplit split = splitPositions(*window, length);
      line +=
          describeRanges("attention", split.attention) + ", " + describeRanges("ssm", split.ssm);
    } else {
      line += describeRule(*window);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}
