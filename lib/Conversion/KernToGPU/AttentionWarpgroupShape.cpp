//===- AttentionWarpgroupShape.cpp - How warpgroups divide attention ------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionWarpgroup.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// Registers of a thread that are left for scores, weights and outputs.
static int64_t registersForTiles(const WarpgroupAttentionShape &shape) {
  if (shape.residents > 1)
    return 64;
  return shape.warpgroups == 4 ? 76 : shape.warpgroups == 3 ? 128 : 192;
}

int64_t WarpgroupAttentionShape::producerRegisters() const {
  if (warpgroups < 2)
    return 0;
  return warpgroups == 2 && residents == 1 ? 40 : 32;
}

int64_t WarpgroupAttentionShape::consumerRegisters() const {
  if (residents > 1)
    return 104;
  return warpgroups < 2 ? 0 : warpgroups == 2 ? 232 : warpgroups == 3 ? 160 : 112;
}

/// Whether tensor cores take the elements, and the copy engine boxes from `column` on: rows
/// and columns at multiples of 16 bytes.
static bool areBoxes(Value memref, int64_t column) {
  return elementType(memref).isBF16() && rowWidth(memref) % 8 == 0 && column % 8 == 0;
}

/// Whether warpgroups can take an op in some shape. A few queries do not fill their tiles.
static bool suitsWarpgroups(AttentionOp op, const GPUTargetInfo &target) {
  return target.hasWarpgroupProducts && op.getRows() && !op.getMaxQueries() && !op.getFirstKeys() &&
         op.getHeadSize() % 8 == 0 && op.getHeadSize() >= 16 && op.getHeadSize() <= 256 &&
         areBoxes(op.getQuery(), op.getQColumn()) && areBoxes(op.getKey(), op.getKColumn()) &&
         areBoxes(op.getValue(), op.getVColumn());
}

WarpgroupAttentionShape WarpgroupAttentionShape::of(AttentionOp op) {
  return {int64_t(op.getHeadSize()), configValue(op, "warpgroups"), configValue(op, "keys"),
          configValue(op, "stages"), configValueOr(op, "residents", 1)};
}

std::optional<WarpgroupAttentionShape>
WarpgroupAttentionShape::choose(AttentionOp op, const GPUTargetInfo &target) {
  if (!suitsWarpgroups(op, target))
    return std::nullopt;
  // A third or fourth warpgroup hides more of the exponentials, which weigh the more the smaller
  // a head is, as long as its sums fit in the registers that it leaves. With 64 features 96 keys
  // at a time are as fast as 128, or faster, from 567 to 32768 positions; small heads are done
  // with a block so soon that copies three blocks ahead help.
  int64_t headSize = op.getHeadSize();
  // Of short sequences tiles of fewer queries are more even, and two blocks hide what one waits
  // for: its start and its stores too.
  if (int64_t(op.getQueryLimit().value_or(INT64_MAX)) <= target.halvedAttentionQueries(headSize))
    return WarpgroupAttentionShape{headSize, 2, 64, 3, 2};
  if (headSize <= 32)
    return WarpgroupAttentionShape{headSize, 4, 80, 4};
  if (headSize <= 64)
    return WarpgroupAttentionShape{headSize, 3, 96, 2};
  return WarpgroupAttentionShape{headSize, 2, headSize <= 128 ? 128 : 64, 2};
}

std::vector<WarpgroupAttentionShape> WarpgroupAttentionShape::getAll(AttentionOp op,
                                                                     const GPUTargetInfo &target) {
  std::optional<WarpgroupAttentionShape> chosen = choose(op, target);
  if (!chosen)
    return {};
  std::vector<WarpgroupAttentionShape> shapes = {*chosen};
  for (int64_t warpgroups : {4, 3, 2})
    for (int64_t keys : {192, 128, 96, 64}) {
      WarpgroupAttentionShape shape{chosen->headSize, warpgroups, keys, chosen->stages};
      bool isChosen = warpgroups == chosen->warpgroups && keys == chosen->keys;
      if (!isChosen && shape.hasRegisters() && shape.sharedBytes() <= target.sharedBytes)
        shapes.push_back(shape);
    }
  return shapes;
}

bool WarpgroupAttentionShape::hasRegisters() const {
  return tileRegisters() <= registersForTiles(*this);
}

bool WarpgroupAttentionShape::isAskedFor(AttentionOp op) {
  return op->getAttrOfType<DictionaryAttr>("config").contains("warpgroups");
}

DictionaryAttr WarpgroupAttentionShape::config(MLIRContext *context) const {
  SmallVector<std::pair<StringRef, int64_t>, 4> entries = {
      {"keys", keys}, {"stages", stages}, {"warpgroups", warpgroups}};
  if (residents > 1)
    entries.emplace_back("residents", residents);
  return makeConfig(context, entries);
}

LogicalResult WarpgroupAttentionShape::check(AttentionOp op, const GPUTargetInfo &target) const {
  if (!suitsWarpgroups(op, target))
    return op.emitOpError("needs, for warpgroups, a chip that has their products, 'rows', no "
                          "'queries' or 'cache', bfloat16 "
                          "rows and columns at multiples of 16 bytes, and a head size from 16 to "
                          "256 that is a multiple of 8, got ")
           << headSize << " on " << target.chip;
  if (op.getScale().convertToFloat() <= 0)
    return op.emitOpError("needs a positive scale on the GPU");
  if (warpgroups > 4 || stages < 2)
    return op.emitOpError("needs at most 4 'warpgroups' and at least 2 'stages' in its GPU "
                          "configuration, got ")
           << warpgroups << " and " << stages;
  bool areHalves = warpgroups == 2 && target.holdsBlocks(2, sharedBytes());
  if (residents > 2 || (residents == 2 && !areHalves))
    return op.emitOpError("needs 1 of 'residents' in its GPU configuration, or 2 of 2 'warpgroups' "
                          "in half of the shared memory each, got ")
           << residents << " of " << warpgroups;
  if (keys % 16 != 0 || keys > 256 || !hasRegisters())
    return op.emitOpError(
               "needs 'keys' that are a multiple of 16 up to 256 and leave no more than ")
           << registersForTiles(*this) << " registers to tiles, got " << keys << " and "
           << tileRegisters();
  return checkSharedBytes(op, sharedBytes(), target);
}
