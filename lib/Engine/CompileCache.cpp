//===- CompileCache.cpp - Artifacts of earlier compiles -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompileCache.h"

#include "flowhn/Support/Json.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

using namespace flowhn;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view diagnosticsSection = "diagnostics.json";
constexpr size_t keyLength = 32;
constexpr uint64_t defaultMiB = 1024, mostMiB = uint64_t(1) << 30;

/// The variable's value; empty where it is not set.
std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

Expected<std::string> findFolder() {
  if (std::string folder = variable("FLOWHN_CACHE_DIR"); !folder.empty())
    return folder;
  // The XDG specification has relative paths ignored.
  if (fs::path base = variable("XDG_CACHE_HOME"); base.is_absolute())
    return (base / "flowhn").string();
  if (fs::path home = variable("HOME"); home.is_absolute())
    return (home / ".cache" / "flowhn").string();
  return notFound("neither FLOWHN_CACHE_DIR nor XDG_CACHE_HOME nor HOME names a folder");
}

/// Code is read from the folder: one that is made here is for nobody else to write to.
Status makeFolder(const std::string &folder) {
  std::error_code error;
  if (fs::create_directories(folder, error))
    fs::permissions(folder, fs::perms::owner_all, error);
  if (!error && fs::is_directory(folder, error))
    return {};
  return resourceExhausted("cannot make the folder " + quote(folder) +
                           (error ? ": " + error.message() : ""));
}

Expected<uint64_t> findMaxBytes() {
  std::string text = variable("FLOWHN_CACHE_SIZE");
  uint64_t count = defaultMiB;
  if (!text.empty()) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > mostMiB)
      return invalidArgument("FLOWHN_CACHE_SIZE must be a number of MiB from 1 to " +
                             std::to_string(mostMiB) + ", got " + quote(text));
  }
  return count << 20;
}

std::vector<std::byte> toSection(const std::vector<std::string> &diagnostics) {
  std::string text =
      nlohmann::json(diagnostics).dump(0, ' ', false, nlohmann::json::error_handler_t::replace);
  auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Expected<std::vector<std::string>> fromSection(std::span<const std::byte> bytes) {
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  Expected<nlohmann::json> parsed = parseJson(text, diagnosticsSection);
  FLOWHN_RETURN_IF_ERROR(parsed.status());
  std::vector<std::string> diagnostics;
  for (const nlohmann::json &line : *parsed)
    if (line.is_string())
      diagnostics.push_back(line.get<std::string>());
  return diagnostics;
}

/// A file that `store` wrote, or is writing.
bool isEntry(const fs::path &path) {
  std::string name = path.filename().string();
  return name.size() > keyLength && name.find_first_not_of("0123456789abcdef") == keyLength &&
         name.compare(keyLength, 4, ".fhn") == 0;
}

struct Entry {
  fs::file_time_type used;
  uint64_t bytes = 0;
  fs::path path;
};

/// Those that are there by now: other processes add and remove some.
std::vector<Entry> listEntries(const std::string &folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator file(folder, error), end; !error && file != end;
       file.increment(error)) {
    std::error_code gone;
    Entry entry{file->last_write_time(gone), 0, file->path()};
    if (!gone)
      entry.bytes = file->file_size(gone);
    if (!gone && isEntry(entry.path))
      entries.push_back(std::move(entry));
  }
  return entries;
}

} // namespace

Expected<CompileCache> CompileCache::open() {
  Expected<std::string> folder = findFolder();
  FLOWHN_RETURN_IF_ERROR(folder.status());
  Expected<uint64_t> maxBytes = findMaxBytes();
  FLOWHN_RETURN_IF_ERROR(maxBytes.status());
  FLOWHN_RETURN_IF_ERROR(makeFolder(*folder));
  return CompileCache(std::move(*folder), *maxBytes);
}

Expected<CachedCompile> CompileCache::find(const std::string &key) const {
  std::string path = pathOf(key);
  Expected<Artifact> stored = Artifact::open(path);
  FLOWHN_RETURN_IF_ERROR(stored.status());
  ArtifactContents contents = stored->parts();
  if (contents.sections.empty() || contents.sections.back().name != diagnosticsSection)
    return invalidInput(path + ": the last section is not " + quote(diagnosticsSection));
  auto diagnostics = fromSection(contents.sections.back().bytes);
  FLOWHN_RETURN_IF_ERROR(diagnostics.status().withContext(path));
  contents.sections.pop_back();
  Expected<Artifact> artifact = Artifact::create(std::move(contents));
  FLOWHN_RETURN_IF_ERROR(artifact.status().withContext(path));
  std::error_code error; // a folder that may only be read is used all the same
  fs::last_write_time(path, fs::file_time_type::clock::now(), error);
  return CachedCompile{std::move(*artifact), std::move(*diagnostics)};
}

Status CompileCache::store(const std::string &key, const CachedCompile &compile) const {
  ArtifactContents contents = compile.artifact.parts();
  contents.sections.push_back({std::string(diagnosticsSection), toSection(compile.diagnostics)});
  FLOWHN_RETURN_IF_ERROR(writeArtifact(pathOf(key), contents));
  evict();
  return {};
}

void CompileCache::evict() const {
  std::vector<Entry> entries = listEntries(folder);
  std::ranges::sort(entries, {}, &Entry::used);
  uint64_t total = 0;
  for (const Entry &entry : entries)
    total += entry.bytes;
  for (size_t i = 0; i < entries.size() && total > maxBytes; ++i) {
    std::error_code error;
    fs::remove(entries[i].path, error);
    total -= entries[i].bytes;
  }
}
