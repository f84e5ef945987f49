//===- TestFiles.h - Files for the unit tests -------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_UNITTESTS_TESTFILES_H
#define FLOWHN_TEST_UNITTESTS_TESTFILES_H

#include "flowhn/Support/Status.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <span>
#include <sstream>
#include <stdlib.h>
#include <string>
#include <string_view>

namespace flowhn::test {

/// A directory that is removed with the object.
class TempDir {
public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flowhn-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string file(std::string_view name) const { return (path / name).string(); }
  std::string write(std::string_view name, std::string_view content) const {
    std::ofstream(file(name), std::ios::binary) << content;
    return file(name);
  }

  std::filesystem::path path;
};

inline std::span<const std::byte> asBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string readFile(const std::string &path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

/// The bytes of a safetensors file with this header and buffer.
inline std::string safeTensorsFile(std::string_view header, std::string_view buffer) {
  uint64_t length = header.size();
  std::string file(reinterpret_cast<const char *>(&length), sizeof(length));
  return file.append(header).append(buffer);
}

/// Fails unless `status` is an error of this code whose message holds `part`, is a
/// printable text and follows the house rules.
inline void expectError(const Status &status, StatusCode code, std::string_view part) {
  EXPECT_EQ(int(status.code()), int(code)) << status.message();
  EXPECT_NE(status.message().find(part), std::string::npos)
      << "expected: " << part << "\n     got: " << status.message();
  EXPECT_FALSE(status.message().ends_with('.')) << status.message();
}

} // namespace flowhn::test

#endif // FLOWHN_TEST_UNITTESTS_TESTFILES_H
