//===- FlowHNOps.td - Ops of flowhn -------------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_IR_FLOWHNOPS_TD
#define FLOWHN_DIALECT_FLOWHN_IR_FLOWHNOPS_TD

include "flowhn/Dialect/FlowHN/IR/FlowHNAttributes.td"
include "flowhn/Dialect/FlowHN/IR/FlowHNInterfaces.td"
include "flowhn/Dialect/FlowHN/IR/FlowHNTypes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class FlowHN_Op<string mnemonic, list<Trait> traits = []> : Op<FlowHN_Dialect, mnemonic, traits>;

def FlowHN_StaticFeatures
    : CPred<"!::llvm::cast<::mlir::RankedTensorType>($_self).getShape().empty() && "
            "::mlir::ShapedType::isStatic(::llvm::cast<::mlir::RankedTensorType>($_self).getShape().back())">;
/// Activations: batch × tokens × features, the features static.
def FlowHN_Tokens : ConfinedType<3DTensorOf<[F32, BF16, F16]>, [FlowHN_StaticFeatures],
    "batch x tokens x features tensor of 32-bit float or bfloat16 type or 16-bit float values with static features">;
/// Activations picked out of the batch: tokens × features, the features static.
def FlowHN_TokenRows : ConfinedType<2DTensorOf<[F32, BF16, F16]>, [FlowHN_StaticFeatures],
    "tokens x features tensor of 32-bit float or bfloat16 type or 16-bit float values with static features">;
def FlowHN_AnyTokens : AnyTypeOf<[FlowHN_Tokens, FlowHN_TokenRows], "", "::mlir::RankedTensorType">;
/// One integer per row of the batch.
def FlowHN_RowIndex : 1DTensorOf<[I32]>;
/// Per row, two ascending segments {begin, count} of positions.
def FlowHN_Segments : 3DTensorOf<[I32]>;
/// State that a layer may take: it reads it and leaves it behind changed.
def FlowHN_LayerState : Arg<Optional<FlowHN_StateType>, "", [MemRead, MemWrite]>;
def FlowHN_Weight : StaticShapeTensorOf<[F32, BF16, F16, I8]>;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

