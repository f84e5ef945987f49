//===- TensorMaps.h - The boxes that copy engines move ----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_TENSORMAPS_H
#define FLOWHN_LIB_RUNTIME_CUDA_TENSORMAPS_H

#include "Driver.h"
#include "flowhn/Artifact/Plan_generated.h"

#include <span>

namespace flowhn::cuda {

/// A map of a buffer among the `arguments` of a launch, its rows evaluated over the index
/// arguments.
Status encodeTensorMap(const Driver &driver, const fb::TensorMap &map,
                       std::span<const uint64_t> arguments, std::span<const int64_t> indices,
                       EncodedTensorMap &encoded);

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_TENSORMAPS_H
