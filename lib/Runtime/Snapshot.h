//===- Snapshot.h - A sequence as bytes -------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_SNAPSHOT_H
#define FLOWHN_LIB_RUNTIME_SNAPSHOT_H

#include "flowhn/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace flowhn {

/// What a snapshot is of. Its bytes: a magic number, the hash of all that follows, the size of
/// a JSON header with these, the header, the states.
struct SnapshotHeader {
  std::string model;       ///< its name, for messages
  std::string dtype;       ///< of activations
  std::string fingerprint; ///< of code and parameters
  int64_t context = 0;
  int64_t position = 0;
};

std::vector<std::byte> packSnapshot(const SnapshotHeader &header,
                                    std::span<const std::byte> states);

struct Snapshot {
  SnapshotHeader header;
  std::span<const std::byte> states;
};

/// Checks the hash before anything else; InvalidInput for bytes that no snapshot has.
Expected<Snapshot> unpackSnapshot(std::span<const std::byte> bytes);

/// Whether a sequence of `found` can go on where `expected` runs: Incompatible says what
/// differs.
Status checkSnapshot(const SnapshotHeader &found, const SnapshotHeader &expected);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_SNAPSHOT_H
