//===- Hash.h - A hash of bytes ---------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_HASH_H
#define FLOWHN_SUPPORT_HASH_H

#include <cstddef>
#include <span>
#include <string>

namespace flowhn {

/// XXH3-128 of `bytes`: 32 lower case hexadecimal digits.
std::string hashOf(std::span<const std::byte> bytes);

} // namespace flowhn

#endif // FLOWHN_SUPPORT_HASH_H
