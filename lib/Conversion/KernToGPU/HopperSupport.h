//===- HopperSupport.h - Bulk copies and warpgroup products -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSUPPORT_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSUPPORT_H

#include "EmitterSupport.h"

namespace mlir::kern::nvptx {

/// Columns of 16 bits in a row of a swizzled tile: the rows of tiles in shared memory
/// are 128 bytes, permuted in 16-byte pieces with a period of 8 rows.
inline constexpr int64_t swizzledColumns = 64;

// Barriers in shared memory (!llvm.ptr<3>, 8 bytes).
void initBarrier(GPUKernelBuilder &b, Value barrier, int64_t arrivals);
void initBarrier(GPUKernelBuilder &b, Value barrier, Value arrivals);
/// Makes initialised barriers visible to the copy engine.
void fenceBarrierInit(GPUKernelBuilder &b);
void waitBarrier(GPUKernelBuilder &b, Value barrier, Value phase);
void arrive(GPUKernelBuilder &b, Value barrier);
/// Arrives at the barrier that is in the same place of another block of the cluster.
void arriveInCluster(GPUKernelBuilder &b, Value barrier, Value block);
/// Arrives, and announces bytes that copies will bring.
void arriveExpecting(GPUKernelBuilder &b, Value barrier, Value bytes);

/// Brings a tensor map to where copies by it begin.
void prefetchMap(GPUKernelBuilder &b, Value map);
/// Copies a box at (column, row) of a tensor map to shared memory; the barrier is told. With
/// `receivers`, a bit of an i16 for each block of the cluster, to the same place in these, whose
/// barriers in the same place are told.
void copyToShared(GPUKernelBuilder &b, Value shared, Value map, Value column, Value row,
                  Value barrier, Value receivers = {});
/// Copies a box in shared memory to (column, row) of a tensor map, as a bulk group.
void copyToGlobal(GPUKernelBuilder &b, Value map, Value shared, Value column, Value row);
/// Waits until the sources of all but `pending` bulk groups of the thread have been read.
void waitCopiesRead(GPUKernelBuilder &b, int64_t pending);
/// Makes a thread's writes to shared memory visible to the copy engine.
void fenceShared(GPUKernelBuilder &b);
/// Stores four 8×8 matrices of 16 bits, a row address from each lane.
void storeMatrices(GPUKernelBuilder &b, Value address, ValueRange registers);

/// Arrives at a barrier of the block, numbered as those of `barrier`, without waiting.
void arriveNamed(GPUKernelBuilder &b, Value id, Value threads);
/// Waits at such a barrier.
void syncNamed(GPUKernelBuilder &b, Value id, Value threads);

/// Lets the next launch start where the device has room, before this one has ended; does nothing
/// where it was not told to.
void startNextGrid(GPUKernelBuilder &b);
/// Waits until what this launch depends on has ended: no memory that other kernels write, or
/// read what is written here, may be touched before.
void waitForGrids(GPUKernelBuilder &b);

/// Waits for all threads of a cluster of so many blocks, and for what they have written.
void syncCluster(GPUKernelBuilder &b, int64_t blocks);
/// The same in two steps: says that the thread has come, and waits for the others.
void arriveCluster(GPUKernelBuilder &b);
void waitCluster(GPUKernelBuilder &b);
/// Waits at the end until all other threads of the cluster are there, and so have read what they
/// need; what they have written may still be on its way.
void leaveCluster(GPUKernelBuilder &b);
/// Blocks of the cluster: 1 where the launch forms none.
Value blocksOfCluster(GPUKernelBuilder &b);
/// The block's place in its cluster of so many blocks.
Value rankInCluster(GPUKernelBuilder &b, int64_t blocks);
/// The place in the shared memory of another block of the cluster.
Value inCluster(GPUKernelBuilder &b, Value shared, Value block);

/// Register limits of the warpgroups of a block that has been split by roles.
void decreaseRegisters(GPUKernelBuilder &b, int64_t count);
void increaseRegisters(GPUKernelBuilder &b, int64_t count);

/// The operand descriptor of a tile of 128-byte rows at a shared address (i32). A K-major
/// tile has one such row for each of its rows; the others have one for each k, and where
/// they are wider, the next 64 columns `chunkBytes` behind.
Value matrixDescriptor(GPUKernelBuilder &b, Value address, int64_t chunkBytes = 16);
/// The descriptor of a tile so many units of 16 bytes behind.
Value advanceDescriptor(GPUKernelBuilder &b, Value descriptor, int64_t units);
/// The sums of 64 × `columns`: a struct of columns / 2 floats of each thread.
Type sumsType(GPUKernelBuilder &b, int64_t columns);
/// Descriptors of the factors of products over 64 in k.
struct ProductFactors {
  Value a, b;
};
/// sums + A · Bᵀ of `type`, bf16 or f16, over tiles of 64 in k, started together but not waited for;
/// without `sums`, the products alone.
Value startProducts(GPUKernelBuilder &b, Type type, Value sums, ArrayRef<ProductFactors> factors,
                    int64_t columns);
/// sums + A · Bᵀ, 16 in k: one step of a group of products. A first step may leave out `sums`.
Value startStep(GPUKernelBuilder &b, Type type, Value sums, Value descriptorA, Value descriptorB,
                int64_t columns, bool addsSums = true);
/// A step sums + A · B of bf16 with A in registers as mma.sync takes it (4 i32 of a thread) and
/// a B that is not K-major; `sums` are columns / 2 floats.
SmallVector<Value> startStep(GPUKernelBuilder &b, ArrayRef<Value> sums, ArrayRef<Value> a,
                             Value descriptorB, int64_t columns);
/// Orders what threads have done to registers before the products that use them.
void fenceProducts(GPUKernelBuilder &b);
/// Ends a group of products.
void commitProducts(GPUKernelBuilder &b);
/// Waits until at most `pending` groups of products have not ended.
void waitProducts(GPUKernelBuilder &b, int64_t pending);
/// The same, and `sums` as they are then; `factors`, the products' registers, live until then.
SmallVector<Value> waitProducts(GPUKernelBuilder &b, int64_t pending, ArrayRef<Value> sums,
                                ArrayRef<Value> factors = {});

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSUPPORT_H
