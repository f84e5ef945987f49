//===- CodeObject.h - Machine code of an artifact ---------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CPU_CODEOBJECT_H
#define FLOWHN_LIB_RUNTIME_CPU_CODEOBJECT_H

#include "LaunchProgram.h"
#include "flowhn/Support/Status.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace flowhn {

/// The x86-64 level of this machine: "x86-64-v3", or "another architecture".
std::string_view hostCPU();

/// Incompatible when this machine does not run code for the x86-64 level `cpu`.
Status checkHostRuns(std::string_view cpu);

/// A shared object, loaded from memory. Its code may be called as long as it lives.
class CodeObject {
public:
  /// Loading runs the object's initialisers: only for bytes that are trusted.
  static Expected<CodeObject> load(std::span<const std::byte> bytes);

  /// NotFound when there is no such symbol.
  Expected<KernelFunction> find(const std::string &symbol) const;

private:
  struct Unloader {
    int file; ///< that it was loaded from, open as long as it is loaded
    void operator()(void *handle) const;
  };
  CodeObject(void *handle, int file) : handle(handle, Unloader{file}) {}

  std::unique_ptr<void, Unloader> handle;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_CPU_CODEOBJECT_H
