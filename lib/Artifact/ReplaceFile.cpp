//===- ReplaceFile.cpp - Whole files or none ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReplaceFile.h"

#include "flowhn/Support/Json.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace flowhn;

namespace {

Status fileError(const std::string &path) {
  return resourceExhausted("cannot write " + quote(path) + ": " + std::strerror(errno));
}

/// A name that no other thread or process takes.
std::string pendingName(const std::string &path) {
  static std::atomic<unsigned> number{0};
  return path + "." + std::to_string(::getpid()) + "." + std::to_string(number++);
}

bool isReplaceable(const std::string &path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode);
}

/// `name` is what messages call the file.
Status writeTo(const std::string &path, int flags, std::span<const std::byte> bytes,
               const std::string &name) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
  if (file < 0)
    return fileError(name);
  Status status;
  while (status.ok() && !bytes.empty()) {
    ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written >= 0)
      bytes = bytes.subspan(size_t(written));
    else if (errno != EINTR)
      status = fileError(name);
  }
  // Some file systems report what they could not write here.
  if (::close(file) != 0 && status.ok())
    status = fileError(name);
  return status;
}

} // namespace

Status flowhn::replaceFile(const std::string &path, std::span<const std::byte> bytes) {
  if (!isReplaceable(path))
    return writeTo(path, O_TRUNC, bytes, path);
  std::string pending = pendingName(path);
  Status status = writeTo(pending, O_EXCL, bytes, path);
  if (status.ok() && ::rename(pending.c_str(), path.c_str()) != 0)
    status = fileError(path);
  if (!status.ok())
    ::unlink(pending.c_str());
  return status;
}
