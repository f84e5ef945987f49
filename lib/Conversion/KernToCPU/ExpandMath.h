//===- ExpandMath.h - math ops without a library ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOCPU_EXPANDMATH_H
#define FLOWHN_LIB_CONVERSION_KERNTOCPU_EXPANDMATH_H

#include "flowhn/Target/CPU/TargetInfo.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::kern {

/// Replaces exp, exp2, log, log1p, rsqrt and tanh on float32 scalars and vectors
/// by arithmetic. Errors are at most 2 ulp; infinities, NaN, denormals and the
/// ends of the range come out as libm's. What the hardware does itself stays
/// (sqrt, absf, fma, copysign, rounding); any other math op is an error.
LogicalResult expandMath(func::FuncOp kernel, const flowhn::CPUTargetInfo &target);

} // namespace mlir::kern

#endif // FLOWHN_LIB_CONVERSION_KERNTOCPU_EXPANDMATH_H
