//===- Npy.cpp - NumPy array files ----------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Npy.h"

#include "flowhn/Support/Guard.h"
#include "flowhn/Support/Json.h"
#include "flowhn/Support/MappedFile.h"
#include "flowhn/Support/SafeTensors.h"

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>

using namespace flowhn;

static_assert(std::endian::native == std::endian::little, "elements are copied as they lie");

namespace {

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr size_t maxHeaderBytes = 1 << 16;

struct Header {
  DType type = DType::I32;
  std::vector<int64_t> shape;
  size_t dataOffset = 0;
};

/// Reads the Python dictionary literal of the header, left to right.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  /// `{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }`, in any order.
  Status parse(Header &header) {
    bool seen[3] = {};
    if (!take("{"))
      return expected("'{'");
    while (!take("}")) {
      std::string_view key;
      if (!takeString(key) || !take(":"))
        return expected("a key and ':'");
      int index = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : -1;
      if (index < 0)
        return invalidInput("unknown header key " + quote(key));
      if (seen[index])
        return invalidInput("duplicate header key " + quote(key));
      seen[index] = true;
      FLOWHN_RETURN_IF_ERROR(index == 0   ? readType(header)
                             : index == 1 ? readOrder()
                                          : readShape(header));
      if (!take(",") && !peek('}'))
        return expected("',' or '}'");
    }
    skipSpace();
    if (!rest.empty())
      return expected("the end of the header");
    if (!seen[0] || !seen[1] || !seen[2])
      return invalidInput("header lacks one of 'descr', 'fortran_order', 'shape'");
    return {};
  }

private:
  Status expected(const char *what) const {
    return invalidInput("header: expected " + std::string(what) + " at " +
                        quote(rest.substr(0, 20)));
  }

  void skipSpace() {
    size_t at = rest.find_first_not_of(" \n");
    rest.remove_prefix(at == rest.npos ? rest.size() : at);
  }

  bool peek(char c) {
    skipSpace();
    return rest.starts_with(c);
  }

  bool take(std::string_view token) {
    skipSpace();
    if (!rest.starts_with(token))
      return false;
    rest.remove_prefix(token.size());
    return true;
  }

  bool takeString(std::string_view &value) {
    if (!peek('\'') && !peek('"'))
      return false;
    size_t end = rest.find(rest.front(), 1);
    if (end == rest.npos)
      return false;
    value = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    return true;
  }

  Status readType(Header &header) {
    std::string_view descr;
    if (!takeString(descr))
      return expected("a type such as '<i4'");
    if (descr != "<i4" && descr != "<i8")
      return unsupported("element type " + quote(descr) + ", expected '<i4' or '<i8'");
    header.type = descr == "<i4" ? DType::I32 : DType::I64;
    return {};
  }

  Status readOrder() {
    if (take("True"))
      return unsupported("fortran order, expected C order");
    return take("False") ? Status() : expected("True or False");
  }

  Status readShape(Header &header) {
    if (!take("("))
      return expected("'('");
    bool separated = true;
    while (!take(")")) {
      int64_t extent = 0;
      skipSpace();
      auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), extent);
      if (!separated || error != std::errc() || extent < 0)
        return expected("an extent");
      rest.remove_prefix(size_t(end - rest.data()));
      header.shape.push_back(extent);
      separated = take(",");
    }
    if (header.shape.empty() || header.shape.size() > 2)
      return unsupported("an array of " + std::to_string(header.shape.size()) +
                         " dimensions, expected 1 or 2");
    return {};
  }

  std::string_view rest;
};

