//===- SafeTensors.cpp - The safetensors file format ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/SafeTensors.h"

#include "flowhn/Support/Guard.h"
#include "flowhn/Support/Json.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

using namespace flowhn;
using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "tensors are used as they lie in the file");

namespace {

constexpr uint64_t maxHeaderBytes = 100'000'000;
constexpr std::array knownTypes = {DType::F32, DType::BF16, DType::F16, DType::F64, DType::I32,
                                   DType::I64, DType::I8,   DType::U8,  DType::I16, DType::Bool};

/// One header entry, checked by itself; offsets count from the buffer's start.
struct Entry {
  std::string name;
  DType type;
  std::vector<int64_t> shape;
  uint64_t begin;
  uint64_t end;
};

Expected<std::string_view> headerText(std::span<const std::byte> file) {
  uint64_t length = 0;
  if (file.size() < sizeof(length))
    return invalidInput("truncated: " + std::to_string(file.size()) +
                        " bytes, the header length alone takes 8");
  std::memcpy(&length, file.data(), sizeof(length));
  if (length > maxHeaderBytes)
    return invalidInput("header length " + std::to_string(length) + " exceeds " +
                        std::to_string(maxHeaderBytes));
  if (length > file.size() - sizeof(length))
    return invalidInput("truncated: header length " + std::to_string(length) + ", but only " +
                        std::to_string(file.size() - sizeof(length)) + " bytes follow");
  std::string_view text(reinterpret_cast<const char *>(file.data()) + sizeof(length), length);
  if (!text.starts_with('{'))
    return invalidInput("the header does not start with '{'");
  return text;
}

Expected<DType> readType(const json &value) {
  if (!value.is_string())
    return invalidInput("'dtype' must be a string, got " + describe(value));
  const auto &spelling = value.get_ref<const std::string &>();
  for (DType type : knownTypes)
    if (name(type) == spelling)
      return type;
  return unsupported("dtype " + quote(spelling) + " is not supported");
}

/// An array of integers in [0, 2^63).
Expected<std::vector<int64_t>> readExtents(const json &value, const char *key) {
  std::string rule = "'" + std::string(key) + "' must be an array of non-negative integers, got ";
  if (!value.is_array())
    return invalidInput(rule + describe(value));
  std::vector<int64_t> extents;
  for (const json &item : value) {
    if (!item.is_number_unsigned() ||
        item.get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max()))
      return invalidInput(rule + describe(item));
    extents.push_back(int64_t(item.get<uint64_t>()));
  }
  return extents;
}

/// The three keys of a tensor, each present and no other.
Status checkKeys(const json &value) {
  if (!value.is_object())
    return invalidInput("expected an object, got " + describe(value));
  for (const char *key : {"dtype", "shape", "data_offsets"})
    if (!value.contains(key))
      return invalidInput("missing '" + std::string(key) + "'");
  for (const auto &[key, item] : value.items())
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      return invalidInput("unknown key " + quote(key));
  return {};
}

Expected<Entry> readEntry(const std::string &name, const json &value) {
  FLOWHN_RETURN_IF_ERROR(checkKeys(value));
  Expected<DType> type = readType(value["dtype"]);
  FLOWHN_RETURN_IF_ERROR(type.status());
  Expected<std::vector<int64_t>> shape = readExtents(value["shape"], "shape");
  FLOWHN_RETURN_IF_ERROR(shape.status());
  Expected<std::vector<int64_t>> offsets = readExtents(value["data_offsets"], "data_offsets");
  FLOWHN_RETURN_IF_ERROR(offsets.status());
  if (offsets->size() != 2)
    return invalidInput("'data_offsets' must hold 2 integers, got " +
                        std::to_string(offsets->size()));
  int64_t begin = (*offsets)[0], end = (*offsets)[1];
  if (begin > end)
    return invalidInput("data offsets " + shapeString(*offsets) + " end before they begin");
  std::optional<int64_t> bytes = denseBytes(*type, *shape);
  if (!bytes)
    return invalidInput("size of shape " + shapeString(*shape) + " overflows");
  if (*bytes != end - begin)
    return invalidInput(std::string(flowhn::name(*type)) + " " + shapeString(*shape) + " takes " +
                        std::to_string(*bytes) + " bytes, data offsets " + shapeString(*offsets) +
                        " give " + std::to_string(end - begin));
  return Entry{name, *type, std::move(*shape), uint64_t(begin), uint64_t(end)};
}

