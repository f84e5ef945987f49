//===- ScanRows.cpp - What belongs to a scan's channels -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanRows.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

ScanRows::ScanRows(GPUKernelBuilder &b, ArrayRef<ScanInput> inputs, const ScanShape &shape,
                   const ScanLanes &lanes, const Sequence &sequence)
    : b(b), inputs(inputs), shape(shape), sequence(sequence), base(b.sharedBase()),
      channel(lanes.channelInBlock()) {}

void ScanRows::fetch(Value time, Value side) {
  for (auto [input, copy] : llvm::zip_equal(inputs, shape.rowCopies))
    fetch(input, copy, time, side);
}

/// Behind the sequence's end its last row is copied again, behind the last channel those in front
/// of it: no place in shared memory is left as it was.
void ScanRows::fetch(const ScanInput &input, const ScanCopy &copy, Value time, Value side) {
  Buffer buffer = b.buffer(input.rows);
  int64_t perRow = shape.blockChannels() / copy.vector, count = shape.rows * perRow;
  Value last = b.sub(sequence.length, b.i32(1));
  Value lastColumn = b.i32(shape.channels - copy.vector);
  Value first = b.mul(b.blockId(0), shape.blockChannels());
  Value start = b.shared(b.shared(base, copy.begin), b.mul(side, shape.rowBytes(copy)));
  for (int64_t begin = 0; begin < count; begin += shape.threads) {
    Value number = b.add(b.threadId(), begin);
    auto move = [&] {
      Value row = b.add(sequence.begin, b.min(b.add(time, b.div(number, perRow)), last));
      Value column = b.min(b.add(first, b.mul(b.rem(number, perRow), copy.vector)), lastColumn);
      copyPiece(b, copy, b.shared(start, b.mul(number, copy.bytes())), buffer,
                b.rowOffset(buffer, row, b.add(column, input.column)));
    };
    if (begin + shape.threads > count)
      b.ifThen(b.less(number, b.i32(count)), move);
    else
      move();
  }
}

SmallVector<Value> ScanRows::load(Value side, Value row, int64_t distance) {
  SmallVector<Value> values;
  Value element = b.add(b.mul(row, shape.blockChannels()), channel);
  for (auto [input, copy] : llvm::zip_equal(inputs, shape.rowCopies)) {
    Value offset = b.add(b.mul(side, shape.rowBytes(copy)), b.mul(element, copy.elementBytes));
    Value place = b.shared(b.shared(base, offset),
                           copy.begin + distance * shape.blockChannels() * copy.elementBytes);
    values.push_back(b.extend(b.loadRaw(elementType(input.rows), place)));
  }
  return values;
}
