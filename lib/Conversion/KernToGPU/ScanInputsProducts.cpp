//===- ScanInputsProducts.cpp - The products of scan_inputs ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The rows of the tile are the left factor, 64 of them; both warpgroups have them all, and half of
// the columns each. A tile of 32 rows multiplies what lies behind it too, which is cheap, and drops
// that.

#include "ScanInputs.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// The sums of a product as values, once they are known.
static SmallVector<Value> awaitSums(GPUKernelBuilder &b, Value sums, int64_t columns) {
  commitProducts(b);
  waitProducts(b, 0);
  SmallVector<Value> values;
  for (int64_t i = 0; i < columns / 2; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, sums, i));
  return waitProducts(b, 0, values);
}

static Value zeroSums(GPUKernelBuilder &b, int64_t columns) {
  return LLVM::ZeroOp::create(b.builder, b.loc, sumsType(b, columns));
}

/// The warpgroup of the thread, the same in all of a warp.
static Value groupOf(const ScanInputsContext &context) { return context.b.div(context.warp, 4); }

/// The thread's first row in the tile: it has sums of that one and of the eighth one behind.
static Value sumRow(const ScanInputsContext &context) {
  GPUKernelBuilder &b = context.b;
  return b.add(b.mul(b.rem(context.warp, 4), 16), b.div(context.lane, 4));
}

/// What a thread does whose warp has rows of the tile.
static void ifInTile(const ScanInputsContext &context, llvm::function_ref<void()> body) {
  GPUKernelBuilder &b = context.b;
  if (context.plan.tileRows == ScanInputsPlan::productRows)
    return body();
  b.ifThen(b.less(b.mul(b.rem(context.warp, 4), 16), b.i32(context.plan.tileRows)), body);
}

//===----------------------------------------------------------------------===//
// The first product
//===----------------------------------------------------------------------===//

SmallVector<Value> nvptx::multiplyByXWeight(const ScanInputsContext &context) {
  GPUKernelBuilder &b = context.b;
  const ScanInputsPlan &plan = context.plan;
  ScanInputsOp op = context.op;
  int64_t columns = plan.groupColumns();
  Value groupOffset = b.mul(groupOf(context), columns * swizzledRowBytes);
  Value u = matrixDescriptor(b, context.address(0));
  Value weights = matrixDescriptor(b, b.add(context.address(plan.weightOffset()), groupOffset));
  Value sums = zeroSums(b, columns);
  fenceProducts(b);
  for (int64_t tile = 0; tile < plan.channelTiles(); ++tile)
    for (int64_t step = 0; step < swizzledColumns / 16; ++step)
      sums = startStep(b, elementType(op.getU()), sums,
                       b.add(u, tile * plan.tileBytes() / 16 + step * 2),
                       b.add(weights, tile * plan.xWeightTileBytes() / 16 + step * 2), columns);
  return awaitSums(b, sums, columns);
}

void nvptx::leaveSums(const ScanInputsContext &context, ArrayRef<Value> sums) {
  GPUKernelBuilder &b = context.b;
  const ScanInputsPlan &plan = context.plan;
  Value column =
      b.add(b.mul(groupOf(context), plan.groupColumns()), b.mul(b.rem(context.lane, 4), 2));
  Value element = b.add(b.mul(sumRow(context), plan.sumStride()), column);
  Value place = context.at(b.mul(element, 4));
  ifInTile(context, [&] {
    for (int64_t pair = 0; pair < plan.groupColumns() / 4; ++pair) {
      int64_t offset = pair / 2 * 8 + pair % 2 * 8 * plan.sumStride();
      b.storeRaw(b.vectorOf({sums[2 * pair], sums[2 * pair + 1]}), b.shared(place, offset * 4), 8);
    }
  });
}

//===----------------------------------------------------------------------===//
// The second product
//===----------------------------------------------------------------------===//

namespace {
/// Emits the code of a warpgroup, which takes every second tile of 64 channels.
class DeltaEmitter {
public:
  DeltaEmitter(const ScanInputsContext &context, Value map)
      : context(context), b(context.b), op(context.op), plan(context.plan), map(map) {}

