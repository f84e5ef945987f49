//===- HopperExchange.h - Sums that a cluster's blocks add -------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Each block of a cluster has the sums of a tile, or of a piece, over its own part of k. It leaves
// what the others store where the stages were, and adds what they have left for it to its own share
// of the columns, in an order that depends on the column alone.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPEREXCHANGE_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPEREXCHANGE_H

#include "MatmulHopper.h"

namespace mlir::kern::nvptx {

class HopperExchange {
public:
  /// Of so many columns of the result; `thread` is among those that multiply.
  HopperExchange(GPUKernelBuilder &b, const HopperMatmulPlan &plan, int64_t columns,
                 int64_t cluster, Value base, Value thread)
      : b(b), plan(plan), columns(columns), cluster(cluster), base(base), thread(thread) {}

  /// Columns of the result that a block stores.
  int64_t ownColumns() const { return columns / cluster; }
  /// The sums of the columns of the block with `rank`, from those of its part of k; both as
  /// MatmulEpilogue has them.
  SmallVector<Value> sum(ArrayRef<Value> sums, Value rank);
  /// Behind the stores, which need not wait for what other blocks read: the stages are free.
  void finish();
  /// What threads without sums do meanwhile.
  void passBy();

private:
  GPUKernelBuilder &b;
  const HopperMatmulPlan &plan;
  int64_t columns, cluster;
  Value base, thread;

  int64_t threads() const { return 128 * plan.consumers(); }
  /// Four sums of a thread, of a chunk of 8 columns, are moved at once.
  int64_t ownQuads() const { return plan.groups * ownColumns() / 8; }
  Value placeOf(int64_t quad, Value offset);
  SmallVector<Value> shareOf(ArrayRef<Value> sums, int64_t owner);
  void leave(ArrayRef<Value> sums, Value rank);
  SmallVector<Value> keep(ArrayRef<Value> sums, Value rank);
  void add(MutableArrayRef<Value> own, Value rank);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPEREXCHANGE_H
