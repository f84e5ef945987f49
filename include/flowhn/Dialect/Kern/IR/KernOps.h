//===- KernOps.h - Ops of kern ----------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_KERN_IR_KERNOPS_H
#define FLOWHN_DIALECT_KERN_IR_KERNOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "flowhn/Dialect/Kern/IR/KernDialect.h.inc"

#include "flowhn/Dialect/Kern/IR/KernEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "flowhn/Dialect/Kern/IR/KernAttributes.h.inc"

#include "flowhn/Dialect/Kern/IR/KernInterfaces.h.inc"

#define GET_OP_CLASSES
#include "flowhn/Dialect/Kern/IR/KernOps.h.inc"

namespace mlir::kern {

/// Marks a `func.func` as a kernel.
inline constexpr llvm::StringLiteral kernelAttrName = "kern.kernel";
/// Name of the module that holds the kernels.
inline constexpr llvm::StringLiteral kernelModuleName = "kernels";
/// The parts of a call's tokens that the branches have, in the mean of a model's blocks: two f64
/// on the module of its kernels, which are chosen for calls that are so divided.
inline constexpr llvm::StringLiteral branchSharesAttrName = "kern.branch_shares";
/// The parts of a call's tokens that a kernel of one product is launched for: an f64 for each.
inline constexpr llvm::StringLiteral tokenSharesAttrName = "kern.token_shares";
/// FLOPs and bytes of a kernel, where they are polynomials of its extents: an
/// array of terms [coefficient, exponent of each index argument]. They stay with
/// the function when its op has been replaced by code.
inline constexpr llvm::StringLiteral flopsAttrName = "kern.flops";
inline constexpr llvm::StringLiteral bytesAttrName = "kern.bytes";

// What the conversions to a target leave on each kernel function.

/// The AffineMap from the function's index arguments, in order, to the size of a launch.
/// They are its symbols, which unlike dimensions may be multiplied with each other.
inline constexpr llvm::StringLiteral gridAttrName = "kern.grid";
/// The name of the op the kernel was made of, and the configuration it had.
inline constexpr llvm::StringLiteral kernelOpAttrName = "kern.op";
inline constexpr llvm::StringLiteral configAttrName = "kern.config";

/// "stages=4 tile_rows=128": a configuration as text.
std::string describeConfig(DictionaryAttr config);

} // namespace mlir::kern

#endif // FLOWHN_DIALECT_KERN_IR_KERNOPS_H
