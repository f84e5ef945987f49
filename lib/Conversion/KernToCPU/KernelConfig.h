//===- KernelConfig.h - Configurations of CPU kernels -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOCPU_KERNELCONFIG_H
#define FLOWHN_LIB_CONVERSION_KERNTOCPU_KERNELCONFIG_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

namespace mlir::kern {

/// A `config` dictionary of integers, and a value of one.
DictionaryAttr makeConfig(MLIRContext *context, ArrayRef<std::pair<StringRef, int64_t>> entries);
int64_t configValue(DictionaryAttr config, StringRef name);

/// Checks that the op's configuration for `target`, as errors name it, holds a positive integer for
/// every name. It may have been written by hand.
LogicalResult checkConfig(Operation *op, ArrayRef<StringRef> names, StringRef target);

} // namespace mlir::kern

#endif // FLOWHN_LIB_CONVERSION_KERNTOCPU_KERNELCONFIG_H
