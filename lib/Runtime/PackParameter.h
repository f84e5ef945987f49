//===- PackParameter.h - Parameters as kernels read them --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_PACKPARAMETER_H
#define FLOWHN_LIB_RUNTIME_PACKPARAMETER_H

#include "flowhn/Artifact/Plan_generated.h"
#include "flowhn/Support/SafeTensors.h"

#include <optional>

namespace flowhn {

/// Whether a parameter of type `to` can be made of values stored as `from`: each is one
/// of its values or, where the parameter `rounds`, goes to the nearest.
bool converts(DType from, DType to, bool rounds);

/// Lays `source`, whose first row is row `firstRow` of the parameter's matrix, into
/// `target`, the zeroed memory of the whole parameter; converts to its type on the
/// way. The parameter is valid and `source` has a type that converts to it, as has
/// `columnScale`, which is there where the parameter has one.
void packRows(const fb::Parameter &parameter, int64_t firstRow, const TensorView &source,
              std::byte *target, const std::optional<TensorView> &columnScale = {});

/// A prepared parameter as one matrix, whose rows are neighbours in memory.
struct PreparedMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t rowBytes = 0;
};
/// Of a parameter of any layout but panels.
PreparedMatrix preparedMatrix(const fb::Parameter &parameter);

/// Makes `count` rows of `preparedMatrix`, from row `first` on, at `target`, out of all
/// sources of the parameter and its column scale, if any. Writes every byte.
void packPreparedRows(const fb::Parameter &parameter, std::span<const TensorView> sources,
                      int64_t first, int64_t count, std::byte *target,
                      const std::optional<TensorView> &columnScale = {});

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_PACKPARAMETER_H
