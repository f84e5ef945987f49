//===- KernelModule.h - Finding kernels -----------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOCPU_KERNELMODULE_H
#define FLOWHN_LIB_CONVERSION_KERNTOCPU_KERNELMODULE_H

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::kern {

/// The module `@kernels`: `root` itself or a child of it; null if there is none.
inline ModuleOp findKernelModule(ModuleOp root) {
  if (root.getName() == kernelModuleName)
    return root;
  for (auto module : root.getOps<ModuleOp>())
    if (module.getName() == kernelModuleName)
      return module;
  return {};
}

/// The kernel functions of `root`'s module `@kernels`, in order.
inline SmallVector<func::FuncOp> findKernels(ModuleOp root) {
  SmallVector<func::FuncOp> kernels;
  if (ModuleOp module = findKernelModule(root))
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr(kernelAttrName))
        kernels.push_back(function);
  return kernels;
}

} // namespace mlir::kern

#endif // FLOWHN_LIB_CONVERSION_KERNTOCPU_KERNELMODULE_H
