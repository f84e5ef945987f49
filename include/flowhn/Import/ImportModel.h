//===- ImportModel.h - From a model config to IR ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_IMPORT_IMPORTMODEL_H
#define FLOWHN_IMPORT_IMPORTMODEL_H

#include "flowhn/Import/ModelConfig.h"
#include "flowhn/Runtime/ParameterSource.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

#include <vector>

namespace mlir::flowhn {

/// The types a checkpoint stores its tensors in, by name.
using StorageTypes = llvm::StringMap<::flowhn::DType>;

/// What values between layers are held in: F32, BF16 or F16.
struct ActivationTypes {
  /// What products, convolutions, scans and attention make and read.
  ::flowhn::DType layers = ::flowhn::DType::F32;
  /// The residual stream, and what only norms read.
  ::flowhn::DType residual = ::flowhn::DType::F32;
};

/// Builds the network that `config` describes: a module with one `flowhn.model`
/// named `model`, its parameters, and
///
///   func.func @forward(%ids: tensor<?x?xi32>, %begin: tensor<?xi32>,
///                      %length: tensor<?xi32>, %select: tensor<?xi32>)
///       -> tensor<?xVxf32>
///
/// the logits of the selected tokens. Nothing is fused: one op per layer, in
/// program order, each with the layer's path in the checkpoint as its location.
/// Activations have the types of `activations`, logits are f32; a parameter has its type in
/// `storage`, or `config.parameterType` where `storage` does not name it.
///
/// Null, after an error on the module's location, when `config` is not valid or a
/// parameter is stored in anything but F32, BF16 or F16.
OwningOpRef<ModuleOp> importModel(MLIRContext &context, const ::flowhn::ModelConfig &config,
                                  const StorageTypes &storage,
                                  const ActivationTypes &activations = {});

/// Name, type and shape of every parameter of `module`, in program order: what a
/// checkpoint of the model must hold.
std::vector<::flowhn::ParameterSpec> collectParameters(ModuleOp module);

} // namespace mlir::flowhn

#endif // FLOWHN_IMPORT_IMPORTMODEL_H
