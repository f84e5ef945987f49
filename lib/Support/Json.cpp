//===- Json.cpp - JSON from untrusted text --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

using namespace flowhn;
using nlohmann::json;

namespace {

constexpr size_t maxDepth = 64;
constexpr size_t maxValues = size_t(1) << 22;
constexpr size_t maxQuoted = 160;

/// Printable ASCII only, at most `limit` bytes of the input.
std::string printable(std::string_view text, size_t limit) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned char c : text.substr(0, limit)) {
    if (c >= 0x20 && c < 0x7f)
      out += char(c);
    else
      out += {'\\', 'x', digits[c >> 4], digits[c & 15]};
  }
  if (text.size() > limit)
    out += "...";
  return out;
}

std::string location(std::string_view text, size_t offset) {
  std::string_view before = text.substr(0, offset);
  size_t line = 1 + std::count(before.begin(), before.end(), '\n');
  size_t lineStart = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  return "line " + std::to_string(line) + ", column " +
         std::to_string(std::max<size_t>(1, before.size() - lineStart));
}

std::optional<double> specialNumber(std::string_view word) {
  if (word == "Infinity")
    return std::numeric_limits<double>::infinity();
  if (word == "-Infinity")
    return -std::numeric_limits<double>::infinity();
  if (word == "NaN")
    return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

/// The literals JSON does not have. Each is overwritten with an empty string and
/// spaces, which keeps every offset, and is known again by being the n-th string
/// of the text: no string that the text holds can be mistaken for one.
struct SpecialLiterals {
  std::string text;
  std::vector<std::pair<size_t, double>> values; ///< ordinal of the string, number
};

/// The offset after the string that opens at `open`.
size_t skipString(std::string_view text, size_t open) {
  size_t at = open + 1;
  while (at < text.size() && text[at] != '"')
    at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

SpecialLiterals replaceSpecialLiterals(std::string_view text) {
  SpecialLiterals result{std::string(text), {}};
  size_t ordinal = 0;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = skipString(text, at);
      ++ordinal;
      continue;
    }
    size_t length = 1;
    for (std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (!text.substr(at).starts_with(word))
        continue;
      length = word.size();
      result.text.replace(at, length, "\"\"" + std::string(length - 2, ' '));
      result.values.emplace_back(ordinal++, *specialNumber(word));
      break;
    }
    at += length;
  }
  return result;
}

/// Feeds the text to nlohmann and records how far it has been read.
class Cursor {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = const char &;

  Cursor(const char *at, const char **mark) : at(at), mark(mark) {}
  reference operator*() const { return *at; }
  Cursor &operator++() {
    *mark = ++at;
    return *this;
  }
  bool operator==(const Cursor &other) const { return at == other.at; }
  bool operator!=(const Cursor &other) const { return at != other.at; }

private:
  const char *at;
  const char **mark;
};

/// SAX events into a document, refusing what `parseJson` refuses.
class DocumentBuilder : public nlohmann::json_sax<json> {
public:
  DocumentBuilder(std::string_view text, const SpecialLiterals &specials)
      : text(text), specials(specials), mark(text.data()) {}

  const char **position() { return &mark; }
  json takeDocument() { return std::move(document); }
  const std::string &message() const { return problem; }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(int64_t value) override { return add(value); }
  bool number_unsigned(uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string &) override { return add(value); }
  bool binary(json::binary_t &) override { return fail("unexpected binary value"); }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }

  bool string(std::string &value) override {
    if (std::optional<double> number = takeSpecial())
      return add(*number);
    return add(std::move(value));
  }

  bool key(std::string &name) override {
    if (takeSpecial())
      return fail("a key must be a string");
    if (stack.back().value.contains(name))
      return fail("duplicate key " + quote(name));
    stack.back().key = std::move(name);
    return true;
  }

  bool end_object() override {
    json &object = stack.back().value;
    if (object.size() == 1 && object.begin().key() == "__float__" && object.begin()->is_string())
      if (auto number = specialNumber(object.begin()->get_ref<const std::string &>()))
        object = *number;
    return close();
  }

  bool parse_error(size_t offset, const std::string &, const json::exception &error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
    std::string_view what = error.what();
    size_t bracket = what.find("] ");
    what.remove_prefix(bracket == what.npos ? 0 : bracket + 2);
    if (constexpr std::string_view prefix = "parse error at "; what.starts_with(prefix))
      what.remove_prefix(prefix.size());
    problem = printable(what, maxQuoted);
    if (!what.starts_with("line "))
      problem = location(text, offset) + ": " + problem;
    return false;
  }

