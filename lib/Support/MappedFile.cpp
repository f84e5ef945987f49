//===- MappedFile.cpp - A file read through memory ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/MappedFile.h"

#include "flowhn/Support/Json.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace flowhn;

namespace {

/// Closes the descriptor at the end of the scope; the mapping outlives it.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0)
      ::close(value);
  }
};

Status systemError(const std::string &path, const char *what) {
  int code = errno;
  std::string message = "cannot " + std::string(what) + " " + quote(path) + ": " + strerror(code);
  if (code == ENOENT || code == ENOTDIR)
    return notFound(message);
  bool isExhausted = code == ENOMEM || code == EMFILE || code == ENFILE;
  return isExhausted ? resourceExhausted(message) : invalidInput(message);
}

Status checkMappable(const std::string &path, const struct stat &info) {
  if (S_ISDIR(info.st_mode))
    return invalidInput(quote(path) + " is a directory, expected a file");
  if (!S_ISREG(info.st_mode))
    return invalidInput(quote(path) + " is not a regular file");
  if (info.st_size == 0)
    return invalidInput(quote(path) + " is empty");
  return {};
}

} // namespace

Expected<MappedFile> MappedFile::open(const std::string &path) {
  if (path.find('\0') != path.npos)
    return notFound("cannot open " + quote(path) + ": a path holds no NUL byte");
  // Non-blocking, so that a named pipe is refused below instead of waited for.
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0)
    return systemError(path, "open");
  struct stat info = {};
  if (::fstat(file.value, &info) != 0)
    return systemError(path, "inspect");
  FLOWHN_RETURN_IF_ERROR(checkMappable(path, info));
  size_t length = size_t(info.st_size);
  void *base = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (base == MAP_FAILED)
    return systemError(path, "map");
  return MappedFile(path, static_cast<const std::byte *>(base), length);
}

MappedFile::MappedFile(std::string path, const std::byte *base, size_t length)
    : filePath(std::move(path)), base(base), length(length) {}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : filePath(std::move(other.filePath)), base(std::exchange(other.base, nullptr)),
      length(std::exchange(other.length, 0)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(filePath, other.filePath);
  std::swap(base, other.base);
  std::swap(length, other.length);
  return *this;
}

MappedFile::~MappedFile() {
  if (base)
    ::munmap(const_cast<std::byte *>(base), length);
}

void MappedFile::release(size_t offset, size_t size) const {
  size_t page = size_t(::sysconf(_SC_PAGESIZE));
  if (offset >= length)
    return;
  size_t end = offset + std::min(size, length - offset);
  // Nothing of the file follows its last byte, so its last page goes whole.
  if (end != length)
    end -= end % page;
  size_t begin = (offset + page - 1) / page * page;
  if (begin < end)
    ::madvise(const_cast<std::byte *>(base) + begin, end - begin, MADV_DONTNEED);
}
