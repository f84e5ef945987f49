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

namespace flowhn {

/// Whether every value of type `from` is one of type `to`.
bool widens(DType from, DType to);

/// Lays `source`, whose first row is row `firstRow` of the parameter's matrix, into
/// `target`, the zeroed memory of the whole parameter; converts to its type on the
/// way. The parameter is valid and `source` has a type that widens to it.
void packRows(const fb::Parameter &parameter, int64_t firstRow, const TensorView &source,
              std::byte *target);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_PACKPARAMETER_H
