//===- SafeTensorsTest.cpp - The safetensors file format ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/SafeTensors.h"
#include "../TestFiles.h"

#include <limits>

using namespace flowhn;
using namespace flowhn::test;

namespace {

/// `"name": {...}` of a header.
std::string tensor(const char *name, const char *type, const char *shape, const char *offsets) {
  return std::string("\"") + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

void expectRefused(std::string_view file, const char *message,
                   StatusCode code = StatusCode::InvalidInput) {
  SCOPED_TRACE(message);
  expectError(SafeTensors::parse(asBytes(file), "f").status(), code, message);
}

void expectRefused(const std::string &entries, size_t bytes, const char *message,
                   StatusCode code = StatusCode::InvalidInput) {
  expectRefused(safeTensorsFile("{" + entries + "}", std::string(bytes, 'x')), message, code);
}

TEST(SafeTensors, refusesBadHeaders) {
  expectRefused("", "f: truncated: 0 bytes");
  expectRefused("1234567", "truncated: 7 bytes");
  expectRefused(std::string(8, '\0'), "does not start with '{'");
  expectRefused(std::string("\x02\0\0\0\0\0\0\0{", 9), "header length 2, but only 1 bytes follow");
  expectRefused(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10),
                "header length 100000001 exceeds 100000000");
  expectRefused(std::string(8, '\xff') + "{}", "header length 18446744073709551615 exceeds");
  expectRefused(std::string("\0\xe1\xf5\x05\0\0\0\0{}", 10), "header length 100000000, but only");
  expectRefused(safeTensorsFile(" {}", ""), "does not start with '{'");
  expectRefused(safeTensorsFile("[]", ""), "does not start with '{'");
  expectRefused(safeTensorsFile("{}x", ""), "f: header: line 1, column 3");
  expectRefused(safeTensorsFile(std::string("{}\0", 3), ""), "NUL byte");
  expectRefused(safeTensorsFile("{\"a\":" + std::string(100000, '['), ""), "nesting deeper than");
}

TEST(SafeTensors, refusesBadEntries) {
  std::string good = tensor("a", "F32", "[1]", "[0,4]");
  expectRefused(good + "," + good, 4, "duplicate key 'a'");
  expectRefused("\"a\":1", 0, "tensor 'a': expected an object, got number 1");
  expectRefused("\"a\":{\"shape\":[],\"data_offsets\":[0,0]}", 0, "missing 'dtype'");
  expectRefused("\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,0]}", 0, "missing 'shape'");
  expectRefused("\"a\":{\"dtype\":\"F32\",\"shape\":[]}", 0, "missing 'data_offsets'");
  expectRefused("\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,0]}", 0,
                "'dtype' must be a string, got number 1");
  expectRefused("\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"scale\":2}", 1,
                "unknown key 'scale'");
  expectRefused(tensor("a", "F8_E4M3", "[1]", "[0,1]"), 1,
                "tensor 'a': dtype 'F8_E4M3' is not supported", StatusCode::Unsupported);
  expectRefused(tensor("a", "F32", "4", "[0,4]"), 4, "got number 4");
  expectRefused(tensor("a", "F32", "[1.0]", "[0,4]"), 4, "non-negative integers, got number 1.0");
  expectRefused(tensor("a", "F32", "[-1]", "[0,4]"), 4, "got number -1");
  expectRefused(tensor("a", "F32", "[true]", "[0,4]"), 4, "got boolean true");
  expectRefused(tensor("a", "F32", "[Infinity]", "[0,4]"), 4, "got number inf");
  expectRefused(tensor("a", "F32", "[9223372036854775808]", "[0,4]"), 4, "got number 92233720368");
  expectRefused(tensor("a", "F32", "[1]", "[0]"), 4, "must hold 2 integers, got 1");
  expectRefused(tensor("a", "F32", "[1]", "[0,4,8]"), 4, "must hold 2 integers, got 3");
  expectRefused(tensor("a", "F32", "[1]", "[4,0]"), 4, "end before they begin");
  expectRefused(tensor("a", "F32", "[2]", "[0,4]"), 4, "F32 [2] takes 8 bytes");
  expectRefused(tensor("a", "BF16", "[]", "[0,4]"), 4, "BF16 [] takes 2 bytes");
  expectRefused(tensor("a", "F32", "[4294967296,4294967296]", "[0,0]"), 0, "overflows");
  expectRefused(tensor("a", "U8", "[4294967296,4294967296,0]", "[0,0]"), 0, "overflows");
  expectRefused(tensor("a", "F64", "[2305843009213693952]", "[0,0]"), 0, "overflows");
  expectRefused("\"__metadata__\":3", 0, "'__metadata__' must map strings to strings");
  expectRefused("\"__metadata__\":{\"a\":1}", 0, "got number 1 for 'a'");
}

TEST(SafeTensors, refusesBuffersThatAreNotFilledExactly) {
  std::string a = tensor("a", "F32", "[1]", "[0,4]");
  expectRefused(a, 3, "tensor 'a': ends at byte 4 of a buffer of 3");
  expectRefused(a, 5, "the tensors end at byte 4 of a buffer of 5");
  expectRefused("", 1, "the tensors end at byte 0 of a buffer of 1");
  expectRefused(tensor("a", "F32", "[1]", "[4,8]"), 8, "leaving a hole after byte 0");
  expectRefused(a + "," + tensor("b", "U8", "[1]", "[5,6]"), 6, "leaving a hole after byte 4");
  expectRefused(a + "," + tensor("b", "U8", "[2]", "[3,5]"), 5,
                "tensor 'b': begins at byte 3, overlapping the tensor that ends at 4");
  expectRefused(a + "," + tensor("b", "F32", "[1]", "[0,4]"), 4, "overlapping");
  expectRefused(a + "," + tensor("b", "U8", "[0]", "[2,2]"), 4, "overlapping");
  expectRefused(tensor("a", "U8", "[9223372036854775807]", "[0,9223372036854775807]"), 4,
                "ends at byte 9223372036854775807 of a buffer of 4");
}

TEST(SafeTensors, readsWhatItShould) {
  std::string buffer = "0123456789abcd";
  std::string file = safeTensorsFile(
      "{" + tensor("z", "F32", "[1,2]", "[0,8]") + "," + tensor("b", "BF16", "[]", "[12,14]") +
          ",\"__metadata__\":{\"format\":\"pt\"}," + tensor("c", "I32", "[1]", "[8,12]") + "," +
          tensor("empty", "F64", "[0,9223372036854775807,5]", "[8,8]") + "}    ",
      buffer);
  Expected<SafeTensors> parsed = SafeTensors::parse(asBytes(file), "f");
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  std::vector<std::string> names;
  for (const NamedTensor &entry : parsed->tensors())
    names.push_back(entry.name);
  EXPECT_EQ(names, (std::vector<std::string>{"b", "c", "empty", "z"}));
  EXPECT_EQ(parsed->metadata().at("format"), "pt");
  const TensorView *c = parsed->find("c");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->type, DType::I32);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(c->data), c->bytes), "89ab");
  EXPECT_EQ(parsed->find("z")->shape, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(parsed->find("d"), nullptr);
  EXPECT_EQ(parsed->find("__metadata__"), nullptr);
  parsed->release(*c); // nothing to release in memory, and harmless
  EXPECT_TRUE(SafeTensors::parse(asBytes(safeTensorsFile("{}", "")), "f").ok());
}

