//===- HopperExchange.cpp - Sums that a cluster's blocks add --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HopperExchange.h"

#include "HopperSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

static constexpr int64_t quadBytes = 16;

/// Quads lie by owner of their columns, then by number, then by thread, whose own they are in
/// every block.
Value HopperExchange::placeOf(int64_t quad, Value offset) {
  return b.shared(base,
                  b.add(b.add(b.mul(thread, quadBytes), quad * threads() * quadBytes), offset));
}

/// Of a tile's sums those of the columns that block `owner` stores.
SmallVector<Value> HopperExchange::shareOf(ArrayRef<Value> sums, int64_t owner) {
  int64_t groupSums = sums.size() / plan.groups, count = groupSums / cluster;
  SmallVector<Value> share;
  for (int64_t group = 0; group < plan.groups; ++group)
    llvm::append_range(share, sums.slice(group * groupSums + owner * count, count));
  return share;
}

void HopperExchange::leave(ArrayRef<Value> sums, Value rank) {
  for (int64_t owner = 0; owner < cluster; ++owner)
    b.ifThenElse(
        b.equal(rank, owner), [] {},
        [&] {
          SmallVector<Value> share = shareOf(sums, owner);
          for (int64_t quad = 0; quad < ownQuads(); ++quad)
            b.storeRaw(b.vectorOf(ArrayRef(share).slice(4 * quad, 4)),
                       placeOf(owner * ownQuads() + quad, b.i32(0)), quadBytes);
        });
}

/// The block's share of its own sums.
SmallVector<Value> HopperExchange::keep(ArrayRef<Value> sums, Value rank) {
  SmallVector<Value> kept = shareOf(sums, 0);
  for (int64_t owner = 1; owner < cluster; ++owner)
    for (auto [value, share] : llvm::zip_equal(kept, shareOf(sums, owner)))
      value = b.select(b.equal(rank, owner), share, value);
  return kept;
}

/// Adds what the other blocks left: first the next one, so that not all read from the same.
void HopperExchange::add(MutableArrayRef<Value> own, Value rank) {
  Value place = placeOf(0, b.mul(rank, ownQuads() * threads() * quadBytes));
  for (int64_t distance = 1; distance < cluster; ++distance) {
    Value first = inCluster(b, place, b.rem(b.add(rank, distance), cluster));
    for (int64_t quad = 0; quad < ownQuads(); ++quad) {
      Value loaded = b.loadRaw(VectorType::get(4, b.f32()),
                               b.shared(first, quad * threads() * quadBytes), quadBytes);
      for (int64_t i = 0; i < 4; ++i) {
        Value value = LLVM::ExtractElementOp::create(b.builder, b.loc, loaded, b.i32(i));
        own[4 * quad + i] = b.addf(own[4 * quad + i], value);
      }
    }
  }
}

SmallVector<Value> HopperExchange::sum(ArrayRef<Value> sums, Value rank) {
  // Behind the named barriers of the stores: no warpgroup reads the stages any more.
  b.barrier(b.i32(1 + plan.consumers()), threads());
  leave(sums, rank);
  syncCluster(b, cluster);
  SmallVector<Value> own = keep(sums, rank);
  add(own, rank);
  // Copies fill the stages again behind this.
  fenceShared(b);
  arriveCluster(b);
  return own;
}

void HopperExchange::finish() { waitCluster(b); }

void HopperExchange::passBy() {
  syncCluster(b, cluster);
  arriveCluster(b);
  finish();
}
