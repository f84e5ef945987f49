//===- PlanDialect.td - The plan dialect --------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_IR_PLANDIALECT_TD
#define FLOWHN_DIALECT_PLAN_IR_PLANDIALECT_TD

include "mlir/IR/OpBase.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::mlir::plan";
  let summary = "The host program as data";
  let description = [{
    What the runtime does for a call: procedures (`func.func`, called with
    `func.call`) of buffers, launches, streams, forks and joins. Sizes and grids
    are index expressions (`arith.constant`, `affine.apply`) over the call's batch
    and tokens. It serialises into the artifact and replays there; nothing in it
    is executed by the compiler.

    The procedure with the unit attribute `plan.entry` takes, in this order:
    batch, rows (valid tokens of all sequences), max_length (the longest sequence),
    selected (tokens whose logits are wanted), chosen (`selected` where the most likely
    token of each row of logits is wanted, else 0): index; ids [rows], begin [batch],
    length [batch], offsets [batch + 1], select [selected]: memref<?xi32>; logits
    [selected, vocabulary], float32; tokens [chosen]: memref<?xi32>. One with `plan.step`,
    where there is one, goes on with sequences in flight: row b begins at position begin[b], and
    behind the other arguments slots [batch] says which sequence it is. Behind chosen it takes
    drawn (`selected` where tokens are drawn instead, else 0), and behind slots the tables draws
    and history of `kern.sample`.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect", "::mlir::flowhn::FlowHNDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

#endif // FLOWHN_DIALECT_PLAN_IR_PLANDIALECT_TD
