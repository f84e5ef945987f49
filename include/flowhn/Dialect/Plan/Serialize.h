//===- Serialize.h - The plan as bytes --------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_SERIALIZE_H
#define FLOWHN_DIALECT_PLAN_SERIALIZE_H

#include "flowhn/Support/Status.h"
#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace mlir::plan {

/// The plan section of an artifact (Plan.fbs): the parameters and procedures of
/// `module`, and what its kernels say of themselves (`kern.grid` and the other
/// attributes that a conversion to a target sets). The same module gives the same bytes.
/// What has no place in the schema is an error, with a diagnostic on the op.
::flowhn::Expected<std::vector<char>> serializePlan(ModuleOp module);

} // namespace mlir::plan

#endif // FLOWHN_DIALECT_PLAN_SERIALIZE_H
