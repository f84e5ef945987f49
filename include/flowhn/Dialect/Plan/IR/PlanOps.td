//===- PlanOps.td - Ops of plan -----------------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_IR_PLANOPS_TD
#define FLOWHN_DIALECT_PLAN_IR_PLANOPS_TD

include "flowhn/Dialect/FlowHN/IR/FlowHNTypes.td"
include "flowhn/Dialect/Plan/IR/PlanEnums.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

def Plan_ArenaType : TypeDef<Plan_Dialect, "Arena"> {
  let mnemonic = "arena";
  let summary = "A range of memory that buffers are placed in";
}

def Plan_SourceAttr : AttrDef<Plan_Dialect, "Source"> {
  let mnemonic = "source";
  let summary = "A tensor of the checkpoint";
  let parameters = (ins StringRefParameter<"name in the checkpoint">:$name, AttrParameter<"::mlir::RankedTensorType", "shape and storage type">:$type);
  let assemblyFormat = "`<` $name `:` $type `>`";
}
def Plan_SourceArrayAttr : TypedArrayAttrBase<Plan_SourceAttr, "tensors of the checkpoint">;

def Plan_Memory : MemRefOf<[AnyType]>;
/// memref<?xi32>: one number per row, token or sequence.
def Plan_Table : Type<
    CPred<"$_self == ::mlir::MemRefType::get({::mlir::ShapedType::kDynamic}, ::mlir::IntegerType::get($_self.getContext(), 32))">,
    "memref<?xi32>", "::mlir::MemRefType">,
  BuildableType<"::mlir::MemRefType::get({::mlir::ShapedType::kDynamic}, $_builder.getI32Type())">;

