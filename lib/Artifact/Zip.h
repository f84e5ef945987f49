//===- Zip.h - The container of an artifact ---------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ARTIFACT_ZIP_H
#define FLOWHN_LIB_ARTIFACT_ZIP_H

#include "flowhn/Artifact/Artifact.h"

namespace flowhn {

/// A file of a ZIP, to be written.
struct ZipEntry {
  std::string_view name;
  std::span<const std::byte> bytes;
};

/// A ZIP of deflated entries in this order, without times: equal entries give equal
/// bytes. InvalidInput for more than `readZip` takes, 1024.
Expected<std::vector<std::byte>> writeZip(std::span<const ZipEntry> entries);

/// The entries of a ZIP whose entries are all stored or deflated, in order. Checksums are
/// checked, names are distinct; how much they hold is bounded by the size of the file.
Expected<std::vector<ArtifactSection>> readZip(std::span<const std::byte> bytes);

} // namespace flowhn

#endif // FLOWHN_LIB_ARTIFACT_ZIP_H
