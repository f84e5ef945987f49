//===- Passes.td - Passes over flowhn -----------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_TRANSFORMS_PASSES_TD
#define FLOWHN_DIALECT_FLOWHN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def CountFlopsPass : Pass<"flowhn-count-flops", "::mlir::ModuleOp"> {
  let summary = "Remark on the FLOPs of every op, branch and block";
  let description = [{
    What: a remark on every op with FLOPs, on every branch, every block and the
    model: a polynomial in n, the tokens of one row that the op or branch sees.

    Why: shows what a split is chosen from, and where FLOPs are.

    Assumptions: multiply-adds count two, in matrix products, convolution and scan;
    norms, activations and residuals count nothing (the convention of the paper).
    Totals are per row of the batch; the head counts per token it is asked for.

    ```
    remark: costs 1179648*n FLOPs per row of n tokens
      %q = flowhn.linear %x [%wq] : …
    remark: block 0 costs, in the tokens n of a row that each part sees: attention
      1536*n^2 + 12387840*n, ssm 17141760*n, the rest 2359296*n FLOPs; …
    ```

    Numerics: changes nothing.
  }];
}

def PrintCostsPass : Pass<"flowhn-print-costs", "::mlir::ModuleOp"> {
  let summary = "Print FLOPs and bytes per block and branch as a table";
  let description = [{
    What: one table per model on standard output. A line per branch at the tokens
    that the plan gives it (all of them without a plan), a line per block for what
    is joint, one for the rest of the model, and the total.

    Why: FLOPs, parameter bytes and activation bytes side by side tell which branch
    is bound by what.

    Assumptions: parameters are read once per call, whatever the batch; every op
    reads and writes its activations; the logits of all tokens are asked for. A row
    length above the context, or below 1, is an error, as is a batch below 1.

    ```
    costs of @model: 2 x 10 tokens
    block  part             tokens                FLOPs      parameter bytes     activation bytes
    0      attention             6                 1056                   64                 1152
    0      ssm                   4                  256                   32                  256
    0      joint                10                  640                   64                 1280
    ```

    Numerics: changes nothing.
  }];
  let options = [
    Option<"tokens", "tokens", "int64_t", "0", "row length to evaluate the costs at; 0: the context length">,
    Option<"batch", "batch", "int64_t", "1", "rows in the batch">,
  ];
}

def ChooseSplitPass : Pass<"flowhn-choose-split", "::mlir::ModuleOp"> {
  let summary = "Choose how many positions each block gives to attention";
  let description = [{
    What: fills `plan`, one window per block, from `split` with the options put in
    place of what it says, and writes the options back into `split`.

    | split | window of block i |
    |---|---|
    | `none` | `all` |
    | `ae` | [C/2, C) and [0, C/2) in turn; without a context the last ⌈L/2⌉ and first ⌊L/2⌋ of the call |
    | `fa` | [0, n); by call the first ⌊59·L/100⌋ |
    | `fac, alternate` | the last n and the first n in turn; by call n = ⌊L/2⌋ |
    | `fac, rotate` | n positions from (C - n_0 - … - n_i) mod C, around the context |

    n is the block's `attention_tokens`; where none is given, the count that
    minimises max(attention(n), ssm(C - n)) in FLOPs, ties to the smaller, or for
    `by_call` with a context 59·C/100 (`fa`) or C/2 (`fac`).

    Why: which positions a branch sees is one table, decided in one place. A remark
    per decision tells the FLOPs of both branches and how far they are apart.

    Assumptions: the blocks fuse features for `none` and tokens otherwise. Options
    replace only what they name: a count stays when the context changes, and is an
    error when it no longer fits.

    ```mlir
    flowhn.model @m split<fac, rotate, context = 9, attention_tokens = [5]> { … }
    ```
    ⇒
    ```mlir
    flowhn.model @m split<fac, rotate, context = 9, attention_tokens = [5]>
        plan [#flowhn.window<start = 4, count = 5, period = 9>,
              #flowhn.window<start = 8, count = 5, period = 9>] { … }
    ```

    Numerics: FUNCTION-DEFINING: the count is part of the model. Options that change
    the plan of the model give a warning that says so.
  }];
  let options = [
    Option<"strategy", "strategy", "std::string", "", "override the strategy: none|ae|fa|fac">,
    Option<"circulation", "circulation", "std::string", "", "override the circulation: alternate|rotate">,
    Option<"context", "context", "int64_t", "0", "override the context length; 0 keeps the model's">,
    ListOption<"attentionTokens", "attention-tokens", "int64_t", "override the count: one for all blocks or one per block">,
  ];
}

def MaterializeSplitPass : Pass<"flowhn-materialize-split", "::mlir::ModuleOp"> {
  let summary = "Turn rows of the split plan into segments";
  let description = [{
    What: puts one `flowhn.segments` per distinct window at the start of the
    function and gives it to the splits and fuses of the blocks with that window.
    Splits of a window `all` go: the branches read what the block reads.

    Why: afterwards blocks that differ only in their positions are equal but for
    their operands, so that one function serves them all, and nothing but
    `flowhn.segments` computes positions.

    Assumptions: the plan has a row for every block (an error otherwise), and begin
    and length are arguments of the function.

    ```mlir
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 0 : …
    ```
    ⇒
    ```mlir
    %as, %ss = flowhn.segments <start = 4, count = 5, period = 9> at(%begin, %length) : …
    …
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) segments(%as, %ss : …) : …
    ```

    Numerics: bit-exact.
  }];
}

