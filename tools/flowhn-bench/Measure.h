//===- Measure.h - Timing a session -----------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_MEASURE_H
#define FLOWHN_TOOLS_BENCH_MEASURE_H

#include "common/LoadModel.h"
#include "flowhn/Runtime/Device.h"

#include <algorithm>
#include <string>
#include <vector>

namespace flowhn::tools {

struct BenchOptions {
  RunOptions run;
  int64_t batch = 1;
  int64_t tokens = 0; ///< 0: the model's context length
  std::string logits = "last";
  int64_t repetitions = 0; ///< 0: as many as fit five seconds, at least 5, on a GPU 20
  bool kernels = false;    ///< also time each kernel
  std::string json;
  std::string trace;     ///< a file; empty: none
  std::string calibrate; ///< the table to add to; empty: none
  std::string autotune;  ///< the same, of what kernels take in each configuration
  std::string decode;    ///< points to measure decoding at; empty: whole calls are measured
  std::vector<std::string> compare; ///< artifacts to time in turn with the model; empty: none
};

/// What only a GPU has.
struct DeviceMeasurements {
  std::vector<double> latencies; ///< seconds from the first kernel's start to the last one's end
  double uploadSeconds = 0;      ///< of the parameters
  DeviceRates rates;             ///< zeros where they could not be measured
  int64_t heldBytes = 0;         ///< of the device's memory
};

/// The middle one, or the mean of the middle two; 0 of none.
double median(std::vector<double> values);

/// Everything that one run of the benchmark found out.
struct Measurements {
  Manifest manifest;
  CompileReport compile;
  double compileSeconds = 0; ///< to compile, or to open the artifact
  bool wasArtifact = false;
  std::string weights;            ///< where they came from
  double loadSeconds = 0;         ///< a session: code, and weights prepared
  double artifactLoadSeconds = 0; ///< of which before the first weight was asked for
  int64_t parameterBytes = 0;
  int64_t sharedParameterBytes = 0;
  int64_t workspaceBytes = 0;
  int64_t peakBytes = 0; ///< most memory of the process
  std::string target;    ///< where it ran, Session::target()
  std::string chip;      ///< of a GPU
  int threads = 0;
  int64_t batch = 0;
  int64_t tokens = 0;
  std::string logits;
  std::vector<double> latencies; ///< seconds, in order
  double flops = 0;              ///< of one run
  std::string flopsSource;
  bool hasPeak = false;                ///< never on a GPU
  double peakBest = 0, peakMedian = 0; ///< FLOP/s
  std::string peakDescription;
  std::vector<KernelProfile> kernels;  ///< of one run
  std::vector<LaunchProfile> launches; ///< of one run on a GPU
  std::vector<BlockProfile> blocks;    ///< the same
  std::vector<TracedLaunch> trace;     ///< of another one, where it was asked for
  DeviceMeasurements device;

  bool onGPU() const { return manifest.target.kind == "nvptx"; }
  bool hasRandomWeights() const { return weights.starts_with("random"); }
  /// Whether the blocks' times were predicted for the call that was measured.
  bool arePredicted() const {
    return std::ranges::all_of(blocks, [&](const BlockProfile &block) {
      return block.prediction && block.prediction->batch == batch &&
             block.prediction->tokens == tokens;
    });
  }
  double uploadRate() const { return parameterBytes / std::max(device.uploadSeconds, 1e-12); }
  double medianLatency() const { return median(latencies); }
  double flopRate() const { return flops / medianLatency(); }
};

/// Weights are made up for a model that comes without, unless others are named.
void useRandomWeights(BenchOptions &options, const CompiledModel &model);

/// Compiles, loads, runs and measures.
Expected<Measurements> measure(const Tool &tool, BenchOptions &options);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_MEASURE_H
