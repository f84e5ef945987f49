//===- KernOps.td - Ops of kern -----------------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_KERN_IR_KERNOPS_TD
#define FLOWHN_DIALECT_KERN_IR_KERNOPS_TD

include "flowhn/Dialect/Kern/IR/KernDialect.td"
include "flowhn/Dialect/Kern/IR/KernInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Kern_Access : I32Enum<"Access", "how an extra operand is read", [
    I32EnumCase<"Row", 0, "row">, I32EnumCase<"Gathered", 1, "gathered">, I32EnumCase<"Column", 2, "column">,
    I32EnumCase<"Scalar", 3, "scalar">]> {
  let cppNamespace = "::mlir::kern";
}
def Kern_AccessAttr : EnumAttr<Kern_Dialect, Kern_Access, "access"> {
  let assemblyFormat = "`<` $value `>`";
}
def Kern_AccessArrayAttr : TypedArrayAttrBase<Kern_AccessAttr, "one access per extra">;

def Kern_Reduction : I32Enum<"Reduction", "what a row-wise kernel reduces each section to", [
    I32EnumCase<"None", 0, "none">, I32EnumCase<"MeanOfSquares", 1, "mean_of_squares">]> {
  let cppNamespace = "::mlir::kern";
}
def Kern_ReductionAttr : EnumAttr<Kern_Dialect, Kern_Reduction, "reduction"> {
  let assemblyFormat = "`<` $value `>`";
}

def Kern_Rows : MemRefRankOf<[F32, BF16, F16], [2]>;
/// The same, or one number per row.
def Kern_RowsOrScalars : MemRefRankOf<[F32, BF16, F16], [1, 2]>;
def Kern_Table : MemRefRankOf<[I32], [1]>;
def Kern_Data : MemRefRankOf<[F32, BF16, F16], [1, 2, 3]>;
/// States of scans, [any number, states, channels], and one sum per channel.
def Kern_States : MemRefRankOf<[F32], [3]>;
def Kern_Sums : MemRefRankOf<[F32], [2]>;

class Kern_Op<string mnemonic, list<Trait> traits = []> : Op<Kern_Dialect, mnemonic, traits>;

/// A compute op: memory effects through its operands.
class Kern_ComputeOp<string mnemonic, list<Trait> traits = []>
    : Kern_Op<mnemonic, !listconcat(traits, [
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<Kern_KernelOpInterface>])> {
  let hasVerifier = 1;
}

/// A compute op with a region that makes the stored value.
class Kern_EpilogueOp<string mnemonic, list<Trait> traits = []> : Kern_ComputeOp<mnemonic, traits> {
  let hasRegionVerifier = 1;
}

/// Independent ops of one kind, `member`, in one launch.
class Kern_GroupOp<string mnemonic, string member>
    : Kern_ComputeOp<mnemonic, [IsolatedFromAbove, NoTerminator]> {
  let arguments = (ins Variadic<AnyTypeOf<[Index, Kern_Data, Kern_Table]>>:$arguments, OptionalAttr<DictionaryAttr>:$config);
  let regions = (region SizedRegion<1>:$members);
  let assemblyFormat = [{
    `(` $arguments `)` $members attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    using Member = }] # member # [{;
    /// The members, in order.
    auto getMemberOps() { return getMembers().getOps<Member>(); }
    /// The operand that `argument` of the region stands for.
    ::mlir::OpOperand &getOperandOf(::mlir::Value argument) {
      return getOperation()->getOpOperand(::llvm::cast<::mlir::BlockArgument>(argument).getArgNumber());
    }
    /// The place of a member's rows among the index operands.
    unsigned getExtentOf(Member member);
  }];
  let hasRegionVerifier = 1;
}

def Kern_YieldOp : Kern_Op<"yield", [Pure, Terminator, ReturnLike,
    ParentOneOf<["MatmulOp", "RowwiseOp", "Conv1DOp", "ScanOp"]>]> {
  let summary = "The value a kernel stores";
  let arguments = (ins F32:$value);
  let assemblyFormat = "$value attr-dict";
}

