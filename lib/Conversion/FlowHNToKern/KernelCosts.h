//===- KernelCosts.h - What a kernel costs, as an attribute -----*- C++ -*-===//
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

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELCOSTS_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELCOSTS_H

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::flowhn {

/// Sets `kern.flops` and `kern.bytes` of `kernel` to the costs of its `op`, as
/// polynomials of its extents, and `kern.sizes`: code that replaces the op keeps what it cost.
void annotateCosts(func::FuncOp kernel, kern::KernelOpInterface op);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELCOSTS_H
