//===- DescribeModel.cpp - What an artifact says of its model -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DescribeModel.h"

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Import/ImportModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::Expected;
using ::flowhn::invalidInput;
using ::flowhn::ManifestModel;
using ::flowhn::Status;

/// The attention tokens that the model was compiled with: one count where all blocks
/// agree, one per block otherwise; none where the strategy has no counts.
static std::vector<int64_t> chosenCounts(ModelOp model) {
  std::vector<int64_t> counts;
  Strategy strategy = model.getSplit().getStrategy();
  if ((strategy != Strategy::FA && strategy != Strategy::FAC) || !model.getPlanAttr())
    return counts;
  for (auto window : model.getPlanAttr().getAsRange<WindowAttr>())
    if (window.getPeriod() != 0)
      counts.push_back(window.getCount());
  if (llvm::all_equal(counts) && !counts.empty())
    counts.resize(1);
  return counts;
}

static void describeSplit(ModelOp op, ManifestModel &described) {
  SplitAttr split = op.getSplit();
  described.strategy = stringifyStrategy(split.getStrategy()).str();
  if (split.getStrategy() == Strategy::FAC)
    described.circulation = stringifyCirculation(split.getCirculation()).str();
  described.contextLength = split.getContextLength();
  described.attentionTokens = chosenCounts(op);
  if (ArrayAttr plan = op.getPlanAttr())
    for (auto window : plan.getAsRange<WindowAttr>()) {
      llvm::raw_string_ostream(described.windows.emplace_back()) << window;
      described.splitByCall |= window.getByCall();
    }
  described.numLayers = described.windows.size();
}

static Status describeTypes(ModelOp op, func::FuncOp forward, ManifestModel &described) {
  auto logits = dyn_cast<RankedTensorType>(forward.getResultTypes()[0]);
  if (!logits || logits.getRank() != 2 || logits.isDynamicDim(1))
    return invalidInput("the result of @forward in flowhn.model '" + op.getSymName().str() +
                        "' must be [rows, vocabulary] with a known vocabulary");
  described.vocabSize = logits.getDimSize(1);
  forward.walk([&](EmbeddingOp embedding) {
    if (auto type = dyn_cast<RankedTensorType>(embedding.getResult().getType()))
      described.hiddenSize = type.getShape().back();
  });
  // The residual stream may be wider than what products read.
  forward.walk([&](LinearOp linear) {
    Type element = cast<RankedTensorType>(linear.getInput().getType()).getElementType();
    described.dtype = element.isBF16() ? "bfloat16" : element.isF16() ? "float16" : "float32";
  });
  return Status();
}

Expected<ManifestModel> mlir::flowhn::describeModel(ModuleOp module) {
  auto models = module.getOps<ModelOp>();
  if (!llvm::hasSingleElement(models))
    return invalidInput("the module holds " +
                        std::to_string(std::distance(models.begin(), models.end())) +
                        " flowhn.model ops, expected 1");
  ModelOp op = *models.begin();
  auto forward = op.lookupSymbol<func::FuncOp>("forward");
  if (!forward || forward.getNumResults() != 1)
    return invalidInput("flowhn.model '" + op.getSymName().str() +
                        "' has no function @forward with one result");
  ManifestModel described;
  if (auto tokenizer = op->getAttrOfType<StringAttr>(tokenizerAttrName))
    described.tokenizer = tokenizer.str();
  describeSplit(op, described);
  FLOWHN_RETURN_IF_ERROR(describeTypes(op, forward, described));
  return described;
}
