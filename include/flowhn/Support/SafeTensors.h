//===- SafeTensors.h - The safetensors file format --------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_SAFETENSORS_H
#define FLOWHN_SUPPORT_SAFETENSORS_H

#include "flowhn/Support/DType.h"
#include "flowhn/Support/MappedFile.h"
#include "flowhn/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// A dense, row-major tensor in memory that somebody else owns.
struct TensorView {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  /// Little-endian elements. Files need not align them: copy, or load unaligned.
  const std::byte *data = nullptr;
  size_t bytes = 0;
};

struct NamedTensor {
  std::string name;
  TensorView view;
};

/// Bytes of a dense tensor; empty for a negative extent or when the product does
/// not fit an int64_t. Like the format, extents multiply from the left: [0, huge,
/// huge] has size 0, [huge, huge, 0] overflows.
std::optional<int64_t> denseBytes(DType type, std::span<const int64_t> shape);

/// `[2, 3]`, for messages.
std::string shapeString(std::span<const int64_t> shape);

/// The tensors of one safetensors file. Every rule of the format is enforced on
/// the way in: a header of at most 100,000,000 bytes that starts with `{`, no
/// duplicate names, tensors that fill the buffer without hole or overlap, each as
/// long as its shape and type say. Types outside `DType` are Unsupported.
class SafeTensors {
public:
  /// Maps the file; the views live as long as the returned object or what it is
  /// moved into.
  static Expected<SafeTensors> open(const std::string &path);
  /// Reads from memory that outlives the result. `source` names it in messages.
  static Expected<SafeTensors> parse(std::span<const std::byte> file, std::string_view source);

  /// Sorted by name.
  const std::vector<NamedTensor> &tensors() const { return entries; }
  /// Null when there is none of that name.
  const TensorView *find(std::string_view name) const;
  /// The `__metadata__` map, empty when absent.
  const std::map<std::string, std::string> &metadata() const { return metadataMap; }
  /// Drops the pages of one of this file's tensors from memory, see `MappedFile`.
  void release(const TensorView &tensor) const;

private:
  std::optional<MappedFile> mapping;
  std::vector<NamedTensor> entries;
  std::map<std::string, std::string> metadataMap;
};

} // namespace flowhn

#endif // FLOWHN_SUPPORT_SAFETENSORS_H
