//===- ImportModelTest.cpp - Tests of the importer to IR ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Import/ImportModel.h"

#include "../TestFiles.h"
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Support/SafeTensors.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

#include <algorithm>
#include <map>

using namespace mlir;
using namespace mlir::flowhn;

namespace {

/// A small model of our own layout, to be changed by each test.
::flowhn::ModelConfig smallConfig() {
  ::flowhn::ModelConfig config;
  config.vocabSize = 16;
  config.hiddenSize = 8;
  config.intermediateSize = 12;
  config.numLayers = 2;
  config.numHeads = 2;
  config.numKeyValueHeads = 1;
  config.stateSize = 4;
  config.convSize = 3;
  config.expand = 2;
  config.dtRank = 1;
  config.strategy = ::flowhn::SplitStrategy::FAC;
  config.contextLength = 32;
  return config;
}

class ImportModel : public ::testing::Test {
protected:
  /// Imports and verifies; diagnostics end up in `errors`.
  OwningOpRef<ModuleOp> import(const ::flowhn::ModelConfig &config, const StorageTypes &types = {},
                               const ActivationTypes &activations = {}) {
    ScopedDiagnosticHandler handler(&context, [this](Diagnostic &diagnostic) {
      errors += diagnostic.str() + "\n";
      return success();
    });
    OwningOpRef<ModuleOp> module = importModel(context, config, types, activations);
    if (module)
      EXPECT_TRUE(succeeded(verify(*module))) << errors;
    return module;
  }

