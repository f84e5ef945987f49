//===- KernToCPU.h - Kernels for the CPU ------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_CONVERSION_KERNTOCPU_KERNTOCPU_H
#define FLOWHN_CONVERSION_KERNTOCPU_KERNTOCPU_H

#include "flowhn/Target/CPU/TargetInfo.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Pass/Pass.h"

#include "flowhn/Conversion/KernToCPU/CPUKernelInterface.h.inc"

namespace mlir {
class DialectRegistry;

namespace kern {

/// Set by convert-kern-to-cpu: bytes of scratch memory a worker needs (i64).
inline constexpr llvm::StringLiteral scratchBytesAttrName = "kern.scratch_bytes";

/// Attaches `CPUKernelInterface` to every op of kern when the dialect is loaded.
void registerCPUKernelModels(DialectRegistry &registry);

} // namespace kern

namespace flowhn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "flowhn/Conversion/KernToCPU/Passes.h.inc"

} // namespace flowhn
} // namespace mlir

#endif // FLOWHN_CONVERSION_KERNTOCPU_KERNTOCPU_H
