//===- KernelTarget.cpp - How a machine wants memory to lie ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTarget.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::Expected;

Expected<KernelTarget> KernelTarget::get(StringRef kind, StringRef cpu, StringRef chip) {
  KernelTarget target;
  if (kind == "cpu") {
    auto info = CPUTargetInfo::get(cpu);
    FLOWHN_RETURN_IF_ERROR(info.status());
    target.cpu = *info;
  } else if (kind == "nvptx") {
    auto info = GPUTargetInfo::get(chip);
    FLOWHN_RETURN_IF_ERROR(info.status());
    target.gpu = *info;
  } else {
    return ::flowhn::invalidArgument("unknown target '" + kind.str() + "': expected cpu or nvptx");
  }
  return target;
}

/// Elements of `type` in the step that the GPU's copy engine wants between rows, and
/// between the columns that it starts at.
static int64_t rowStep(const GPUTargetInfo &gpu, Type type) {
  return gpu.rowAlignment * 8 / type.getIntOrFloatBitWidth();
}

int64_t KernelTarget::rowElements(int64_t width, Type type) const {
  return gpu ? llvm::alignTo(width, rowStep(*gpu, type)) : width;
}

bool KernelTarget::startsProducts(int64_t column, Type type) const {
  return !gpu || column % rowStep(*gpu, type) == 0;
}

ParameterUse KernelTarget::weights(ArrayRef<Value> sources, int64_t n, int64_t k, int64_t groups,
                                   Type activation) const {
  ParameterUse use;
  use.sources = llvm::to_vector(sources);
  if (cpu) {
    use.layout = plan::Layout::Panels;
    use.panel = cpu->panelColumns(n, groups);
    use.groups = groups;
    return use;
  }
  use.roundsTo = activation;
  if (k != rowElements(k, activation)) {
    use.layout = plan::Layout::Padded;
    use.panel = rowStep(*gpu, activation);
  }
  return use;
}

std::vector<int64_t> KernelTarget::productRowBounds(Type type) const {
  return gpu ? gpu->productRowBounds(type.getIntOrFloatBitWidth() / 8) : std::vector<int64_t>();
}

std::vector<int64_t> KernelTarget::normRowBounds(Type type) const {
  // Of more rows there are loads enough in flight where a warp goes through each.
  std::vector<int64_t> bounds = productRowBounds(type);
  if (!bounds.empty())
    bounds = {bounds.back()};
  return bounds;
}

std::vector<int64_t> KernelTarget::embeddingRowBounds(MLIRContext *context) const {
  return normRowBounds(BFloat16Type::get(context));
}