private:
  struct Frame {
    json value;
    std::string key;
  };

  bool fail(const std::string &what) {
    problem = location(text, mark - text.data()) + ": " + what;
    return false;
  }

  /// Counts one string and returns the number it stands for, if it does.
  std::optional<double> takeSpecial() {
    if (nextSpecial == specials.values.size() ||
        specials.values[nextSpecial].first != stringCount++)
      return std::nullopt;
    return specials.values[nextSpecial++].second;
  }

  bool countValue() {
    return ++valueCount <= maxValues || fail("more than " + std::to_string(maxValues) + " values");
  }

  bool open(json empty) {
    if (stack.size() == maxDepth)
      return fail("nesting deeper than " + std::to_string(maxDepth) + " levels");
    stack.push_back({std::move(empty), {}});
    return countValue();
  }

  bool close() {
    json value = std::move(stack.back().value);
    stack.pop_back();
    attach(std::move(value));
    return true;
  }

  bool add(json value) {
    attach(std::move(value));
    return countValue();
  }

  void attach(json value) {
    if (stack.empty())
      document = std::move(value);
    else if (Frame &frame = stack.back(); frame.value.is_array())
      frame.value.get_ref<json::array_t &>().push_back(std::move(value));
    else
      frame.value.get_ref<json::object_t &>().emplace(std::move(frame.key), std::move(value));
  }

  std::string_view text;
  const SpecialLiterals &specials;
  const char *mark;
  std::vector<Frame> stack;
  json document;
  std::string problem;
  size_t stringCount = 0;
  size_t nextSpecial = 0;
  size_t valueCount = 0;
};

Expected<json> parse(std::string_view text, std::string_view source) {
  // nlohmann takes a NUL for the end of the text, whatever follows.
  if (size_t nul = text.find('\0'); nul != text.npos)
    return invalidInput(std::string(source) + ": " + location(text, nul + 1) +
                        ": unexpected NUL byte");
  SpecialLiterals specials;
  if (text.find("Infinity") != text.npos || text.find("NaN") != text.npos) {
    specials = replaceSpecialLiterals(text);
    text = specials.text;
  }
  DocumentBuilder builder(text, specials);
  Cursor first(text.data(), builder.position());
  Cursor last(text.data() + text.size(), builder.position());
  if (!json::sax_parse(first, last, &builder))
    return invalidInput(std::string(source) + ": " + builder.message());
  return Expected<json>(builder.takeDocument());
}

} // namespace

Expected<json> flowhn::parseJson(std::string_view text, std::string_view source) {
  try {
    return parse(text, source);
  } catch (const std::exception &error) {
    return resourceExhausted(std::string(source) +
                             ": cannot hold the json document: " + error.what());
  }
}

std::string flowhn::describe(const json &value) {
  if (value.is_null())
    return "null";
  if (value.is_array())
    return "an array of " + std::to_string(value.size());
  if (value.is_object())
    return "an object";
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    return "number " + std::to_string(value.get<double>());
  return std::string(value.type_name()) + " " +
         printable(value.dump(-1, ' ', true, json::error_handler_t::replace), maxQuoted);
}

std::string flowhn::quote(std::string_view text) { return "'" + printable(text, maxQuoted) + "'"; }
