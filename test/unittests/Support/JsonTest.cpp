//===- JsonTest.cpp - JSON from untrusted text ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Json.h"
#include "../TestFiles.h"

#include <cmath>
#include <nlohmann/json.hpp>

using namespace flowhn;
using namespace flowhn::test;
using nlohmann::json;

namespace {

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, refusesWithPlaceAndRule) {
  const struct {
    std::string text;
    const char *message;
  } cases[] = {
      {"", "t: line 1, column 1: syntax error"},
      {"{", "line 1, column 2: syntax error"},
      {"{\"a\":1,\n \"b\":tru}", "line 2, column"},
      {"{} x", "line 1, column 4: syntax error"},
      {"{}{}", "line 1, column 3: syntax error"},
      {std::string("{}\0 1", 5), "line 1, column 3: unexpected NUL byte"},
      {"{\"a\":1, \"a\":2}", "line 1, column 11: duplicate key 'a'"},
      {"{\"x\":{\"k\":1,\n\"k\":2}}", "line 2, column 3: duplicate key 'k'"},
      {"{\"a\\u0000b\":1,\"a\\u0000b\":2}", "duplicate key 'a\\x00b'"},
      {nested(65), "nesting deeper than 64 levels"},
      {std::string(200000, '['), "nesting deeper than 64 levels"},
      {"[" + std::string(5000000, ',') + "]", "syntax error"},
      {"1e999", "line 1, column 5: number overflow"},
      {"{Infinity: 1}", "a key must be a string"},
      {"1Infinity", "syntax error"},
      {"InfinityNaN", "syntax error"},
      {"- Infinity", "syntax error"},
      {"-NaN", "syntax error"},
      {"[Infinity1]", "syntax error"},
      {"infinity", "syntax error"},
      {"\"Infinity", "syntax error"},
      {"\"\xff\xfe\"", "ill-formed UTF-8"},
      {"// no\n1", "syntax error"},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.text.substr(0, 40));
    expectError(parseJson(c.text, "t").status(), StatusCode::InvalidInput, c.message);
  }
}

TEST(Json, limitsTheNumberOfValues) {
  std::string text = "[0";
  for (int i = 0; i < (1 << 22); ++i)
    text += ",0";
  expectError(parseJson(text + "]", "t").status(), StatusCode::InvalidInput,
              "more than 4194304 values");
}

TEST(Json, readsWhatItShould) {
  Expected<json> value =
      parseJson(" {\"a\": [1, -2, 2.5, true, null], \"b\": {\"c\": \"d\"}}\n", "t");
  ASSERT_TRUE(value.ok()) << value.status().message();
  EXPECT_EQ(value->dump(), R"({"a":[1,-2,2.5,true,null],"b":{"c":"d"}})");
  EXPECT_TRUE(parseJson(nested(64), "t").ok());
  EXPECT_TRUE(parseJson("\xef\xbb\xbf{}", "t").ok()) << "a byte order mark";
}

TEST(Json, readsSpecialNumbersAndLeavesStringsAlone) {
  Expected<json> value = parseJson(
      R"({"Infinity": "-Infinity", "q\"NaN": ["", Infinity, "\\", -Infinity, "NaN", NaN, ""],
          "f": {"__float__": "Infinity"}, "g": {"__float__": "1.5"},
          "h": {"__float__": "NaN", "x": Infinity}})",
      "t");
  ASSERT_TRUE(value.ok()) << value.status().message();
  EXPECT_EQ((*value)["Infinity"], "-Infinity");
  const json &list = (*value)["q\"NaN"];
  ASSERT_EQ(list.size(), 7u);
  EXPECT_EQ(list[0], "");
  EXPECT_EQ(list[1].get<double>(), INFINITY);
  EXPECT_EQ(list[2], "\\");
  EXPECT_EQ(list[3].get<double>(), -INFINITY);
  EXPECT_EQ(list[4], "NaN");
  EXPECT_TRUE(std::isnan(list[5].get<double>()));
  EXPECT_EQ(list[6], "");
  EXPECT_EQ((*value)["f"].get<double>(), INFINITY);
  EXPECT_TRUE((*value)["g"].is_object());
  EXPECT_TRUE((*value)["h"].is_object());
  EXPECT_EQ((*value)["h"]["x"].get<double>(), INFINITY);
}

TEST(Json, describesValuesInMessages) {
  EXPECT_EQ(describe(json("a\"b")), "string \"a\\\"b\"");
  EXPECT_EQ(describe(json(64.0)), "number 64.0");
  EXPECT_EQ(describe(json(INFINITY)), "number inf");
  EXPECT_EQ(describe(json(true)), "boolean true");
  EXPECT_EQ(describe(json()), "null");
  EXPECT_EQ(describe(json::array({1, 2})), "an array of 2");
  EXPECT_EQ(quote(std::string("a\n\x80", 3)), "'a\\x0a\\x80'");
  EXPECT_EQ(quote(std::string(1000, 'a')).size(), 165u);
}

} // namespace
