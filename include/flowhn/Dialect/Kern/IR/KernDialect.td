//===- KernDialect.td - The kern dialect --------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_KERN_IR_KERNDIALECT_TD
#define FLOWHN_DIALECT_KERN_IR_KERNDIALECT_TD

include "mlir/IR/OpBase.td"

def Kern_Dialect : Dialect {
  let name = "kern";
  let cppNamespace = "::mlir::kern";
  let summary = "What one kernel computes, on memrefs";
  let description = [{
    The kernel level. A kernel is a `func.func` with the unit attribute
    `kern.kernel` in the module `@kernels`: index arguments (extents) and memref
    arguments, and one kern op in its body. Activations are dense rows
    `memref<?xWxT>`, the tokens of all rows of the batch one after the other;
    an op reads or writes the columns that its `…_column` attributes start at, so
    that merged projections are read in place. `offsets` holds, for a batch of B,
    the B+1 first rows of each sequence.

    What is fused into a kernel arrives as a region of scalar float32 ops over
    the kernel's own values and its `extras`; one emitter serves every fusion.
    Each extra has an access: `row` reads [row, column], `gathered` reads
    [gather[row], column], `column` reads [column], `scalar` reads [row].

    Targets choose a configuration (`config`) and emit code through external
    models of their own interfaces; the dialect knows no target. They choose it for calls whose
    tokens branches share as `kern.branch_shares` of the module says, two f64 from 0 to 1. Of
    those tokens a kernel of one product has the parts that `kern.token_shares` of its function
    says, one f64 or more from 0 to 1; without it, either branch's or all.
  }];
  let hasOperationAttrVerify = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif // FLOWHN_DIALECT_KERN_IR_KERNDIALECT_TD
