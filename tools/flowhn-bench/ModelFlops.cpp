//===- ModelFlops.cpp - FLOPs of a forward pass ---------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelFlops.h"

#include "flowhn/Artifact/SplitTable.h"

#include <algorithm>

using namespace flowhn;
using namespace flowhn::tools;

/// A branch over `n` tokens, the last `kept` of which somebody reads.
static double attentionFlops(const ModelConfig &c, double n, double kept) {
  double d = c.hiddenSize, keyValue = c.numKeyValueHeads * c.headSize();
  double mlp = 6 * d * c.intermediateSize;
  return n * 4 * d * keyValue + kept * (4 * d * d + mlp) + 2 * d * kept * (2 * n - kept + 1);
}

static double ssmFlops(const ModelConfig &c, double n, double kept) {
  double d = c.hiddenSize, e = c.innerSize(), r = c.dtRank, s = c.stateSize;
  double projections = 4 * d * e + 2 * e * (r + 2 * s) + 2 * r * e;
  double convolution = 2 * e * c.convSize, scan = 9 * e * s, mlp = 6 * d * c.intermediateSize;
  return n * (projections + convolution + scan) + kept * (2 * e * d + mlp);
}

/// How many of the positions in `ranges` are `first` or behind it.
static double countFrom(const std::vector<PositionRange> &ranges, int64_t first) {
  int64_t count = 0;
  for (const PositionRange &range : ranges)
    count += std::max<int64_t>(0, range.end - std::max(range.begin, first));
  return double(count);
}

Expected<double> flowhn::tools::modelFlops(const ModelConfig &config, const ManifestModel &model,
                                           int64_t batch, int64_t tokens, int64_t logitsRows) {
  double d = config.hiddenSize, perSequence = 0;
  for (const std::string &text : model.windows) {
    bool isPruned = model.prunesDeadPositions && &text == &model.windows.back();
    int64_t kept = isPruned ? logitsRows / batch : tokens;
    Expected<SplitWindow> window = SplitWindow::parse(text);
    if (!window.ok())
      return window.status();
    BlockSplit split = splitPositions(*window, tokens);
    perSequence += attentionFlops(config, countPositions(split.attention),
                                  countFrom(split.attention, tokens - kept)) +
                   ssmFlops(config, countPositions(split.ssm), countFrom(split.ssm, tokens - kept));
    double fused = window->kind == SplitWindow::Kind::All ? 2 * d : d;
    perSequence += kept * (2 * fused * d + 2 * d * d);
  }
  return batch * perSequence + logitsRows * 2 * d * config.vocabSize;
}
