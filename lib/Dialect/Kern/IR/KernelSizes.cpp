//===- KernelSizes.cpp - What a kernel is made for ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Kern/IR/KernelSizes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::kern;

SmallVector<int64_t> mlir::kern::getKernelSizes(Operation *op) {
  using Sizes = SmallVector<int64_t>;
  return llvm::TypeSwitch<Operation *, Sizes>(op)
      .Case([](MatmulOp matmul) -> Sizes {
        return {int64_t(matmul.getN()) * int64_t(matmul.getGroups()), int64_t(matmul.getK())};
      })
      .Case([](AttentionOp attention) -> Sizes {
        return {int64_t(attention.getHeads()), int64_t(attention.getHeadSize())};
      })
      .Case<ScanOp, ScanStatesOp, ScanCombineOp>([](auto scan) -> Sizes {
        // A is [states, channels].
        auto shape = cast<MemRefType>(scan.getA().getType()).getShape();
        return {shape[1], shape[0]};
      })
      .Default([](Operation *) -> Sizes { return {}; });
}