def Kern_MatmulOp : Kern_EpilogueOp<"matmul", [AttrSizedOperandSegments]> {
  let summary = "out[i, j] = epilogue(Σ_l a[i, l] · b[j, l])";
  let description = [{
    `a` is rows × k at column `a_column`; the result is rows × n at `out_column`
    of `out`, stored in row `scatter[i]` where `scatter` is given. With `groups`
    g > 1, b holds g products per output column (gate and up), and the region
    gets g sums.

    `b` of rank 2 is the row-major [g·n, k]; its rows may be longer, and what lies behind
    their first k elements is not read. `b` of rank 3 is packed in panels:
    [⌈n/p⌉, k, g·p] for panel width p, group after group inside a panel, zero
    behind the last column. Sums are float32, added in the order of l inside each
    block of the target's configuration; the result of a row does not depend on
    what the other rows hold. `max_rows` promises at most so many rows: a target may have
    other code for few, which adds in another order.

    Region: (g sums, extras) → stored value, all f32.

    Constraints:
    * (C1) n, k, groups, max_rows ≥ 1; columns ≥ 0; a has at least a_column + k columns, out at least out_column + n.
    * (C2) b has the shape above.
    * (C3) one access and one column offset per extra; a `row` or `gathered` extra is rank 2 and wide enough, a `column` extra is rank 1 with at least n elements behind its offset, a `scalar` extra is memref<?xf32> with offset 0; `gathered` needs `gather`.
    * (C4) the region has groups + extras f32 arguments, and holds scalar ops only.

    ```mlir
    kern.matmul rows(%rows) %a, %b -> %out extras(%x) gather(%index) {
    ^bb0(%sum: f32, %residual: f32):
      %y = arith.addf %sum, %residual : f32
      kern.yield %y
    } {n = 768, k = 768, …}
    ```
  }];
  let arguments = (ins Index:$rows, Kern_Rows:$a, Kern_Data:$b, Kern_Rows:$out,
      Variadic<Kern_Data>:$extras, Optional<Kern_Table>:$gather, Optional<Kern_Table>:$scatter,
      I64Attr:$n, I64Attr:$k, DefaultValuedAttr<I64Attr, "1">:$groups,
      DefaultValuedAttr<I64Attr, "0">:$a_column, DefaultValuedAttr<I64Attr, "0">:$out_column,
      OptionalAttr<I64Attr>:$max_rows, Kern_AccessArrayAttr:$accesses, DenseI64ArrayAttr:$extra_columns,
      OptionalAttr<DictionaryAttr>:$config);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `rows` `(` $rows `)` $a `,` $b `->` $out (`extras` `(` $extras^ `)`)? (`gather` `(` $gather^ `)`)? (`scatter` `(` $scatter^ `)`)?
    $epilogue attr-dict `:` functional-type(operands, results)
  }];
}

def Kern_GroupedMatmulOp : Kern_GroupOp<"grouped_matmul", "MatmulOp"> {
  let summary = "Independent products in one launch";
  let description = [{
    The `kern.matmul`s of the region, its members, over the operands that its arguments stand
    for. A target computes them as one kernel, so that the blocks which one member leaves
    idle work on another: the configuration is that of all members. A member of 0 rows
    takes no time. Members may store to one buffer, each to rows or columns of its own.

    Constraints:
    * (C1) the region holds two or more `kern.matmul`s and nothing else; its arguments have the operands' types.
    * (C2) no member reads what another one stores.
    * (C3) members have as many `groups` and multiply elements of one type.
    * (C4) members have no `config` of their own.

    ```mlir
    kern.grouped_matmul(%rows, %x, %w, %y, %others, %u, %v, %z) {
    ^bb0(%rows: index, …):
      kern.matmul rows(%rows) %x, %w -> %y {…} {n = 768, k = 768, …}
      kern.matmul rows(%others) %u, %v -> %z {…} {n = 1536, k = 768, …}
    }
    ```
  }];
}