TEST(SafeTensors, readsEveryFixture) {
  int count = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(FLOWHN_TEST_INPUTS)) {
    if (entry.path().extension() != ".safetensors")
      continue;
    Expected<SafeTensors> file = SafeTensors::open(entry.path().string());
    ASSERT_TRUE(file.ok()) << file.status().message();
    SafeTensors moved = std::move(*file);
    EXPECT_FALSE(moved.tensors().empty());
    const TensorView &last = moved.tensors().back().view;
    std::byte before = last.data[last.bytes - 1];
    moved.release(last);
    EXPECT_EQ(last.data[last.bytes - 1], before);
    ++count;
  }
  EXPECT_GE(count, 20);
}

TEST(SafeTensors, denseBytesChecksForOverflow) {
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(denseBytes(DType::F32, {}), 4);
  EXPECT_EQ(denseBytes(DType::BF16, Shape{3, 5}), 30);
  EXPECT_EQ(denseBytes(DType::U8, Shape{most}), most);
  EXPECT_EQ(denseBytes(DType::BF16, Shape{most}), std::nullopt);
  EXPECT_EQ(denseBytes(DType::U8, Shape{0, most, most}), 0);
  EXPECT_EQ(denseBytes(DType::U8, Shape{most, 2, 0}), std::nullopt);
  EXPECT_EQ(denseBytes(DType::U8, Shape{-1}), std::nullopt);
  EXPECT_EQ(shapeString(Shape{2, 3}), "[2, 3]");
  EXPECT_EQ(shapeString({}), "[]");
}

} // namespace
