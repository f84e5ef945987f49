//===- Memory.cpp - Large pieces of memory --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include <fstream>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

using namespace flowhn;

namespace {
constexpr uintptr_t hugePage = 2 << 20;
} // namespace

Expected<Memory> Memory::allocate(int64_t bytes, const std::string &purpose) {
  Memory memory;
  if (bytes == 0)
    return memory;
  // The system aligns to small pages; one huge page more leaves room to move up.
  bool isLarge = bytes >= int64_t(hugePage);
  size_t total = size_t(bytes) + (isLarge ? hugePage : 0);
  void *mapping = mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return resourceExhausted("no memory for " + std::to_string(bytes) + " bytes of " + purpose);
  memory.mapping = mapping;
  memory.mappedBytes = total;
  uintptr_t start = uintptr_t(mapping);
  if (isLarge) {
    start = (start + hugePage - 1) / hugePage * hugePage;
    // Only advice: without huge pages everything still works.
    madvise(reinterpret_cast<void *>(start), size_t(bytes), MADV_HUGEPAGE);
  }
  memory.base = reinterpret_cast<std::byte *>(start);
  memory.length = bytes;
  return memory;
}

Memory::Memory(Memory &&other) noexcept
    : mapping(std::exchange(other.mapping, nullptr)),
      mappedBytes(std::exchange(other.mappedBytes, 0)), base(std::exchange(other.base, nullptr)),
      length(std::exchange(other.length, 0)) {}

Memory &Memory::operator=(Memory &&other) noexcept {
  std::swap(mapping, other.mapping);
  std::swap(mappedBytes, other.mappedBytes);
  std::swap(base, other.base);
  std::swap(length, other.length);
  return *this;
}

Memory::~Memory() {
  if (mapping)
    munmap(mapping, mappedBytes);
}

int64_t flowhn::availableMemory() {
  std::ifstream info("/proc/meminfo");
  std::string name;
  for (int64_t kibibytes = 0; info >> name >> kibibytes; info.ignore(256, '\n'))
    if (name == "MemAvailable:")
      return kibibytes << 10;
  return int64_t(sysconf(_SC_AVPHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}
