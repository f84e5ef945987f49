//===- Zip.cpp - The container of an artifact -----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Zip.h"
#include "flowhn/Support/Json.h"

#include <memory>
#include <set>
#include <zip.h>

using namespace flowhn;

namespace {

constexpr zip_uint64_t maxEntries = 1024;
/// Bytes of all entries for each byte of the file, at most: PTX, the largest part of an
/// artifact, takes a sixth of its size.
constexpr size_t maxExpansion = 128;
constexpr zip_uint32_t compressionLevel = 6;
/// 1980-01-01, the first day DOS knows.
constexpr zip_uint16_t firstDate = (0 << 9) | (1 << 5) | 1;
constexpr zip_uint32_t plainFile = 0100644u << 16;

/// Owns a zip_error_t.
struct ZipError {
  ZipError() { zip_error_init(&error); }
  ~ZipError() { zip_error_fini(&error); }
  std::string text() { return zip_error_strerror(&error); }
  zip_error_t error;
};

struct SourceDeleter {
  void operator()(zip_source_t *source) const { zip_source_free(source); }
};
struct ArchiveDeleter {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};
struct FileDeleter {
  void operator()(zip_file_t *file) const { zip_fclose(file); }
};
using SourcePtr = std::unique_ptr<zip_source_t, SourceDeleter>;
using ArchivePtr = std::unique_ptr<zip_t, ArchiveDeleter>;
using FilePtr = std::unique_ptr<zip_file_t, FileDeleter>;

Status writeError(const std::string &reason) {
  return resourceExhausted("cannot write the ZIP: " + reason);
}

Status checkCount(zip_uint64_t entries) {
  if (entries > maxEntries)
    return invalidInput(std::to_string(entries) + " entries, at most " +
                        std::to_string(maxEntries) + " are allowed");
  return {};
}

Status addEntry(zip_t *archive, const ZipEntry &entry) {
  zip_source_t *source =
      zip_source_buffer(archive, entry.bytes.data(), entry.bytes.size(), /*freep=*/0);
  if (!source)
    return writeError(zip_strerror(archive));
  zip_int64_t index =
      zip_file_add(archive, std::string(entry.name).c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return writeError(zip_strerror(archive));
  }
  if (zip_set_file_compression(archive, zip_uint64_t(index), ZIP_CM_DEFLATE, compressionLevel) !=
          0 ||
      zip_file_set_dostime(archive, zip_uint64_t(index), 0, firstDate, 0) != 0 ||
      zip_file_set_external_attributes(archive, zip_uint64_t(index), 0, ZIP_OPSYS_UNIX,
                                       plainFile) != 0)
    return writeError(zip_strerror(archive));
  return {};
}

Expected<std::vector<std::byte>> readSource(zip_source_t *source) {
  zip_stat_t stat;
  if (zip_source_stat(source, &stat) != 0 || zip_source_open(source) != 0)
    return writeError(zip_error_strerror(zip_source_error(source)));
  std::vector<std::byte> bytes(stat.size);
  zip_int64_t got = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (got != zip_int64_t(bytes.size()))
    return writeError("short read");
  return bytes;
}

/// Entry `index`, which takes at most `limit` bytes.
Expected<ArtifactSection> readEntry(zip_t *archive, zip_uint64_t index, size_t limit) {
  zip_stat_t stat;
  if (zip_stat_index(archive, index, 0, &stat) != 0)
    return invalidInput(zip_strerror(archive));
  constexpr zip_uint64_t needed =
      ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if ((stat.valid & needed) != needed)
    return invalidInput("entry " + std::to_string(index) + " is incomplete");
  std::string label = "entry " + quote(stat.name);
  bool isKnown = stat.comp_method == ZIP_CM_DEFLATE || stat.comp_method == ZIP_CM_STORE;
  if (!isKnown || stat.encryption_method != ZIP_EM_NONE)
    return invalidInput(label + " is encrypted or compressed by another method than deflate");
  if (stat.size > limit)
    return invalidInput(label + " has " + std::to_string(stat.size) +
                        " bytes, more than a file of this size may hold");
  FilePtr file(zip_fopen_index(archive, index, 0));
  if (!file)
    return invalidInput(label + ": " + zip_strerror(archive));
  ArtifactSection section{stat.name, std::vector<std::byte>(stat.size)};
  zip_int64_t got = zip_fread(file.get(), section.bytes.data(), stat.size);
  // libzip compares the checksum when it meets the end.
  std::byte beyond;
  if (got != zip_int64_t(stat.size) || zip_fread(file.get(), &beyond, 1) != 0)
    return invalidInput(label + " is damaged: " + zip_file_strerror(file.get()));
  return section;
}

} // namespace

Expected<std::vector<std::byte>> flowhn::writeZip(std::span<const ZipEntry> entries) {
  FLOWHN_RETURN_IF_ERROR(checkCount(entries.size()));
  ZipError error;
  SourcePtr target(zip_source_buffer_create(nullptr, 0, 0, &error.error));
  if (!target)
    return writeError(error.text());
  ArchivePtr archive(zip_open_from_source(target.get(), ZIP_TRUNCATE, &error.error));
  if (!archive)
    return writeError(error.text());
  zip_source_keep(target.get()); // the archive took the first reference
  for (const ZipEntry &entry : entries)
    FLOWHN_RETURN_IF_ERROR(addEntry(archive.get(), entry));
  if (zip_close(archive.get()) != 0)
    return writeError(zip_strerror(archive.get()));
  archive.release();
  return readSource(target.get());
}

Expected<std::vector<ArtifactSection>> flowhn::readZip(std::span<const std::byte> bytes) {
  ZipError error;
  SourcePtr source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error.error));
  if (!source)
    return resourceExhausted(error.text());
  ArchivePtr archive(zip_open_from_source(source.get(), ZIP_RDONLY | ZIP_CHECKCONS, &error.error));
  if (!archive)
    return invalidInput("not an artifact, or a damaged one: " + error.text());
  source.release(); // now the archive's
  zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  FLOWHN_RETURN_IF_ERROR(checkCount(zip_uint64_t(count)));
  std::vector<ArtifactSection> sections;
  std::set<std::string> names;
  size_t left = maxExpansion * bytes.size();
  for (zip_int64_t i = 0; i < count; ++i) {
    Expected<ArtifactSection> section = readEntry(archive.get(), zip_uint64_t(i), left);
    FLOWHN_RETURN_IF_ERROR(section.status());
    if (!names.insert(section->name).second)
      return invalidInput("entry " + quote(section->name) + " appears twice");
    left -= section->bytes.size();
    sections.push_back(std::move(*section));
  }
  return sections;
}
