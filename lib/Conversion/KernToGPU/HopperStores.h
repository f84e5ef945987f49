//===- HopperStores.h - From sums of a warpgroup to results -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// All blocks reach the end of a tile at about the same time. A residual that is read only
// then takes the memory's time for all of them at once, in which nobody multiplies: 8 µs for
// 128 × 256 in float32, where the products of 2048 take 22. So the first part of it is read
// into registers, and the rest into the L2 cache, when the products have begun.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSTORES_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSTORES_H

#include "HopperProducts.h"

namespace mlir::kern::nvptx {

/// What the stores of all tiles share.
struct HopperStoreContext {
  GPUKernelBuilder &b;
  const ProductCode &code;
  Value base;     ///< of shared memory
  Value consumer; ///< the warpgroup's place among those that multiply
  Value thread;   ///< the thread's place in it
};

/// What one warpgroup does with its 64 rows of a tile: the region, then the store.
class HopperStores {
public:
  virtual ~HopperStores() = default;

  /// While the first products run: starts to read what the region needs.
  virtual void begin(const MatmulTile &tile) = 0;
  /// Behind them; `sums` as MatmulEpilogue has them.
  virtual void store(ArrayRef<Value> sums) = 0;

protected:
  /// Of tiles with `columns` of the result.
  HopperStores(const HopperStoreContext &context, int64_t columns);

  GPUKernelBuilder &b;
  const ProductCode &code;
  MatmulOp op;
  const HopperMatmulPlan &plan;
  Value base, consumer, warp, lane, isLeader;
  MatmulEpilogue epilogue;
  int64_t columns;

  MatmulTile tile; ///< the rows of it that are stored together
};

/// Stores in batches: what the region reads for the first ones comes before the products.
class BatchedStores : public HopperStores {
public:
  void begin(const MatmulTile &tile) override;
  void store(ArrayRef<Value> sums) override;

protected:
  BatchedStores(const HopperStoreContext &context, int64_t columns, int64_t batches);

  /// The thread's rows in the tile: lane / 4 of its warp's 16 and 8 rows further, as far as
  /// they exist; those behind the last one are it.
  struct Row {
    MatmulEpilogue::ExtraRow extras;
    Value exists;
  };
  using Batch = SmallVector<MatmulEpilogue::Loaded>;
  virtual Batch loadBatch(int64_t batch) = 0;
  virtual void storeBatch(int64_t batch, ArrayRef<MatmulEpilogue::Loaded> extras,
                          ArrayRef<Value> sums) = 0;
  /// Brings what later batches read to the L2 cache.
  virtual void prefetchRest() = 0;
  /// The same for the columns [begin, end) of a row of the tile.
  void prefetch(const Row &row, int64_t begin, int64_t end);

  int64_t batches;
  int64_t ahead; ///< batches that are loaded before the products
  SmallVector<Row, 2> rows;

private:
  Value numRows;
  SmallVector<Batch> loaded;
  void loadNext() { loaded.push_back(loadBatch(loaded.size())); }
};

/// The stores of tiles with `columns` of the result: by the copy engine where it can, else by
/// threads, with columns checked where a tile may exceed the result.
std::unique_ptr<HopperStores> makeHopperStores(const HopperStoreContext &context, int64_t columns);

std::unique_ptr<HopperStores> makeTileStores(const HopperStoreContext &context, int64_t columns);
std::unique_ptr<HopperStores> makeRowStores(const HopperStoreContext &context, int64_t columns);
/// Whether threads can store `columns` of a tile in pieces of 16 bytes.
bool canStoreRows(const ProductCode &code, int64_t columns);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSTORES_H
