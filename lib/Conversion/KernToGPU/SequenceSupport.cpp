//===- SequenceSupport.cpp - What kernels over sequences share ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SequenceSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

Sequence Sequence::load(GPUKernelBuilder &b, Value offsets, Value number) {
  Value begin = b.lookUp(offsets, number);
  Value end = b.lookUp(offsets, b.add(number, 1));
  return {begin, b.sub(end, begin)};
}

ExtraReader::ExtraReader(GPUKernelBuilder &b, const Extras &extras, Value column, int64_t count)
    : b(b), accesses(extras.accesses), column(column), count(count) {
  Extras columnExtras;
  for (auto [buffer, access, offset] :
       llvm::zip_equal(extras.buffers, extras.accesses, extras.columns)) {
    Extras &part = access == Access::Column ? columnExtras : rowExtras;
    part.buffers.push_back(buffer);
    part.accesses.push_back(access);
    part.columns.push_back(offset);
  }
  columnValues = b.loadExtras(columnExtras, {}, {}, column, count);
}

SmallVector<SmallVector<Value>> ExtraReader::read(Value row) {
  SmallVector<SmallVector<Value>> rowValues = b.loadExtras(rowExtras, row, {}, column, count);
  SmallVector<SmallVector<Value>> values;
  size_t nextColumn = 0, nextRow = 0;
  for (Access access : accesses)
    values.push_back(access == Access::Column ? columnValues[nextColumn++] : rowValues[nextRow++]);
  return values;
}

int64_t nvptx::commonVector(ArrayRef<int64_t> extents, int64_t limit) {
  int64_t vector = limit;
  for (int64_t extent : extents)
    while (extent % vector != 0)
      vector /= 2;
  return vector;
}
