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
    Numerics: changes nothing.
  }];
}

def PrintCostsPass : Pass<"flowhn-print-costs", "::mlir::ModuleOp"> {
  let summary = "Print FLOPs and bytes per block and branch as a table";
  let description = [{
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
    Numerics: FUNCTION-DEFINING: the count is part of the model.
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
    Numerics: bit-exact.
  }];
}

def OutlineBlocksPass : Pass<"flowhn-outline-blocks", "::mlir::ModuleOp"> {
  let summary = "Make one function of blocks that differ only in parameters and positions";
  let description = [{
    Numerics: bit-exact.
  }];
}

def FuseOpsPass : Pass<"flowhn-fuse-ops", "::mlir::ModuleOp"> {
  let summary = "Merge linear layers that share an input; fuse norms, gates and residuals";
  let description = [{
    Numerics: bit-exact with `norm=kernel`; `norm=prologue` reassociates.
  }];
  let options = [
    Option<"norm", "norm", "std::string", "\"kernel\"", "where a norm before a linear goes: kernel|prologue">,
  ];
}

def ScheduleBranchesPass : Pass<"flowhn-schedule-branches", "::mlir::ModuleOp"> {
  let summary = "Decide whether the branches of a block run concurrently";
  let description = [{
    Numerics: bit-exact.
  }];
  let options = [
    Option<"mode", "mode", "std::string", "\"auto\"", "auto|concurrent|serial">,
  ];
}

#endif // FLOWHN_DIALECT_FLOWHN_TRANSFORMS_PASSES_TD
