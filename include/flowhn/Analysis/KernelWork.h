//===- KernelWork.h - What the kernels of a block have to do ----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ANALYSIS_KERNELWORK_H
#define FLOWHN_ANALYSIS_KERNELWORK_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Support/Calibration.h"

#include <array>
#include <optional>
#include <vector>

namespace mlir::flowhn {

/// Rows of one length, in a call or in a branch of it.
struct CallTokens {
  int64_t batch = 0;
  int64_t tokens = 0; ///< of each row

  int64_t all() const { return saturatingProduct({batch, tokens}); }
};

/// What the kernel of an op has to do, whatever the call.
struct KernelWork {
  ::flowhn::KernelClass kernelClass;
  /// Columns and inner size of a matmul; heads and head size; channels and states.
  int64_t columns = 0, inner = 0;
  /// Bytes of one value that a matmul multiplies.
  int64_t elementBytes = 2;
  /// Per row of n tokens: of a matmul what its tiles write, and read beside the factors; of
  /// row-wise kernels all that they move.
  Polynomial bytes;

  /// The sizes that a calibration knows it by.
  ::flowhn::KernelSizes sizes(CallTokens tokens) const;
};

/// The kernel that computes `op`; none for what moves nothing.
std::optional<KernelWork> getKernelWork(Operation *op);

struct BranchWork {
  Branch kind;
  SmallVector<KernelWork> kernels;
};

/// What two branches do up to products that one launch computes (BranchStretch), in the order
/// of the branches.
struct StretchWork {
  std::array<SmallVector<KernelWork>, 2> kernels;
  std::array<std::optional<KernelWork>, 2> products;
  bool forks = false;    ///< whether the kernels run on two streams
  bool areNorms = false; ///< whether one launch has them all
};

/// The kernels of one block: of its branches, and of what sees every token.
struct BlockWork {
  SmallVector<BranchWork, 2> branches;
  SmallVector<KernelWork> joint;
  /// The kernels of the branches again, where there are two that have such products.
  std::vector<StretchWork> stretches;
};

/// The kernels of a region that is one block.
BlockWork getBlockWork(Region &region);

/// A block of a model: the `flowhn.block`, or the call of an outlined one, with the region
/// that has its ops.
struct BlockUse {
  Operation *op;
  Region *region;
  int64_t index; ///< its row of the plan
};

/// The blocks of a model in program order.
SmallVector<BlockUse> findBlocks(ModelOp model);

} // namespace mlir::flowhn

#endif // FLOWHN_ANALYSIS_KERNELWORK_H
