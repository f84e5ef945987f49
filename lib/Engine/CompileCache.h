//===- CompileCache.h - Artifacts of earlier compiles -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ENGINE_COMPILECACHE_H
#define FLOWHN_LIB_ENGINE_COMPILECACHE_H

#include "flowhn/Artifact/Artifact.h"
#include "flowhn/Engine/Compiler.h"

#include <cstdint>
#include <string>
#include <vector>

namespace flowhn {

/// A hash over everything that decides what a compile gives: this compiler and its LLVM,
/// ptxas, the model and the options. An error where the options do not name a target, or the
/// compiler's own files are gone.
Expected<std::string> compileKey(const Model &model, const CompileOptions &options);

/// What a compile gave.
struct CachedCompile {
  Artifact artifact;
  std::vector<std::string> diagnostics;
};

/// A folder of artifacts, one file per key, which processes share. An entry is an artifact
/// with one section more, the diagnostics of its compile.
class CompileCache {
public:
  /// The folder FLOWHN_CACHE_DIR, else flowhn in XDG_CACHE_HOME, else .cache/flowhn in HOME,
  /// made where it is missing: NotFound where none is named, ResourceExhausted where it
  /// cannot be made. It holds FLOWHN_CACHE_SIZE MiB at most, 1024 by default:
  /// InvalidArgument where that is no such number.
  static Expected<CompileCache> open();

  /// NotFound when there is no such entry, another error when it is damaged.
  Expected<CachedCompile> find(const std::string &key) const;
  /// Adds or replaces an entry; those that were not used for longest go where it gets too
  /// much.
  Status store(const std::string &key, const CachedCompile &compile) const;
  std::string pathOf(const std::string &key) const { return folder + "/" + key + ".fhn"; }

private:
  CompileCache(std::string folder, uint64_t maxBytes)
      : folder(std::move(folder)), maxBytes(maxBytes) {}
  void evict() const;

  std::string folder;
  uint64_t maxBytes;
};

} // namespace flowhn

#endif // FLOWHN_LIB_ENGINE_COMPILECACHE_H
