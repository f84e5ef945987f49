//===- ImportModel.cpp - From a model config to IR ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Import/ImportModel.h"

#include "LayerBuilder.h"
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::flowhn;

//===----------------------------------------------------------------------===//
// Checks and attributes
//===----------------------------------------------------------------------===//

/// Reports what makes the request impossible to import.
static LogicalResult checkRequest(Location loc, const ::flowhn::ModelConfig &config,
                                  const StorageTypes &storage) {
  if (::flowhn::Status status = ::flowhn::validate(config); !status.ok())
    return emitError(loc) << status.message();
  SmallVector<StringRef> names(storage.keys());
  llvm::sort(names); // the map's order is no order to report in
  for (StringRef name : names) {
    ::flowhn::DType type = storage.lookup(name);
    if (type != ::flowhn::DType::F32 && type != ::flowhn::DType::BF16 &&
        type != ::flowhn::DType::F16)
      return emitError(loc) << "parameter '" << name << "' must be stored as F32, BF16 or F16, got "
                            << StringRef(::flowhn::name(type));
  }
  return success();
}

static Strategy convert(::flowhn::SplitStrategy strategy) {
  switch (strategy) {
  case ::flowhn::SplitStrategy::None:
    return Strategy::None;
  case ::flowhn::SplitStrategy::AE:
    return Strategy::AE;
  case ::flowhn::SplitStrategy::FA:
    return Strategy::FA;
  case ::flowhn::SplitStrategy::FAC:
    return Strategy::FAC;
  }
  llvm_unreachable("unknown split strategy");
}

/// The circulation means something to `fac` alone; every other strategy has the
/// one that its attribute does not print.
static Circulation circulationOf(const ::flowhn::ModelConfig &config) {
  return config.strategy == ::flowhn::SplitStrategy::FAC &&
                 config.circulation == ::flowhn::Circulation::Alternate
             ? Circulation::Alternate
             : Circulation::Rotate;
}

static SplitAttr splitOf(MLIRContext &context, const ::flowhn::ModelConfig &config) {
  return SplitAttr::get(&context, convert(config.strategy), circulationOf(config),
                        config.contextLength.value_or(0), config.attentionTokens,
                        config.splitByCall);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

namespace {

/// The row arguments of `@forward`.
struct Rows {
  Value begin;
  Value length;
};

} // namespace

/// Fills region `index` of `parallel` with one branch.
template <typename ImportBranch>
static void importRegion(LayerBuilder &layers, ParallelOp parallel, unsigned index, StringRef path,
                         BranchTokens input, ImportBranch importBranch) {
  OpBuilder::InsertionGuard guard(layers.builder);
  layers.builder.createBlock(&parallel.getBranches()[index]);
  Value result = importBranch(layers, path, input);
  YieldOp::create(layers.builder, parallel.getLoc(), result);
}

/// The attention and the SSM branch, side by side, each on its share of `split`.
static ParallelOp importParallel(LayerBuilder &layers, StringRef path, SplitOp split) {
  OpBuilder &builder = layers.builder;
  MLIRContext *context = builder.getContext();
  Type type = split.getInput().getType();
  auto kinds = builder.getArrayAttr(
      {BranchAttr::get(context, Branch::Attention), BranchAttr::get(context, Branch::SSM)});
  auto parallel = ParallelOp::create(builder, layers.location(path), TypeRange{type, type}, kinds,
                                     ScheduleAttr(), /*branchesCount=*/2);
  importRegion(layers, parallel, 0, path,
               {split.getAttention(), split.getAttentionBegin(), split.getAttentionLength()},
               importAttentionBranch);
  importRegion(layers, parallel, 1, path,
               {split.getSsm(), split.getSsmBegin(), split.getSsmLength()}, importSSMBranch);
  return parallel;
}

/// `branch_proj` over the joined branches: on the feature axis, SSM first, where
/// both saw every token; else with the tokens back in their order.
static Value importFuse(LayerBuilder &layers, StringRef path, ParallelOp parallel, Rows rows,
                        int64_t index) {
  OpBuilder &builder = layers.builder;
  int64_t size = layers.config.hiddenSize;
  Value attention = parallel.getResult(0), ssm = parallel.getResult(1);
  bool whole = layers.config.strategy == ::flowhn::SplitStrategy::None;
  std::string layer = (path + ".branch_proj").str();
  Value weight = layers.parameter(layer + ".weight", {size, whole ? 2 * size : size});
  if (whole)
    return FuseOp::create(builder, layers.location(layer), attention.getType(), FuseKind::Features,
                          ValueRange{ssm, attention}, weight, /*begin=*/Value(),
                          /*length=*/Value(), /*attention_segments=*/Value(),
                          /*ssm_segments=*/Value(), /*residual=*/Value(), /*block=*/IntegerAttr());
  return FuseOp::create(builder, layers.location(layer), attention.getType(), FuseKind::Tokens,
                        ValueRange{attention, ssm}, weight, rows.begin, rows.length,
                        /*attention_segments=*/Value(), /*ssm_segments=*/Value(),
                        /*residual=*/Value(), builder.getI64IntegerAttr(index));
}

/// What block `index` computes, inside its region.
static Value importBlockBody(LayerBuilder &layers, StringRef path, Value input, Rows rows,
                             int64_t index) {
  OpBuilder &builder = layers.builder;
  Type rowType = rows.begin.getType();
  auto split = SplitOp::create(builder, layers.location((path + ".split").str()), input.getType(),
                               rowType, rowType, input.getType(), rowType, rowType, input,
                               rows.begin, rows.length, /*attention_segments=*/Value(),
                               /*ssm_segments=*/Value(), builder.getI64IntegerAttr(index));
  ParallelOp parallel = importParallel(layers, path, split);
  Value fused = importFuse(layers, path, parallel, rows, index);
  Value sum = layers.add((path + ".branch_proj").str(), input, fused);
  Value normed = layers.rmsNorm((path + ".pre_ff_layernorm").str(), sum);
  std::string last = (path + ".final_proj").str();
  return layers.add(last, sum, layers.linear(last, normed, layers.config.hiddenSize));
}

static Value importBlock(LayerBuilder &layers, Value input, Rows rows, int64_t index) {
  std::string path = "model.layers." + std::to_string(index);
  OpBuilder &builder = layers.builder;
  Location loc = layers.location(path);
  auto block =
      BlockOp::create(builder, loc, input.getType(), input, builder.getI64IntegerAttr(index));
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&block.getBody());
  Value output = importBlockBody(layers, path, input, rows, index);
  YieldOp::create(builder, loc, output);
  return block.getResult();
}

