//===- ReplaceFile.h - Whole files or none ----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ARTIFACT_REPLACEFILE_H
#define FLOWHN_LIB_ARTIFACT_REPLACEFILE_H

#include "flowhn/Support/Status.h"

#include <cstddef>
#include <span>
#include <string>

namespace flowhn {

/// Writes `bytes` to a new file beside `path` and renames it into place; a failure
/// is ResourceExhausted and leaves `path` as it was. Where `path` is a link or a
/// device, what it stands for is written instead.
Status replaceFile(const std::string &path, std::span<const std::byte> bytes);

} // namespace flowhn

#endif // FLOWHN_LIB_ARTIFACT_REPLACEFILE_H
