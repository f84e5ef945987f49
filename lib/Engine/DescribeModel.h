//===- DescribeModel.h - What an artifact says of its model -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ENGINE_DESCRIBEMODEL_H
#define FLOWHN_LIB_ENGINE_DESCRIBEMODEL_H

#include "flowhn/Artifact/Manifest.h"
#include "flowhn/Support/Status.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::flowhn {

/// Describes the only model of the module, whose split was chosen: all but its name and what the
/// options say of it. InvalidInput where there is none, or it has no logits.
::flowhn::Expected<::flowhn::ManifestModel> describeModel(ModuleOp module);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_ENGINE_DESCRIBEMODEL_H
