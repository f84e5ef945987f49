//===- MappedFile.h - A file read through memory ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_MAPPEDFILE_H
#define FLOWHN_SUPPORT_MAPPEDFILE_H

#include "flowhn/Support/Status.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace flowhn {

/// A whole regular file, mapped read-only. The file must not shrink while it is
/// mapped. Move-only; the bytes keep their address when the object is moved.
class MappedFile {
public:
  /// NotFound when there is no such file; ResourceExhausted when memory or file descriptors
  /// run out; InvalidInput when it is not a regular file, empty or not readable.
  static Expected<MappedFile> open(const std::string &path);

  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {base, length}; }
  std::string_view text() const { return {reinterpret_cast<const char *>(base), length}; }
  const std::string &path() const { return filePath; }

  /// Lets go of the memory of the pages that lie wholly inside
  /// [offset, offset + size); they are read again from the file when touched. A
  /// range that reaches past the end is clipped.
  void release(size_t offset, size_t size) const;

private:
  MappedFile(std::string path, const std::byte *base, size_t length);

  std::string filePath;
  const std::byte *base = nullptr;
  size_t length = 0;
};

} // namespace flowhn

#endif // FLOWHN_SUPPORT_MAPPEDFILE_H
