//===- Compiler.h - From a model to an artifact -----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ENGINE_COMPILER_H
#define FLOWHN_ENGINE_COMPILER_H

#include "flowhn/Artifact/Artifact.h"
#include "flowhn/Engine/Model.h"
#include "flowhn/Support/Calibration.h"
#include "flowhn/Support/Status.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// Overrides of a model's split. They change the function that is computed: the
/// compiler warns where they differ from what the model was built with.
struct SplitOptions {
  std::string strategy;                 ///< none, ae, fa, fac; empty keeps the model's
  std::string circulation;              ///< alternate, rotate; empty keeps the model's
  int64_t contextLength = 0;            ///< 0 keeps the model's
  std::vector<int64_t> attentionTokens; ///< one count, or one per block; empty keeps the model's
};

struct CompileOptions {
  std::string target = "cpu"; ///< cpu, nvptx
  std::string cpu = "host";   ///< host, x86-64-v2, x86-64-v3, x86-64-v4
  /// Of nvptx: the chips that there will be code for, "sm_90a" for GPUs of compute capability
  /// 9.0, "sm_80" for those from 8.0 on; a session takes the best one that its GPU runs.
  std::vector<std::string> chips = {"sm_90a", "sm_80"};
  /// Of nvptx: path of ptxas; auto: the one of CUDA_HOME, CUDA_PATH, /usr/local/cuda or the
  /// search path, if any; none: PTX alone, which the driver assembles at load. Beside other
  /// chips only one of a single architecture, "sm_90a", gets machine code.
  std::string ptxas = "auto";
  /// What activations and the weights of products are held in: float32, bfloat16, float16;
  /// auto: float32 on the cpu; on nvptx float16 where most parameters are, else bfloat16. The
  /// residual stream is float32 in any case but that of norm = prologue, where products read it.
  /// IR has its own types, and takes auto alone.
  std::string dtype = "auto";
  SplitOptions split = {};
  /// Where a norm before a product goes: kernel, one of its own; prologue, its weight into
  /// the product's weights at load and its scale onto the sums, which rounds differently.
  std::string norm = "kernel";
  /// auto, streams, serial, or grouped for chips with warpgroup products; auto: on nvptx the one
  /// that is predicted to take least time.
  std::string branchSchedule = "auto";
  /// Whether the last block computes, behind its mixers, only the tokens whose logits a call
  /// asks for. Keys, values, convolution and scan are left.
  bool pruneDeadPositions = false;
  /// Of nvptx: the table that times are predicted from, and configurations of kernels chosen by:
  /// H200 or H100, which ship, or a file that flowhn-bench --calibrate or --autotune wrote for one
  /// of the chips; empty: what is known of each, of sm_90a the H200's.
  std::string calibration = {};
  /// Of nvptx, to measure them: which configuration each kernel gets, counted from the one that
  /// promises most, 0; kernels that have not so many get that. -1: what the table says.
  int64_t candidate = -1;
  /// Of nvptx: the call that times are predicted for, in rows and tokens of each; 0 tokens: the
  /// context length, or 1024 without one.
  int64_t typicalBatch = 8;
  int64_t typicalTokens = 0;
  int64_t maxBatch = 64;         ///< rows of one call
  int64_t maxTokens = 32768;     ///< longest row of a model without a context length
  unsigned threads = 0;          ///< threads that compile; 0: one per processor
  std::string dumpPhasesTo = {}; ///< a folder for numbered IR files; empty: none
  /// Whether `compile` keeps its result, and takes what was kept of the same compile: in the
  /// folder FLOWHN_CACHE_DIR, else flowhn in XDG_CACHE_HOME, else ~/.cache/flowhn, of at most
  /// FLOWHN_CACHE_SIZE MiB (1024). Not where phases are dumped.
  bool cache = false;
};

/// The levels a model passes on its way down.
enum class CompilePhase { FlowHN, Split, Scheduled, Kern, Plan, LLVM, Object };

/// "flowhn", "split", "scheduled", "kern", "plan", "llvm", "obj".
std::string_view name(CompilePhase phase);
/// The phase of that name; an unknown one is an error that lists them.
Expected<CompilePhase> parseCompilePhase(std::string_view name);

/// What happened on the way. With the cache the first phase is "cache hit", where it is the
/// only one, or "cache miss"; a remark names the file.
struct CompileReport {
  struct Phase {
    std::string name;
    double seconds = 0;
  };
  std::vector<Phase> phases;            ///< wall time, in the order of work
  std::vector<std::string> diagnostics; ///< warnings and remarks, "warning: …"
};

/// Compiles a model. `report`, where given, is filled in also when the compile fails.
/// InvalidArgument or Unsupported for an option out of range, InvalidInput for a
/// model that is malformed, with the diagnostics and the pass that failed;
/// ResourceExhausted when memory runs out. Calls may come from several threads.
Expected<Artifact> compile(const Model &model, const CompileOptions &options = {},
                           CompileReport *report = nullptr);

/// Compiles down to `phase` and returns what is there: IR text, or the bytes of the
/// shared object for `Object`; of several chips those of the best one.
Expected<std::string> compileTo(CompilePhase phase, const Model &model,
                                const CompileOptions &options = {},
                                CompileReport *report = nullptr);

/// What times of a chip of nvptx are predicted from where no file is named.
Expected<Calibration> calibrationOf(const std::string &chip);

/// The passes from the imported model to LLVM, as `flowhn-opt --pass-pipeline=` takes them.
Expected<std::string> passPipeline(const CompileOptions &options);

} // namespace flowhn

#endif // FLOWHN_ENGINE_COMPILER_H
