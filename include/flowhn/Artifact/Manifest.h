//===- Manifest.h - What an artifact says of itself -------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ARTIFACT_MANIFEST_H
#define FLOWHN_ARTIFACT_MANIFEST_H

#include "flowhn/Support/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// The artifact format this build reads and writes. A reader takes no other.
inline constexpr int64_t artifactFormatVersion = 5;

/// What machine the code sections are for.
struct ManifestTarget {
  std::string kind = "cpu";            ///< "cpu", "nvptx"
  std::string cpu = {};                ///< of cpu: an x86-64 level, "x86-64-v4"
  std::vector<std::string> chips = {}; ///< of nvptx, best first: "sm_90a", "sm_80"
  std::string triple = {};             ///< "x86_64-unknown-linux-gnu"
};

/// The model, as far as callers and reports need it.
struct ManifestModel {
  std::string name;
  std::string dtype; ///< of activations: "float32", "bfloat16", "float16"
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t numLayers = 0;
  int64_t contextLength = 0; ///< longest row; 0: no limit but `maxTokens`
  bool splitByCall = false;  ///< a window follows the length of the call
  std::string strategy;      ///< "none", "ae", "fa", "fac"
  std::string circulation;   ///< "alternate", "rotate"; empty but for fac
  std::vector<int64_t> attentionTokens;
  bool prunesDeadPositions = false; ///< of the last block; a key only where it is true
  std::string tokenizer;            ///< "bytes", or empty
  std::vector<std::string> windows; ///< one per block, as the IR prints them
};

/// The extents the artifact was compiled for. Rows of different lengths are packed,
/// and no call has more than 2^31 - 1 tokens in all.
struct ManifestLimits {
  int64_t maxBatch = 0;  ///< rows of one call
  int64_t maxTokens = 0; ///< tokens of one row
};

/// One entry of the table of sections.
struct ManifestSection {
  std::string name;
  int64_t bytes = 0;
  std::string hash; ///< XXH3-128, 32 lower case hexadecimal digits
};

/// `manifest.json` of an artifact.
struct Manifest {
  int64_t formatVersion = artifactFormatVersion;
  std::string producer = "flowhn 0.1.0";
  ManifestTarget target;
  ManifestModel model;
  ManifestLimits limits;
  std::vector<ManifestSection> sections;
};

/// Indented JSON with a final newline; keys in a fixed order.
std::string toJson(const Manifest &manifest);

/// Reads `manifest.json`. Incompatible when the format version is another one;
/// InvalidInput for a missing, mistyped or impossible value. Keys this version
/// does not know are ignored.
Expected<Manifest> parseManifest(std::string_view json, std::string_view source);

} // namespace flowhn

#endif // FLOWHN_ARTIFACT_MANIFEST_H
