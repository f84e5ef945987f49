//===- KernFusedOps.td - Several kernels in one ------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_KERN_IR_KERNFUSEDOPS_TD
#define FLOWHN_DIALECT_KERN_IR_KERNFUSEDOPS_TD

include "flowhn/Dialect/Kern/IR/KernSamplingOps.td"

def Kern_ScanInputsOp : Kern_ComputeOp<"scan_inputs"> {
  let summary = "What a scan reads, from the rows before its convolution";
  let description = [{
    For the rows of `batch` sequences (offsets[i] to offsets[i+1] is sequence i), R being `dt_rank`
    and S `states`:

    * `u` = silu(Σ_j conv_weight[j, c] · input[t - (k-1) + j, c] + conv_bias[c]), zero before the
      first row of a sequence, rounded to u's type;
    * p = u · x_weightᵀ, of R + 2S columns, the first R, the next S and the last S of which are
      each divided by sqrt(mean of squares + eps), then multiplied by `norm_weight`;
    * the last 2S columns of p go to the columns from `projection_column` + R on of `projections`;
    * `delta` = round(p's first R columns) · dt_weightᵀ + dt_bias.

    These are `kern.conv1d`, `kern.matmul`, `kern.rowwise` and `kern.matmul` in one launch, for calls of
    so few rows that a launch takes longer than what it does. All is float32 up to the stores. What a
    row gets does not depend on rows of other sequences. `max_rows` promises at most so many rows.

    Only GPUs with warpgroup products have code for it; elsewhere, and in calls of more rows, the
    four kernels do this.

    Constraints:
    * (C1) dt_rank, states and max_rows ≥ 1; conv_weight is [k, channels].
    * (C2) x_weight is [R + 2S, channels] and dt_weight [channels, R]; their rows may be longer.
      conv_bias and dt_bias are [channels], norm_weight [R + 2S].
    * (C3) input, u and delta hold the channels from their columns on, projections R + 2S.

    ```mlir
    kern.scan_inputs rows(%rows, %batch) %x, %cw, %cb, %w, %n, %v, %b offsets(%offsets) -> %u, %p, %delta
        {dt_rank = 64, states = 16, eps = 1.0e-6, …}
    ```
  }];
  let arguments = (ins Index:$rows, Index:$batch, Kern_Rows:$input, Kern_Data:$conv_weight,
      Kern_Data:$conv_bias, Kern_Data:$x_weight, Kern_Data:$norm_weight, Kern_Data:$dt_weight,
      Kern_Data:$dt_bias, Kern_Table:$offsets, Kern_Rows:$u, Kern_Rows:$projections, Kern_Rows:$delta,
      I64Attr:$dt_rank, I64Attr:$states, F32Attr:$eps, DefaultValuedAttr<I64Attr, "0">:$in_column,
      DefaultValuedAttr<I64Attr, "0">:$u_column, DefaultValuedAttr<I64Attr, "0">:$projection_column,
      DefaultValuedAttr<I64Attr, "0">:$delta_column, OptionalAttr<I64Attr>:$max_rows,
      OptionalAttr<DictionaryAttr>:$config);
  let assemblyFormat = [{
    `rows` `(` $rows `,` $batch `)` $input `,` $conv_weight `,` $conv_bias `,` $x_weight `,` $norm_weight `,`
    $dt_weight `,` $dt_bias `offsets` `(` $offsets `)` `->` $u `,` $projections `,` $delta
    attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    int64_t getTaps() { return getConvWeight().getType().getDimSize(0); }
    int64_t getChannels() { return getConvWeight().getType().getDimSize(1); }
    /// Columns of the first product: dt, b and c.
    int64_t getProjected() { return int64_t(getDtRank()) + 2 * int64_t(getStates()); }
  }];
}

#endif // FLOWHN_DIALECT_KERN_IR_KERNFUSEDOPS_TD
