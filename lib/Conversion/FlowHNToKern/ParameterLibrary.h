//===- ParameterLibrary.h - The prepared parameters of a model --*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to lib/Conversion/FlowHNToKern.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_PARAMETERLIBRARY_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_PARAMETERLIBRARY_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Dialect/Plan/IR/PlanOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::flowhn {

/// How a kernel reads parameters: the tensors of the model that it joins, in the
/// layout that it wants. The tensors are results of `flowhn.get_parameter`, or
/// arguments of a function that stand for them.
struct ParameterUse {
  SmallVector<Value> sources;
  plan::Layout layout = plan::Layout::RowMajor;
  int64_t panel = 0;
  int64_t groups = 1;
  plan::Transform transform = plan::Transform::None;
  /// A vector that the columns are multiplied by, or null.
  Value columnScale = {};
  /// What elements are rounded to; null: they stay as they are stored, unless a
  /// transform, a scale or sources of different types ask for float32.
  Type roundsTo = {};

  /// The memref that kernels read.
  MemRefType getType() const;
  /// Whether there are values, stored or scaled, that the type of elements cannot hold.
  bool rounds() const;
  /// The sources, and the scale where there is one.
  SmallVector<Value> tensors() const;

  friend bool operator==(const ParameterUse &, const ParameterUse &) = default;
};

/// The `plan.parameter`s of a module: one for every way of reading each tensor.
class ParameterLibrary {
public:
  /// Parameters of `model` are declared in `symbols` at `position`.
  ParameterLibrary(ModelOp model, SymbolTable &symbols, Operation *position)
      : modelSymbols(model), symbols(symbols), position(position) {}

  /// The parameter for `use`, all of whose sources are `flowhn.get_parameter`s.
  plan::ParameterOp getOrCreate(const ParameterUse &use);

private:
  SymbolTable modelSymbols;
  SymbolTable &symbols;
  Operation *position;
  DenseMap<Attribute, plan::ParameterOp> known;
};

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_PARAMETERLIBRARY_H