def Kern_RowwiseOp : Kern_EpilogueOp<"rowwise", [AttrSizedOperandSegments]> {
  let summary = "Reduce sections of a row, then map its elements";
  let description = [{
    Row i reads row `gather[i]` (or i) of `input` at `in_column` and stores to row
    `scatter[i]` (or i) of `out` at `out_column`. `sections` are ascending bounds
    starting at 0; the last one is the width. `mean_of_squares` gives the region
    the mean of x² over the element's section, in float32. `max_rows` promises at most so many
    rows: a target may have other code for few, which adds in another order.

    Region: (x, the reduction unless `none`, extras) → stored value, all f32. Where
    `out` is memref<?xf32>, one number per row, (the reduction) → stored value.

    Constraints:
    * (C1) sections: at least two bounds, strictly ascending, from 0; max_rows ≥ 1.
    * (C2) input and an out of rank 2 are wide enough for their column and the width.
    * (C3) extras as for `kern.matmul`, over the width.
    * (C4) the region's arguments are f32: those above.
    * (C5) an out of rank 1 is memref<?xf32>, with one section, a reduction, no extras and out_column 0.

    The embedding is this op: `input` the table, `gather` the token ids.
  }];
  let arguments = (ins Index:$rows, Kern_Rows:$input, Kern_RowsOrScalars:$out,
      Variadic<Kern_Data>:$extras, Optional<Kern_Table>:$gather, Optional<Kern_Table>:$scatter,
      DenseI64ArrayAttr:$sections, Kern_ReductionAttr:$reduction,
      DefaultValuedAttr<I64Attr, "0">:$in_column, DefaultValuedAttr<I64Attr, "0">:$out_column,
      OptionalAttr<I64Attr>:$max_rows, Kern_AccessArrayAttr:$accesses,
      DenseI64ArrayAttr:$extra_columns, OptionalAttr<DictionaryAttr>:$config);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `rows` `(` $rows `)` $input `->` $out (`extras` `(` $extras^ `)`)? (`gather` `(` $gather^ `)`)? (`scatter` `(` $scatter^ `)`)?
    $body attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Whether the result is one number per row.
    bool storesScalars() { return getOut().getType().getRank() == 1; }
  }];
}

def Kern_GroupedRowwiseOp : Kern_GroupOp<"grouped_rowwise", "RowwiseOp"> {
  let summary = "Independent row-wise kernels in one launch";
  let description = [{
    The `kern.rowwise`s of the region, its members, over the operands that its arguments stand
    for: short kernels, of which a target makes one that has blocks for the rows of each member.
    The configuration is that of all members.

    Constraints:
    * (C1) the region holds two or more `kern.rowwise`s and nothing else; its arguments have the operands' types.
    * (C2) no member reads what another one stores.
    * (C3) members have one `reduction` and one `max_rows`.
    * (C4) members have no `config` of their own.

    ```mlir
    kern.grouped_rowwise(%rows, %x, %y, %others, %u, %v) {
    ^bb0(%rows: index, …):
      kern.rowwise rows(%rows) %x -> %y {…} {sections = array<i64: 0, 768>, …}
      kern.rowwise rows(%others) %u -> %v {…} {sections = array<i64: 0, 768>, …}
    }
    ```
  }];
}

def Kern_ArgmaxOp : Kern_ComputeOp<"argmax"> {
  let summary = "The column of the largest element of each row";
  let description = [{
    out[i] is the least j in [0, n) whose input[i, in_column + j] is the largest; NaN is
    never the largest, and where there is nothing else out[i] is -1.

    Constraints:
    * (C1) n ≥ 1 and below 2^31; input holds n columns from `in_column` on.

    ```mlir
    kern.argmax rows(%rows) %logits -> %tokens {n = 256} : (index, memref<?x256xf32>, memref<?xi32>) -> ()
    ```
  }];
  let arguments = (ins Index:$rows, Kern_Rows:$input, Kern_Table:$out, I64Attr:$n,
      DefaultValuedAttr<I64Attr, "0">:$in_column, OptionalAttr<DictionaryAttr>:$config);
  let assemblyFormat = [{
    `rows` `(` $rows `)` $input `->` $out attr-dict `:` functional-type(operands, results)
  }];
}

