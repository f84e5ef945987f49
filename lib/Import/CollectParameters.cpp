//===- CollectParameters.cpp - What a checkpoint must hold ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Import/ImportModel.h"

using namespace mlir;
using namespace mlir::flowhn;

/// The element types are those of `FlowHN_Weight`.
static ::flowhn::DType convert(Type type) {
  if (type.isBF16())
    return ::flowhn::DType::BF16;
  if (type.isF16())
    return ::flowhn::DType::F16;
  if (type.isInteger(8))
    return ::flowhn::DType::I8;
  return ::flowhn::DType::F32;
}

std::vector<::flowhn::ParameterSpec> mlir::flowhn::collectParameters(ModuleOp module) {
  std::vector<::flowhn::ParameterSpec> specs;
  for (auto model : module.getOps<ModelOp>())
    for (auto parameter : model.getBody().getOps<ParameterOp>()) {
      auto type = cast<RankedTensorType>(parameter.getType());
      specs.push_back(
          {parameter.getSymName().str(), convert(type.getElementType()), type.getShape().vec()});
    }
  return specs;
}
