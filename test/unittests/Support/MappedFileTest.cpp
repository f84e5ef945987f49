//===- MappedFileTest.cpp - A file read through memory --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/MappedFile.h"
#include "../TestFiles.h"

#include <sys/stat.h>
#include <unistd.h>

using namespace flowhn;
using namespace flowhn::test;

namespace {

/// KiB of the mapping that begins at `base` that lie in memory.
size_t residentKiB(const std::byte *base) {
  std::ifstream maps("/proc/self/smaps");
  std::ostringstream start;
  start << std::hex << reinterpret_cast<uintptr_t>(base) << '-';
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    inside |= line.starts_with(start.str());
    if (inside && line.starts_with("Rss:"))
      return std::stoul(line.substr(4));
  }
  return 0;
}

TEST(MappedFile, refusesWhatCannotBeMapped) {
  TempDir dir;
  std::string fifo = dir.file("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const struct {
    std::string path;
    StatusCode code;
    const char *message;
  } cases[] = {
      {dir.file("missing"), StatusCode::NotFound, "No such file"},
      {dir.write("plain", "x") + "/below", StatusCode::NotFound, "Not a directory"},
      {"", StatusCode::NotFound, "cannot open ''"},
      {std::string("a\0b", 3), StatusCode::NotFound, "NUL"},
      {dir.path.string(), StatusCode::InvalidInput, "is a directory, expected a file"},
      {dir.write("empty", ""), StatusCode::InvalidInput, "is empty"},
      {fifo, StatusCode::InvalidInput, "is not a regular file"},
      {"/dev/null", StatusCode::InvalidInput, "is not a regular file"},
  };
  for (const auto &c : cases)
    expectError(MappedFile::open(c.path).status(), c.code, c.message);
}

TEST(MappedFile, refusesUnreadableFiles) {
  TempDir dir;
  std::string path = dir.write("secret", "x");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  if (::geteuid() == 0)
    GTEST_SKIP() << "root reads everything";
  expectError(MappedFile::open(path).status(), StatusCode::InvalidInput, "Permission denied");
}

TEST(MappedFile, keepsItsBytesWhenMoved) {
  TempDir dir;
  Expected<MappedFile> file = MappedFile::open(dir.write("a", "hello"));
  ASSERT_TRUE(file.ok());
  const std::byte *before = file->bytes().data();
  MappedFile moved = std::move(*file);
  EXPECT_EQ(moved.bytes().data(), before);
  EXPECT_EQ(moved.text(), "hello");
  EXPECT_TRUE(file->bytes().empty());
  *file = std::move(moved);
  EXPECT_EQ(file->text(), "hello");
}

TEST(MappedFile, releaseDropsWholePagesAndKeepsTheContent) {
  TempDir dir;
  size_t size = (32 << 20) + 5;
  Expected<MappedFile> file = MappedFile::open(dir.write("big", std::string(size, 'x')));
  ASSERT_TRUE(file.ok());
  auto touch = [&] {
    size_t count = 0;
    for (size_t i = 0; i < size; i += 512)
      count += file->text()[i] == 'x';
    return count;
  };
  ASSERT_EQ(touch(), (size + 511) / 512);
  size_t page = size_t(::sysconf(_SC_PAGESIZE));
  EXPECT_GE(residentKiB(file->bytes().data()), size / 1024);
  file->release(1, size - 1);
  // The page that byte 0 is in may stay, and goes when the kernel mapped it with others.
  EXPECT_LE(residentKiB(file->bytes().data()), page / 1024);
  EXPECT_EQ(touch(), (size + 511) / 512);
  for (auto [offset, length] : {std::pair<size_t, size_t>{size, 1},
                                {size - 1, SIZE_MAX},
                                {0, 0},
                                {1, 5},
                                {SIZE_MAX, SIZE_MAX},
                                {page, page - 1}})
    file->release(offset, length);
  EXPECT_EQ(touch(), (size + 511) / 512);
}

} // namespace
