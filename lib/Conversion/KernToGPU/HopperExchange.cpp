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

void HopperExchange::leave(ArrayRef<Value> sums) {
  int64_t chunks = ownColumns() / 8, groupSums = sums.size() / plan.groups;
  for (int64_t owner = 0; owner < cluster; ++owner)
    for (int64_t group = 0; group < plan.groups; ++group)
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        int64_t first = group * groupSums + (owner * chunks + chunk) * 4;
        int64_t quad = owner * ownQuads() + group * chunks + chunk;
        b.storeRaw(b.vectorOf(sums.slice(first, 4)), placeOf(quad, b.i32(0)), quadBytes);
      }
}

SmallVector<Value> HopperExchange::take(Value rank) {
  Value own = placeOf(0, b.mul(rank, ownQuads() * threads() * quadBytes));
  SmallVector<Value> sums(4 * ownQuads());
  for (int64_t part = 0; part < cluster; ++part) {
    Value first = inCluster(b, own, b.i32(part));
    for (int64_t quad = 0; quad < ownQuads(); ++quad) {
      Value place = b.shared(first, quad * threads() * quadBytes);
      Value loaded = b.loadRaw(VectorType::get(4, b.f32()), place, quadBytes);
      for (int64_t i = 0; i < 4; ++i) {
        Value value = LLVM::ExtractElementOp::create(b.builder, b.loc, loaded, b.i32(i));
        Value &sum = sums[4 * quad + i];
        sum = part ? b.addf(sum, value) : value;
      }
    }
  }
  return sums;
}

SmallVector<Value> HopperExchange::sum(ArrayRef<Value> sums, Value rank) {
  // Behind the named barriers of the stores: no warpgroup reads the stages any more.
  b.barrier(b.i32(1 + plan.consumers()), threads());
  leave(sums);
  syncCluster(b, cluster);
  SmallVector<Value> own = take(rank);
  // Copies fill the stages again behind this.
  fenceShared(b);
  syncCluster(b, cluster);
  return own;
}

void HopperExchange::passBy() {
  for (int64_t barrier = 0; barrier < 2; ++barrier)
    syncCluster(b, cluster);
}
