//===- Artifact.h - What the compiler hands to the runtime ------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ARTIFACT_ARTIFACT_H
#define FLOWHN_ARTIFACT_ARTIFACT_H

#include "flowhn/Artifact/Manifest.h"
#include "flowhn/Support/Status.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// Section with the serialised plan for a cpu, see Plan.fbs.
inline constexpr std::string_view planSection = "plan.fb";

/// The same for one chip of a GPU artifact: "plan/sm_90a.fb".
std::string chipPlanSection(std::string_view chip);

/// Section with the machine code for `cpu`: "code/x86-64-v4.so".
std::string codeSection(std::string_view cpu);

/// Section `name` of the code of GPU kernels for `chip`, in the form "ptx" or "cubin":
/// "code/sm_90a/matmul_768x768_bf16.ptx".
std::string kernelSection(std::string_view chip, std::string_view name, std::string_view form);

/// One named part of an artifact.
struct ArtifactSection {
  std::string name;
  std::vector<std::byte> bytes;
};

/// What an artifact is made of. `manifest.sections` is filled in when it is
/// written.
struct ArtifactContents {
  Manifest manifest;
  std::vector<ArtifactSection> sections;
};

/// A compiled model without its parameters. As a file (`.fhn`) it is a ZIP of
/// deflated entries, `manifest.json` first, then the sections the manifest lists.
/// An `Artifact` has been checked: its sections have the sizes and hashes of the
/// manifest, and its plans are valid (`validatePlan`) at the manifest's limits.
/// Whoever runs it trusts its code section as one trusts an executable.
class Artifact {
public:
  /// NotFound when there is no such file, InvalidInput when it is not an artifact
  /// or is damaged, Incompatible when another version wrote it.
  static Expected<Artifact> open(const std::string &path);
  /// The same from memory, which is copied; `source` names it in messages.
  static Expected<Artifact> parse(std::span<const std::byte> bytes, std::string_view source);
  /// Straight from the compiler, without a file; `manifest.sections` is filled in
  /// and the rest checked as if it came from a file.
  static Expected<Artifact> create(ArtifactContents contents);

  const Manifest &manifest() const { return contents.manifest; }
  /// Everything it is made of, for `serialize` and `writeArtifact`.
  const ArtifactContents &parts() const { return contents; }
  /// A file name or a description, for messages.
  const std::string &source() const { return origin; }
  /// The bytes of a section, 16-byte aligned; empty when there is none.
  std::optional<std::span<const std::byte>> section(std::string_view name) const;
  /// The serialised plan; for a GPU that of `chip`, one of the manifest's, or of the first
  /// of them where it is empty.
  std::span<const std::byte> plan(std::string_view chip = {}) const;
  /// The code for the manifest's cpu; NotFound when the artifact lacks it.
  Expected<std::span<const std::byte>> code() const;

private:
  Artifact(ArtifactContents contents, std::string origin)
      : contents(std::move(contents)), origin(std::move(origin)) {}

  ArtifactContents contents;
  std::string origin;
};

/// The bytes of the `.fhn` file; the same contents give the same bytes.
Expected<std::vector<std::byte>> serialize(const ArtifactContents &contents);

/// Writes the artifact beside `path` and renames it into place, so that readers
/// see the old file or the new one, never a part. A link or a device is written
/// through. ResourceExhausted when the file cannot be written.
Status writeArtifact(const std::string &path, const ArtifactContents &contents);

} // namespace flowhn

#endif // FLOWHN_ARTIFACT_ARTIFACT_H
