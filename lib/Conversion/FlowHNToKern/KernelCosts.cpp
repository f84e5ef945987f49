//===- KernelCosts.cpp - What a kernel costs, as an attribute -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelCosts.h"

#include "flowhn/Dialect/Kern/IR/KernelSizes.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::flowhn;

using CostFunction = function_ref<int64_t(ArrayRef<int64_t>)>;

/// The digits of `point` in base 3: one exponent, or sample, per extent.
static SmallVector<int64_t> getDigits(size_t point, size_t numExtents) {
  SmallVector<int64_t> digits(numExtents);
  for (int64_t &digit : digits) {
    digit = point % 3;
    point /= 3;
  }
  return digits;
}

/// Turns samples at 0, 1 and 2 along one axis of `values` into the coefficients
/// of the quadratic through them.
static void interpolateAxis(MutableArrayRef<int64_t> values, size_t stride) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (i / stride % 3 != 0)
      continue;
    int64_t &f0 = values[i], &f1 = values[i + stride], &f2 = values[i + 2 * stride];
    int64_t square = (f2 - 2 * f1 + f0) / 2;
    f1 = f1 - f0 - square;
    f2 = square;
  }
}

static int64_t evaluate(ArrayRef<int64_t> coefficients, ArrayRef<int64_t> extents) {
  int64_t sum = 0;
  for (auto [point, coefficient] : llvm::enumerate(coefficients)) {
    int64_t term = coefficient;
    for (auto [extent, exponent] : llvm::zip(extents, getDigits(point, extents.size())))
      for (int64_t i = 0; i < exponent; ++i)
        term *= extent;
    sum += term;
  }
  return sum;
}

/// The polynomial that `cost` is, at most quadratic in each extent; nothing when
/// another sample shows that it is none. Terms are [coefficient, exponent of each extent].
static ArrayAttr interpolate(Builder builder, CostFunction cost, size_t numExtents) {
  size_t numPoints = 1;
  for (size_t i = 0; i < numExtents; ++i)
    numPoints *= 3;
  SmallVector<int64_t> values;
  for (size_t point = 0; point < numPoints; ++point)
    values.push_back(cost(getDigits(point, numExtents)));
  for (size_t stride = 1; stride < numPoints; stride *= 3)
    interpolateAxis(values, stride);
  SmallVector<int64_t> probe(numExtents, 5);
  if (evaluate(values, probe) != cost(probe))
    return {};
  SmallVector<Attribute> terms;
  for (auto [point, coefficient] : llvm::enumerate(values)) {
    if (coefficient == 0)
      continue;
    SmallVector<int64_t> term = {coefficient};
    llvm::append_range(term, getDigits(point, numExtents));
    terms.push_back(builder.getDenseI64ArrayAttr(term));
  }
  return builder.getArrayAttr(terms);
}

void mlir::flowhn::annotateCosts(func::FuncOp kernel, kern::KernelOpInterface op) {
  Builder builder(op.getContext());
  size_t numExtents = llvm::count_if(op->getOperandTypes(), llvm::IsaPred<IndexType>);
  auto annotate = [&](StringRef name, CostFunction cost) {
    if (ArrayAttr polynomial = interpolate(builder, cost, numExtents))
      kernel->setAttr(name, polynomial);
  };
  annotate(kern::flopsAttrName, [&](ArrayRef<int64_t> extents) { return op.getFlops(extents); });
  annotate(kern::bytesAttrName, [&](ArrayRef<int64_t> extents) { return op.getBytes(extents); });
  if (SmallVector<int64_t> sizes = kern::getKernelSizes(op); !sizes.empty())
    kernel->setAttr(kern::sizesAttrName, builder.getDenseI64ArrayAttr(sizes));
}
