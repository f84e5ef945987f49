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

static Type elementType(OpBuilder &builder, ::flowhn::DType type) {
  switch (type) {
  case ::flowhn::DType::BF16:
    return builder.getBF16Type();
  case ::flowhn::DType::F16:
    return builder.getF16Type();
  default:
    return builder.getF32Type();
  }
}

static RankedTensorType tokensOf(int64_t features, Type element) {
  return RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic, features}, element);
}

LayerBuilder::LayerBuilder(OpBuilder parameters, const ::flowhn::ModelConfig &config,
                           const StorageTypes &storage, const ActivationTypes &activations)
    : config(config), builder(parameters.getContext()), parameterBuilder(parameters),
      storage(storage), layersType(elementType(builder, activations.layers)),
      residualType(elementType(builder, activations.residual)) {}

Location LayerBuilder::location(StringRef path) const {
  return NameLoc::get(StringAttr::get(builder.getContext(), path));
}

RankedTensorType LayerBuilder::tokens(int64_t features) const {
  return tokensOf(features, layersType);
}

RankedTensorType LayerBuilder::residual(int64_t features) const {
  return tokensOf(features, residualType);
}

Type LayerBuilder::storageType(StringRef name) {
  auto stored = storage.find(name);
  return elementType(builder, stored == storage.end() ? config.parameterType : stored->second);
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

Value LayerBuilder::linear(StringRef path, Value input, RankedTensorType result, bool bias) {
  int64_t inputs = features(input), outputs = result.getShape().back();
  Value weight = parameter((path + ".weight").str(), {outputs, inputs});
  Value biasValue = bias ? parameter((path + ".bias").str(), {outputs}) : Value();
  return LinearOp::create(builder, location(path), result, input, weight, /*norm=*/Value(),
                          biasValue, /*residual=*/Value(), /*activation=*/ActivationAttr(),
                          /*eps=*/FloatAttr())
      .getResult(0);
}

Value LayerBuilder::logits(StringRef path, Value input, StringRef weightName) {
  Value weight = parameter(weightName, {config.vocabSize, features(input)});
  Type result =
      RankedTensorType::get({ShapedType::kDynamic, config.vocabSize}, builder.getF32Type());
  return LinearOp::create(builder, location(path), result, input, weight, /*norm=*/Value(),
                          /*bias=*/Value(), /*residual=*/Value(), ActivationAttr(), FloatAttr())
      .getResult(0);
}

Value LayerBuilder::rmsNorm(StringRef path, Value input) {
  Value weight = parameter((path + ".weight").str(), {features(input)});
  Type result = cast<RankedTensorType>(input.getType()).clone(layersType);
  return RMSNormOp::create(builder, location(path), result, input, weight,
                           builder.getF64FloatAttr(config.rmsNormEps))
      .getResult(0);
}

Value LayerBuilder::add(StringRef path, Value lhs, Value rhs, Type result) {
  return AddOp::create(builder, location(path), result, lhs, rhs);
}

Value LayerBuilder::slice(StringRef path, Value input, int64_t offset, int64_t size) {
  Type element = cast<RankedTensorType>(input.getType()).getElementType();
  return SliceOp::create(builder, location(path), tokensOf(size, element), input,
                         builder.getI64IntegerAttr(offset));
}
