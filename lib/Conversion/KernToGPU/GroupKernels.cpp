//===- GroupKernels.cpp - Which kernels are compiled together -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../KernToCPU/KernelModule.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "flowhn/Target/NVPTX/PTXEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_GROUPKERNELSPASS
#include "flowhn/Conversion/KernToGPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::kern;

namespace {

struct MeasuredKernel {
  func::FuncOp function;
  int64_t cost = 0; ///< about what it takes to compile
  bool usesShared =
      false; ///< memory of the block: where one kernel of a module does, all have some
};

struct Group {
  StringAttr name; ///< that of its first kernel
  int64_t cost;
  bool usesShared;
};

} // namespace

static MeasuredKernel measure(func::FuncOp kernel) {
  MeasuredKernel measured{kernel};
  kernel.walk([&](Operation *op) {
    measured.cost += 1 + op->getNumOperands() + op->getNumResults();
    measured.usesShared |= isa<LLVM::AddressOfOp>(op);
  });
  return measured;
}

/// Each kernel, from the longest to the shortest, goes to the first group that has room for it.
static void group(MutableArrayRef<MeasuredKernel> kernels) {
  llvm::stable_sort(
      kernels, [](const MeasuredKernel &a, const MeasuredKernel &b) { return a.cost > b.cost; });
  int64_t room = kernels.front().cost;
  SmallVector<Group> groups;
  for (MeasuredKernel &kernel : kernels) {
    auto *found = llvm::find_if(groups, [&](const Group &group) {
      return group.usesShared == kernel.usesShared && group.cost + kernel.cost <= room;
    });
    if (found == groups.end()) {
      groups.push_back({kernel.function.getSymNameAttr(), 0, kernel.usesShared});
      found = &groups.back();
    }
    found->cost += kernel.cost;
    kernel.function->setAttr(mlir::flowhn::gpuCodeAttrName, found->name);
  }
}

namespace {
struct GroupKernelsPass : mlir::flowhn::impl::GroupKernelsPassBase<GroupKernelsPass> {
  using GroupKernelsPassBase::GroupKernelsPassBase;

  void runOnOperation() override {
    SmallVector<MeasuredKernel> kernels = llvm::map_to_vector(findKernels(getOperation()), measure);
    if (!kernels.empty())
      group(kernels);
  }
};
} // namespace