  void emit();

private:
  const ScanInputsContext &context;
  GPUKernelBuilder &b;
  ScanInputsOp op;
  const ScanInputsPlan &plan;
  Value map;

  SmallVector<Value> multiply(Value tile);
  void addBias(MutableArrayRef<Value> sums, Value tile);
  void fill(ArrayRef<Value> sums, Value tileOffset);
  void emitTile(Value tile);
};
} // namespace

void DeltaEmitter::emit() {
  b.forLoop(groupOf(context), b.i32(plan.channelTiles()), b.i32(plan.warpgroups),
            [&](Value tile) { emitTile(tile); });
  b.ifThen(b.equal(b.rem(context.thread, plan.groupThreads), 0), [&] { waitCopiesRead(b, 0); });
}

void DeltaEmitter::emitTile(Value tile) {
  SmallVector<Value> sums = multiply(tile);
  addBias(sums, tile);
  Value tileOffset = b.mul(tile, plan.tileBytes());
  ifInTile(context, [&] { fill(sums, tileOffset); });
  fenceShared(b);
  b.barrier(b.add(groupOf(context), 1), plan.groupThreads);
  b.ifThen(b.equal(b.rem(context.thread, plan.groupThreads), 0), [&] {
    Value column =
        b.add(b.add(context.firstChannel, b.mul(tile, swizzledColumns)), op.getDeltaColumn());
    copyToGlobal(b, map, context.at(tileOffset), column, context.tileRow);
  });
}

SmallVector<Value> DeltaEmitter::multiply(Value tile) {
  Value dt = matrixDescriptor(b, context.address(plan.dtOffset()));
  Value tileOffset = b.mul(tile, swizzledColumns * swizzledRowBytes);
  Value weights = matrixDescriptor(b, b.add(context.address(plan.weightOffset()), tileOffset));
  Value sums = zeroSums(b, swizzledColumns);
  fenceProducts(b);
  for (int64_t step = 0; step < plan.rankSteps(); ++step) {
    int64_t rankTile = step / 4, units = step % 4 * 2;
    sums = startStep(
        b, elementType(op.getU()), sums, b.add(dt, rankTile * plan.tileBytes() / 16 + units),
        b.add(weights, rankTile * plan.dtWeightTileBytes() / 16 + units), swizzledColumns);
  }
  return awaitSums(b, sums, swizzledColumns);
}

void DeltaEmitter::addBias(MutableArrayRef<Value> sums, Value tile) {
  Value column = b.add(b.mul(tile, swizzledColumns), b.mul(b.rem(context.lane, 4), 2));
  Value place = context.at(b.add(b.mul(column, 4), plan.biasOffset()));
  for (int64_t chunk = 0; chunk < swizzledColumns / 8; ++chunk) {
    auto bias =
        b.elementsOf(b.loadRaw(VectorType::get(2, b.f32()), b.shared(place, chunk * 32), 8));
    for (int64_t i = 0; i < 4; ++i)
      sums[4 * chunk + i] = b.addf(sums[4 * chunk + i], bias[i % 2]);
  }
}

/// Writes the results of 64 channels to a tile in shared memory.
void DeltaEmitter::fill(ArrayRef<Value> sums, Value tileOffset) {
  Value row = b.add(b.mul(b.rem(context.warp, 4), 16), b.rem(context.lane, 16));
  Value rowOffset = b.add(tileOffset, b.mul(row, swizzledRowBytes));
  for (int64_t quarter = 0; quarter < 4; ++quarter) {
    SmallVector<Value> registers;
    for (int64_t matrix = 0; matrix < 4; ++matrix) {
      int64_t first = (quarter * 2 + matrix / 2) * 4 + matrix % 2 * 2;
      registers.push_back(b.packPair(sums[first], sums[first + 1], elementType(op.getDelta())));
    }
    Value piece = b.bitXor(b.add(b.div(context.lane, 16), quarter * 2), b.rem(context.lane, 8));
    storeMatrices(b, context.at(b.add(rowOffset, b.mul(piece, 16))), registers);
  }
}

void nvptx::emitDelta(const ScanInputsContext &context, Value deltaMap) {
  DeltaEmitter(context, deltaMap).emit();
}
