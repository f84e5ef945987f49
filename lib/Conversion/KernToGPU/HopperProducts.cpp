//===- HopperProducts.cpp - What code reads of a launch's products --------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HopperProducts.h"

#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

ProductCode nvptx::makeProductCode(GPUKernelBuilder &b, const HopperProduct &product) {
  MatmulOp op = product.op;
  const HopperMatmulPlan &plan = product.plan;
  ProductCode code{&product, b.i32(plan.n), b.i32(plan.kTiles()), {}, {}, {}, {}, {}};
  code.rowTiles = b.ceilDiv(b.extent(op.getRows()), plan.tileRows);
  AffineExpr rows = b.builder.getAffineDimExpr(product.extent);
  // Extents end where the operand does: what a tile has beyond is zero.
  code.aMap = b.tensorMap({op.getA(), static_cast<int64_t>(op.getAColumn() + plan.k), rows,
                           swizzledColumns, plan.tileRows});
  code.bMap = b.tensorMap({op.getB(), plan.k, b.builder.getAffineConstantExpr(plan.n * plan.groups),
                           swizzledColumns, plan.boxColumns()});
  if (plan.storesTiles)
    code.outMap = b.tensorMap(
        {op.getOut(), static_cast<int64_t>(op.getOutColumn() + plan.n), rows, swizzledColumns, 64});
  return code;
}

/// What the code reads and writes by pointers, and its rows; the rest goes by tensor maps.
static SmallVector<Value> operandsOf(const HopperProduct &product) {
  MatmulOp op = product.op;
  SmallVector<Value> operands = {op.getRows()};
  if (!product.plan.storesTiles)
    operands.push_back(op.getOut());
  for (Value table : {op.getGather(), op.getScatter()})
    if (table)
      operands.push_back(table);
  llvm::append_range(operands, op.getExtras());
  return operands;
}

/// Whether each operand of one product has one that can stand in its place.
static bool correspond(ArrayRef<Value> ones, ArrayRef<Value> others) {
  if (!llvm::equal(ValueRange(ones).getTypes(), ValueRange(others).getTypes()))
    return false;
  llvm::SmallDenseMap<Value, Value> places;
  return llvm::all_of(llvm::zip(ones, others), [&](auto pair) {
    auto [one, other] = pair;
    return places.try_emplace(one, other).first->second == other;
  });
}

bool nvptx::haveSameCode(const HopperProduct &one, const HopperProduct &other) {
  MatmulOp lhs = one.op, rhs = other.op;
  bool readsNoColumns = one.plan.storesTiles && lhs.getExtras().empty();
  auto sameForm = [](MatmulOp op) {
    return std::tuple(op.getGroups(), op.getAColumn(), op.getOutColumn(), !op.getGather(),
                      !op.getScatter(), elementType(op.getA()), elementType(op.getOut()),
                      op.getAccesses(), op.getExtraColumnsAttr());
  };
  return sameForm(lhs) == sameForm(rhs) && one.plan.storesTiles == other.plan.storesTiles &&
         (readsNoColumns || one.plan.n == other.plan.n) &&
         correspond(operandsOf(one), operandsOf(other)) &&
         OperationEquivalence::isRegionEquivalentTo(&lhs.getEpilogue(), &rhs.getEpilogue(),
                                                    OperationEquivalence::IgnoreLocations);
}

ProductCode nvptx::chooseProduct(GPUKernelBuilder &b, const ProductCode &one,
                                 const ProductCode &other, Value isOther) {
  auto choose = [&](Value ProductCode::*member) {
    return one.*member ? b.select(isOther, other.*member, one.*member) : Value();
  };
  ProductCode code{one.product,
                   choose(&ProductCode::n),
                   choose(&ProductCode::kTiles),
                   choose(&ProductCode::rowTiles),
                   choose(&ProductCode::aMap),
                   choose(&ProductCode::bMap),
                   choose(&ProductCode::outMap),
                   {isOther, {}}};
  auto pairs = llvm::zip(operandsOf(*one.product), operandsOf(*other.product));
  for (auto [own, others] : pairs)
    code.operands.operands.emplace_back(own, others);
  return code;
}
