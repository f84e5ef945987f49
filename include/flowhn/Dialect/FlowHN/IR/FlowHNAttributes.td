//===- FlowHNAttributes.td - Attributes of flowhn -----------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_FLOWHN_IR_FLOWHNATTRIBUTES_TD
#define FLOWHN_DIALECT_FLOWHN_IR_FLOWHNATTRIBUTES_TD

include "flowhn/Dialect/FlowHN/IR/FlowHNDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class FlowHN_Enum<string name, string summary, list<I32EnumCase> cases>
    : I32Enum<name, summary, cases> {
  let cppNamespace = "::mlir::flowhn";
}
class FlowHN_EnumAttr<EnumInfo info, string mnemonic>
    : EnumAttr<FlowHN_Dialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}
class FlowHN_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<FlowHN_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def FlowHN_Strategy : FlowHN_Enum<"Strategy", "how a block shares its tokens between the branches", [
  I32EnumCase<"None", 0, "none">, I32EnumCase<"AE", 1, "ae">,
  I32EnumCase<"FA", 2, "fa">, I32EnumCase<"FAC", 3, "fac">]>;

def FlowHN_Circulation : FlowHN_Enum<"Circulation", "how the window of a `fac` model moves from block to block", [
  I32EnumCase<"Alternate", 0, "alternate">, I32EnumCase<"Rotate", 1, "rotate">]>;

def FlowHN_Branch : FlowHN_Enum<"Branch", "what a branch computes", [
  I32EnumCase<"Attention", 0, "attention">, I32EnumCase<"SSM", 1, "ssm">]>;
def FlowHN_BranchAttr : FlowHN_EnumAttr<FlowHN_Branch, "branch">;
def FlowHN_BranchArrayAttr : TypedArrayAttrBase<FlowHN_BranchAttr, "one kind per branch">;

def FlowHN_StateKind : FlowHN_Enum<"StateKind", "what a state keeps", [
  I32EnumCase<"KV", 0, "kv">, I32EnumCase<"Conv", 1, "conv">, I32EnumCase<"Scan", 2, "scan">]>;
def FlowHN_StateKindAttr : FlowHN_EnumAttr<FlowHN_StateKind, "state_kind"> {
  let assemblyFormat = "$value";
}

def FlowHN_Activation : FlowHN_Enum<"Activation", "a function applied to an op's result", [
  I32EnumCase<"SiLU", 0, "silu">, I32EnumCase<"SwiGLU", 1, "swiglu">]>;
def FlowHN_ActivationAttr : FlowHN_EnumAttr<FlowHN_Activation, "activation"> {
  let assemblyFormat = "$value";
}

def FlowHN_FuseKind : FlowHN_Enum<"FuseKind", "how branch results are joined", [
  I32EnumCase<"Tokens", 0, "tokens">, I32EnumCase<"Features", 1, "features">]>;
def FlowHN_FuseKindAttr : FlowHN_EnumAttr<FlowHN_FuseKind, "fuse_kind"> {
  let assemblyFormat = "$value";
}

def FlowHN_Schedule : FlowHN_Enum<"Schedule", "how the branches of a block share the machine", [
  I32EnumCase<"Serial", 0, "serial">, I32EnumCase<"Streams", 1, "streams">,
  I32EnumCase<"Grouped", 2, "grouped">]>;
def FlowHN_ScheduleAttr : FlowHN_EnumAttr<FlowHN_Schedule, "schedule">;