def Kern_AttentionOp : Kern_ComputeOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "Causal grouped-query attention, without the L×L matrix";
  let description = [{
    For each of `batch` sequences b (rows offsets[b] to offsets[b+1], at most
    `max_length`), query head i against key/value head i / (heads / kv_heads):
    softmax(scale · q·kᵀ) · v, causal, in float32. `query`, `key` and `value` may
    be one buffer, read at their columns. `rows`, where given, is offsets[batch]: kernels
    that copy whole boxes of rows need it, so as to read nothing beyond them.

    With `queries`, `query` and `out` hold the last rows of each sequence alone: rows
    query_offsets[b] to query_offsets[b+1], at most `max_queries` and no more than the sequence
    has. What they see is the same.

    With `cache`, `offsets` and `max_length` are of the queries, and `key` and `value` hold
    more: the keys of sequence b are its rows from first_keys[b] on, keys_before[b] for the
    tokens before the first query and one for each query. `query_limit` promises at most so many
    queries of a sequence, `min_batch` at least so many sequences: a target may have other code
    for few and many.

    Constraints:
    * (C1) head_size, heads, kv_heads, query_limit, min_batch ≥ 1; kv_heads divides heads.
    * (C2) buffers are wide enough for their columns.
    * (C3) max_queries and query_offsets are given together.
    * (C4) first_keys and keys_before are given together, and not with query_offsets.

    ```mlir
    kern.attention batch(%batch, %max) %q, %k, %v offsets(%offsets) queries(%max_queries, %query_offsets) -> %out {…}
    ```
  }];
  let arguments = (ins Index:$batch, Index:$max_length, Optional<Index>:$rows,
      Optional<Index>:$max_queries,
      Kern_Rows:$query, Kern_Rows:$key, Kern_Rows:$value, Kern_Table:$offsets,
      Optional<Kern_Table>:$query_offsets, Optional<Kern_Table>:$first_keys,
      Optional<Kern_Table>:$keys_before, Kern_Rows:$out,
      I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_size, F32Attr:$scale,
      DefaultValuedAttr<I64Attr, "0">:$q_column, DefaultValuedAttr<I64Attr, "0">:$k_column,
      DefaultValuedAttr<I64Attr, "0">:$v_column, DefaultValuedAttr<I64Attr, "0">:$out_column,
      OptionalAttr<I64Attr>:$query_limit, DefaultValuedAttr<I64Attr, "1">:$min_batch,
      OptionalAttr<DictionaryAttr>:$config);
  let assemblyFormat = [{
    `batch` `(` $batch `,` $max_length `)` (`rows` `(` $rows^ `)`)? $query `,` $key `,` $value
    `offsets` `(` $offsets `)` (`queries` `(` $max_queries^ `,` $query_offsets `)`)?
    (`cache` `(` $first_keys^ `,` $keys_before `)`)? `->` $out attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// How many index operands there are, and which one bounds the queries of a sequence.
    unsigned getNumExtents() { return 2 + bool(getRows()) + bool(getMaxQueries()); }
    unsigned getQueryExtent() { return getMaxQueries() ? getNumExtents() - 1 : 1; }
  }];
}