Status readMetadata(const json &value, std::map<std::string, std::string> &metadata) {
  if (!value.is_object())
    return invalidInput("'__metadata__' must map strings to strings, got " + describe(value));
  for (const auto &[key, item] : value.items()) {
    if (!item.is_string())
      return invalidInput("'__metadata__' must map strings to strings, got " + describe(item) +
                          " for " + quote(key));
    metadata[key] = item.get<std::string>();
  }
  return {};
}

/// Contiguous from 0 to the end of the buffer, in some order.
Status checkCoverage(std::vector<Entry> &entries, uint64_t bufferBytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  uint64_t covered = 0;
  for (const Entry &entry : entries) {
    if (entry.end > bufferBytes)
      return invalidInput("tensor " + quote(entry.name) + ": ends at byte " +
                          std::to_string(entry.end) + " of a buffer of " +
                          std::to_string(bufferBytes));
    if (entry.begin != covered)
      return invalidInput("tensor " + quote(entry.name) + ": begins at byte " +
                          std::to_string(entry.begin) +
                          (entry.begin < covered ? ", overlapping the tensor that ends at "
                                                 : ", leaving a hole after byte ") +
                          std::to_string(covered));
    covered = entry.end;
  }
  if (covered != bufferBytes)
    return invalidInput("the tensors end at byte " + std::to_string(covered) + " of a buffer of " +
                        std::to_string(bufferBytes));
  return {};
}

/// The tensors and the metadata of a file.
struct Contents {
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;
};

Expected<Contents> readContents(std::span<const std::byte> file) {
  Expected<std::string_view> header = headerText(file);
  FLOWHN_RETURN_IF_ERROR(header.status());
  Expected<json> document = parseJson(*header, "header");
  FLOWHN_RETURN_IF_ERROR(document.status());

  Contents result;
  std::vector<Entry> entries;
  for (const auto &[name, value] : document->items()) {
    if (name == "__metadata__") {
      FLOWHN_RETURN_IF_ERROR(readMetadata(value, result.metadata));
      continue;
    }
    Expected<Entry> entry = readEntry(name, value);
    if (!entry.ok())
      return entry.status().withContext("tensor " + quote(name));
    entries.push_back(std::move(*entry));
  }
  std::span<const std::byte> buffer = file.subspan(sizeof(uint64_t) + header->size());
  FLOWHN_RETURN_IF_ERROR(checkCoverage(entries, buffer.size()));

  for (Entry &entry : entries)
    result.tensors.push_back({std::move(entry.name),
                              {entry.type, std::move(entry.shape), buffer.data() + entry.begin,
                               size_t(entry.end - entry.begin)}});
  std::sort(result.tensors.begin(), result.tensors.end(),
            [](const NamedTensor &a, const NamedTensor &b) { return a.name < b.name; });
  return result;
}

} // namespace

std::optional<int64_t> flowhn::denseBytes(DType type, std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count))
      return std::nullopt;
  if (__builtin_mul_overflow(count, byteSize(type), &count))
    return std::nullopt;
  return count;
}

std::string flowhn::shapeString(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size() && i < 16; ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() > 16 ? ", ...]" : "]");
}

Expected<SafeTensors> SafeTensors::parse(std::span<const std::byte> file, std::string_view source) {
  return guarded(source, [&]() -> Expected<SafeTensors> {
    Expected<Contents> contents = readContents(file);
    if (!contents.ok())
      return contents.status().withContext(source);
    SafeTensors result;
    result.entries = std::move(contents->tensors);
    result.metadataMap = std::move(contents->metadata);
    return result;
  });
}

Expected<SafeTensors> SafeTensors::open(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  FLOWHN_RETURN_IF_ERROR(file.status());
  Expected<SafeTensors> result = parse(file->bytes(), path);
  if (result.ok())
    result->mapping = std::move(*file);
  return result;
}

const TensorView *SafeTensors::find(std::string_view name) const {
  auto found = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const NamedTensor &entry, std::string_view wanted) { return entry.name < wanted; });
  return found != entries.end() && found->name == name ? &found->view : nullptr;
}

void SafeTensors::release(const TensorView &tensor) const {
  if (mapping)
    mapping->release(size_t(tensor.data - mapping->bytes().data()), tensor.bytes);
}