def Plan_ParameterOp : Plan_Op<"parameter", [Symbol]> {
  let summary = "A parameter as kernels read it, prepared once at load";
  let description = [{
    The `sources`, concatenated along their first dimension and seen as a matrix
    [n, k] (further dimensions are folded into k; a vector is [1, n]), pass
    `transform` in float32, or are multiplied in float32 by `column_scale`, column l by
    its element l, and are stored in the element type of `type` as `layout`:
    * `row_major`: [n, k], or the vector;
    * `transposed`: [k, n];
    * `panels`: [⌈(n/groups)/panel⌉, k, groups·panel]: panel p, row l holds, for
      group g, the columns g·(n/groups) + p·panel … of the matrix' row range,
      zero where there is none. Groups are interleaved panel by panel (gate, up);
    * `padded`: [n, ⌈k/panel⌉·panel], zero behind column k.
    A parameter with one source, `row_major`, no transform, no scale and the stored
    type is not copied: kernels read the mapped file.

    Constraints:
    * (C1) at least one source; sources agree in all dimensions but the first.
    * (C2) `panels` needs `panel` ≥ 1 and groups ≥ 1 that divides n; `padded` needs `panel` ≥ 1; nothing else takes them.
    * (C3) `type` is the memref described above.
    * (C4) a narrower element type than a source's, or than float32 where there is a `column_scale`, needs `rounds`: values are rounded to the nearest, to even.
    * (C5) `column_scale` is a vector of k elements; it takes matrices, no transform and no `transposed`.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Plan_SourceArrayAttr:$sources, Plan_LayoutAttr:$layout,
      DefaultValuedAttr<I64Attr, "0">:$panel, DefaultValuedAttr<I64Attr, "1">:$groups,
      DefaultValuedAttr<Plan_TransformAttr, "::mlir::plan::Transform::None">:$transform,
      OptionalAttr<Plan_SourceAttr>:$column_scale, UnitAttr:$rounds, TypeAttrOf<Plan_Memory>:$type);
  let assemblyFormat = "$sym_name `:` $type `from` $sources `as` $layout attr-dict";
  let extraClassDeclaration = [{
    /// The types of the sources, in order.
    ::llvm::SmallVector<::mlir::RankedTensorType> getSourceTypes();

    /// The memref that sources which satisfy C1 and C2 are prepared as; null when
    /// its elements are too many to count in 64 bits.
    static ::mlir::MemRefType getPreparedType(::llvm::ArrayRef<::mlir::RankedTensorType> sources,
                                              Layout layout, int64_t panel, int64_t groups,
                                              ::mlir::Type elementType);
  }];
  let hasVerifier = 1;
}

def Plan_GetParameterOp : Plan_Op<"get_parameter", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The memory of a prepared parameter";
  let description = [{
    Constraints:
    * (C1) `name` is a `plan.parameter`, of the result's type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs Plan_Memory:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def Plan_StateOp : Plan_Op<"state", [Symbol]> {
  let summary = "Memory that a layer keeps between calls";
  let description = [{
    A row of `type` for every sequence in flight; for `kv` as many as the context has positions
    that `window` gives to attention. Made by the runtime for a number of sequences and a
    context. `block` is the layer.

    Constraints:
    * (C1) the type has one dynamic dimension, its first, and identity layout.
    * (C2) `window` comes with `kv` alone and follows no call.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Plan_Memory>:$type, FlowHN_StateKindAttr:$kind,
      OptionalAttr<FlowHN_WindowAttr>:$window, OptionalAttr<I64Attr>:$block);
  let assemblyFormat = "$sym_name `:` $type $kind (`rows` `(` $window^ `)`)? (`block` $block^)? attr-dict";
  let hasVerifier = 1;
}

def Plan_GetStateOp : Plan_Op<"get_state", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The memory of a state";
  let description = [{
    Constraints:
    * (C1) `name` is a `plan.state`, of the result's type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs Plan_Memory:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def Plan_CacheRowsOp : Plan_Op<"cache_rows", [Pure]> {
  let summary = "The rows of a state of kind kv that a step reads and writes";
  let description = [{
    For a state with the rows of `window`: for each sequence of the call its first row
    (`first`) and how many rows tokens before the call have filled (`before`), and for each row
    of the call's attention branch the row that it goes to (`rows`). Computed by the host.
  }];
  let arguments = (ins Plan_Table:$begin, Plan_Table:$length, Plan_Table:$slots, FlowHN_WindowAttr:$window);
  let results = (outs Plan_Table:$first, Plan_Table:$before, Plan_Table:$rows);
  let assemblyFormat = "$window `at` `(` $begin `,` $length `)` `slots` `(` $slots `)` attr-dict";
}

def Plan_PartitionOp : Plan_Op<"partition", [Pure]> {
  let summary = "The rows of each branch in a call";
  let description = [{
    For the call's sequences, the packed rows whose positions `window` gives to
    attention, and the rest, sequence by sequence in ascending position order:
    for each branch the number of rows, the longest sequence, the first row of each
    sequence (`offsets`, batch + 1), and for each row its row in the call
    (`index`). Computed by the host from `begin` and `length`.

    Constraints:
    * (C1) `window` is not `all`.
  }];
  let arguments = (ins Plan_Table:$begin, Plan_Table:$length, FlowHN_WindowAttr:$window);
  let results = (outs
      Index:$attention_rows, Index:$attention_max_length, Plan_Table:$attention_offsets, Plan_Table:$attention_index,
      Index:$ssm_rows, Index:$ssm_max_length, Plan_Table:$ssm_offsets, Plan_Table:$ssm_index);
  let assemblyFormat = "$window `at` `(` $begin `,` $length `)` attr-dict";
  let builders = [OpBuilder<(ins "::mlir::Value":$begin, "::mlir::Value":$length, "::mlir::flowhn::WindowAttr":$window)>];
  let skipDefaultBuilders = 1;
  let hasVerifier = 1;
}

def Plan_LastRowsOp : Plan_Op<"last_rows", [Pure]> {
  let summary = "The selected rows of each branch in a call";
  let description = [{
    What `plan.partition` gives, for the rows that `select` names alone, which are the last
    ones of their sequences: for each branch their number, the most of a sequence, the first
    one of each sequence (`offsets`, batch + 1), and for each one its place in `select`
    (`index`) and its row among all rows of the branch (`last`). With the window `all` either
    branch has every row. Computed by the host.
  }];
  let arguments = (ins Plan_Table:$begin, Plan_Table:$length, Plan_Table:$select, FlowHN_WindowAttr:$window);
  let results = (outs
      Index:$attention_rows, Index:$attention_max_length, Plan_Table:$attention_offsets, Plan_Table:$attention_index, Plan_Table:$attention_last,
      Index:$ssm_rows, Index:$ssm_max_length, Plan_Table:$ssm_offsets, Plan_Table:$ssm_index, Plan_Table:$ssm_last);
  let assemblyFormat = "$window `at` `(` $begin `,` $length `)` `select` `(` $select `)` attr-dict";
}

def Plan_AllocOp : Plan_Op<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "A buffer of a procedure, before its place is decided";
  let description = [{
    `units` rows of the type's static dimensions, in the named arena. Buffers of
    one arena share memory when `--plan-assign-buffers` finds that their lifetimes
    do not meet; buffers of different arenas never do.

    Constraints:
    * (C1) the type has one dynamic dimension, its first, and identity layout.
  }];
  let arguments = (ins Index:$units, StrAttr:$arena);
  let results = (outs Plan_Memory:$result);
  let assemblyFormat = "$units `in` $arena attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Plan_ArenaOp : Plan_Op<"arena", [MemoryEffects<[MemAlloc]>]> {
  let summary = "Memory of a procedure for one size of buffers";
  let description = "`units` × `bytes_per_unit` bytes, live while the procedure runs.";
  let arguments = (ins StrAttr:$name, Index:$units, I64Attr:$bytes_per_unit);
  let results = (outs Plan_ArenaType:$result);
  let assemblyFormat = "$name `units` `(` $units `)` `bytes_per_unit` $bytes_per_unit attr-dict";
}

def Plan_ViewOp : Plan_Op<"view", [Pure]> {
  let summary = "A buffer, placed in an arena";
  let description = [{
    Starts at `offset` · units bytes of the arena.

    Constraints:
    * (C1) offset ≥ 0, a multiple of 64; offset + the bytes of one row is at most the arena's bytes per unit.
  }];
  let arguments = (ins Plan_ArenaType:$arena, I64Attr:$offset);
  let results = (outs Plan_Memory:$result);
  let assemblyFormat = "$arena `at` $offset attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Plan_LaunchOp : Plan_Op<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Run a kernel on a stream";
  let description = [{
    Launches of one stream run in order. A launch whose grid is empty is skipped.
    For reports, `branch` says which branch of a block the kernel computes, or that both share
    it (`branch<attention|ssm>`), and `block` which block of the network it belongs to where no
    call says so.

    Constraints:
    * (C1) `kernel` is a kernel of the module `@kernels` (`@kernels::@name`).
    * (C2) the operand types are the kernel's first argument types, where a target has
      not made pointers of its buffers. It adds its own arguments behind them (work item,
      scratch); a kernel that is no `func.func` any more is not checked.
  }];
  let arguments = (ins SymbolRefAttr:$kernel, Variadic<AnyTypeOf<[Index, Plan_Memory]>>:$operands, DefaultValuedAttr<I64Attr, "0">:$stream, OptionalAttr<Plan_BranchesAttr>:$branch, OptionalAttr<I64Attr>:$block);
  let assemblyFormat = "$kernel `(` $operands `)` `stream` $stream (`branch` `` $branch^)? (`block` $block^)? attr-dict (`:` type($operands)^)?";
}

def Plan_ForkOp : Plan_Op<"fork"> {
  let summary = "Streams start after everything before";
  let description = [{
    Constraints:
    * (C1) at least one stream, all different and ≥ 0.
  }];
  let arguments = (ins DenseI64ArrayAttr:$streams);
  let assemblyFormat = "$streams attr-dict";
  let hasVerifier = 1;
}

def Plan_JoinOp : Plan_Op<"join"> {
  let summary = "Everything after waits for these streams";
  let description = [{
    Constraints:
    * (C1) at least one stream, all different and ≥ 0.
  }];
  let arguments = (ins DenseI64ArrayAttr:$streams);
  let assemblyFormat = "$streams attr-dict";
  let hasVerifier = 1;
}

def Plan_TapOp : Plan_Op<"tap"> {
  let summary = "A value that a caller may ask to see";
  let description = [{
    The first `width` elements of each row. Copies nothing unless the caller asked for
    `name`.

    Constraints:
    * (C1) width ≥ 1, and a row has at least as many elements.
  }];
  let arguments = (ins StrAttr:$name, Index:$rows, Plan_Memory:$buffer, I64Attr:$width);
  let assemblyFormat = "$name `rows` `(` $rows `)` $buffer `width` $width attr-dict `:` type($buffer)";
  let hasVerifier = 1;
}

#endif // FLOWHN_DIALECT_PLAN_IR_PLANOPS_TD
