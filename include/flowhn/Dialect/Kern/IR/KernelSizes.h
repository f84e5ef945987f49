//===- KernelSizes.h - What a kernel is made for ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_KERN_IR_KERNELSIZES_H
#define FLOWHN_DIALECT_KERN_IR_KERNELSIZES_H

#include "flowhn/Dialect/Kern/IR/KernOps.h"

namespace mlir::kern {

/// On a kernel function: the sizes of its op, which stay when code has replaced it.
inline constexpr llvm::StringLiteral sizesAttrName = "kern.sizes";

/// What `op` is made for: columns of all groups and inner size of a matmul; heads and head
/// size; channels and states. Empty for the others.
SmallVector<int64_t> getKernelSizes(Operation *op);

} // namespace mlir::kern

#endif // FLOWHN_DIALECT_KERN_IR_KERNELSIZES_H