def FlowHN_SplitAttr : FlowHN_Attr<"Split", "split"> {
  let summary = "The split strategy of a model, as the model was built with it";
  let description = [{
    `context` is C, the number of positions the plan is laid out over; 0 when the
    split follows the length of each call. `attention_tokens` holds one count for
    all blocks, or one per block; empty when the compiler chooses (`fa`, `fac`)
    or the strategy fixes it (`none`, `ae`). `by_call` marks the authors' layout:
    without a context, n_a is 59·L/100 (`fa`) or L/2 (`fac`), L the length of the
    row in the call. `circulation` matters to `fac` alone; left out it is `rotate`.

    Constraints:
    * (C1) `context` and every count are not negative, `context` below 2^31.
    * (C2) counts come with strategy `fa` or `fac` and a context, and are at most it.

    ```mlir
    #flowhn.split<fac, rotate, context = 512, attention_tokens = [286]>
    #flowhn.split<fac, alternate, by_call>
    #flowhn.split<none>
    ```
  }];
  let parameters = (ins
    EnumParameter<FlowHN_Strategy>:$strategy,
    EnumParameter<FlowHN_Circulation>:$circulation,
    "int64_t":$contextLength,
    ArrayRefParameter<"int64_t">:$attentionTokens,
    "bool":$byCall);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def FlowHN_WindowAttr : FlowHN_Attr<"Window", "window"> {
  let summary = "The attention positions of one block";
  let description = [{
    One row of the split plan. A fixed window holds the `count` positions
    `(start + j) mod period`, 0 ≤ j < count. A window by call holds the first or
    last `⌊L·numerator/denominator⌋` (`floor`) or `⌈…⌉` (`ceil`) of the L tokens
    of each row. `all` gives every position to every branch. With `period` 0
    and `by_call` false the window is `all`.

    Constraints:
    * (C1) a fixed window has 0 < period < 2^31, 0 ≤ start < period, 0 ≤ count ≤ period.
    * (C2) a window by call has 0 < denominator < 2^31, 0 ≤ numerator ≤ denominator.
    * (C3) fields of the other forms are 0.

    ```mlir
    #flowhn.window<start = 226, count = 286, period = 512>
    #flowhn.window<last floor 1/2>
    #flowhn.window<first floor 59/100>
    #flowhn.window<all>
    ```
  }];
  let parameters = (ins
    "int64_t":$start, "int64_t":$count, "int64_t":$period,
    "bool":$byCall, "bool":$last, "bool":$ceil,
    "int64_t":$numerator, "int64_t":$denominator);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// A window over fixed positions of a context.
    static WindowAttr getFixed(MLIRContext *context, int64_t start, int64_t count, int64_t period);
    /// A window over a fraction of each call.
    static WindowAttr getByCall(MLIRContext *context, bool last, bool ceil, int64_t numerator, int64_t denominator);
    /// The window that gives every position to every branch.
    static WindowAttr getAll(MLIRContext *context);
    bool isAll() const { return !getByCall() && getPeriod() == 0; }
  }];
}

def FlowHN_TimesAttr : FlowHN_Attr<"Times", "times"> {
  let summary = "What one block is predicted to take on a GPU, in nanoseconds";
  let description = [{
    In a call of `batch` rows of `tokens` tokens: the branches of each kind, the rest of the
    block (`joint`), and the block with its branches one after the other (`serial`), side by
    side (`streams`), or side by side with products of both in one launch (`grouped`, 0 where
    there are none). `schedule` is what was decided.

    Constraints:
    * (C1) `batch` and `tokens` are positive, times are not negative.

    ```mlir
    #flowhn.times<schedule = serial, batch = 8, tokens = 1024, attention = 83100, ssm = 92000,
                  joint = 30200, serial = 205300, streams = 206100, grouped = 199800>
    ```
  }];
  let parameters = (ins
    EnumParameter<FlowHN_Schedule>:$schedule, "int64_t":$batch, "int64_t":$tokens,
    "int64_t":$attention, "int64_t":$ssm, "int64_t":$joint, "int64_t":$serial,
    "int64_t":$streams, "int64_t":$grouped);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def FlowHN_PlanAttr : TypedArrayAttrBase<FlowHN_WindowAttr, "the split plan: one window per block">;

#endif // FLOWHN_DIALECT_FLOWHN_IR_FLOWHNATTRIBUTES_TD
