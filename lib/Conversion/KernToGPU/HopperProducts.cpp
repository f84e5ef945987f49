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

ProductCode nvptx::makeProductCode(GPUKernelBuilder &b, const HopperProduct &product,
                                   ArrayRef<int64_t> boxes) {
  MatmulOp op = product.op;
  const HopperMatmulPlan &plan = product.plan;
  ProductCode code{&product, b.i32(plan.n), b.i32(plan.kTiles()), {}, {}, {}, {}, {}, {}, {}};
  code.outColumn = b.i32(op.getOutColumn());
  code.outStride = b.i64(b.buffer(op.getOut()).stride);
  code.rowTiles = b.ceilDiv(b.extent(op.getRows()), plan.tileRows);
  AffineExpr rows = b.builder.getAffineDimExpr(product.extent);
  // Extents end where the operand does: what a tile has beyond is zero.
  code.aMap = b.tensorMap({op.getA(), static_cast<int64_t>(op.getAColumn() + plan.k), rows,
                           swizzledColumns, plan.tileRows});
  AffineExpr bRows = b.builder.getAffineConstantExpr(plan.n * plan.groups);
  for (int64_t box : boxes)
    code.bMaps.push_back({box, b.tensorMap({op.getB(), plan.k, bRows, swizzledColumns, box})});
  if (plan.storesTiles)
    code.outMap = b.tensorMap(
        {op.getOut(), static_cast<int64_t>(op.getOutColumn() + plan.n), rows, swizzledColumns, 64});
  return code;
}

/// What the code reads by pointers, its rows, and last where it writes; the rest goes by tensor
/// maps.
static SmallVector<Value> operandsOf(const HopperProduct &product) {
  MatmulOp op = product.op;
  SmallVector<Value> operands = {op.getRows()};
  for (Value table : {op.getGather(), op.getScatter()})
    if (table)
      operands.push_back(table);
  llvm::append_range(operands, op.getExtras());
  operands.push_back(op.getOut());
  return operands;
}

/// Whether each operand of one product has one that can stand in its place.
static bool correspond(ArrayRef<Value> ones, ArrayRef<Value> others) {
  auto typesRead = [](ArrayRef<Value> operands) {
    return ValueRange(operands.drop_back()).getTypes();
  };
  if (!llvm::equal(typesRead(ones), typesRead(others)))
    return false;
  llvm::SmallDenseMap<Value, Value> places;
  return llvm::all_of(llvm::zip(ones, others), [&](auto pair) {
    auto [one, other] = pair;
    return places.try_emplace(one, other).first->second == other;
  });
}

bool nvptx::haveSameCode(const HopperProduct &one, const HopperProduct &other) {
  MatmulOp lhs = one.op, rhs = other.op;
  auto sameForm = [](MatmulOp op) {
    return std::tuple(op.getGroups(), op.getAColumn(), !op.getGather(), !op.getScatter(),
                      elementType(op.getA()), elementType(op.getOut()), op.getAccesses(),
                      op.getExtraColumnsAttr());
  };
  // Threads store parts of 64 columns, which the copy engine does not.
  bool storeTiles = one.plan.storesTiles && other.plan.storesTiles;
  bool checkNoColumns =
      storeTiles && lhs.getExtras().empty() && one.plan.n % 64 == 0 && other.plan.n % 64 == 0;
  bool samePlace =
      lhs.getOutColumn() == rhs.getOutColumn() && lhs.getOut().getType() == rhs.getOut().getType();
  return sameForm(lhs) == sameForm(rhs) && one.plan.storesTiles == other.plan.storesTiles &&
         (checkNoColumns || one.plan.n == other.plan.n) && (storeTiles || samePlace) &&
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
                   one.rowTiles,
                   choose(&ProductCode::aMap),
                   choose(&ProductCode::outMap),
                   choose(&ProductCode::outColumn),
                   choose(&ProductCode::outStride),
                   {isOther, {}},
                   {}};
  for (auto [own, others] : llvm::zip_equal(one.bMaps, other.bMaps))
    code.bMaps.push_back({own.rows, b.select(isOther, others.map, own.map)});
  auto pairs = llvm::zip(operandsOf(*one.product), operandsOf(*other.product));
  for (auto [own, others] : pairs)
    code.operands.operands.emplace_back(own, others);
  return code;
}
