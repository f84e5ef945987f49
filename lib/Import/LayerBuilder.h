//===- LayerBuilder.h - Layers of a model, as ops ---------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to lib/Import. Paths are those of the checkpoint: the layer
// "model.layers.3.final_proj" has the parameter "model.layers.3.final_proj.weight".
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_IMPORT_LAYERBUILDER_H
#define FLOWHN_LIB_IMPORT_LAYERBUILDER_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Import/ImportModel.h"
#include "flowhn/Import/ModelConfig.h"

#include <string>

namespace mlir::flowhn {

/// The tokens one branch works on: its features, and per row where they begin
/// and how many there are.
struct BranchTokens {
  Value tokens;
  Value begin;
  Value length;
};

/// Builds layer ops at the insertion point of `builder`, and the parameters they
/// use at the end of what `parameters` has built.
class LayerBuilder {
public:
  LayerBuilder(OpBuilder parameters, const ::flowhn::ModelConfig &config,
               const StorageTypes &storage, const ActivationTypes &activations);

  const ::flowhn::ModelConfig &config;
  OpBuilder builder;

  /// The location of everything that belongs to the layer `path`.
  Location location(StringRef path) const;
  /// `tensor<?x?xFxT>`, batch × tokens × `features` of the layers' type T.
  RankedTensorType tokens(int64_t features) const;
  /// The same in the residual stream's type.
  RankedTensorType residual(int64_t features) const;

  /// The value of the parameter `name`, declared on its first use.
  Value parameter(StringRef name, ArrayRef<int64_t> shape);
  /// The layer `path` over `input`, a `result`: x · Wᵀ, plus `path`.bias when `bias` is set.
  Value linear(StringRef path, Value input, RankedTensorType result, bool bias = false);
  /// The layer `path` over packed tokens, whose results are float32 logits.
  Value logits(StringRef path, Value input, StringRef weightName);
  /// The root-mean-square norm `path` over `input`, in the layers' type.
  Value rmsNorm(StringRef path, Value input);
  /// lhs + rhs, a `result`.
  Value add(StringRef path, Value lhs, Value rhs, Type result);
  /// The `size` features of `input` from `offset`.
  Value slice(StringRef path, Value input, int64_t offset, int64_t size);

private:
  Type storageType(StringRef name);

  OpBuilder parameterBuilder;
  const StorageTypes &storage;
  Type layersType, residualType;
  llvm::StringMap<RankedTensorType> declared;
};

/// The attention branch of the block `path`, on its own tokens.
Value importAttentionBranch(LayerBuilder &layers, StringRef path, BranchTokens input);

/// The SSM branch of the block `path`, on its own tokens.
Value importSSMBranch(LayerBuilder &layers, StringRef path, BranchTokens input);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_IMPORT_LAYERBUILDER_H