def Kern_Conv1DOp : Kern_EpilogueOp<"conv1d", [AttrSizedOperandSegments]> {
  let summary = "Causal depthwise convolution";
  let description = [{
    out[t, c] = epilogue(Σ_j weight[j, c] · input[t - (k-1) + j, c]) inside each
    sequence, zero before its first row. `weight` is [k, channels]. With `state` the k-1 rows
    before the first one of sequence i are state[slots[i]], oldest first, and the last k-1 of
    all of them take their place.

    Region: (sum, extras) → stored value.

    Constraints:
    * (C1) input and out are wide enough for their columns and the channels.
    * (C2) extras as for `kern.matmul`, over the channels; `gathered` and `scalar` are not accepted.
    * (C3) the region has 1 + extras f32 arguments.
    * (C4) state and slots are given together; state is dense [?, k-1, channels] of the input's
      element type, k above 1.
  }];
  let arguments = (ins Index:$batch, Index:$max_length, Kern_Rows:$input, Kern_Data:$weight,
      Kern_Table:$offsets, Kern_Rows:$out, Variadic<Kern_Data>:$extras,
      Optional<Kern_Data>:$state, Optional<Kern_Table>:$slots,
      DefaultValuedAttr<I64Attr, "0">:$in_column, DefaultValuedAttr<I64Attr, "0">:$out_column,
      Kern_AccessArrayAttr:$accesses, DenseI64ArrayAttr:$extra_columns,
      OptionalAttr<DictionaryAttr>:$config);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `batch` `(` $batch `,` $max_length `)` $input `,` $weight `offsets` `(` $offsets `)` `->` $out (`extras` `(` $extras^ `)`)? (`state` `(` $state^ `,` $slots `)`)?
    $epilogue attr-dict `:` functional-type(operands, results)
  }];
}

def Kern_ScanOp : Kern_EpilogueOp<"scan", [AttrSizedOperandSegments]> {
  let summary = "Selective state-space scan";
  let description = [{
    In each sequence, for channel e and state s, in float32:
    Δ = softplus(delta[t, e]); h = exp(Δ · a[s, e]) · h + Δ · b[t, s] · u[t, e];
    y = Σ_s h · c[t, s]; out[t, e] = epilogue(y, u[t, e], extras).
    `a` is [states, channels], already -exp(A_log). h starts from initial[i] in
    sequence i, from 0 where there is no `initial`; what it is after the last row is
    stored in final[i]. A sequence without rows ends as it started. `initial` and
    `final` may be one buffer. With `slots` they are those of slots[i] in place of i.

    With `chunks` n and `chunk_rows` r, n · r ≥ max_length, sequence i is n chunks of r
    rows that run side by side, those behind its end without rows. Where n > 1,
    chunk k starts from `chunk_states[offsets[i] / r + i + k]`, left by
    `kern.scan_combine`; where n = 1, as without chunks. With `chunk_sums`, calls of at most
    `folded_chunks` chunks have no use for that kernel: there `chunk_states` and `chunk_sums` are
    as `kern.scan_states` leaves them, and each chunk combines those in front of it.
    `few_sequences` says that they are few: what a row takes counts for more than what all of a
    target may do.

    Region: (y, u, extras) → stored value.

    Constraints:
    * (C1) states ≥ 1; u, delta, out wide enough for the channels, b and c for the states, at their columns.
    * (C2) extras as for `kern.matmul`, over the channels; `gathered` and `scalar` are not accepted.
    * (C3) the region has 2 + extras f32 arguments.
    * (C4) initial, final and chunk_states are dense [?, states, channels].
    * (C5) chunks, chunk_rows and chunk_states are given together.
    * (C6) slots come with initial and final.
    * (C7) chunk_sums come with chunks, and folded_chunks with chunk_sums, 2 at least; chunk_sums is
      dense [?, channels].

    ```mlir
    kern.scan batch(%batch, %max) chunks(%chunks, %rows) %u, %delta, %a, %b, %c offsets(%offsets) -> %out
        from(%states) initial(%state) final(%state) {
    ^bb0(%y: f32, %u: f32):
      kern.yield %y
    } {…}
    ```
  }];
  let arguments = (ins Index:$batch, Index:$max_length, Optional<Index>:$chunks, Optional<Index>:$chunk_rows,
      Kern_Rows:$u, Kern_Rows:$delta, Kern_Data:$a, Kern_Rows:$b, Kern_Rows:$c, Kern_Table:$offsets,
      Kern_Rows:$out, Variadic<Kern_Data>:$extras, Optional<Kern_States>:$chunk_states,
      Optional<Kern_Sums>:$chunk_sums, Optional<Kern_States>:$initial, Optional<Kern_States>:$final,
      Optional<Kern_Table>:$slots,
      DefaultValuedAttr<I64Attr, "0">:$u_column, DefaultValuedAttr<I64Attr, "0">:$delta_column,
      DefaultValuedAttr<I64Attr, "0">:$b_column, DefaultValuedAttr<I64Attr, "0">:$c_column,
      DefaultValuedAttr<I64Attr, "0">:$out_column, OptionalAttr<I64Attr>:$folded_chunks,
      UnitAttr:$few_sequences,
      Kern_AccessArrayAttr:$accesses, DenseI64ArrayAttr:$extra_columns,
      OptionalAttr<DictionaryAttr>:$config);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `batch` `(` $batch `,` $max_length `)` (`chunks` `(` $chunks^ `,` $chunk_rows `)`)?
    $u `,` $delta `,` $a `,` $b `,` $c `offsets` `(` $offsets `)` `->` $out (`extras` `(` $extras^ `)`)? (`from` `(` $chunk_states^ `)`)? (`sums` `(` $chunk_sums^ `)`)? (`initial` `(` $initial^ `)`)? (`final` `(` $final^ `)`)? (`slots` `(` $slots^ `)`)?
    $epilogue attr-dict `:` functional-type(operands, results)
  }];
}

