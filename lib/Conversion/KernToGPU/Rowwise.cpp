//===- Rowwise.cpp - Row-wise kernels on the GPU --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowwiseEmitter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// Elements of a row that a warp goes through by itself, where there are many rows.
static constexpr int64_t warpElements = 1024;

/// The most neighbours, up to 16 bytes of 16-bit elements, that every access of `op` is
/// aligned for.
static int64_t chooseVector(RowwiseOp op) {
  SmallVector<int64_t> alignments(op.getSections().drop_front());
  auto addRows = [&](Value memref, int64_t column) {
    alignments.push_back(rowWidth(memref));
    alignments.push_back(column);
  };
  addRows(op.getInput(), op.getInColumn());
  if (!op.storesScalars())
    addRows(op.getOut(), op.getOutColumn());
  bool isWide = llvm::any_of(op->getOperands(), [&](Value operand) {
    auto memref = dyn_cast<MemRefType>(operand.getType());
    bool isScalars = operand == op.getOut() && op.storesScalars();
    return memref && memref.getElementType().isF32() && !isScalars;
  });
  int64_t count = isWide ? 4 : 8;
  while (llvm::any_of(alignments, [&](int64_t a) { return a % count != 0; }))
    count /= 2;
  return count;
}

/// The same for all members of a group.
static int64_t chooseVector(ArrayRef<RowwiseOp> members) {
  int64_t count = chooseVector(members.front());
  for (RowwiseOp member : members.drop_front())
    count = std::min(count, chooseVector(member));
  return count;
}

static DictionaryAttr chooseConfig(ArrayRef<RowwiseOp> members) {
  constexpr int64_t mostWarps = 8, blockRows = 4;
  RowwiseOp first = members.front();
  int64_t vector = chooseVector(members), width = 0;
  for (RowwiseOp member : members)
    width = std::max(width, member.getSections().back());
  // Few rows leave the memory idle where a warp goes through each, and of a wide one a warp would
  // hold more than the registers of enough of them.
  bool isShared = first.getMaxRows() || width > warpElements;
  int64_t accesses = llvm::divideCeil(width, RowwiseShape::warpLanes * vector); // of a warp
  int64_t warps = isShared ? std::min(accesses, mostWarps) : 1;
  return makeConfig(first->getContext(),
                    {{"rows", warps > 1 ? 1 : blockRows}, {"vector", vector}, {"warps", warps}});
}

/// The configuration of `op`, which is `members`, or their group.
static FailureOr<RowwiseShape> shapeOf(Operation *op, ArrayRef<RowwiseOp> members) {
  if (failed(checkConfig(op, {"rows", "vector", "warps"})))
    return failure();
  RowwiseShape shape{configValue(op, "rows"), configValue(op, "warps"), configValue(op, "vector")};
  if (shape.warps > 32 || (shape.warps > 1 && shape.rows > 1))
    return op->emitOpError("takes up to 32 warps of a row, and several where a block has one row "
                           "alone, got ")
           << shape.warps << " for " << shape.rows << " rows";
  int64_t most = chooseVector(members);
  if (shape.rows > 32 || shape.vector > most || !llvm::isPowerOf2_64(shape.vector))
    return op->emitOpError("takes up to 32 rows of a block and a power of two up to ")
           << most << " of neighbours, got " << shape.rows << " and " << shape.vector;
  return shape;
}

static GPULaunch makeLaunch(const RowwiseShape &shape, AffineMap blocks,
                            ArrayRef<RowwiseOp> members) {
  int64_t sharedBytes = 0;
  for (RowwiseOp member : members)
    sharedBytes = std::max(sharedBytes, shape.sharedBytes(member));
  return GPULaunch{blocks, /*maxBlocks=*/0, shape.threads(), sharedBytes, /*flopRate=*/0};
}

namespace {
struct RowwiseModel : GPUKernelInterface::ExternalModel<RowwiseModel, RowwiseOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &) const {
    return chooseConfig(cast<RowwiseOp>(op));
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto rowwise = cast<RowwiseOp>(op);
    FailureOr<RowwiseShape> shape = shapeOf(op, rowwise);
    if (failed(shape))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    emitRows(b, rowwise, *shape, b.blockId());
    AffineExpr blocks = builder.getAffineDimExpr(0).ceilDiv(shape->rows);
    return makeLaunch(*shape, AffineMap::get(1, 0, blocks), rowwise);
  }
};

/// The blocks of a member come behind those of the members before.
struct GroupedRowwiseModel
    : GPUKernelInterface::ExternalModel<GroupedRowwiseModel, GroupedRowwiseOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &) const {
    return chooseConfig(llvm::to_vector(cast<GroupedRowwiseOp>(op).getMemberOps()));
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto group = cast<GroupedRowwiseOp>(op);
    SmallVector<RowwiseOp> members = llvm::to_vector(group.getMemberOps());
    FailureOr<RowwiseShape> shape = shapeOf(op, members);
    if (failed(shape))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    AffineExpr blocks = builder.getAffineConstantExpr(0);
    for (RowwiseOp member : members)
      blocks = blocks + builder.getAffineDimExpr(group.getExtentOf(member)).ceilDiv(shape->rows);
    useOperands(group);
    emitMembers(b, members, *shape, b.blockId());
    unsigned extents = llvm::count_if(op->getOperandTypes(), llvm::IsaPred<IndexType>);
    return makeLaunch(*shape, AffineMap::get(extents, 0, blocks), members);
  }

private:
  static void emitMembers(GPUKernelBuilder &b, ArrayRef<RowwiseOp> members,
                          const RowwiseShape &shape, Value block) {
    RowwiseOp first = members.front();
    if (members.size() == 1)
      return emitRows(b, first, shape, block);
    Value blocks = b.ceilDiv(b.extent(first.getRows()), shape.rows);
    b.ifThenElse(
        b.less(block, blocks), [&] { emitRows(b, first, shape, block); },
        [&] { emitMembers(b, members.drop_front(), shape, b.sub(block, blocks)); });
  }
};
} // namespace

void nvptx::attachRowwiseModels(MLIRContext &context) {
  RowwiseOp::attachInterface<RowwiseModel>(context);
  GroupedRowwiseOp::attachInterface<GroupedRowwiseModel>(context);
}
