//===- ModelConfig.h - What a model is, apart from its weights --*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_IMPORT_MODELCONFIG_H
#define FLOWHN_IMPORT_MODELCONFIG_H

#include "flowhn/Support/DType.h"
#include "flowhn/Support/Status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// How a block shares its tokens between the branches.
enum class SplitStrategy { None, AE, FA, FAC };

/// How the attention window of a `fac` model moves from block to block.
enum class Circulation { Alternate, Rotate };

/// The shape, the split and the numerics of one FlowHN model: what `config.json`
/// says, checked, with every default filled in.
struct ModelConfig {
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;       ///< D
  int64_t intermediateSize = 0; ///< F, width of the SwiGLU
  int64_t numLayers = 0;
  int64_t numHeads = 0;         ///< H, query heads
  int64_t numKeyValueHeads = 0; ///< K, divides H
  int64_t stateSize = 0;        ///< N, mamba_d_state
  int64_t convSize = 0;         ///< k, mamba_d_conv
  int64_t expand = 0;           ///< mamba_expand
  int64_t dtRank = 0;           ///< R, "auto" resolved to ceil(D / 16)
  bool convBias = true;
  bool projBias = false;
  double rmsNormEps = 1e-6;
  bool tieWordEmbeddings = false;

  SplitStrategy strategy = SplitStrategy::None;
  Circulation circulation = Circulation::Rotate;
  /// C: the positions the split plan is laid out over; absent only where the
  /// strategy does not need it.
  std::optional<int64_t> contextLength;
  /// Attention positions per context: one for all blocks, or one per block.
  /// Empty: the compiler chooses (fa, fac).
  std::vector<int64_t> attentionTokens;
  /// The authors' layout (`Prallel_Mode`): the split follows the length of the
  /// call, with the published fractions, until a context length is given.
  bool splitByCall = false;

  /// Type the parameters are taken to be stored in when no weights say otherwise.
  DType parameterType = DType::F32;
  /// "bytes", or empty when the model names no tokenizer.
  std::string tokenizer;

  int64_t headSize() const { return hiddenSize / numHeads; }
  int64_t innerSize() const { return expand * hiddenSize; }
};

/// Reads the text of a `config.json` of either layout. `source` names the text
/// in messages. Every problem found is listed in the one error.
Expected<ModelConfig> parseModelConfig(std::string_view json, std::string_view source);

/// Checks ranges and consistency of a config that was built by hand or changed
/// after parsing; `parseModelConfig` has done so already.
Status validate(const ModelConfig &config);

/// One of the published sizes: "135M", "350M", "1B" (fac, rotate, FLOP-aware
/// count, context 1024). An unknown name is an error that lists the known ones.
Expected<ModelConfig> publishedConfig(std::string_view name);

} // namespace flowhn

#endif // FLOWHN_IMPORT_MODELCONFIG_H
