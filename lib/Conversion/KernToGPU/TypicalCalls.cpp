//===- TypicalCalls.cpp - The calls that a product's kernel is for --------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TypicalCalls.h"

#include "EmitterSupport.h"

#include <cmath>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

SmallVector<RowRange, 4> nvptx::rangesFrom(MatmulOp product, const GPUTargetInfo &target) {
  int64_t elementBytes = elementType(product.getA()).getIntOrFloatBitWidth() / 8;
  std::vector<int64_t> bounds = target.productRowBounds(elementBytes);
  bounds.push_back(RowRange::unbounded);
  SmallVector<RowRange, 4> ranges = {{0, RowRange::unbounded}};
  if (std::optional<uint64_t> most = product.getMaxRows())
    ranges.front().most = int64_t(*most);
  for (int64_t bound : bounds)
    if (bound < ranges.front().most)
      ranges.front().above = bound;
    else if (bound > ranges.back().most)
      ranges.push_back({ranges.back().most, bound});
  return ranges;
}

/// How branches share the tokens of calls: as the model says, or divided by FLOPs as in the mean of
/// the published sizes, or not at all.
static SmallVector<SmallVector<double, 2>, 2> getBranchShares(Operation *op) {
  auto kernels = op->getParentOfType<ModuleOp>();
  if (auto shares = kernels->getAttrOfType<DenseF64ArrayAttr>(branchSharesAttrName))
    return {llvm::to_vector<2>(shares.asArrayRef())};
  return {{0.555, 0.445}, {1, 1}};
}

/// What launches of a product by itself have of a call's tokens: as its kernel says, or what either
/// branch has, or all.
static SmallVector<double, 4> getTokenShares(MatmulOp product) {
  auto kernel = product->getParentOfType<FunctionOpInterface>();
  if (auto shares = kernel->getAttrOfType<DenseF64ArrayAttr>(tokenSharesAttrName))
    return llvm::to_vector<4>(shares.asArrayRef());
  SmallVector<double, 4> shares = {1};
  for (ArrayRef<double> branches : getBranchShares(product))
    llvm::append_range(shares, branches);
  llvm::sort(shares);
  shares.erase(llvm::unique(shares), shares.end());
  return shares;
}

TypicalCalls::TypicalCalls(ArrayRef<MatmulOp> products, RowRange range) : range(range) {
  if (products.size() > 1)
    for (ArrayRef<double> shares : getBranchShares(products.front()))
      addAll({shares[0], shares[1]});
  else
    for (double share : getTokenShares(products.front()))
      addAll({share, share});
  int64_t rows = range.isBounded() ? range.most : range.above + 1;
  if (calls.empty())
    calls.push_back({rows, rows, 1});
}

void TypicalCalls::addAll(std::pair<double, double> shares) {
  // Calls are of any length; whole contexts, one or 8, are seen more often, and 3 odd ones.
  constexpr int64_t step = 64, context = 1024, often = 4;
  for (int64_t tokens = step; range.isBounded() && tokens <= 2 * range.most; tokens += step)
    add(tokens, shares, tokens == context ? often : 1);
  for (int64_t rows : {3, 4, 16, 32})
    add(rows * context, shares, 1);
  for (int64_t tokens : {3 * 777l, 8 * context})
    add(tokens, shares, often);
}

void TypicalCalls::add(int64_t tokens, std::pair<double, double> shares, int64_t weight) {
  int64_t first = std::lround(tokens * shares.first), others = std::lround(tokens * shares.second);
  if (range.contains(std::max(first, others)))
    calls.push_back({first, others, weight});
}
