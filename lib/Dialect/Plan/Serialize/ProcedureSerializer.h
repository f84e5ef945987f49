//===- ProcedureSerializer.h - One procedure as commands --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_DIALECT_PLAN_SERIALIZE_PROCEDURESERIALIZER_H
#define FLOWHN_LIB_DIALECT_PLAN_SERIALIZE_PROCEDURESERIALIZER_H

#include "flowhn/Artifact/Plan_generated.h"
#include "flowhn/Dialect/Plan/IR/PlanOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::plan {

/// Numbers of the things that procedures refer to by name.
struct PlanIndex {
  llvm::StringMap<uint32_t> parameters;
  llvm::StringMap<uint32_t> states;
  llvm::StringMap<uint32_t> kernels;
  llvm::StringMap<uint32_t> procedures;
};

/// The schema's type for an element type; nothing when it has none.
std::optional<::flowhn::fb::DType> getDType(Type type);

/// Writes one procedure as the commands of Plan.fbs, numbering its index and memory
/// values as it goes.
/// A window of positions; null for `all`.
std::unique_ptr<::flowhn::fb::Window> serializeWindow(::mlir::flowhn::WindowAttr window);

class ProcedureSerializer {
public:
  ProcedureSerializer(const PlanIndex &index, ::flowhn::fb::ProcedureT &result)
      : index(index), result(result) {}

  /// Fails with a diagnostic on the op that has no place in the schema.
  LogicalResult serialize(func::FuncOp procedure);

private:
  LogicalResult serializeOp(Operation *op);
  LogicalResult serialize(arith::ConstantIndexOp op);
  LogicalResult serialize(affine::AffineApplyOp op);
  LogicalResult serialize(affine::AffineMinOp op);
  LogicalResult serialize(affine::AffineMaxOp op);
  LogicalResult serialize(GetParameterOp op);
  LogicalResult serialize(GetStateOp op);
  LogicalResult serialize(CacheRowsOp op);
  LogicalResult serialize(ArenaOp op);
  LogicalResult serialize(ViewOp op);
  LogicalResult serialize(PartitionOp op);
  LogicalResult serialize(LastRowsOp op);
  LogicalResult serialize(LaunchOp op);
  LogicalResult serialize(func::CallOp op);
  LogicalResult serialize(ForkOp op);
  LogicalResult serialize(JoinOp op);
  LogicalResult serialize(TapOp op);

  template <typename CommandT> void add(CommandT &&command) {
    result.commands.emplace_back().Set(std::forward<CommandT>(command));
  }
  /// Adds the expression that the result of `op` is.
  LogicalResult compute(Operation *op, std::vector<::flowhn::fb::Instruction> expression);
  /// Gives `value` the next number of its kind.
  void define(Value value);
  /// The numbers of the operands of an expression, all of them index values.
  SmallVector<int64_t> numbersOf(Operation *op) const;
  uint32_t number(Value value) const { return numbers.lookup(value); }
  std::vector<uint32_t> numbersOf(ValueRange values, bool (*isKind)(Type)) const;

  const PlanIndex &index;
  ::flowhn::fb::ProcedureT &result;
  DenseMap<Value, uint32_t> numbers;
  uint32_t indexValues = 0, memoryValues = 0, arenas = 0;
};

} // namespace mlir::plan

#endif // FLOWHN_LIB_DIALECT_PLAN_SERIALIZE_PROCEDURESERIALIZER_H
