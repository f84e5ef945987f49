//===- PrintCosts.cpp - A table of costs ----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/BranchCosts.h"
#include "flowhn/Analysis/SplitPlan.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_PRINTCOSTSPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

namespace {
/// Costs at given numbers of rows and tokens.
struct Totals {
  int64_t flops = 0;
  int64_t parameterBytes = 0;
  int64_t activationBytes = 0;

  Totals() = default;
  Totals(const Cost &cost, int64_t tokens, int64_t batch)
      : flops(saturatingProduct({cost.flops(tokens), batch})), parameterBytes(cost.parameterBytes),
        activationBytes(saturatingProduct({cost.activationBytes(tokens), batch})) {}

  Totals &operator+=(const Totals &other) {
    flops = saturatingAdd(flops, other.flops);
    parameterBytes = saturatingAdd(parameterBytes, other.parameterBytes);
    activationBytes = saturatingAdd(activationBytes, other.activationBytes);
    return *this;
  }
};

/// Prints the table of one model.
class CostTable {
public:
  CostTable(ModelOp model, int64_t tokens, int64_t batch)
      : model(model), tokens(tokens), batch(batch), os(llvm::outs()) {}

  void print() {
    os << "costs of @" << model.getSymName() << ": " << batch << " x " << tokens << " tokens\n";
    os << llvm::format("%-6s %-10s %12s %20s %20s %20s\n", "block", "part", "tokens", "FLOPs",
                       "parameter bytes", "activation bytes");
    ModelCosts costs = computeModelCosts(model);
    for (auto [index, block] : llvm::enumerate(costs.blocks))
      printBlock(index, block);
    printRow("-", "rest", tokens, Totals(costs.rest, tokens, batch));
    printLine("-", "total", tokens, total);
  }

private:
  void printBlock(size_t index, const BlockCosts &block) {
    std::string name = std::to_string(index);
    for (const BranchCost &branch : block.branches) {
      int64_t seen = countTokens(index, branch.kind);
      printRow(name, stringifyBranch(branch.kind), seen, Totals(branch.cost, seen, batch));
    }
    printRow(name, "joint", tokens, Totals(block.joint, tokens, batch));
  }

  /// Tokens of a row that a branch sees: all of them where no plan says otherwise.
  int64_t countTokens(size_t index, Branch kind) {
    std::optional<ArrayAttr> plan = model.getPlan();
    if (!plan || index >= plan->size())
      return tokens;
    auto window = cast<WindowAttr>((*plan)[index]);
    return kind == Branch::Attention ? countAttentionTokens(window, tokens)
                                     : countSSMTokens(window, tokens);
  }

  void printRow(StringRef block, StringRef part, int64_t seen, const Totals &row) {
    printLine(block, part, seen, row);
    total += row;
  }

  void printLine(StringRef block, StringRef part, int64_t seen, const Totals &row) {
    os << llvm::format(
        "%-6s %-10s %12lld %20lld %20lld %20lld\n", block.str().c_str(), part.str().c_str(),
        static_cast<long long>(seen), static_cast<long long>(row.flops),
        static_cast<long long>(row.parameterBytes), static_cast<long long>(row.activationBytes));
  }

  ModelOp model;
  int64_t tokens, batch;
  Totals total;
  raw_ostream &os;
};

struct PrintCostsPass : flowhn::impl::PrintCostsPassBase<PrintCostsPass> {
  using PrintCostsPassBase::PrintCostsPassBase;

  void runOnOperation() override {
    for (ModelOp model : getOperation().getOps<ModelOp>())
      if (failed(printModel(model)))
        return signalPassFailure();
    markAllAnalysesPreserved();
  }

  LogicalResult printModel(ModelOp model) {
    int64_t context = model.getSplit().getContextLength();
    int64_t rowLength = tokens == 0 ? context : static_cast<int64_t>(tokens);
    if (rowLength < 1)
      return model.emitOpError("costs need a row length of at least 1, got tokens = ")
             << tokens.getValue() << " and context " << context;
    if (context != 0 && rowLength > context)
      return model.emitOpError("rows have at most the context's ")
             << context << " tokens, got tokens = " << rowLength;
    if (batch < 1)
      return model.emitOpError("costs need at least one row, got batch = ") << batch.getValue();
    CostTable(model, rowLength, batch).print();
    return success();
  }
};
} // namespace
