//===- FlowHNToKern.h - From the model to kernels ---------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_CONVERSION_FLOWHNTOKERN_FLOWHNTOKERN_H
#define FLOWHN_CONVERSION_FLOWHNTOKERN_FLOWHNTOKERN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::flowhn {

#define GEN_PASS_DECL
#include "flowhn/Conversion/FlowHNToKern/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "flowhn/Conversion/FlowHNToKern/Passes.h.inc"

} // namespace mlir::flowhn

#endif // FLOWHN_CONVERSION_FLOWHNTOKERN_FLOWHNTOKERN_H