  MLIRContext context;
  std::string errors;
};

template <typename Op> std::vector<Op> opsOf(ModuleOp module) {
  std::vector<Op> ops;
  module.walk([&](Op op) { ops.push_back(op); });
  return ops;
}

std::string typeString(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// The parameters of `module` by name; a name that comes twice fails.
std::map<std::string, ::flowhn::ParameterSpec> parametersOf(ModuleOp module) {
  std::map<std::string, ::flowhn::ParameterSpec> parameters;
  for (const ::flowhn::ParameterSpec &spec : collectParameters(module))
    EXPECT_TRUE(parameters.emplace(spec.name, spec).second) << spec.name;
  return parameters;
}

/// The op whose location is the layer `path`.
template <typename Op> Op layer(ModuleOp module, StringRef path) {
  for (Op op : opsOf<Op>(module))
    if (auto name = dyn_cast<NameLoc>(op.getLoc()); name && name.getName() == path)
      return op;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Fixtures
//===----------------------------------------------------------------------===//

std::vector<std::string> fixtures() {
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(FLOWHN_TEST_INPUTS))
    if (std::filesystem::exists(entry.path() / "config.json") &&
        std::filesystem::exists(entry.path() / "model.safetensors"))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

struct Fixture {
  ::flowhn::ModelConfig config;
  ::flowhn::SafeTensors weights;
};

Fixture loadFixture(const std::string &name) {
  std::string folder = std::string(FLOWHN_TEST_INPUTS) + "/" + name;
  auto config = ::flowhn::parseModelConfig(::flowhn::test::readFile(folder + "/config.json"), name);
  EXPECT_TRUE(config.ok()) << config.status().message();
  auto weights = ::flowhn::SafeTensors::open(folder + "/model.safetensors");
  EXPECT_TRUE(weights.ok()) << weights.status().message();
  return {*config, std::move(*weights)};
}

TEST_F(ImportModel, ParametersAreTheCheckpoints) {
  ASSERT_GE(fixtures().size(), 11u);
  for (const std::string &name : fixtures()) {
    SCOPED_TRACE(name);
    Fixture fixture = loadFixture(name);
    StorageTypes types;
    for (const ::flowhn::NamedTensor &tensor : fixture.weights.tensors())
      types[tensor.name] = tensor.view.type;
    OwningOpRef<ModuleOp> module = import(fixture.config, types);
    ASSERT_TRUE(module) << errors;
    auto parameters = parametersOf(*module);
    EXPECT_EQ(parameters.size(), fixture.weights.tensors().size());
    for (const ::flowhn::NamedTensor &tensor : fixture.weights.tensors()) {
      auto found = parameters.find(tensor.name);
      ASSERT_NE(found, parameters.end()) << tensor.name;
      EXPECT_EQ(found->second.shape, tensor.view.shape) << tensor.name;
      EXPECT_EQ(found->second.type, tensor.view.type) << tensor.name;
    }
  }
}

TEST_F(ImportModel, EveryLayerIsOneOp) {
  for (const std::string &name : fixtures()) {
    SCOPED_TRACE(name);
    Fixture fixture = loadFixture(name);
    OwningOpRef<ModuleOp> module = import(fixture.config);
    ASSERT_TRUE(module) << errors;
    size_t blocks = fixture.config.numLayers;
    EXPECT_EQ(opsOf<BlockOp>(*module).size(), blocks);
    EXPECT_EQ(opsOf<SplitOp>(*module).size(), blocks);
    EXPECT_EQ(opsOf<ParallelOp>(*module).size(), blocks);
    EXPECT_EQ(opsOf<FuseOp>(*module).size(), blocks);
    EXPECT_EQ(opsOf<AttentionOp>(*module).size(), blocks);
    EXPECT_EQ(opsOf<CausalConv1DOp>(*module).size(), blocks);
    EXPECT_EQ(opsOf<SelectiveScanOp>(*module).size(), blocks);
    // q, k, v, o and the projections in, x, dt, out; two feed-forwards; final_proj.
    EXPECT_EQ(opsOf<LinearOp>(*module).size(), blocks * (4 + 4 + 2 * 3 + 1) + 1);
    // Two in each branch, the inner three, one before final_proj.
    EXPECT_EQ(opsOf<RMSNormOp>(*module).size(), blocks * (2 * 2 + 3 + 1) + 1);
    EXPECT_EQ(opsOf<AddOp>(*module).size(), blocks * (2 * 2 + 2));
    EXPECT_EQ(opsOf<SwiGLUOp>(*module).size(), blocks * 3);
    // Nothing is fused yet.
    for (LinearOp linear : opsOf<LinearOp>(*module))
      EXPECT_TRUE(linear.getWeights().size() == 1 && !linear.getNorm() && !linear.getResidual() &&
                  !linear.getActivation());
  }
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

TEST_F(ImportModel, ForwardTakesIdsRowsAndSelection) {
  OwningOpRef<ModuleOp> module = import(smallConfig());
  ASSERT_TRUE(module) << errors;
  auto functions = opsOf<func::FuncOp>(*module);
  ASSERT_EQ(functions.size(), 1u);
  EXPECT_EQ(functions[0].getSymName(), "forward");
  EXPECT_EQ(typeString(functions[0].getFunctionType()),
            "(tensor<?x?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?x16xf32>");
}

TEST_F(ImportModel, SplitIsTheConfigs) {
  auto splitOf = [&](const ::flowhn::ModelConfig &config) {
    return opsOf<ModelOp>(*import(config)).front().getSplit();
  };
  ::flowhn::ModelConfig config = smallConfig();
  config.attentionTokens = {20, 21};
  SplitAttr split = splitOf(config);
  EXPECT_EQ(split.getStrategy(), Strategy::FAC);
  EXPECT_EQ(split.getCirculation(), Circulation::Rotate);
  EXPECT_EQ(split.getContextLength(), 32);
  EXPECT_EQ(split.getAttentionTokens().vec(), (std::vector<int64_t>{20, 21}));
  EXPECT_FALSE(split.getByCall());

  config = smallConfig();
  config.circulation = ::flowhn::Circulation::Alternate;
  config.splitByCall = true;
  config.contextLength = std::nullopt;
  split = splitOf(config);
  EXPECT_EQ(split.getCirculation(), Circulation::Alternate);
  EXPECT_EQ(split.getContextLength(), 0);
  EXPECT_TRUE(split.getByCall());

  // The circulation of a strategy that has none must not tell models apart.
  config.strategy = ::flowhn::SplitStrategy::AE;
  EXPECT_EQ(splitOf(config).getCirculation(), Circulation::Rotate);
}

TEST_F(ImportModel, BlocksSplitAndFuseTokens) {
  OwningOpRef<ModuleOp> module = import(smallConfig());
  ASSERT_TRUE(module) << errors;
  auto splits = opsOf<SplitOp>(*module);
  auto fuses = opsOf<FuseOp>(*module);
  auto parallels = opsOf<ParallelOp>(*module);
  auto convolutions = opsOf<CausalConv1DOp>(*module);
  auto attentions = opsOf<AttentionOp>(*module);
  for (int64_t index = 0; index < 2; ++index) {
    EXPECT_EQ(splits[index].getBlock(), index);
    EXPECT_EQ(fuses[index].getBlock(), index);
    EXPECT_EQ(fuses[index].getKind(), FuseKind::Tokens);
    EXPECT_EQ(fuses[index].getInputs()[0], parallels[index].getResult(0));
    EXPECT_EQ(fuses[index].getInputs()[1], parallels[index].getResult(1));
    EXPECT_EQ(attentions[index].getLength(), splits[index].getAttentionLength());
    EXPECT_EQ(convolutions[index].getLength(), splits[index].getSsmLength());
  }
}

TEST_F(ImportModel, WithoutSplitTheFuseJoinsFeaturesSSMFirst) {
  ::flowhn::ModelConfig config = smallConfig();
  config.strategy = ::flowhn::SplitStrategy::None;
  OwningOpRef<ModuleOp> module = import(config);
  ASSERT_TRUE(module) << errors;
  FuseOp fuse = opsOf<FuseOp>(*module).front();
  ParallelOp parallel = opsOf<ParallelOp>(*module).front();
  EXPECT_EQ(fuse.getKind(), FuseKind::Features);
  EXPECT_EQ(cast<BranchAttr>(parallel.getKinds()[1]).getValue(), Branch::SSM);
  EXPECT_EQ(fuse.getInputs()[0], parallel.getResult(1));
  EXPECT_EQ(fuse.getInputs()[1], parallel.getResult(0));
  EXPECT_EQ(parametersOf(*module).at("model.layers.0.branch_proj.weight").shape,
            (std::vector<int64_t>{8, 16}));
}

TEST_F(ImportModel, LocationsAreLayerPaths) {
  OwningOpRef<ModuleOp> module = import(smallConfig());
  ASSERT_TRUE(module) << errors;
  auto projection = layer<LinearOp>(*module, "model.layers.1.mamba.mamba.in_proj");
  ASSERT_TRUE(projection);
  EXPECT_EQ(projection.getWeights()[0].getDefiningOp<GetParameterOp>().getName(),
            "model.layers.1.mamba.mamba.in_proj.weight");
  EXPECT_TRUE(layer<BlockOp>(*module, "model.layers.1"));
  EXPECT_TRUE(layer<AttentionOp>(*module, "model.layers.0.atten.self_attn"));
}

//===----------------------------------------------------------------------===//
// Options of the config
//===----------------------------------------------------------------------===//

TEST_F(ImportModel, TiedHeadReadsTheEmbeddings) {
  ::flowhn::ModelConfig config = smallConfig();
  config.tieWordEmbeddings = true;
  OwningOpRef<ModuleOp> module = import(config);
  ASSERT_TRUE(module) << errors;
  EXPECT_FALSE(parametersOf(*module).contains("lm_head.weight"));
  EXPECT_EQ(
      layer<LinearOp>(*module, "lm_head").getWeights()[0].getDefiningOp<GetParameterOp>().getName(),
      "model.embed_tokens.weight");
}

TEST_F(ImportModel, BiasesStandWhereTheConfigSays) {
  const std::string mamba = "model.layers.0.mamba.mamba.";
  auto plain = parametersOf(*import(smallConfig()));
  EXPECT_TRUE(plain.contains(mamba + "conv1d.bias"));
  EXPECT_TRUE(plain.contains(mamba + "dt_proj.bias"));
  EXPECT_FALSE(plain.contains(mamba + "in_proj.bias"));

  ::flowhn::ModelConfig config = smallConfig();
  config.convBias = false;
  config.projBias = true;
  OwningOpRef<ModuleOp> module = import(config);
  ASSERT_TRUE(module) << errors;
  auto biased = parametersOf(*module);
  EXPECT_FALSE(biased.contains(mamba + "conv1d.bias"));
  EXPECT_FALSE(opsOf<CausalConv1DOp>(*module).front().getBias());
  EXPECT_EQ(biased.at(mamba + "in_proj.bias").shape, (std::vector<int64_t>{32}));
  EXPECT_EQ(biased.at(mamba + "out_proj.bias").shape, (std::vector<int64_t>{8}));
}

TEST_F(ImportModel, ResidualStreamIsRoundedForProducts) {
  ActivationTypes activations = {::flowhn::DType::BF16, ::flowhn::DType::F32};
  OwningOpRef<ModuleOp> module = import(smallConfig(), {}, activations);
  ASSERT_TRUE(module) << errors;
  for (SplitOp split : opsOf<SplitOp>(*module))
    EXPECT_EQ(typeString(split.getAttention().getType()), "tensor<?x?x8xf32>");
  for (ParallelOp parallel : opsOf<ParallelOp>(*module))
    for (Type type : parallel.getResultTypes())
      EXPECT_EQ(typeString(type), "tensor<?x?x8xbf16>");
  for (LinearOp linear : opsOf<LinearOp>(*module))
    EXPECT_TRUE(cast<RankedTensorType>(linear.getInput().getType()).getElementType().isBF16());
  for (BlockOp block : opsOf<BlockOp>(*module))
    EXPECT_EQ(typeString(block.getType()), "tensor<?x?x8xf32>");
}

TEST_F(ImportModel, StorageTypesOverrideTheConfigs) {
  ::flowhn::ModelConfig config = smallConfig();
  config.parameterType = ::flowhn::DType::BF16;
  StorageTypes types;
  types["lm_head.weight"] = ::flowhn::DType::F16;
  OwningOpRef<ModuleOp> module = import(config, types);
  ASSERT_TRUE(module) << errors;
  for (const auto &[name, spec] : parametersOf(*module))
    EXPECT_EQ(spec.type, name == "lm_head.weight" ? ::flowhn::DType::F16 : ::flowhn::DType::BF16)
        << name;
  for (AddOp add : opsOf<AddOp>(*module))
    EXPECT_EQ(typeString(add.getType()), "tensor<?x?x8xf32>");
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST_F(ImportModel, InvalidConfigIsRefused) {
  ::flowhn::ModelConfig config = smallConfig();
  config.numHeads = 3;
  EXPECT_FALSE(import(config));
  EXPECT_NE(errors.find("num_attention_heads"), std::string::npos) << errors;
}

TEST_F(ImportModel, UnsupportedStorageIsRefused) {
  StorageTypes types;
  types["lm_head.weight"] = ::flowhn::DType::F64;
  EXPECT_FALSE(import(smallConfig(), types));
  EXPECT_EQ(errors, "parameter 'lm_head.weight' must be stored as F32, BF16 or F16, got F64\n");
}

} // namespace
