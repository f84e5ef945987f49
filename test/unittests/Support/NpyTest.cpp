//===- NpyTest.cpp - NumPy array files ------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Npy.h"
#include "../TestFiles.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

std::string npy(const std::string &header, std::string_view data, int version = 1) {
  std::string file("\x93NUMPY", 6);
  file += {char(version), '\0', char(header.size() & 255), char(header.size() >> 8)};
  if (version == 2)
    file += std::string(2, '\0');
  return (file + header).append(data);
}

std::string dictionary(const char *type, const char *shape, const char *order = "False") {
  return std::string("{'descr': '") + type + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }  \n";
}

TEST(Npy, refusesHostileFiles) {
  std::string four(4, 'x');
  const struct {
    std::string file;
    StatusCode code;
    const char *message;
  } cases[] = {
      {"", StatusCode::InvalidInput, "f: not a npy file"},
      {"\x93NUMPY", StatusCode::InvalidInput, "truncated: 6 bytes"},
      {std::string("\x93NUMPY\2\0xx", 10), StatusCode::InvalidInput, "truncated: 10 bytes"},
      {npy(dictionary("<i4", "(1,)"), four, 3), StatusCode::Unsupported, "npy version 3.0"},
      {std::string("\x93NUMPY\1\0\xff\0{", 11), StatusCode::InvalidInput,
       "truncated: header length 255 in a file of 11"},
      {std::string("\x93NUMPY\2\0\xff\xff\xff\xff{", 13), StatusCode::InvalidInput,
       "header length 4294967295 exceeds 65536"},
      {npy("", ""), StatusCode::InvalidInput, "expected '{'"},
      {npy("{'descr': '<i4'", ""), StatusCode::InvalidInput, "expected ',' or '}'"},
      {npy("{'descr: 1}", ""), StatusCode::InvalidInput, "expected a key and ':'"},
      {npy("{'descr': '<i4', 'descr': '<i4'}", ""), StatusCode::InvalidInput,
       "duplicate header key 'descr'"},
      {npy("{'evil': 1}", ""), StatusCode::InvalidInput, "unknown header key 'evil'"},
      {npy("{}", ""), StatusCode::InvalidInput, "header lacks one of"},
      {npy(dictionary("<i4", "(1,)") + "x", four), StatusCode::InvalidInput,
       "expected the end of the header"},
      {npy(dictionary("<f4", "(1,)"), four), StatusCode::Unsupported, "element type '<f4'"},
      {npy(dictionary(">i4", "(1,)"), four), StatusCode::Unsupported, "element type '>i4'"},
      {npy(dictionary("|O", "(1,)"), four), StatusCode::Unsupported, "element type '|O'"},
      {npy(dictionary("<i4", "(1,)", "True"), four), StatusCode::Unsupported, "fortran order"},
      {npy(dictionary("<i4", "(1,)", "None"), four), StatusCode::InvalidInput, "True or False"},
      {npy(dictionary("<i4", "()"), four), StatusCode::Unsupported, "0 dimensions"},
      {npy(dictionary("<i4", "(1, 1, 1)"), four), StatusCode::Unsupported, "3 dimensions"},
      {npy(dictionary("<i4", "(-1,)"), four), StatusCode::InvalidInput, "expected an extent"},
      {npy(dictionary("<i4", "(1 1)"), four), StatusCode::InvalidInput, "expected an extent"},
      {npy(dictionary("<i4", "(99999999999999999999,)"), four), StatusCode::InvalidInput,
       "expected an extent"},
      {npy(dictionary("<i4", "(4294967296, 4294967296)"), ""), StatusCode::InvalidInput,
       "does not take the 0 bytes"},
      {npy(dictionary("<i4", "(2,)"), four), StatusCode::InvalidInput, "does not take the 4 bytes"},
      {npy(dictionary("<i8", "(2,)"), std::string(17, 'x')), StatusCode::InvalidInput,
       "I64 [2] does not take the 17 bytes"},
  };
  for (const auto &c : cases) {
    SCOPED_TRACE(c.message);
    expectError(parseNpyIds(asBytes(c.file), "f").status(), c.code, c.message);
  }
}

TEST(Npy, readsIdsOfBothWidthsAndVersions) {
  int32_t narrow[] = {1, -2, 3, 4};
  std::string_view narrowBytes(reinterpret_cast<const char *>(narrow), sizeof(narrow));
  for (int version : {1, 2}) {
    Expected<NpyIds> ids =
        parseNpyIds(asBytes(npy(dictionary("<i4", "(2, 2)"), narrowBytes, version)), "f");
    ASSERT_TRUE(ids.ok()) << ids.status().message();
    EXPECT_EQ(ids->shape, (std::vector<int64_t>{2, 2}));
    EXPECT_EQ(ids->values, (std::vector<int64_t>{1, -2, 3, 4}));
  }
  int64_t wide = int64_t(1) << 40;
  std::string_view wideBytes(reinterpret_cast<const char *>(&wide), sizeof(wide));
  Expected<NpyIds> ids = parseNpyIds(asBytes(npy(dictionary("<i8", "(1,)"), wideBytes)), "f");
  ASSERT_TRUE(ids.ok()) << ids.status().message();
  EXPECT_EQ(ids->values, std::vector<int64_t>{wide});
  ids = parseNpyIds(asBytes(npy(dictionary("<i8", "(0, 5)"), "")), "f");
  EXPECT_TRUE(ids.ok() && ids->values.empty());
}

TEST(Npy, writesWhatNumpyReads) {
  TempDir dir;
  std::string path = dir.file("a.npy");
  float values[] = {1, 2, 3, 4, 5, 6};
  int64_t shape[] = {3, 1, 2}, flat[] = {6};
  ASSERT_TRUE(writeNpy(path, values, shape).ok());
  std::string file = readFile(path);
  EXPECT_EQ((file.size() - sizeof(values)) % 64, 0u);
  EXPECT_EQ(file.substr(10, 61), "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 2), ");
  EXPECT_EQ(file[file.size() - sizeof(values) - 1], '\n');
  EXPECT_EQ(std::memcmp(file.data() + file.size() - sizeof(values), values, sizeof(values)), 0);
  ASSERT_TRUE(writeNpy(path, values, flat).ok());
  EXPECT_NE(readFile(path).find("'shape': (6,), }"), std::string::npos);
  expectError(writeNpy(path, values, std::span(shape, 1)), StatusCode::InvalidArgument,
              "shape [3] does not hold 6 values");
  expectError(writeNpy(dir.file("no/where"), values, flat), StatusCode::ResourceExhausted,
              "cannot write");
  expectError(writeNpy("/dev/full", values, flat), StatusCode::ResourceExhausted, "No space left");
}

} // namespace
