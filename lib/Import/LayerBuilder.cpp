//===- LayerBuilder.cpp - Layers of a model, as ops -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerBuilder.h"

using namespace mlir;
using namespace mlir::flowhn;

static int64_t features(Value tokens) {
  return cast<RankedTensorType>(tokens.getType()).getShape().back();
}

LayerBuilder::LayerBuilder(OpBuilder parameters, const ::flowhn::ModelConfig &config,
                           const StorageTypes &storage, Type activationType)
    : config(config), builder(parameters.getContext()), parameterBuilder(parameters),
      storage(storage), activationType(activationType) {}

Location LayerBuilder::location(StringRef path) const {
  return NameLoc::get(StringAttr::get(builder.getContext(), path));
}

RankedTensorType LayerBuilder::tokens(int64_t features) const {
  return RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic, features},
                               activationType);
}

RankedTensorType LayerBuilder::packedTokens(int64_t features) const {
  return RankedTensorType::get({ShapedType::kDynamic, features}, activationType);
}

Type LayerBuilder::storageType(StringRef name) {
  auto stored = storage.find(name);
  switch (stored == storage.end() ? config.parameterType : stored->second) {
  case ::flowhn::DType::BF16:
    return builder.getBF16Type();
  case ::flowhn::DType::F16:
    return builder.getF16Type();
  default:
    return builder.getF32Type();
  }
}

Value LayerBuilder::parameter(StringRef name, ArrayRef<int64_t> shape) {
  RankedTensorType &type = declared[name];
  if (!type) {
    type = RankedTensorType::get(shape, storageType(name));
    ParameterOp::create(parameterBuilder, location(name), name, type,
                        /*scale=*/FlatSymbolRefAttr());
  }
  return GetParameterOp::create(builder, location(name), type, name);
}

Value LayerBuilder::linear(StringRef path, Value input, int64_t outputs, bool bias) {
  int64_t inputs = features(input);
  Value weight = parameter((path + ".weight").str(), {outputs, inputs});
  Value biasValue = bias ? parameter((path + ".bias").str(), {outputs}) : Value();
  return LinearOp::create(builder, location(path), tokens(outputs), input, weight, /*norm=*/Value(),
                          biasValue, /*residual=*/Value(), /*activation=*/ActivationAttr(),
                          /*eps=*/FloatAttr())
      .getResult(0);
}

Value LayerBuilder::logits(StringRef path, Value input, StringRef weightName) {
  Value weight = parameter(weightName, {config.vocabSize, features(input)});
  Type result = packedTokens(config.vocabSize).clone(builder.getF32Type());
  return LinearOp::create(builder, location(path), result, input, weight, /*norm=*/Value(),
                          /*bias=*/Value(), /*residual=*/Value(), ActivationAttr(), FloatAttr())
      .getResult(0);
}

Value LayerBuilder::rmsNorm(StringRef path, Value input) {
  Value weight = parameter((path + ".weight").str(), {features(input)});
  return RMSNormOp::create(builder, location(path), input.getType(), input, weight,
                           builder.getF64FloatAttr(config.rmsNormEps))
      .getResult(0);
}

Value LayerBuilder::add(StringRef path, Value lhs, Value rhs) {
  return AddOp::create(builder, location(path), lhs, rhs);
}

Value LayerBuilder::slice(StringRef path, Value input, int64_t offset, int64_t size) {
  return SliceOp::create(builder, location(path), tokens(size), input,
                         builder.getI64IntegerAttr(offset));
}
