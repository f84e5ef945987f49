//===- Hash.cpp - A hash of bytes -----------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

std::string flowhn::hashOf(std::span<const std::byte> bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (unsigned char c : canonical.digest)
    text += {digits[c >> 4], digits[c & 15]};
  return text;
}
