//===- KernelLibrary.h - The distinct kernels of a model --------*- C++ -*-===//
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

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELLIBRARY_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELLIBRARY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::flowhn {

/// A kernel, and what a launch of it passes.
struct KernelLaunch {
  SymbolRefAttr kernel;
  SmallVector<Value> operands;
};

/// The functions of the module `@kernels`. Kernels of one op, one region and one
/// set of types are one function, whatever they are launched with.
class KernelLibrary {
public:
  explicit KernelLibrary(ModuleOp kernels) : kernels(kernels), symbols(kernels) {}

  /// Moves `op`, which uses values of a procedure, into the body of a kernel named
  /// after `name`. A buffer that the op uses twice is one argument of the kernel,
  /// so that arguments never alias.
  KernelLaunch outline(Operation *op, StringRef name);

private:
  func::FuncOp create(Operation *op, ArrayRef<Value> operands, StringRef name);

  ModuleOp kernels;
  SymbolTable symbols;
  llvm::StringMap<SmallVector<func::FuncOp, 1>> byName;
};

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELLIBRARY_H
