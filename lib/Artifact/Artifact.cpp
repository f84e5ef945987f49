//===- Artifact.cpp - What the compiler hands to the runtime --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Artifact/Artifact.h"
#include "ReplaceFile.h"
#include "Zip.h"
#include "flowhn/Artifact/Validate.h"
#include "flowhn/Support/Guard.h"
#include "flowhn/Support/Hash.h"
#include "flowhn/Support/Json.h"
#include "flowhn/Support/MappedFile.h"

#include <algorithm>

using namespace flowhn;

namespace {

constexpr std::string_view manifestEntry = "manifest.json";

std::vector<ManifestSection> tableOf(const std::vector<ArtifactSection> &sections) {
  std::vector<ManifestSection> table;
  for (const ArtifactSection &section : sections)
    table.push_back({section.name, int64_t(section.bytes.size()), hashOf(section.bytes)});
  return table;
}

Status checkSection(const ArtifactSection &section, const ManifestSection &expected) {
  std::string label = "section " + quote(expected.name);
  if (section.name != expected.name)
    return invalidInput(label + " is missing, found " + quote(section.name) + " in its place");
  if (int64_t(section.bytes.size()) != expected.bytes)
    return invalidInput(label + " has " + std::to_string(section.bytes.size()) +
                        " bytes, the manifest says " + std::to_string(expected.bytes));
  if (std::string hash = hashOf(section.bytes); hash != expected.hash)
    return invalidInput(label + " is damaged: its hash is " + hash + ", the manifest says " +
                        expected.hash);
  return {};
}

/// Whether the sections are those of the manifest, in its order.
Status checkSections(const ArtifactContents &contents) {
  const auto &table = contents.manifest.sections;
  if (contents.sections.size() != table.size())
    return invalidInput("the manifest lists " + std::to_string(table.size()) +
                        " sections, the file holds " + std::to_string(contents.sections.size()));
  for (size_t i = 0; i < table.size(); ++i)
    FLOWHN_RETURN_IF_ERROR(checkSection(contents.sections[i], table[i]));
  return {};
}

Status checkPlan(const ArtifactContents &contents, const std::string &name) {
  auto isPlan = [&](const ArtifactSection &section) { return section.name == name; };
  auto found = std::find_if(contents.sections.begin(), contents.sections.end(), isPlan);
  if (found == contents.sections.end())
    return invalidInput("no section " + quote(name));
  return validatePlan(found->bytes, contents.manifest.limits, contents.manifest.target.kind);
}

Status checkPlans(const ArtifactContents &contents) {
  const std::vector<std::string> &chips = contents.manifest.target.chips;
  if (chips.empty())
    return checkPlan(contents, std::string(planSection));
  for (const std::string &chip : chips)
    FLOWHN_RETURN_IF_ERROR(checkPlan(contents, chipPlanSection(chip)));
  return {};
}

Expected<ArtifactContents> readContents(std::span<const std::byte> bytes) {
  Expected<std::vector<ArtifactSection>> entries = readZip(bytes);
  FLOWHN_RETURN_IF_ERROR(entries.status());
  if (entries->empty() || entries->front().name != manifestEntry)
    return invalidInput("not an artifact: a ZIP whose first entry is not " + quote(manifestEntry));
  const std::vector<std::byte> &json = entries->front().bytes;
  Expected<Manifest> manifest =
      parseManifest({reinterpret_cast<const char *>(json.data()), json.size()}, manifestEntry);
  FLOWHN_RETURN_IF_ERROR(manifest.status());
  entries->erase(entries->begin());
  ArtifactContents contents{std::move(*manifest), std::move(*entries)};
  FLOWHN_RETURN_IF_ERROR(checkSections(contents));
  FLOWHN_RETURN_IF_ERROR(checkPlans(contents));
  return contents;
}

} // namespace

std::string flowhn::chipPlanSection(std::string_view chip) {
  return "plan/" + std::string(chip) + ".fb";
}

std::string flowhn::codeSection(std::string_view cpu) { return "code/" + std::string(cpu) + ".so"; }

std::string flowhn::kernelSection(std::string_view chip, std::string_view name,
                                  std::string_view form) {
  return "code/" + std::string(chip) + "/" + std::string(name) + "." + std::string(form);
}

Expected<Artifact> Artifact::open(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  FLOWHN_RETURN_IF_ERROR(file.status());
  return parse(file->bytes(), path);
}

Expected<Artifact> Artifact::parse(std::span<const std::byte> bytes, std::string_view source) {
  return guarded("an artifact", [&]() -> Expected<Artifact> {
    Expected<ArtifactContents> contents = readContents(bytes);
    if (!contents.ok())
      return contents.status().withContext(source);
    return Artifact(std::move(*contents), std::string(source));
  });
}

Expected<Artifact> Artifact::create(ArtifactContents contents) {
  return guarded("an artifact", [&]() -> Expected<Artifact> {
    contents.manifest.sections = tableOf(contents.sections);
    // What a reader would refuse is refused here.
    FLOWHN_RETURN_IF_ERROR(parseManifest(toJson(contents.manifest), manifestEntry).status());
    FLOWHN_RETURN_IF_ERROR(checkPlans(contents));
    return Artifact(std::move(contents), "artifact in memory");
  });
}

std::optional<std::span<const std::byte>> Artifact::section(std::string_view name) const {
  for (const ArtifactSection &section : contents.sections)
    if (section.name == name)
      return std::span(section.bytes);
  return std::nullopt;
}

std::span<const std::byte> Artifact::plan(std::string_view chip) const {
  const std::vector<std::string> &chips = manifest().target.chips;
  if (chips.empty())
    return *section(planSection);
  return *section(chipPlanSection(chip.empty() ? chips.front() : chip));
}

Expected<std::span<const std::byte>> Artifact::code() const {
  std::string name = codeSection(manifest().target.cpu);
  if (auto bytes = section(name))
    return *bytes;
  return notFound(origin + ": no section " + quote(name));
}

Expected<std::vector<std::byte>> flowhn::serialize(const ArtifactContents &contents) {
  return guarded("the bytes of an artifact", [&] {
    Manifest manifest = contents.manifest;
    manifest.sections = tableOf(contents.sections);
    std::string json = toJson(manifest);
    std::vector<ZipEntry> entries{{manifestEntry, std::as_bytes(std::span(json))}};
    for (const ArtifactSection &section : contents.sections)
      entries.push_back({section.name, section.bytes});
    return writeZip(entries);
  });
}

Status flowhn::writeArtifact(const std::string &path, const ArtifactContents &contents) {
  Expected<std::vector<std::byte>> bytes = serialize(contents);
  FLOWHN_RETURN_IF_ERROR(bytes.status());
  return guarded("the file of an artifact", [&] { return replaceFile(path, *bytes); });
}