def FlowHN_ModelOp : FlowHN_Op<"model", [
    HasParent<"::mlir::ModuleOp">, IsolatedFromAbove, SymbolTable, Symbol, NoTerminator, SingleBlock,
    NoRegionArguments, OpAsmOpInterface]> {
  let summary = "A network: its parameters, its split and its forward function";
  let description = [{
    Holds the `flowhn.parameter`s and functions of one network. `split` says how
    the model was built, `plan` which positions each block gives to attention:
    one window per block, filled in by `--flowhn-choose-split`.

    Constraints:
    * (C1) `plan`, where present, has one window per `flowhn.block` of the model.
    * (C2) every fixed window of `plan` lies over `split`'s context.
    * (C3) `attention_tokens` of `split` has at most one count, or one per block.
    * (C4) in each function the blocks, and the calls of outlined ones, are numbered 0, 1, 2, …
      in program order.

    Once blocks are outlined there are none left to count, and C1 and C3 hold of
    what they were.

    ```mlir
    flowhn.model @kjv split <fac, rotate, context = 512, attention_tokens = [286]>
        plan [#flowhn.window<start = 226, count = 286, period = 512>, …] {
      flowhn.parameter @"lm_head.weight" : tensor<256x192xbf16>
      func.func @forward(…) { … }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlowHN_SplitAttr:$split,
                       OptionalAttr<FlowHN_PlanAttr>:$plan);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `split` `` $split (`plan` $plan^)? attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def FlowHN_ParameterOp : FlowHN_Op<"parameter", [Symbol, HasParent<"ModelOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A named weight";
  let description = [{
    Names a tensor of the checkpoint. `type` is the type it is stored in; with
    `scale`, the value is the stored one times the scale parameter's, which is
    one number or one per leading-dimension row.

    Constraints:
    * (C1) the type has a static shape.
    * (C2) an integer type needs a `scale`, a floating-point one takes none.
    * (C3) `scale` names a floating-point parameter of this model with one
      element or one per row.

    ```mlir
    flowhn.parameter @"model.layers.0.branch_proj.weight" : tensor<768x768xbf16>
    flowhn.parameter @w : tensor<768x768xi8> scale @w.scale
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FlowHN_Weight>:$type,
                       OptionalAttr<FlatSymbolRefAttr>:$scale);
  let assemblyFormat = "$sym_name `:` $type (`scale` $scale^)? attr-dict";
  let hasVerifier = 1;
}

def FlowHN_GetParameterOp : FlowHN_Op<"get_parameter", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a parameter";
  let description = [{
    Constraints:
    * (C1) `name` is a `flowhn.parameter` of the model.
    * (C2) the result has the parameter's type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs FlowHN_Weight:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def FlowHN_StateOp : FlowHN_Op<"state", [Symbol, HasParent<"ModelOp">]> {
  let summary = "Memory that a layer keeps between calls";
  let description = [{
    A `row` of `type` for every sequence in flight; for `kv` one for every token of a sequence
    that the layer sees, those that `block`'s row of the plan gives to attention. Without
    `block` the layer sees all tokens.

    Constraints:
    * (C1) `block` is not negative.

    ```mlir
    flowhn.state @"blocks.0.kv" : !flowhn.state<kv, tensor<512xf32>> block 0
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FlowHN_StateType>:$type,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntNonNegative]>>:$block);
  let assemblyFormat = "$sym_name `:` $type (`block` $block^)? attr-dict";
}

def FlowHN_GetStateOp : FlowHN_Op<"get_state", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The state of the sequences of a call";
  let description = [{
    `slots` says for each row of the batch which sequence in flight it goes on with.

    Constraints:
    * (C1) `name` is a `flowhn.state` of the model.
    * (C2) the result has the state's type.

    ```mlir
    %kv = flowhn.get_state @"blocks.0.kv" at(%slots) : tensor<?xi32> -> !flowhn.state<kv, tensor<512xf32>>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$name, FlowHN_RowIndex:$slots);
  let results = (outs FlowHN_StateType:$result);
  let assemblyFormat = "$name `at` `(` $slots `)` attr-dict `:` type($slots) `->` qualified(type($result))";
}

def FlowHN_BlockOp : FlowHN_Op<"block", [
    SingleBlockImplicitTerminator<"YieldOp">, NoRegionArguments, AllTypesMatch<["input", "result"]>]> {
  let summary = "One block of the network";
  let description = [{
    Marks the ops of block `index`, row `index` of the plan. The region reads its
    `input` and whatever dominates it; `--flowhn-outline-blocks` turns blocks that
    differ only in parameters and positions into calls of one function.

    Constraints:
    * (C1) the region yields one value, of the result's type.
    * (C2) blocks do not nest.
  }];
  let arguments = (ins FlowHN_Tokens:$input, I64Attr:$index);
  let results = (outs FlowHN_Tokens:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$index `(` $input `)` $body attr-dict `:` type($result)";
  let hasRegionVerifier = 1;
}

def FlowHN_SegmentsOp : FlowHN_Op<"segments", [Pure, AllTypesMatch<["attention", "ssm"]>, AllTypesMatch<["begin", "length"]>]> {
  let summary = "The positions of each branch in a call, as segments";
  let description = [{
    For every row: the attention positions of `window` that lie in
    `[begin, begin + length)` as at most two ascending segments {begin, count},
    and the complement. A missing segment has count 0.

    Constraints:
    * (C1) `window` is not `all`.
    * (C2) the results are batch × 2 × 2.
  }];
  let arguments = (ins FlowHN_RowIndex:$begin, FlowHN_RowIndex:$length, FlowHN_WindowAttr:$window);
  let results = (outs FlowHN_Segments:$attention, FlowHN_Segments:$ssm);
  let assemblyFormat = "$window `at` `(` $begin `,` $length `)` attr-dict `:` type($begin) `->` type($attention)";
  let hasVerifier = 1;
}

def FlowHN_SplitOp : FlowHN_Op<"split", [Pure, AttrSizedOperandSegments,
    AllTypesMatch<["input", "attention", "ssm"]>,
    AllTypesMatch<["begin", "length", "attention_begin", "attention_length", "ssm_begin", "ssm_length"]>]> {
  let summary = "Share the tokens of a block between its branches";
  let description = [{
    Gives each branch its own tokens in ascending position order, with their
    per-row `begin` (tokens of the branch before this call) and `length`. Before
    materialising, `block` names the row of the model's plan; afterwards the
    positions arrive as segments.

    Constraints:
    * (C1) exactly one of `block` and the two segment operands is present.
    * (C2) `block` is not negative, and inside a `flowhn.block` it is its index.

    ```mlir
    %a, %ab, %al, %s, %sb, %sl = flowhn.split %x at(%begin, %length) block 0 : tensor<?x?x768xf32>, tensor<?xi32>
    ```
  }];
  let arguments = (ins FlowHN_Tokens:$input, FlowHN_RowIndex:$begin, FlowHN_RowIndex:$length,
                       Optional<FlowHN_Segments>:$attention_segments,
                       Optional<FlowHN_Segments>:$ssm_segments,
                       OptionalAttr<I64Attr>:$block);
  let results = (outs FlowHN_Tokens:$attention, FlowHN_RowIndex:$attention_begin, FlowHN_RowIndex:$attention_length,
                      FlowHN_Tokens:$ssm, FlowHN_RowIndex:$ssm_begin, FlowHN_RowIndex:$ssm_length);
  let assemblyFormat = [{
    $input `at` `(` $begin `,` $length `)` (`block` $block^)?
    (`segments` `(` $attention_segments^ `,` $ssm_segments `:` type($attention_segments) `,` type($ssm_segments) `)`)?
    attr-dict `:` type($input) `,` type($begin)
  }];
  let hasVerifier = 1;
}

def FlowHN_LastSelectedOp : FlowHN_Op<"last_selected", [Pure,
    AllTypesMatch<["begin", "length", "last_begin", "last_length"]>]> {
  let summary = "How many tokens of each row a call selects";
  let description = [{
    `tokens` counts the valid tokens of the call row after row, as for `select_tokens`, and
    must name the last ones of each row, in order; `last_length` says how many, and
    `last_begin` is the position of the first of them.
  }];
  let arguments = (ins FlowHN_RowIndex:$tokens, FlowHN_RowIndex:$begin, FlowHN_RowIndex:$length);
  let results = (outs FlowHN_RowIndex:$last_begin, FlowHN_RowIndex:$last_length);
  let assemblyFormat = "$tokens `at` `(` $begin `,` $length `)` attr-dict `:` type($tokens) `,` type($begin)";
}

def FlowHN_LastSegmentsOp : FlowHN_Op<"last_segments", [Pure,
    AllTypesMatch<["attention", "ssm", "last_attention", "last_ssm"]>, AllTypesMatch<["last_begin", "last_length"]>]> {
  let summary = "The part of segments that lies in the last positions of each row";
  let description = [{
    Of the positions that `flowhn.segments` gives each branch, those in
    `[last_begin, last_begin + last_length)`, what `flowhn.last_selected` gives.

    ```mlir
    %lb, %ll = flowhn.last_selected %select at(%begin, %length) : tensor<?xi32>, tensor<?xi32>
    %la, %ls = flowhn.last_segments %as, %ss at(%lb, %ll) : tensor<?x2x2xi32>, tensor<?xi32>
    ```
  }];
  let arguments = (ins FlowHN_Segments:$attention, FlowHN_Segments:$ssm,
                       FlowHN_RowIndex:$last_begin, FlowHN_RowIndex:$last_length);
  let results = (outs FlowHN_Segments:$last_attention, FlowHN_Segments:$last_ssm);
  let assemblyFormat = "$attention `,` $ssm `at` `(` $last_begin `,` $last_length `)` attr-dict `:` type($attention) `,` type($last_begin)";
}

def FlowHN_LastTokensOp : FlowHN_Op<"last_tokens", [Pure, AllTypesMatch<["input", "result"]>,
    AllTypesMatch<["length", "keep"]>]> {
  let summary = "The last tokens of each row";
  let description = [{
    Of row b, which has `length[b]` tokens, the last `keep[b]`.

    ```mlir
    %y = flowhn.last_tokens %x of(%length) keep(%last_length) : tensor<?x?x768xf32>, tensor<?xi32>
    ```
  }];
  let arguments = (ins FlowHN_Tokens:$input, FlowHN_RowIndex:$length, FlowHN_RowIndex:$keep);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = "$input `of` `(` $length `)` `keep` `(` $keep `)` attr-dict `:` type($input) `,` type($length)";
}

def FlowHN_PackTokensOp : FlowHN_Op<"pack_tokens", [Pure]> {
  let summary = "The tokens of all rows, one after the other";
  let description = [{
    Constraints:
    * (C1) the result is tokens × features with the input's features and type.
  }];
  let arguments = (ins FlowHN_Tokens:$input, FlowHN_RowIndex:$length);
  let results = (outs FlowHN_TokenRows:$result);
  let assemblyFormat = "$input `,` $length attr-dict `:` `(` type($input) `,` type($length) `)` `->` type($result)";
  let hasVerifier = 1;
}

def FlowHN_ParallelOp : FlowHN_Op<"parallel", [
    RecursiveMemoryEffects, NoRegionArguments]> {
  let summary = "Branches that do not depend on each other";
  let description = [{
    One region per branch, each with its kind, each yielding one value. Branches
    may run at the same time; the `schedule` behind the name says whether they do:
    * `serial`: one after the other;
    * `streams`: side by side;
    * `grouped`: side by side, and products of both are computed by one launch.

    Constraints:
    * (C1) as many regions, kinds and results, at least one.
    * (C2) each region has one block that ends in `flowhn.yield` of one value of
      the result's type.

    ```mlir
    %f:2 = flowhn.parallel -> tensor<?x?x768xf32>, tensor<?x?x768xf32> {
    attention {
      …
      flowhn.yield %a : tensor<?x?x768xf32>
    }
    ssm {
      …
    }
    }
    ```
  }];
  let arguments = (ins FlowHN_BranchArrayAttr:$kinds, OptionalAttr<FlowHN_ScheduleAttr>:$schedule);
  let results = (outs Variadic<FlowHN_Tokens>:$outputs);
  let regions = (region VariadicRegion<SizedRegion<1>>:$branches);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def FlowHN_YieldOp : FlowHN_Op<"yield", [
    Pure, Terminator, ReturnLike, ParentOneOf<["BlockOp", "ParallelOp"]>]> {
  let summary = "The value of a block or branch";
  let arguments = (ins Variadic<FlowHN_Tokens>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

def FlowHN_FuseOp : FlowHN_Op<"fuse", [Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<FlowHN_CostOpInterface>]> {
  let summary = "Join the branches and project";
  let description = [{
    `features`: concatenates the inputs on the feature axis in operand order (SSM
    first in FlowHN). `tokens`: puts the tokens of the two inputs (attention, SSM)
    back in their original order, by `segments` or row `block` of the plan. Then
    multiplies by `weight[out, in]` transposed, and adds `residual` where given.

    Constraints:
    * (C1) `tokens` takes two inputs of one type, begin and length, and exactly one of `block` and segments.
    * (C2) `features` takes none of them.
    * (C3) `weight` is [out, in]: in is the inputs' joined feature size, out the result's.
    * (C4) `residual` has the result's shape.
    * (C5) `block` is not negative, and inside a `flowhn.block` it is its index.

    FLOPs per token: 2·in·out.
  }];
  let arguments = (ins FlowHN_FuseKindAttr:$kind, Variadic<FlowHN_Tokens>:$inputs,
                       FlowHN_Weight:$weight,
                       Optional<FlowHN_RowIndex>:$begin, Optional<FlowHN_RowIndex>:$length,
                       Optional<FlowHN_Segments>:$attention_segments,
                       Optional<FlowHN_Segments>:$ssm_segments,
                       Optional<FlowHN_Tokens>:$residual,
                       OptionalAttr<I64Attr>:$block);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = [{
    `` $kind `(` $inputs `)` `project` `(` $weight `)`
    (`at` `(` $begin^ `,` $length `)`)? (`block` $block^)?
    (`segments` `(` $attention_segments^ `,` $ssm_segments `)`)?
    (`residual` `(` $residual^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

def FlowHN_EmbeddingOp : FlowHN_Op<"embedding", [Pure]> {
  let summary = "Rows of a table, one per token id";
  let description = [{
    Constraints:
    * (C1) `table` is [vocabulary, features]; the result has these features.
  }];
  let arguments = (ins 2DTensorOf<[I32]>:$ids, FlowHN_Weight:$table);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = "$ids `,` $table attr-dict `:` `(` type($ids) `,` type($table) `)` `->` type($result)";
  let hasVerifier = 1;
}

def FlowHN_SelectTokensOp : FlowHN_Op<"select_tokens", [Pure]> {
  let summary = "Tokens named by their index in the packed call";
  let description = [{
    `result[i] = input[token i]`, where `tokens[i]` counts the valid tokens of the
    call row after row. Used before the head, so that only the logits that were
    asked for are computed.

    Constraints:
    * (C1) the result is tokens × features with the input's features and type.
  }];
  let arguments = (ins FlowHN_Tokens:$input, FlowHN_RowIndex:$length, FlowHN_RowIndex:$tokens);
  let results = (outs FlowHN_TokenRows:$result);
  let assemblyFormat = "$input `,` $length `,` $tokens attr-dict `:` `(` type($input) `,` type($length) `,` type($tokens) `)` `->` type($result)";
  let hasVerifier = 1;
}

def FlowHN_RMSNormOp : FlowHN_Op<"rms_norm", [Pure]> {
  let summary = "Root-mean-square norm over the features";
  let description = [{
    `result = w · x / sqrt(mean(x²) + eps)`, in float32. With several weights the
    features are consecutive sections, one per weight, each normed on its own and
    returned as its own result.

    Constraints:
    * (C1) as many results as weights, at least one.
    * (C2) weight i is one-dimensional, of the feature size of result i.
    * (C3) the results' feature sizes add up to the input's.
    * (C4) `eps` is positive and finite.
    * (C5) the results have the input's leading dimensions.

    ```mlir
    %y = flowhn.rms_norm %x, [%w] {eps = 1.0e-6 : f64} : (tensor<?x?x768xf32>, tensor<768xf32>) -> tensor<?x?x768xf32>
    ```
  }];
  let arguments = (ins FlowHN_AnyTokens:$input, Variadic<FlowHN_Weight>:$weights, F64Attr:$eps);
  let results = (outs Variadic<FlowHN_AnyTokens>:$outputs);
  let assemblyFormat = "$input `,` `[` $weights `]` attr-dict `:` `(` type($input) `,` type($weights) `)` `->` type($outputs)";
  let hasVerifier = 1;
}

def FlowHN_LinearOp : FlowHN_Op<"linear", [Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<FlowHN_CostOpInterface>]> {
  let summary = "Multiplication by transposed weights, with what is fused into it";
  let description = [{
    `x · Wᵢᵀ` for each weight `Wᵢ[outᵢ, in]`: one result per weight. Fused, in this order:
    * `norm`: x is first `rms(x; norm)` with `eps`;
    * `bias`: added to the only result;
    * `activation` `silu` on every result; `swiglu` turns the two products (gate,
      up) into the one result `silu(gate) · up`;
    * `residual`: added to the only result.

    Constraints:
    * (C1) there is a weight, and every weight is [out, in] with the input's feature size `in`.
    * (C2) one result per weight with feature size `out`, or one for `swiglu`, which takes two weights of one shape.
    * (C3) `bias` and `residual` need a single result; `bias` is [out], `residual` has the result's shape.
    * (C4) `norm` is [in] and comes with `eps`, a positive finite number; no `eps` without `norm`.
    * (C5) the results have the input's leading dimensions.

    FLOPs per token: 2·in·Σout.

    ```mlir
    %q, %k, %v = flowhn.linear %x [%wq, %wk, %wv] : …
    %h = flowhn.linear %x [%wg, %wu] activation swiglu : …
    ```
  }];
  let arguments = (ins FlowHN_AnyTokens:$input, Variadic<FlowHN_Weight>:$weights,
                       Optional<FlowHN_Weight>:$norm, Optional<FlowHN_Weight>:$bias,
                       Optional<FlowHN_AnyTokens>:$residual,
                       OptionalAttr<FlowHN_ActivationAttr>:$activation,
                       OptionalAttr<F64Attr>:$eps);
  let results = (outs Variadic<FlowHN_AnyTokens>:$outputs);
  let assemblyFormat = [{
    $input `[` $weights `]` (`norm` `(` $norm^ `)`)? (`bias` `(` $bias^ `)`)?
    (`activation` `` $activation^)? (`residual` `(` $residual^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def FlowHN_AddOp : FlowHN_Op<"add", [Pure, Commutative, AllTypesMatch<["lhs", "rhs"]>,
    SameOperandsAndResultShape]> {
  let summary = "Residual addition";
  let description = [{
    The sum, rounded where the result's element type is not that of the operands.

    ```mlir
    %y = flowhn.add %x, %d : tensor<?x?x768xf32>
    %z = flowhn.add %x, %d : tensor<?x?x768xf32> -> tensor<?x?x768xbf16>
    ```
  }];
  let arguments = (ins FlowHN_Tokens:$lhs, FlowHN_Tokens:$rhs);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` custom<SumTypes>(type($lhs), type($result))";
}

def FlowHN_SiLUOp : FlowHN_Op<"silu", [Pure, SameOperandsAndResultType]> {
  let summary = "x / (1 + exp(-x))";
  let arguments = (ins FlowHN_Tokens:$input);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def FlowHN_SwiGLUOp : FlowHN_Op<"swiglu", [Pure, SameOperandsAndResultType]> {
  let summary = "silu(gate) · value";
  let description = "The gate of the feed-forward layer, and of the SSM branch's output.";
  let arguments = (ins FlowHN_Tokens:$gate, FlowHN_Tokens:$value);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = "$gate `,` $value attr-dict `:` type($result)";
}

def FlowHN_SliceOp : FlowHN_Op<"slice", [Pure]> {
  let summary = "Consecutive features";
  let description = [{
    The features `[offset, offset + size)`, size the result's feature size.

    Constraints:
    * (C1) `offset` ≥ 0 and offset + size is at most the input's feature size.
    * (C2) the result has the input's batch, tokens and element type.

    A slice of the whole input folds to the input, a slice of a slice to one slice.
  }];
  let arguments = (ins FlowHN_Tokens:$input, I64Attr:$offset);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = "$input `from` $offset attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def FlowHN_AttentionOp : FlowHN_Op<"attention", [AttrSizedOperandSegments,
    AllTypesMatch<["query", "result"]>, DeclareOpInterfaceMethods<FlowHN_CostOpInterface>]> {
  let summary = "Causal grouped-query attention over the branch's own tokens";
  let description = [{
    Softmax(q·kᵀ / sqrt(h)) · v in float32, h = features of `query` / `heads`; query
    head i reads key/value head i / (heads / kv_heads). A token sees the tokens of
    its row with no greater index. With `state` that includes the `begin` tokens before
    this call, whose keys and values it holds; those of this call are appended.

    With `queries`, the query and the result are those of the last `queries[b]` tokens of
    row b alone.

    Constraints:
    * (C1) heads and kv_heads are positive, heads divides query's features, kv_heads divides heads.
    * (C2) key and value have one type, of kv_heads · h features.
    * (C3) `state` is of kind `kv`, its rows of 2·kv_heads·h elements of the key's type; it
      comes without `queries`.

    FLOPs per row of n tokens: 2·heads·h·n·(n+1), the exact causal triangle; with `queries`
    4·heads·h·n, for one of them.
  }];
  let arguments = (ins FlowHN_Tokens:$query, FlowHN_Tokens:$key, FlowHN_Tokens:$value,
                       FlowHN_RowIndex:$begin, FlowHN_RowIndex:$length,
                       Optional<FlowHN_RowIndex>:$queries,
                       FlowHN_LayerState:$state,
                       I64Attr:$heads, I64Attr:$kv_heads);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value `at` `(` $begin `,` $length `)` (`queries` `(` $queries^ `)`)? `heads` `(` $heads `,` $kv_heads `)`
    (`state` `(` $state^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def FlowHN_CausalConv1DOp : FlowHN_Op<"causal_conv1d", [AttrSizedOperandSegments,
    AllTypesMatch<["input", "result"]>, DeclareOpInterfaceMethods<FlowHN_CostOpInterface>]> {
  let summary = "Causal depthwise convolution over the branch's own tokens";
  let description = [{
    `result[t, c] = bias[c] + Σ_j weight[c, 0, j] · input[t - (k-1) + j, c]`, with the
    k-1 inputs before the call taken from the state, which the last ones replace, or
    zero. `activation silu` applies SiLU to the result.

    Constraints:
    * (C1) `weight` is [channels, 1, k], channels the input's features.
    * (C2) `bias` is [channels].
    * (C3) `state` is of kind `conv`, its rows (k-1) × channels of the input's type.
    * (C4) the activation is `silu`.

    FLOPs per token: 2·channels·k.
  }];
  let arguments = (ins FlowHN_Tokens:$input, FlowHN_Weight:$weight, FlowHN_RowIndex:$begin, FlowHN_RowIndex:$length,
                       Optional<FlowHN_Weight>:$bias, FlowHN_LayerState:$state,
                       OptionalAttr<FlowHN_ActivationAttr>:$activation);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = [{
    $input `,` $weight `at` `(` $begin `,` $length `)` (`bias` `(` $bias^ `)`)?
    (`activation` `` $activation^)? (`state` `(` $state^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def FlowHN_SelectiveScanOp : FlowHN_Op<"selective_scan", [AttrSizedOperandSegments,
    AllTypesMatch<["input", "delta", "result"]>, DeclareOpInterfaceMethods<FlowHN_CostOpInterface>]> {
  let summary = "Selective state-space recurrence over the branch's own tokens";
  let description = [{
    With Δ = softplus(delta), A = -exp(A_log), per channel and state, in float32:
    `h = exp(Δ·A)·h + (Δ·B)·u`, `y = Σ_N h·C + D·u`; with `gate`, the result is
    `y · silu(gate)`. h starts from `state`, which what it ends as replaces, or from zero.

    Constraints:
    * (C1) `a_log` is [channels, N], channels the input's features.
    * (C2) `b` and `c` have N features.
    * (C3) `d` is [channels].
    * (C4) `gate` has the input's type.
    * (C5) `state` is of kind `scan`, its rows channels × N.

    FLOPs per token: 9·channels·N.
  }];
  let arguments = (ins FlowHN_Tokens:$input, FlowHN_Tokens:$delta, FlowHN_Weight:$a_log,
                       FlowHN_Tokens:$b, FlowHN_Tokens:$c, FlowHN_Weight:$d,
                       FlowHN_RowIndex:$begin, FlowHN_RowIndex:$length,
                       Optional<FlowHN_Tokens>:$gate, FlowHN_LayerState:$state);
  let results = (outs FlowHN_Tokens:$result);
  let assemblyFormat = [{
    $input `,` $delta `,` $a_log `,` $b `,` $c `,` $d `at` `(` $begin `,` $length `)`
    (`gate` `(` $gate^ `)`)? (`state` `(` $state^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // FLOWHN_DIALECT_FLOWHN_IR_FLOWHNOPS_TD
