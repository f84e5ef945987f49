//===- HopperExchange.h - Sums that a cluster's blocks add -------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Each block of a cluster has the sums of a whole tile over its own part of k. It leaves them where
// the stages were, and adds those of the others to its own for its share of the columns, in an
// order that depends on the column alone.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPEREXCHANGE_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPEREXCHANGE_H

#include "MatmulHopper.h"

namespace mlir::kern::nvptx {

class HopperExchange {
public:
  /// `thread` is among those that multiply.
  HopperExchange(GPUKernelBuilder &b, const HopperMatmulPlan &plan, int64_t cluster, Value base,
                 Value thread)
      : b(b), plan(plan), cluster(cluster), base(base), thread(thread) {}

  /// Columns of the result that a block stores.
  int64_t ownColumns() const { return plan.outColumns() / cluster; }
  /// The sums of the columns of the block with `rank`, from those of its part of k; both as
  /// MatmulEpilogue has them.
  SmallVector<Value> sum(ArrayRef<Value> sums, Value rank);
  /// What threads without sums do meanwhile. Behind both the stages are free.
  void passBy();

private:
  GPUKernelBuilder &b;
  const HopperMatmulPlan &plan;
  int64_t cluster;
  Value base, thread;

  int64_t threads() const { return 128 * plan.consumers(); }
  /// Four sums of a thread, of a chunk of 8 columns, are moved at once.
  int64_t ownQuads() const { return plan.groups * ownColumns() / 8; }
  Value placeOf(int64_t quad, Value offset);
  SmallVector<Value> shareOf(ArrayRef<Value> sums, int64_t owner);
  void leave(ArrayRef<Value> sums);
  SmallVector<Value> keep(ArrayRef<Value> sums, Value rank);
  void add(MutableArrayRef<Value> own, Value rank);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPEREXCHANGE_H