def OutlineBlocksPass : Pass<"flowhn-outline-blocks", "::mlir::ModuleOp"> {
  let summary = "Make one function of blocks that differ only in parameters and positions";
  let description = [{
    Turns every `flowhn.block` into a call of a private function of the model, marked
    with the unit attribute `flowhn.block`. Blocks that are equal up to the names of
    their parameters, the values they capture and their locations call one function,
    so that what follows costs as much as there are distinct blocks. The functions are
    numbered in the order of the blocks; the call carries the block's index, its row
    of the plan, as `flowhn.index`.

    A block function takes the block's input, then the captured values, then the
    parameters, both in the order of their first use. `get_parameter` stays with the
    caller: the function does not know whose weights it gets. Locations inside it name
    the function where the block's had its layer ("block_0.final_proj").

    Assumes that positions are materialised: a `block` attribute left on a split or
    fuse keeps blocks apart. Cost: linear in the size of the IR, no block is compared
    with every other.

    ```mlir
    %1 = flowhn.block 0(%0) {
      %w = flowhn.get_parameter @"0.weight" : tensor<64x64xf32>
      %a = flowhn.linear %0[%w] : …
      flowhn.yield %a : tensor<?x?x64xf32>
    } : tensor<?x?x64xf32>
    %2 = flowhn.block 1(%1) { … @"1.weight" … }
    ```
    ⇒
    ```mlir
    func.func private @block_0(%x: tensor<?x?x64xf32>, %w: tensor<64x64xf32>)
        -> tensor<?x?x64xf32> attributes {flowhn.block} {
      %a = flowhn.linear %x[%w] : …
      return %a : tensor<?x?x64xf32>
    }
    …
    %w0 = flowhn.get_parameter @"0.weight" : tensor<64x64xf32>
    %1 = call @block_0(%0, %w0) {flowhn.index = 0 : i64} : …
    %w1 = flowhn.get_parameter @"1.weight" : tensor<64x64xf32>
    %2 = call @block_0(%1, %w1) {flowhn.index = 1 : i64} : …
    ```

    Numerics: bit-exact.
  }];
}

def AddStepPass : Pass<"flowhn-add-step", "::mlir::ModuleOp"> {
  let summary = "Add the function that goes on with sequences where earlier calls ended";
  let description = [{
    What: beside `@forward` a function `@step`, which takes `slots` as well, and beside each
    outlined block one that takes its layers' states. Declares a `flowhn.state` for every
    attention, convolution and scan of every block.

    Why: a token that was computed once need not be computed again. Prefill, chunked prefill
    and decoding are one function: `begin` tokens of a row came before, `length` come now.

    Assumptions: runs on outlined blocks, before positions are pruned, which `@step` needs all
    of. A model whose split follows the length of each call, or whose attention sees other
    tokens than its plan says, is left as it is, with a remark; one that has a step, without.

    ```mlir
    %y = flowhn.attention %q, %k, %v at(%b, %l) heads(32, 8) : …
    ```
    ⇒
    ```mlir
    %y = flowhn.attention %q, %k, %v at(%b, %l) heads(32, 8) state(%kv) : …
    ```

    Numerics: changes no function that was there; `@step` computes the same per token.
  }];
}

def PruneDeadPositionsPass : Pass<"flowhn-prune-dead-positions", "::mlir::ModuleOp"> {
  let summary = "Compute of the last block only what the selected tokens read";
  let description = [{
    What: puts the last block back in place of its call and computes behind its mixers
    only the tokens that `flowhn.select_tokens` asks for: the queries and the output
    projection of attention, the gate and output projection of the SSM branch, feed-forward,
    fuse, the last projection and norm. What state is made of is left, for every token and
    whether or not the model keeps one: keys and values, convolution and scan, and what
    they are made of. A branch that has none of the selected tokens is left with that alone.

    Why: a prefill that asks for the logits of the last token reads nothing else of the
    last block. Off by default, since it is a change to the work that is compared, not to
    how fast it is done.

    Assumes that a call selects the last tokens of each row, any number of them: a call
    that does not is an error, and one that selects all of them computes all. Assumes
    outlined blocks; it is an error where anything but select_tokens reads the last one.

    ```mlir
    %y = call @block_0(%x, %begin, %length, …) {flowhn.index = 5 : i64} : …
    %t = flowhn.select_tokens %y, %length, %select : …
    ```
    ⇒
    ```mlir
    %lb, %ll = flowhn.last_selected %select at(%begin, %length) : …
    %xl = flowhn.last_tokens %x of(%length) keep(%ll) : …
    %yl = flowhn.block 5(%x) {
      … // its queries, gate and what is behind its mixers from %xl
    } : …
    %t = flowhn.pack_tokens %yl, %ll : …
    ```

    Numerics: bit-exact on the CPU with `norm=kernel`. On a GPU attention to few queries is
    another kernel, and in 16 bits REASSOCIATING.
  }];
}

