//===- MatmulHopper.cpp - Products by warpgroups and bulk copies ----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulHopper.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

HopperMatmulPlan::HopperMatmulPlan(MatmulOp op, int64_t tileRows, int64_t tileColumns,
                                   int64_t stages)
    : MatmulPlan(op, tileRows, tileColumns, stages) {
  // Scattered rows are no box.
  storesTiles = !op.getScatter() && outColumns() % 64 == 0 && !elementType(op.getOut()).isF32() &&
                hasAlignedRows(op.getOut()) && isAlignedColumn(op.getOut(), op.getOutColumn()) &&
                isAlignedColumn(op.getOut(), op.getOutColumn() + n);
}

static unsigned extentOf(Operation *op, MatmulOp product) {
  auto group = dyn_cast<GroupedMatmulOp>(op);
  return group ? group.getExtentOf(product) : 0;
}

HopperLaunchPlan::HopperLaunchPlan(Operation *op, ArrayRef<MatmulOp> members, int64_t tileRows,
                                   int64_t tileColumns, int64_t stages) {
  for (MatmulOp member : members)
    products.push_back(
        {member, extentOf(op, member), HopperMatmulPlan(member, tileRows, tileColumns, stages)});
  llvm::stable_sort(products, [](const HopperProduct &lhs, const HopperProduct &rhs) {
    return lhs.plan.kTiles() > rhs.plan.kTiles();
  });
}

int64_t HopperLaunchPlan::barrierOffset() const {
  int64_t outBytes = 0;
  for (const HopperProduct &product : products)
    outBytes = std::max(outBytes, product.plan.outBytes());
  return first().outOffset() + outBytes;
}

/// The products of an op: itself, or its members.
static SmallVector<MatmulOp, 2> productsOf(Operation *op) {
  if (auto group = dyn_cast<GroupedMatmulOp>(op))
    return llvm::to_vector<2>(group.getProducts());
  return {cast<MatmulOp>(op)};
}

static HopperLaunchPlan planOf(Operation *op) {
  return HopperLaunchPlan(op, productsOf(op), configValue(op, "tile_rows"),
                          configValue(op, "tile_columns"), configValue(op, "stages"));
}

//===----------------------------------------------------------------------===//
// The configuration
//===----------------------------------------------------------------------===//

/// Columns of a tile. A narrow tile reads more bytes per product: measured on an H200,
/// 128 columns reach under half of the rate of 256.
static int64_t chooseTileColumns(ArrayRef<MatmulOp> products) {
  MatmulOp first = products.front();
  int64_t groups = first.getGroups(), columns = 0;
  for (MatmulOp product : products)
    columns = std::max<int64_t>(columns, product.getN() * groups);
  if (columns <= 256)
    return std::max<int64_t>(llvm::alignTo(columns, 16 * groups), 16 * groups);
  constexpr std::pair<int64_t, double> rates[] = {{256, 1.0}, {192, 0.9}, {128, 0.6}};
  auto time = [&](std::pair<int64_t, double> tile) {
    double sum = 0;
    for (MatmulOp product : products)
      sum += double(product.getK()) * llvm::divideCeil(product.getN(), tile.first / groups) *
             tile.first / tile.second;
    return sum;
  };
  return llvm::min_element(rates, [&](auto a, auto b) { return time(a) < time(b); })->first;
}

static int64_t chooseStages(Operation *op, int64_t rows, int64_t columns, int64_t sharedBytes) {
  SmallVector<MatmulOp, 2> products = productsOf(op);
  int64_t stages = 2;
  while (stages < 6 &&
         HopperLaunchPlan(op, products, rows, columns, stages + 1).sharedBytes() <= sharedBytes)
    ++stages;
  return stages;
}

DictionaryAttr nvptx::chooseHopperConfig(Operation *op, const GPUTargetInfo &target) {
  int64_t rows = 128, columns = chooseTileColumns(productsOf(op));
  int64_t stages = chooseStages(op, rows, columns, target.sharedBytes);
  return makeConfig(op->getContext(),
                    {{"tile_rows", rows}, {"tile_columns", columns}, {"stages", stages}});
}

static LogicalResult checkTiles(Operation *op, const GPUTargetInfo &target) {
  if (failed(checkConfig(op, {"tile_rows", "tile_columns", "stages"})))
    return failure();
  HopperLaunchPlan plan = planOf(op);
  const HopperMatmulPlan &tile = plan.products.front().plan;
  if (!target.isMatmulTile(tile.tileRows, tile.tileColumns, tile.groups))
    return op->emitOpError("has no tile of ")
           << tile.tileRows << " by " << tile.tileColumns << " on " << target.chip;
  return checkSharedBytes(op, plan.sharedBytes(), target);
}

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

/// Tiles of the result in a launch, over the extents of the op.
static AffineExpr countTiles(const HopperLaunchPlan &plan, MLIRContext *context) {
  AffineExpr tiles = getAffineConstantExpr(0, context);
  for (const HopperProduct &product : plan.products)
    tiles = tiles + getAffineDimExpr(product.extent, context).ceilDiv(plan.tileRows()) *
                        product.plan.columnTiles();
  return tiles;
}

/// Makes the members of a group, which the code is about to replace, name the kernel's arguments.
static void useOperands(GroupedMatmulOp group) {
  for (auto [argument, operand] :
       llvm::zip_equal(group.getMembers().getArguments(), group.getArguments()))
    argument.replaceAllUsesWith(operand);
}

FailureOr<GPULaunch> nvptx::emitHopperMatmul(Operation *op, GPUKernelBuilder &b) {
  if (failed(checkTiles(op, b.target)))
    return failure();
  HopperLaunchPlan plan = planOf(op);
  if (auto group = dyn_cast<GroupedMatmulOp>(op))
    useOperands(group);
  emitHopperBlock(b, plan);
  int64_t pieces = plan.hasHalves() ? 2 : 1;
  AffineExpr blocks = countTiles(plan, op->getContext()) * pieces;
  int64_t extents = llvm::count_if(op->getOperandTypes(), llvm::IsaPred<IndexType>);
  return GPULaunch{AffineMap::get(extents, 0, blocks), b.target.multiprocessors, plan.threads(),
                   plan.sharedBytes(), b.target.matmulRate};
}
