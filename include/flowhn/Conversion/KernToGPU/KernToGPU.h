//===- KernToGPU.h - Kernels for the GPU ------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_CONVERSION_KERNTOGPU_KERNTOGPU_H
#define FLOWHN_CONVERSION_KERNTOGPU_KERNTOGPU_H

#include "flowhn/Target/NVPTX/TargetInfo.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Pass/Pass.h"

namespace mlir::kern {

/// How a kernel is launched.
struct GPULaunch {
  AffineMap grid;            ///< blocks (up to 3 results) of the op's index operands, in order
  int64_t maxBlocks = 0;     ///< where positive, at most so many blocks are launched (1-d grids)
  int64_t threads = 0;       ///< of a block
  int64_t sharedBytes = 0;   ///< dynamic shared memory of a block
  double flopRate = 0;       ///< FLOP/s that the chip gives it at best; 0: bytes bound it
  int64_t clusterBlocks = 1; ///< that see each other's shared memory; the grid is of whole clusters
  int64_t clusterGrid = 0; ///< blocks by `grid` from which on they form clusters; 0: they always do
  int64_t residentBlocks = 1; ///< that a multiprocessor's registers are divided among
};

} // namespace mlir::kern

#include "flowhn/Conversion/KernToGPU/GPUKernelInterface.h.inc"

namespace mlir {
class DialectRegistry;

namespace kern {

// What convert-kern-to-gpu sets on each kernel function, besides what every target sets
// (KernOps.h): `kern.grid` has up to 3 results, block counts. Its parameters are, in order,
// the arguments of the kernel (an index is an i64, a buffer a pointer to global memory)
// and the tensor maps: 128 bytes each by value, 64-byte aligned.

/// What a calibration knows the configurations of such kernels by, where there are several to
/// choose among (string).
inline constexpr llvm::StringLiteral gpuTuningKeyAttrName = "kern.tuning_key";
/// At most so many blocks are launched; each takes several shares of the work (i64).
inline constexpr llvm::StringLiteral gpuMaxBlocksAttrName = "kern.max_blocks";
/// Blocks that a multiprocessor's registers are divided among, where there are several (i64).
inline constexpr llvm::StringLiteral gpuResidentBlocksAttrName = "kern.resident_blocks";
/// Blocks of a cluster, where there are several (i64); a multiple of it is launched.
inline constexpr llvm::StringLiteral gpuClusterBlocksAttrName = "kern.cluster_blocks";
/// Blocks by `kern.grid`, before their limit, from which on those of a launch form clusters, where
/// the code runs as well without (i64).
inline constexpr llvm::StringLiteral gpuClusterGridAttrName = "kern.cluster_grid";
/// Threads of a block (i64).
inline constexpr llvm::StringLiteral gpuThreadsAttrName = "kern.threads";
/// Bytes of dynamic shared memory (i64).
inline constexpr llvm::StringLiteral gpuSharedBytesAttrName = "kern.shared_bytes";
/// The kernel waits for the one in front of it before it reads or writes what another one
/// writes or reads, so that it may start earlier (unit).
inline constexpr llvm::StringLiteral gpuWaitsAttrName = "kern.waits";
/// FLOP/s that the chip gives such a kernel at best (f64); absent: bytes bound it.
inline constexpr llvm::StringLiteral gpuFlopRateAttrName = "kern.flop_rate";
/// Bytes/s of the chip's memory at best (f64).
inline constexpr llvm::StringLiteral gpuByteRateAttrName = "kern.byte_rate";
/// Array of dictionaries, one per tensor map: `argument` (position of the buffer among
/// the function's arguments), `type` (element type), `columns` (i64, inner extent in
/// elements), `rows` (AffineMap from the index arguments to the outer extent),
/// `row_bytes` (i64), `box` (i64 array: columns, rows), `swizzle` (i64: 0 or 128 bytes).
/// Reads outside the extents give zero, writes there are dropped.
inline constexpr llvm::StringLiteral gpuTensorMapsAttrName = "kern.tensor_maps";

/// Attaches `GPUKernelInterface` to the ops of kern when the dialect is loaded.
void registerGPUKernelModels(DialectRegistry &registry);

} // namespace kern

namespace flowhn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "flowhn/Conversion/KernToGPU/Passes.h.inc"

} // namespace flowhn
} // namespace mlir

#endif // FLOWHN_CONVERSION_KERNTOGPU_KERNTOGPU_H
