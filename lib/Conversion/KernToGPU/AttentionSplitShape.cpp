//===- AttentionSplitShape.cpp - How the keys of few queries are split ----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionSplit.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// Blocks of a cluster at most, on any chip that has them.
static constexpr int64_t maxSplits = 8;
/// Rows of the tile at most: their sums are in registers.
static constexpr int64_t maxRows = 32;

/// Query heads of a head of keys.
static int64_t sharingOf(AttentionOp op) {
  return int64_t(op.getHeads()) / int64_t(op.getKvHeads());
}

static bool suitsSplits(AttentionOp op, const GPUTargetInfo &target) {
  return target.hasClusters && op.getQueryLimit() && !op.getMaxQueries() &&
         int64_t(*op.getQueryLimit()) * sharingOf(op) <= maxRows;
}

SplitAttentionShape SplitAttentionShape::of(AttentionOp op) {
  SplitAttentionShape shape{AttentionShape(op), configValue(op, "warps"), configValue(op, "splits"),
                            sharingOf(op), int64_t(op.getQueryLimit().value_or(0))};
  shape.warp.warps = 1;
  return shape;
}

std::optional<SplitAttentionShape> SplitAttentionShape::choose(AttentionOp op,
                                                               const GPUTargetInfo &target) {
  if (!suitsSplits(op, target))
    return std::nullopt;
  SplitAttentionShape shape{AttentionShape::choose(op, target), /*warps=*/4, maxSplits,
                            sharingOf(op), int64_t(*op.getQueryLimit())};
  // As many keys as a step of products takes: more blocks find room beside each other.
  shape.warp.keys = 16;
  shape.warp.rows = roundUp(shape.queries * shape.sharing, 16);
  shape.warp.warps = 1;
  // The fewest sequences that there may be fill the chip, where they can.
  int64_t blocks = int64_t(op.getKvHeads()) * int64_t(op.getMinBatch());
  while (shape.splits > 1 && blocks * shape.splits / 2 >= 2 * target.multiprocessors)
    shape.splits /= 2;
  return shape;
}

bool SplitAttentionShape::isAskedFor(AttentionOp op) {
  return op->getAttrOfType<DictionaryAttr>("config").contains("splits");
}

DictionaryAttr SplitAttentionShape::config() const {
  return makeConfig(warp.type.getContext(), {{"keys", warp.keys},
                                             {"rows", warp.rows},
                                             {"splits", splits},
                                             {"stages", warp.stages},
                                             {"warps", warps}});
}

LogicalResult SplitAttentionShape::check(AttentionOp op, const GPUTargetInfo &target) const {
  if (!suitsSplits(op, target))
    return op.emitOpError("needs, for split keys, a chip that has clusters, no 'queries', and a "
                          "'query_limit' of at most ")
           << maxRows << " rows with " << sharing << " heads each, on " << target.chip;
  if (splits > maxSplits)
    return op.emitOpError("needs up to ")
           << maxSplits << " 'splits' in its GPU configuration, got " << splits;
  if (warp.rows < queries * sharing || warp.rows > maxRows)
    return op.emitOpError("needs 'rows' for ")
           << queries << " queries of " << sharing << " heads, at most " << maxRows << ", got "
           << warp.rows;
  if (failed(warp.check(op, target)))
    return failure();
  return checkSharedBytes(op, sharedBytes(), target);
}
