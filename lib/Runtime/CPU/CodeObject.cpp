//===- CodeObject.cpp - Machine code of an artifact -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CodeObject.h"
#include "flowhn/Support/Json.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

using namespace flowhn;

namespace {

/// The levels in order; a machine runs code for its own and all before it.
constexpr std::array<std::string_view, 4> levels = {"x86-64", "x86-64-v2", "x86-64-v3",
                                                    "x86-64-v4"};

/// A number in `levels`, -1 for another architecture.
int hostLevel() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4"))
    return 3;
  if (__builtin_cpu_supports("x86-64-v3"))
    return 2;
  return __builtin_cpu_supports("x86-64-v2") ? 1 : 0;
#else
  return -1;
#endif
}

/// A file in memory, closed with the object unless it was released.
class MemoryFile {
public:
  MemoryFile() : descriptor(memfd_create("flowhn-code", MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (descriptor >= 0)
      close(descriptor);
  }

  Status write(std::span<const std::byte> bytes) {
    while (descriptor >= 0 && !bytes.empty()) {
      ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR)
        break;
      bytes = bytes.subspan(size_t(written < 0 ? 0 : written));
    }
    if (descriptor >= 0 && bytes.empty())
      return {};
    return resourceExhausted(std::string("cannot keep code in memory: ") + std::strerror(errno));
  }
  /// Differs from the path of everything else in the process that is loaded, which
  /// the loader would take for this file: from ours by the number, which stays in
  /// use, from others' by the dot.
  std::string path() const { return "/proc/self/./fd/" + std::to_string(descriptor); }
  int release() { return std::exchange(descriptor, -1); }

private:
  int descriptor;
};

} // namespace

std::string_view flowhn::hostCPU() {
  int level = hostLevel();
  return level < 0 ? "another architecture" : levels[size_t(level)];
}

Status flowhn::checkHostRuns(std::string_view cpu) {
  int host = hostLevel();
  for (int level = 0; level <= host; ++level)
    if (levels[size_t(level)] == cpu)
      return {};
  return incompatible("the code is for " + quote(cpu) + ", this machine is " + quote(hostCPU()));
}

Expected<CodeObject> CodeObject::load(std::span<const std::byte> bytes) {
  MemoryFile file;
  FLOWHN_RETURN_IF_ERROR(file.write(bytes));
  if (void *handle = dlopen(file.path().c_str(), RTLD_NOW | RTLD_LOCAL))
    return CodeObject(handle, file.release());
  return invalidInput(std::string("cannot load the code: ") + dlerror());
}

Expected<KernelFunction> CodeObject::find(const std::string &symbol) const {
  if (void *address = dlsym(handle.get(), symbol.c_str()))
    return reinterpret_cast<KernelFunction>(address);
  return notFound("the code has no symbol " + quote(symbol));
}

void CodeObject::Unloader::operator()(void *handle) const {
  dlclose(handle);
  close(file);
}
