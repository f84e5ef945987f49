//===- ModelFlops.cpp - FLOPs of a forward pass ---------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelFlops.h"

#include "flowhn/Artifact/SplitTable.h"

using namespace flowhn;
using namespace flowhn::tools;

static double attentionFlops(const ModelConfig &c, double n) {
  double d = c.hiddenSize, keyValue = c.numKeyValueHeads * c.headSize();
  double projections = 2 * d * (2 * d + 2 * keyValue), mlp = 6 * d * c.intermediateSize;
  return n * (projections + mlp) + 2 * d * n * (n + 1);
}

static double ssmFlops(const ModelConfig &c, double n) {
  double d = c.hiddenSize, e = c.innerSize(), r = c.dtRank, s = c.stateSize;
  double projections = 4 * d * e + 2 * e * (r + 2 * s) + 2 * r * e + 2 * e * d;
  double convolution = 2 * e * c.convSize, scan = 9 * e * s, mlp = 6 * d * c.intermediateSize;
  return n * (projections + convolution + scan + mlp);
}

Expected<double> flowhn::tools::modelFlops(const ModelConfig &config, const ManifestModel &model,
                                           int64_t batch, int64_t tokens, int64_t logitsRows) {
  double d = config.hiddenSize, perSequence = 0;
  for (const std::string &text : model.windows) {
    Expected<SplitWindow> window = SplitWindow::parse(text);
    if (!window.ok())
      return window.status();
    BlockSplit split = splitPositions(*window, tokens);
    perSequence += attentionFlops(config, countPositions(split.attention)) +
                   ssmFlops(config, countPositions(split.ssm));
    double fused = window->kind == SplitWindow::Kind::All ? 2 * d : d;
    perSequence += tokens * (2 * fused * d + 2 * d * d);
  }
  return batch * perSequence + logitsRows * 2 * d * config.vocabSize;
}
