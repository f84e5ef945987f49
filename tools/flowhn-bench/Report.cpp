//===- Report.cpp - The benchmark's results -------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace flowhn;
using namespace flowhn::tools;

constexpr double mega = 1e6, giga = 1e9;

static void printBuild(const Measurements &r) {
  const ManifestModel &model = r.manifest.model;
  std::printf("model        %s: %s%s%s, %lld layers, %s weights\n", model.name.c_str(),
              model.strategy.c_str(), model.circulation.empty() ? "" : " ",
              model.circulation.c_str(), static_cast<long long>(model.numLayers),
              r.weights.c_str());
  std::printf("target       %s %s, %d threads\n", r.manifest.target.kind.c_str(),
              r.manifest.target.cpu.c_str(), r.threads);
  std::printf("%-12s %.3f s\n", r.wasArtifact ? "open" : "compile", r.compileSeconds);
  for (const CompileReport::Phase &phase : r.compile.phases)
    std::printf("  %-12s %.3f s\n", phase.name.c_str(), phase.seconds);
  std::printf("load         %.3f s, of which %.2f ms before the weights\n", r.loadSeconds,
              r.artifactLoadSeconds * 1e3);
}

static void printSpeed(const Measurements &r) {
  auto [fastest, slowest] = std::ranges::minmax(r.latencies);
  double median = r.medianLatency();
  std::printf("prefill      batch %lld, %lld tokens, logits %s, %zu runs\n",
              static_cast<long long>(r.batch), static_cast<long long>(r.tokens), r.logits.c_str(),
              r.latencies.size());
  std::printf("  latency    %.3f ms median, %.3f ms least, %.3f ms most\n", median * 1e3,
              fastest * 1e3, slowest * 1e3);
  std::printf("  tokens/s   %.1f\n", r.batch * r.tokens / median);
  std::printf("  GFLOP/s    %.1f (%.3f GFLOP: %s)\n", r.flopRate() / giga, r.flops / giga,
              r.flopsSource.c_str());
  if (!r.hasPeak) {
    std::printf("matmul peak  not measured (%s)\n", r.peakDescription.c_str());
    return;
  }
  std::printf("matmul peak  %.1f GFLOP/s best, %.1f median (1024x768x768, %s)\n", r.peakBest / giga,
              r.peakMedian / giga, r.peakDescription.c_str());
  std::printf("  share      %.1f %% of the best, %.1f %% of the median\n",
              100 * r.flopRate() / r.peakBest, 100 * r.flopRate() / r.peakMedian);
}

void flowhn::tools::printReport(const Measurements &r) {
  printBuild(r);
  printSpeed(r);
  std::printf("memory       %.1f MB peak, %.1f MB weights (%.1f MB of them read in place), "
              "%.1f MB workspace\n",
              r.peakBytes / mega, r.parameterBytes / mega, r.sharedParameterBytes / mega,
              r.workspaceBytes / mega);
}

void flowhn::tools::printKernels(const Measurements &r) {
  double total = 0;
  for (const KernelProfile &kernel : r.kernels)
    total += kernel.seconds;
  std::printf("\n%-40s %-16s %6s %10s %6s %9s %7s\n", "kernel", "op", "calls", "thread ms", "%",
              "GFLOP/s", "GB/s");
  for (const KernelProfile &kernel : r.kernels) {
    // Rates are per thread: the seconds of all threads are added up.
    double seconds = std::max(kernel.seconds, 1e-12);
    std::printf("%-40s %-16s %6lld %10.3f %6.1f %9.2f %7.2f\n", kernel.kernel.c_str(),
                kernel.op.c_str(), static_cast<long long>(kernel.calls), kernel.seconds * 1e3,
                100 * kernel.seconds / total, kernel.flops / seconds / giga,
                kernel.bytes / seconds / giga);
  }
}

static nlohmann::ordered_json asJson(const Measurements &r) {
  nlohmann::ordered_json json;
  json["model"] = r.manifest.model.name;
  json["strategy"] = r.manifest.model.strategy;
  json["circulation"] = r.manifest.model.circulation;
  json["attention_tokens"] = r.manifest.model.attentionTokens;
  json["context_length"] = r.manifest.model.contextLength;
  json["target"] = r.manifest.target.kind;
  json["cpu"] = r.manifest.target.cpu;
  json["weights"] = r.weights;
  json["threads"] = r.threads;
  json[r.wasArtifact ? "open_seconds" : "compile_seconds"] = r.compileSeconds;
  for (const CompileReport::Phase &phase : r.compile.phases)
    json["compile_phases"].push_back({{"name", phase.name}, {"seconds", phase.seconds}});
  json["load_seconds"] = r.loadSeconds;
  json["artifact_load_seconds"] = r.artifactLoadSeconds;
  json["batch"] = r.batch;
  json["tokens"] = r.tokens;
  json["logits"] = r.logits;
  json["latencies_seconds"] = r.latencies;
  json["median_latency_seconds"] = r.medianLatency();
  json["tokens_per_second"] = r.batch * r.tokens / r.medianLatency();
  json["flops"] = r.flops;
  json["flops_source"] = r.flopsSource;
  json["flops_per_second"] = r.flopRate();
  json["peak_source"] = r.peakDescription;
  if (r.hasPeak) {
    json["peak_flops_per_second"] = {{"best", r.peakBest}, {"median", r.peakMedian}};
    json["share_of_peak"] = {{"best", r.flopRate() / r.peakBest},
                             {"median", r.flopRate() / r.peakMedian}};
  }
  json["peak_memory_bytes"] = r.peakBytes;
  json["parameter_bytes"] = r.parameterBytes;
  json["shared_parameter_bytes"] = r.sharedParameterBytes;
  json["workspace_bytes"] = r.workspaceBytes;
  for (const KernelProfile &kernel : r.kernels)
    json["kernels"].push_back({{"kernel", kernel.kernel},
                               {"op", kernel.op},
                               {"calls", kernel.calls},
                               {"seconds", kernel.seconds},
                               {"flops", kernel.flops},
                               {"bytes", kernel.bytes}});
  return json;
}

Status flowhn::tools::writeReport(const std::string &path, const Measurements &result) {
  std::ofstream file(path);
  file << asJson(result).dump(1) << '\n';
  file.close();
  return file ? Status() : notFound("cannot write '" + path + "'");
}
