//===- FlowHNTypes.td - Types of flowhn ---------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_IR_FLOWHNTYPES_TD
#define FLOWHN_DIALECT_FLOWHN_IR_FLOWHNTYPES_TD

include "flowhn/Dialect/FlowHN/IR/FlowHNAttributes.td"
include "mlir/IR/AttrTypeBase.td"

def FlowHN_StateType : TypeDef<FlowHN_Dialect, "State"> {
  let mnemonic = "state";
  let summary = "What a layer keeps of the tokens that it has seen";
  let description = [{
    A reference to memory that outlives a call: ops that take it read it and leave it
    behind changed. `kv` keeps the key and the value of every token, `conv` the inputs
    before the next token, `scan` what the recurrence has added up; `row` is the type of
    one of them, of a token for `kv` and of a sequence for the others. A sequence starts
    with zeros, or for `kv` with nothing.

    Constraints:
    * (C1) `row` is static and of floating-point elements, float32 for `scan`; of rank 1 for
      `kv` and of rank 2 for the others.

    ```mlir
    !flowhn.state<kv, tensor<512xf32>>       // keys, then values
    !flowhn.state<conv, tensor<3x1536xf32>>  // k-1 inputs x channels
    !flowhn.state<scan, tensor<1536x16xf32>> // channels x states
    ```
  }];
  let parameters = (ins EnumParameter<FlowHN_StateKind>:$kind, "::mlir::RankedTensorType":$row);
  let assemblyFormat = "`<` $kind `,` $row `>`";
  let genVerifyDecl = 1;
}

#endif // FLOWHN_DIALECT_FLOWHN_IR_FLOWHNTYPES_TD
