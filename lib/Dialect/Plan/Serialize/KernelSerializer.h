//===- KernelSerializer.h - What a plan says of a kernel --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_DIALECT_PLAN_SERIALIZE_KERNELSERIALIZER_H
#define FLOWHN_LIB_DIALECT_PLAN_SERIALIZE_KERNELSERIALIZER_H

#include "flowhn/Artifact/Plan_generated.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::plan {

/// Writes what a conversion to a target left on `kernel`: how it is launched, what it
/// takes and what it costs.
LogicalResult serializeKernel(func::FuncOp kernel, ::flowhn::fb::KernelT &result);

} // namespace mlir::plan

#endif // FLOWHN_LIB_DIALECT_PLAN_SERIALIZE_KERNELSERIALIZER_H
