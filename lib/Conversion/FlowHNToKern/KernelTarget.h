//===- KernelTarget.h - The machine that kernels are for --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to lib/Conversion/FlowHNToKern.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELTARGET_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELTARGET_H

#include "ParameterLibrary.h"
#include "flowhn/Target/CPU/TargetInfo.h"
#include "flowhn/Target/NVPTX/TargetInfo.h"

#include <optional>

namespace mlir::flowhn {

/// The machine that kernels are for, one of the two, and how it wants memory to lie.
struct KernelTarget {
  std::optional<CPUTargetInfo> cpu;
  std::optional<GPUTargetInfo> gpu;

  /// `kind` is "cpu", whose level is `cpu`, or "nvptx", whose chip is `chip`.
  static ::flowhn::Expected<KernelTarget> get(StringRef kind, StringRef cpu, StringRef chip);

  /// Elements of a row of a buffer for `width` values of `type`.
  int64_t rowElements(int64_t width, Type type) const;
  /// Whether a product may read rows of `type` from `column` on.
  bool startsProducts(int64_t column, Type type) const;
  /// How a product of rows of `activation` reads `groups` · n rows of weights, [n, k].
  ParameterUse weights(ArrayRef<Value> sources, int64_t n, int64_t k, int64_t groups,
                       Type activation) const;
  /// Rows up to which products, and norms, that make rows of `type` have kernels of their own.
  std::vector<int64_t> productRowBounds(Type type) const;
  std::vector<int64_t> normRowBounds(Type type) const;
  /// Rows of any type up to which embeddings have a kernel of their own.
  std::vector<int64_t> embeddingRowBounds(MLIRContext *context) const;
};

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_KERNELTARGET_H
