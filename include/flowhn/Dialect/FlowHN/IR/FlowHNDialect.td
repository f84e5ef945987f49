//===- FlowHNDialect.td - The flowhn dialect ----------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_IR_FLOWHNDIALECT_TD
#define FLOWHN_DIALECT_FLOWHN_IR_FLOWHNDIALECT_TD

include "mlir/IR/OpBase.td"

def FlowHN_Dialect : Dialect {
  let name = "flowhn";
  let cppNamespace = "::mlir::flowhn";
  let summary = "Parallel hybrid networks: token split, branches, fuse, and their layers";
  let description = [{
    The model level. Ops have value semantics on tensors `tensor<?x?xDxT>` of
    batch × tokens × features, whose first two dimensions are dynamic. Every row
    of a batch has its own `begin` (its first position in the sequence) and
    `length` (its valid tokens in this call); what stands behind `length` is
    padding that no op reads into a valid token.

    A block splits its tokens between branches (`flowhn.split`), runs the
    branches side by side (`flowhn.parallel`, one region each) and joins them
    (`flowhn.fuse`). Parameters are symbols (`flowhn.parameter`), never
    constants. Which positions a block gives to attention is one table on the
    model (`flowhn.model`, `plan`), one row per block.

    Attributes of the dialect on ops of others:
    * (C1) `flowhn.block`, a unit attribute, marks a `func.func` as an outlined block.
    * (C2) `flowhn.index`, an i64 ≥ 0, on a `func.call` of one is the index of the
      block, its row of the plan.
    * (C3) `flowhn.tokenizer`, a string on a `flowhn.model`, names what its tokens are.
    * (C4) `flowhn.times`, a `#flowhn.times` on a `flowhn.block` or the `func.call` of an
      outlined one, is what the block is predicted to take.
    * (C5) `flowhn.step`, a unit attribute, marks the `func.func` that steps through sequences.

    What layers keep between calls is named memory (`flowhn.state`), the one thing that
    has no value semantics: a layer that takes its state reads it and leaves it behind
    changed. A
    function marked `flowhn.step` goes on with the sequences that a call names by `slots`.

    Sources: arXiv 2505.19472 and the authors' published model class.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    /// Adds the attributes; their storage is complete in one file only.
    void registerAttributes();
    void registerTypes();
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
}

#endif // FLOWHN_DIALECT_FLOWHN_IR_FLOWHNDIALECT_TD