def FuseOpsPass : Pass<"flowhn-fuse-ops", "::mlir::ModuleOp"> {
  let summary = "Merge linear layers that share an input; fuse norms, gates and residuals";
  let description = [{
    Fewer, larger ops, in three steps, each to its end before the next begins:

    1. Merge. Linears over one input, with nothing fused into them and weights of one
       storage type, become one linear with several weights, in program order. Norms
       of consecutive slices that cover a whole value become one norm with sections,
       where `eps` and the storage type of the weights agree.
    2. Epilogues. An op takes in what is done to its result, where nothing else reads
       the result: `swiglu` of the two products of one linear, `silu` of a
       convolution, the gate of a scan, the residual of a linear or fuse.
    3. Prologues, with `norm=prologue`: a norm that only linears read becomes their
       `norm`. With `norm=kernel` it stays an op of its own.

    Assumes nothing; every step leaves alone what does not match.

    ```mlir
    %n = flowhn.rms_norm %x, [%w] {eps = 1.0e-6 : f64} : …
    %g = flowhn.linear %n[%wg] : …
    %u = flowhn.linear %n[%wu] : …
    %h = flowhn.swiglu %g, %u : …
    %d = flowhn.linear %h[%wd] : …
    %y = flowhn.add %x, %d : …
    ```
    ⇒ (`norm=prologue`)
    ```mlir
    %h = flowhn.linear %x[%wg, %wu] norm(%w) activation swiglu {eps = 1.0e-6 : f64} : …
    %y = flowhn.linear %h[%wd] residual(%x) : …
    ```

    Numerics: with `norm=kernel` bit-exact on f32 activations; on narrower ones
    PRECISION-CHANGING, since a fused intermediate is not rounded to the activation
    type. `norm=prologue` is REASSOCIATING besides, and PRECISION-CHANGING where weights
    are narrower than float32: the row scale may be applied to the product instead of
    the input, and the norm's weight to the product's weights before they are rounded.
  }];
  let options = [
    Option<"norm", "norm", "std::string", "\"kernel\"", "where a norm before a linear goes: kernel|prologue">,
  ];
}

def ScheduleBranchesPass : Pass<"flowhn-schedule-branches", "::mlir::ModuleOp"> {
  let summary = "Decide whether the branches of a block run concurrently";
  let description = [{
    Sets `schedule` on every `flowhn.parallel`. `mode=streams`, `mode=grouped` and
    `mode=serial` set that one. `mode=auto` takes `streams` for two or more branches, unless the
    plan leaves one of them without a token in every block that runs them (no
    attention position, or nothing but attention positions): beside an empty branch
    there is nothing to overlap.

    With `target=nvptx` times are predicted for a call of `batch` rows of `tokens`
    tokens, from the calibration of `chip`, and `auto` takes the schedule that takes the
    blocks least time. The times stay on each block as `flowhn.times`, in nanoseconds:
    of both branches, of the rest of the block, and of the block under each schedule.

    `grouped` needs `target=nvptx`, a `chip` with warpgroup products, and two branches
    that have products in 16 bits: as many of them as both have before what mixes their
    tokens, attention or scan, and as many as both have behind it. `auto` takes it for no
    other blocks; `mode=grouped` is an error there.

    Each decision is reported as a remark with the FLOPs of the branches and the
    predicted times, the mean of the blocks that run them.

    Assumes nothing; without a plan no branch is taken to be empty. Times are those of
    kernels after `flowhn-fuse-ops`: ops that it would merge count one by one.

    ```mlir
    %a, %s = flowhn.parallel -> … { attention { … } ssm { … } }
    ```
    ⇒
    ```mlir
    %a, %s = flowhn.parallel schedule(streams) -> … { attention { … } ssm { … } }
    ```
    and, with `target=nvptx`,
    ```mlir
    %1 = call @block_0(…) {flowhn.index = 0 : i64,
        flowhn.times = #flowhn.times<schedule = streams, batch = 8, tokens = 1024, …>} : …
    ```

    Numerics: bit-exact.
  }];
  let options = [
    Option<"mode", "mode", "std::string", "\"auto\"", "auto|grouped|streams|serial">,
    Option<"target", "target", "std::string", "\"cpu\"", "cpu|nvptx: whether times are predicted">,
    Option<"chip", "chip", "std::string", "\"sm_90a\"", "of nvptx: sm_80|sm_90a|…">,
    Option<"calibration", "calibration", "std::string", "", "of nvptx: H200, H100 or a file of flowhn-bench --calibrate; empty: what is known of the chip">,
    Option<"batch", "batch", "int64_t", "8", "of nvptx: rows of the call that times are predicted for">,
    Option<"tokens", "tokens", "int64_t", "0", "of nvptx: tokens of each; 0: the context length, 1024 without one">,
  ];
}

#endif // FLOWHN_DIALECT_FLOWHN_TRANSFORMS_PASSES_TD