def Kern_ScanStatesOp : Kern_ComputeOp<"scan_states"> {
  let summary = "What each chunk of a scan adds to the states";
  let description = [{
    The recurrence of `kern.scan` over every chunk (`chunks` n of `chunk_rows` r rows)
    that is followed by another row of its sequence, from h = 0. For chunk k of
    sequence i, at l = offsets[i] / r + i + k, `states[l]` is h after its last row
    and `sums[l]` its Σ_t Δ: over the chunk, h starting from g ends as
    exp(a · sums[l]) · g + states[l]. Nothing else is written.

    All chunks of a batch of n rows lie below n / r + batch.

    Constraints:
    * (C1) states ≥ 1; u and delta wide enough for the channels, b for the states, at their columns.
    * (C2) states is dense [?, states, channels], sums [?, channels].
  }];
  let arguments = (ins Index:$batch, Index:$chunks, Index:$chunk_rows, Kern_Rows:$u, Kern_Rows:$delta, Kern_Data:$a,
      Kern_Rows:$b, Kern_Table:$offsets, Kern_States:$states, Kern_Sums:$sums,
      DefaultValuedAttr<I64Attr, "0">:$u_column, DefaultValuedAttr<I64Attr, "0">:$delta_column,
      DefaultValuedAttr<I64Attr, "0">:$b_column,
      OptionalAttr<DictionaryAttr>:$config);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `chunks` `(` $chunks `,` $chunk_rows `)` $u `,` $delta `,` $a `,` $b `offsets` `(` $offsets `)` `->` $states `,` $sums
    attr-dict `:` functional-type(operands, results)
  }];
}

def Kern_ScanCombineOp : Kern_ComputeOp<"scan_combine", [AttrSizedOperandSegments]> {
  let summary = "The states that each chunk of a scan starts from";
  let description = [{
    Makes of the `states` and `sums` of `kern.scan_states`, in place, the states
    before each chunk that has rows, and before the first one of every sequence: those
    are `initial[i]` in sequence i, or `initial[slots[i]]`, 0 where there is no `initial`. Does
    nothing where `chunks` is 1.

    Constraints:
    * (C1) states ≥ 1.
    * (C2) states and initial are dense [?, states, channels], sums is [?, channels].
    * (C3) slots come with initial.
  }];
  let arguments = (ins Index:$batch, Index:$chunks, Index:$chunk_rows, Kern_Data:$a, Kern_Sums:$sums,
      Kern_Table:$offsets, Kern_States:$states, Optional<Kern_States>:$initial,
      Optional<Kern_Table>:$slots, OptionalAttr<DictionaryAttr>:$config);
  let assemblyFormat = [{
    `batch` `(` $batch `)` `chunks` `(` $chunks `,` $chunk_rows `)` $a `,` $sums `offsets` `(` $offsets `)` `->` $states (`initial` `(` $initial^ `)`)? (`slots` `(` $slots^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
}

#endif // FLOWHN_DIALECT_KERN_IR_KERNOPS_TD
