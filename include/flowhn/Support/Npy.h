//===- Npy.h - NumPy array files --------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_NPY_H
#define FLOWHN_SUPPORT_NPY_H

#include "flowhn/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// Token ids out of a `.npy` file.
struct NpyIds {
  std::vector<int64_t> shape;  ///< [tokens] or [sequences, tokens]
  std::vector<int64_t> values; ///< row-major, whatever integer type the file holds
};

/// Reads ids from a `.npy` file of version 1 or 2 that holds little-endian int32
/// or int64 in C order, one- or two-dimensional. Anything else in the header, and
/// a file longer or shorter than the header says, is an error.
Expected<NpyIds> readNpyIds(const std::string &path);

/// The same from memory; `source` names it in messages.
Expected<NpyIds> parseNpyIds(std::span<const std::byte> file, std::string_view source);

/// Writes row-major float32 `values` of any rank as a version 1 file that NumPy
/// reads. InvalidArgument unless the product of `shape` is the number of values;
/// ResourceExhausted when the file cannot be written.
Status writeNpy(const std::string &path, std::span<const float> values,
                std::span<const int64_t> shape);

} // namespace flowhn

#endif // FLOWHN_SUPPORT_NPY_H
