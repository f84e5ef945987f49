//===- KernSamplingOps.td - Ops of kern that draw tokens ---*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_KERN_IR_KERNSAMPLINGOPS_TD
#define FLOWHN_DIALECT_KERN_IR_KERNSAMPLINGOPS_TD

include "flowhn/Dialect/Kern/IR/KernOps.td"

def Kern_SampleOp : Kern_ComputeOp<"sample"> {
  let summary = "A column of each row, drawn by its share in the softmax";
  let description = [{
    Row i of `logits` is changed where the tokens of a history are, then out[i] is a column that
    is drawn as entry i of `draws` says, or -1 where no logit is a number. An entry is 9 numbers:

    | number | |
    |---|---|
    | 0 | float32 `scale`: of the distance to the largest logit |
    | 1 | float32 `penalty` |
    | 2 | `top_k`; 0: all |
    | 3, 4 | where the row's columns in `history` begin, and how many there are, each once |
    | 5, 6 | `share` in 2^-64, low half first |
    | 7, 8 | `random` in 2^-64 |

    A logit x of the history becomes x / penalty where it is positive, else x · penalty. The
    distance of a column is d = ⌊(max - x) · scale⌋, at most 2^30 - 64, and its weight the integer
    2^(40 - d / 2^24), by a polynomial in integers. Of the columns, those stay whose distance is no
    more than that of the `top_k`th; of them the nearest ones that have `share` of their weights,
    and those that are as near as the last of these; of them the column is drawn in which, in
    their order, `random` of their weights is exceeded.

    Sums are of integers, so the order in which they are made does not matter: what is drawn
    is what the runtime draws on the host.

    Constraints:
    * (C1) n from 1 to 2^20; logits are float32 and hold n columns.

    ```mlir
    kern.sample rows(%rows) %logits, %draws, %history -> %tokens {n = 256}
        : (index, memref<?x256xf32>, memref<?xi32>, memref<?xi32>, memref<?xi32>) -> ()
    ```
  }];
  let arguments = (ins Index:$rows, MemRefRankOf<[F32], [2]>:$logits, Kern_Table:$draws,
      Kern_Table:$history, Kern_Table:$out, I64Attr:$n, OptionalAttr<DictionaryAttr>:$config);
  let assemblyFormat = [{
    `rows` `(` $rows `)` $logits `,` $draws `,` $history `->` $out attr-dict `:`
    functional-type(operands, results)
  }];
}

#endif // FLOWHN_DIALECT_KERN_IR_KERNSAMPLINGOPS_TD