//===----------------------------------------------------------------------===//
// The network
//===----------------------------------------------------------------------===//

/// The logits of the tokens that `selected` names.
static Value importHead(LayerBuilder &layers, Value hidden, Value length, Value selected) {
  const ::flowhn::ModelConfig &config = layers.config;
  OpBuilder &builder = layers.builder;
  Value tokens =
      SelectTokensOp::create(builder, layers.location("model.select"),
                             layers.packedTokens(config.hiddenSize), hidden, length, selected);
  Value normed = layers.rmsNorm("model.final_layernorm", tokens);
  return layers.logits("lm_head", normed,
                       config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight");
}

static Value importNetwork(LayerBuilder &layers, Block::BlockArgListType arguments) {
  const ::flowhn::ModelConfig &config = layers.config;
  Value ids = arguments[0], selected = arguments[3];
  Rows rows{arguments[1], arguments[2]};
  Value table =
      layers.parameter("model.embed_tokens.weight", {config.vocabSize, config.hiddenSize});
  Value hidden = EmbeddingOp::create(layers.builder, layers.location("model.embed_tokens"),
                                     layers.tokens(config.hiddenSize), ids, table);
  for (int64_t index = 0; index < config.numLayers; ++index)
    hidden = importBlock(layers, hidden, rows, index);
  return importHead(layers, hidden, rows.length, selected);
}

/// Declares `@forward` with named arguments and an empty body.
static func::FuncOp createForward(OpBuilder &builder, int64_t vocabSize) {
  int64_t any = ShapedType::kDynamic;
  Type integer = builder.getI32Type();
  auto rows = RankedTensorType::get({any}, integer);
  auto logits = RankedTensorType::get({any, vocabSize}, builder.getF32Type());
  auto type = builder.getFunctionType(
      {RankedTensorType::get({any, any}, integer), rows, rows, rows}, logits);
  auto named = [&](StringRef name) { return NameLoc::get(builder.getStringAttr(name)); };
  auto forward = func::FuncOp::create(builder, named("forward"), "forward", type);
  Block *body = forward.addEntryBlock();
  const StringRef names[] = {"ids", "begin", "length", "select"};
  for (auto [argument, name] : llvm::zip_equal(body->getArguments(), names))
    argument.setLoc(named(name));
  return forward;
}

OwningOpRef<ModuleOp> mlir::flowhn::importModel(MLIRContext &context,
                                                const ::flowhn::ModelConfig &config,
                                                const StorageTypes &storage,
                                                ::flowhn::DType activations) {
  Location loc = NameLoc::get(StringAttr::get(&context, "model"));
  if (failed(checkRequest(loc, config, storage)))
    return {};
  context.loadDialect<FlowHNDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder builder = OpBuilder::atBlockBegin(module->getBody());
  auto model = ModelOp::create(builder, loc, "model", splitOf(context, config), ArrayAttr());
  builder.createBlock(&model.getBody());
  func::FuncOp forward = createForward(builder, config.vocabSize);

  // Parameters go in front of the function, in the order of their first use.
  builder.setInsertionPoint(forward);
  Type activationType = builder.getF32Type();
  if (activations == ::flowhn::DType::BF16)
    activationType = builder.getBF16Type();
  else if (activations == ::flowhn::DType::F16)
    activationType = builder.getF16Type();
  LayerBuilder layers(builder, config, storage, activationType);
  layers.builder.setInsertionPointToStart(&forward.front());
  Value logits = importNetwork(layers, forward.getArguments());
  func::ReturnOp::create(layers.builder, forward.getLoc(), logits);
  return module;
}
