//===- Passes.td - From the model to kernels and a plan -----*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_CONVERSION_FLOWHNTOKERN_PASSES_TD
#define FLOWHN_CONVERSION_FLOWHNTOKERN_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertFlowHNToKernPass : Pass<"convert-flowhn-to-kern", "::mlir::ModuleOp"> {
  let summary = "Turn a model into kernels and the procedures that launch them";
  let description = [{
    Replaces the only `flowhn.model` of the module by what a call of it does:
    * a `plan.parameter` for every way of reading each weight: weights of products
      packed in panels of the `cpu`'s width, or for `nvptx` as rows in the activations'
      type, 16 bytes apart or a multiple; those of one product joined,
      `A_log` as -exp(A_log) in float32, convolution weights transposed;
    * the module `@kernels`, one function per distinct kernel: kernels of the same op,
      region and types are one, whoever launches them. FLOPs and bytes, where they are
      polynomials of the extents, are the attributes `kern.flops` and `kern.bytes`; what a
      matmul, attention or scan is made for is `kern.sizes`. What parts of a call's tokens the
      branches have, in the mean of the blocks, is `kern.branch_shares` of the module, and which
      of them the launches of a product's kernel have, its `kern.token_shares`;
    * a procedure per function: `plan.entry` is the public one.

    Tokens are packed rows, all sequences one after the other, and what only moves
    tokens is no kernel. A split is a table of rows: the first norm of a branch gathers
    through it, residuals of the branch's input are gathered extras, the last product of
    the branch scatters into the joined buffer of the fuse. Joined features, slices and
    merged projections are columns of one buffer. A result is stored where its consumer
    wants it; where a kernel cannot store so, a copy follows.

    A linear with a `norm` is a product with a row scale: rms(x; w) · Wᵀ =
    s · (x · (W · diag(w))ᵀ), s = 1 / sqrt(mean of squares + eps). A row-wise kernel makes
    s, one float32 per row, the product's region multiplies its sums by it, and w is the
    `column_scale` of the product's parameter. Where the rows lie scattered, a kernel
    gathers and norms them instead.

    Branches with the schedule `streams` run on a stream and in an arena each, between
    `plan.fork` and `plan.join`; others share stream 0 and the arena "branch". With the
    schedule `grouped` both branches are walked in step: products of both become one
    `kern.grouped_matmul` on stream 0, norms of both one `kern.grouped_rowwise`, and there is a
    fork around what lies between two products where both branches have more to do than row-wise
    kernels. The entry
    taps the input of block i as "hidden.i" and the norm of the selected tokens as "final".

    On the GPU a scan is three kernels: `kern.scan_states`, `kern.scan_combine` and the
    scan itself, in chunks. How many rows a chunk has is computed in the plan, from the
    rows and the longest sequence of a call: as many chunks as fill the chip, or one
    where the sequences do, and then the first two kernels are skipped.

    Convolution, projection, norms and step sizes in front of a scan are one kernel more,
    `kern.scan_inputs`, where the GPU has one for their types and sizes and no state is kept: calls of
    few rows launch it, and the others have no rows then.

    Assumes `--flowhn-materialize-split`. Refused, with the op: state, scaled parameters,
    a bias under swiglu, tokens of one split with lengths of another, the schedule `grouped`
    where the target has no such launches or the branches no such products.

    ```mlir
    %y = flowhn.linear %t [%wa] residual(%a) : …         // last of the attention branch
    %f = flowhn.fuse tokens(%y, %z) project(%wf) … residual(%x) : …
    ```
    becomes
    ```mlir
    %joined = plan.alloc %rows in "shared" : memref<?x8xf32>
    plan.launch @kernels::@matmul_8x8_f32(%attention_rows, %t, %wa, %joined, %x, %attention_index) stream 0 : …
    …
    plan.join [0, 1]
    plan.launch @kernels::@matmul_8x8_f32_0(%rows, %joined, %wf, %out, %x) stream 0 : …
    ```

    Numerics: bit-exact in what is computed; sums inside a kernel are formed in the
    order that the target chooses, and values between fused ops stay in float32. A
    linear's `norm` is PRECISION-CHANGING: the folded weights are float32 on the CPU,
    whatever they are stored as, and rounded to the activations' type on the GPU.
    REASSOCIATING on the GPU: where a scan's chunks begin, and whether the sums of its projection
    are those of `kern.scan_inputs`, and nothing else, depends on the other sequences of the call.
  }];
  let options = [Option<"target", "target", "std::string", "\"cpu\"", "cpu|nvptx">,
                 Option<"cpu", "cpu", "std::string", "\"host\"", "of cpu: x86-64-v2|x86-64-v3|x86-64-v4|host">,
                 Option<"chip", "chip", "std::string", "\"sm_90a\"", "of nvptx: sm_80|sm_90a|…">];
  let dependentDialects = ["::mlir::kern::KernDialect", "::mlir::plan::PlanDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::affine::AffineDialect"];
}

#endif // FLOWHN_CONVERSION_FLOWHNTOKERN_PASSES_TD
