//===- KernFusedOps.h - Several kernels in one ------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_KERN_IR_KERNFUSEDOPS_H
#define FLOWHN_DIALECT_KERN_IR_KERNFUSEDOPS_H

#include "flowhn/Dialect/Kern/IR/KernOps.h"

#define GET_OP_CLASSES
#include "flowhn/Dialect/Kern/IR/KernFusedOps.h.inc"

#endif // FLOWHN_DIALECT_KERN_IR_KERNFUSEDOPS_H
