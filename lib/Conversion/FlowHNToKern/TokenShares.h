//===- TokenShares.h - What kernels have of a call's tokens -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to lib/Conversion/FlowHNToKern.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_TOKENSHARES_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_TOKENSHARES_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::flowhn {

/// Sets `kern.branch_shares` of `kernels` to the parts of a call's tokens that the branches have in
/// the mean of a model's `plan`, and `kern.token_shares` of each kernel of one product to those
/// that the launches in the procedures of `module` are for: 1 outside of branches.
void annotateTokenShares(ModuleOp module, ModuleOp kernels, ArrayAttr plan);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_TOKENSHARES_H
