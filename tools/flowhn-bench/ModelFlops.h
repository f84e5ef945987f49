//===- ModelFlops.h - FLOPs of a forward pass -------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_MODELFLOPS_H
#define FLOWHN_TOOLS_BENCH_MODELFLOPS_H

#include "flowhn/Artifact/Manifest.h"
#include "flowhn/Import/ModelConfig.h"

namespace flowhn::tools {

/// FLOPs of matmuls, attention, convolution and scan for `batch` sequences of
/// `tokens`, with the logits of `logitsRows` tokens; a multiply-add counts 2. The
/// branches as in the FLOP-aware count (arXiv 2505.19472), the exact triangle of
/// the scores; norms and activations count nothing. Of a model that prunes dead positions
/// the last block counts what is left.
Expected<double> modelFlops(const ModelConfig &config, const ManifestModel &model, int64_t batch,
                            int64_t tokens, int64_t logitsRows);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_MODELFLOPS_H