Expected<Header> readHeader(std::span<const std::byte> file) {
  std::string_view text(reinterpret_cast<const char *>(file.data()), file.size());
  if (!text.starts_with(magic))
    return invalidInput("not a npy file, the magic string is missing");
  if (text.size() < 10)
    return invalidInput("truncated: " + std::to_string(text.size()) + " bytes");
  int version = static_cast<unsigned char>(text[6]);
  if ((version != 1 && version != 2) || text[7] != 0)
    return unsupported("npy version " + std::to_string(version) + "." +
                       std::to_string(static_cast<unsigned char>(text[7])) +
                       ", expected 1.0 or 2.0");
  size_t lengthBytes = version == 1 ? 2 : 4;
  if (text.size() < 8 + lengthBytes)
    return invalidInput("truncated: " + std::to_string(text.size()) + " bytes");
  uint32_t length = 0;
  std::memcpy(&length, text.data() + 8, lengthBytes);
  Header header;
  header.dataOffset = 8 + lengthBytes + length;
  if (length > maxHeaderBytes)
    return invalidInput("header length " + std::to_string(length) + " exceeds " +
                        std::to_string(maxHeaderBytes));
  if (header.dataOffset > text.size())
    return invalidInput("truncated: header length " + std::to_string(length) + " in a file of " +
                        std::to_string(text.size()) + " bytes");
  FLOWHN_RETURN_IF_ERROR(HeaderParser(text.substr(8 + lengthBytes, length)).parse(header));
  return header;
}

Expected<NpyIds> parse(std::span<const std::byte> file) {
  Expected<Header> header = readHeader(file);
  FLOWHN_RETURN_IF_ERROR(header.status());
  std::span<const std::byte> data = file.subspan(header->dataOffset);
  std::optional<int64_t> bytes = denseBytes(header->type, header->shape);
  if (!bytes || uint64_t(*bytes) != data.size())
    return invalidInput(std::string(name(header->type)) + " " + shapeString(header->shape) +
                        " does not take the " + std::to_string(data.size()) +
                        " bytes after the header");
  NpyIds ids{std::move(header->shape), {}};
  size_t width = size_t(byteSize(header->type));
  ids.values.resize(data.size() / width);
  for (size_t i = 0; i < ids.values.size(); ++i) {
    if (header->type == DType::I64) {
      std::memcpy(&ids.values[i], data.data() + i * width, width);
    } else {
      int32_t value;
      std::memcpy(&value, data.data() + i * width, width);
      ids.values[i] = value;
    }
  }
  return ids;
}

std::string headerFor(std::span<const int64_t> shape) {
  std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < shape.size(); ++i)
    dictionary += std::to_string(shape[i]) + (i + 1 < shape.size() ? ", " : "");
  dictionary += shape.size() == 1 ? ",), }" : "), }";
  // The data begins at a multiple of 64 and the header ends with a line feed.
  size_t unpadded = magic.size() + 4 + dictionary.size() + 1;
  dictionary.append((64 - unpadded % 64) % 64, ' ');
  dictionary += '\n';
  std::string header(magic);
  header += {'\1', '\0', char(dictionary.size() & 255), char(dictionary.size() >> 8)};
  return header + dictionary;
}

} // namespace

Expected<NpyIds> flowhn::parseNpyIds(std::span<const std::byte> file, std::string_view source) {
  return guarded(source, [&]() -> Expected<NpyIds> {
    Expected<NpyIds> ids = parse(file);
    return ids.ok() ? std::move(ids) : ids.status().withContext(source);
  });
}

Expected<NpyIds> flowhn::readNpyIds(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  FLOWHN_RETURN_IF_ERROR(file.status());
  return parseNpyIds(file->bytes(), path);
}

Status flowhn::writeNpy(const std::string &path, std::span<const float> values,
                        std::span<const int64_t> shape) {
  std::optional<int64_t> bytes = denseBytes(DType::F32, shape);
  if (!bytes || uint64_t(*bytes) != values.size_bytes())
    return invalidArgument("shape " + shapeString(shape) + " does not hold " +
                           std::to_string(values.size()) + " values");
  std::string header = headerFor(shape);
  if (header.size() > maxHeaderBytes)
    return invalidArgument("an array of " + std::to_string(shape.size()) + " dimensions");
  FILE *file = std::fopen(path.c_str(), "wb");
  bool written = file && std::fwrite(header.data(), 1, header.size(), file) == header.size() &&
                 std::fwrite(values.data(), sizeof(float), values.size(), file) == values.size();
  int code = errno;
  if (file && std::fclose(file) != 0) {
    code = written ? errno : code;
    written = false;
  }
  if (!written)
    return resourceExhausted("cannot write " + quote(path) + ": " + strerror(code));
  return {};
}
