//===- FewRowsStores.cpp - From a cluster's sums to results ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulFewRows.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Columns that a thread stores at once, as many as are aligned.
static int64_t columnsAtOnce(MatmulOp op) {
  int64_t count = 4;
  while (op.getN() % count || op.getOutColumn() % count || rowWidth(op.getOut()) % count)
    count /= 2;
  return count;
}

FewRowsStores::FewRowsStores(const FewRowsContext &context, int64_t sizeRows)
    : b(context.b), op(context.op), plan(context.plan), base(context.base), thread(context.thread),
      rows(context.rows), rank(context.rank), tileRow(context.tileRow),
      tileColumn(context.tileColumn), sizeRows(sizeRows), epilogue(b, op, b.rem(thread, 32)),
      count(columnsAtOnce(op)) {
  // A block stores every so many-th row: all of a cluster have some, and read from each other.
  int64_t places = FewRowsPlan::columns / count;
  rowsAtOnce = FewRowsPlan::productThreads / places * plan.clusterBlocks;
  column = b.mul(b.rem(thread, places), count);
  firstRow = b.add(b.mul(b.div(thread, places), plan.clusterBlocks), rank);
  if (plan.n % FewRowsPlan::columns != 0)
    exists = b.less(b.add(tileColumn, column), b.i32(plan.n));
}

void FewRowsStores::begin() {
  // What is read for a row outside the result is dropped; it is read at its edge.
  first = load(b.min(firstRow, b.add(rows, -1)));
}

FewRowsStores::Place FewRowsStores::load(Value row) {
  Value inside = b.add(tileColumn, column);
  if (exists)
    inside = b.min(inside, b.i32(plan.n - count));
  Value whole = b.add(tileRow, row);
  return {row, b.lookUp(op.getScatter(), whole),
          epilogue.load(epilogue.extraRow(whole), inside, count)};
}

void FewRowsStores::store(ArrayRef<Value> sums) {
  shareSums(sums);
  if (plan.clusterBlocks == 1)
    b.barrier(b.i32(1), FewRowsPlan::productThreads);
  else
    syncCluster(b, plan.clusterBlocks);
  b.ifThen(b.both(b.less(firstRow, rows), exists), [&] { storePlace(first); });
  if (sizeRows <= rowsAtOnce)
    return;
  b.forLoop(b.add(firstRow, rowsAtOnce), rows, b.i32(rowsAtOnce), [&](Value row) {
    Place place = load(row);
    if (exists)
      b.ifThen(exists, [&] { storePlace(place); });
    else
      storePlace(place);
  });
}

/// A thread has of each 8 rows 2 (lane mod 4) and the next one, of the columns lane / 4 of its
/// warp's 16 and 8 further.
void FewRowsStores::shareSums(ArrayRef<Value> sums) {
  Value lane = b.rem(thread, 32);
  Value sumColumn = b.add(b.mul(b.div(thread, 32), 16), b.div(lane, 4));
  Value row = b.mul(b.rem(lane, 4), 2);
  Value place = b.shared(base, b.mul(b.add(b.mul(row, plan.sumStride), sumColumn), 4));
  for (int64_t chunk = 0; chunk < sizeRows / 8; ++chunk)
    b.ifThen(b.less(b.i32(chunk * 8), rows), [&] {
      for (int64_t group = 0; group < plan.groups; ++group)
        for (int64_t i = 0; i < 4; ++i) {
          int64_t sumRow = group * sizeRows + chunk * 8 + i % 2;
          b.storeRaw(sums[group * sizeRows / 2 + chunk * 4 + i],
                     b.shared(place, (sumRow * plan.sumStride + i / 2 * 8) * 4));
        }
    });
}

void FewRowsStores::storePlace(const Place &place) {
  SmallVector<Value> results = epilogue.evaluate(addSums(place.row), place.extras, count);
  Buffer out = b.buffer(op.getOut());
  Value outColumn = b.add(b.add(tileColumn, column), op.getOutColumn());
  b.storeVector(results, out, b.rowOffset(out, place.outRow, outColumn));
}

/// The sums of each group over all of k: those of the cluster's blocks in order.
SmallVector<Value> FewRowsStores::addSums(Value row) {
  Type type = count == 1 ? b.f32() : VectorType::get(count, b.f32());
  SmallVector<Value> sums;
  for (int64_t group = 0; group < plan.groups; ++group) {
    Value sumRow = b.add(row, group * sizeRows);
    Value place = b.shared(base, b.mul(b.add(b.mul(sumRow, plan.sumStride), column), 4));
    Value sum;
    for (int64_t block = 0; block < plan.clusterBlocks; ++block) {
      Value owned = plan.clusterBlocks > 1 ? inCluster(b, place, b.i32(block)) : place;
      Value part = b.loadRaw(type, owned, count * 4);
      sum = sum ? b.addf(sum, part) : part;
    }
    if (count == 1)
      sums.push_back(sum);
    for (int64_t i = 0; count > 1 && i < count; ++i)
      sums.push_back(LLVM::ExtractElementOp::create(b.builder, b.loc, sum, b.i32(i)));
  }
  return sums;
}
