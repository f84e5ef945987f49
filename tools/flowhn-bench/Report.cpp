//===- Report.cpp - The benchmark's results -------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace flowhn;
using namespace flowhn::tools;

constexpr double mega = 1e6, giga = 1e9, tera = 1e12;

static void printBuild(const Measurements &r) {
  const ManifestModel &model = r.manifest.model;
  std::printf("model        %s: %s%s%s, %lld layers, %s, %s weights\n", model.name.c_str(),
              model.strategy.c_str(), model.circulation.empty() ? "" : " ",
              model.circulation.c_str(), static_cast<long long>(model.numLayers),
              model.dtype.c_str(), r.weights.c_str());
  if (model.prunesDeadPositions)
    std::printf("pruned       dead positions of the last block\n");
  std::printf("target       %s\n", r.target.c_str());
  std::printf("%-12s %.3f s\n", r.wasArtifact ? "open" : "compile", r.compileSeconds);
  for (const CompileReport::Phase &phase : r.compile.phases)
    std::printf("  %-16s %.3f s\n", phase.name.c_str(), phase.seconds);
  std::printf("load         %.3f s, of which %.2f ms before the weights\n", r.loadSeconds,
              r.artifactLoadSeconds * 1e3);
}

/// "  latency    1.000 ms median, 0.900 ms least, 1.100 ms most".
static void printTimes(const char *label, const std::vector<double> &seconds) {
  auto [least, most] = std::ranges::minmax(seconds);
  std::printf("  %-10s %.3f ms median, %.3f ms least, %.3f ms most\n", label, median(seconds) * 1e3,
              least * 1e3, most * 1e3);
}

static void printPeak(const Measurements &r) {
  if (!r.hasPeak) {
    std::printf("matmul peak  not measured (%s)\n", r.peakDescription.c_str());
    return;
  }
  std::printf("matmul peak  %.1f GFLOP/s best, %.1f median (1024x768x768, %s)\n", r.peakBest / giga,
              r.peakMedian / giga, r.peakDescription.c_str());
  std::printf("  share      %.1f %% of the best, %.1f %% of the median\n",
              100 * r.flopRate() / r.peakBest, 100 * r.flopRate() / r.peakMedian);
}

static void printSpeed(const Measurements &r) {
  std::printf("prefill      batch %lld, %lld tokens, logits %s, %zu runs\n",
              static_cast<long long>(r.batch), static_cast<long long>(r.tokens), r.logits.c_str(),
              r.latencies.size());
  printTimes("latency", r.latencies);
  if (!r.device.latencies.empty())
    printTimes("device", r.device.latencies);
  std::printf("  tokens/s   %.1f\n", r.batch * r.tokens / r.medianLatency());
  std::printf("  GFLOP/s    %.1f (%.3f GFLOP: %s)\n", r.flopRate() / giga, r.flops / giga,
              r.flopsSource.c_str());
  if (!r.onGPU())
    printPeak(r);
}

/// How fast the parameters came to the GPU, and what the connection gives.
static void printUpload(const Measurements &r) {
  const DeviceMeasurements &device = r.device;
  std::printf("upload       %.2f GB/s", r.uploadRate() / giga);
  if (device.rates.hostToDevice > 0)
    std::printf(" of %.2f GB/s host-to-device (%.0f %%)", device.rates.hostToDevice / giga,
                100 * r.uploadRate() / device.rates.hostToDevice);
  std::printf("%s\n", r.hasRandomWeights() ? " (weights made up while uploading)" : "");
}

/// "predicted 83.1, measured 80.0, error +3.9 %"; gives the error as a share.
static double printPrediction(const char *schedule, double predicted, double measured) {
  double error = predicted / std::max(measured, 1e-12) - 1;
  std::printf("%s predicted %.1f, measured %.1f, error %+.1f %%", schedule, predicted * 1e6,
              measured * 1e6, 100 * error);
  return std::abs(error);
}

/// Gives the error of the schedule that was chosen. Grouped products cannot be taken apart: what
/// the serial schedule would take is not measured with them.
static double printPredictions(const BlockProfile &block, const BlockPrediction &predicted) {
  if (predicted.schedule == BranchSchedule::Grouped) {
    std::printf("serial predicted %.1f; streams predicted %.1f; ", predicted.serial * 1e6,
                predicted.streams * 1e6);
    return printPrediction("grouped", predicted.grouped, block.seconds);
  }
  double error = printPrediction("serial", predicted.serial, block.serialSeconds);
  if (predicted.schedule == BranchSchedule::Streams) {
    std::printf("; ");
    error = printPrediction("streams", predicted.streams, block.seconds);
  }
  if (predicted.grouped > 0)
    std::printf("; grouped predicted %.1f", predicted.grouped * 1e6);
  return error;
}

static void printBlocks(const Measurements &r) {
  if (r.blocks.empty())
    return;
  if (!r.arePredicted()) {
    std::printf("blocks       no prediction for this call\n");
    return;
  }
  std::printf("blocks       us, predicted from a calibration\n");
  double largest = 0;
  for (const BlockProfile &block : r.blocks) {
    std::printf("  block %-4lld ", static_cast<long long>(block.block));
    double error = printPredictions(block, *block.prediction);
    std::printf("\n");
    largest = std::max(largest, error);
  }
  std::printf("  largest    %.1f %%, of the schedule that was chosen\n", 100 * largest);
}

void flowhn::tools::printReport(const Measurements &r) {
  printBuild(r);
  if (r.onGPU())
    printUpload(r);
  printSpeed(r);
  printBlocks(r);
  std::printf("memory       %.1f MB peak", r.peakBytes / mega);
  if (r.onGPU())
    std::printf("\ndevice memory %.1f MB held, %.1f MB parameters, %.1f MB workspace\n",
                r.device.heldBytes / mega, r.parameterBytes / mega, r.workspaceBytes / mega);
  else
    std::printf(", %.1f MB weights (%.1f MB of them read in place), %.1f MB workspace\n",
                r.parameterBytes / mega, r.sharedParameterBytes / mega, r.workspaceBytes / mega);
}

static KernelProfile sumOf(const std::vector<KernelProfile> &kernels) {
  KernelProfile sum;
  sum.kernel = "total";
  for (const KernelProfile &kernel : kernels) {
    sum.calls += kernel.calls;
    sum.seconds += kernel.seconds;
    sum.flops += kernel.flops;
    sum.bytes += kernel.bytes;
    sum.floorSeconds += kernel.floorSeconds;
  }
  return sum;
}

static void printThreadKernels(const std::vector<KernelProfile> &kernels) {
  const double total = sumOf(kernels).seconds;
  std::printf("\n%-40s %-16s %6s %10s %6s %9s %7s\n", "kernel", "op", "calls", "thread ms", "%",
              "GFLOP/s", "GB/s");
  for (const KernelProfile &kernel : kernels) {
    // Rates are per thread: the seconds of all threads are added up.
    double seconds = std::max(kernel.seconds, 1e-12);
    std::printf("%-40s %-16s %6lld %10.3f %6.1f %9.2f %7.2f\n", kernel.kernel.c_str(),
                kernel.op.c_str(), static_cast<long long>(kernel.calls), kernel.seconds * 1e3,
                100 * kernel.seconds / total, kernel.flops / seconds / giga,
                kernel.bytes / seconds / giga);
  }
}

/// Share of the floor: 100 % is what the target's rates allow at best, "-" where unknown.
static void printDeviceKernel(const KernelProfile &kernel) {
  double seconds = std::max(kernel.seconds, 1e-12);
  char share[16] = "-";
  if (kernel.floorSeconds > 0)
    std::snprintf(share, sizeof(share), "%.1f", 100 * kernel.floorSeconds / seconds);
  std::printf("%-40s %6lld %9.4f %9.4f %8s %8.1f %8.1f  %s\n", kernel.kernel.c_str(),
              static_cast<long long>(kernel.calls), kernel.seconds * 1e3, kernel.floorSeconds * 1e3,
              share, kernel.flops / seconds / tera, kernel.bytes / seconds / giga,
              kernel.config.c_str());
}

static void printDeviceKernels(const std::vector<KernelProfile> &kernels) {
  std::printf("\n%-40s %6s %9s %9s %8s %8s %8s  %s\n", "kernel", "calls", "ms", "floor ms",
              "% floor", "TFLOP/s", "GB/s", "configuration");
  for (const KernelProfile &kernel : kernels)
    printDeviceKernel(kernel);
  printDeviceKernel(sumOf(kernels));
}

void flowhn::tools::printKernels(const std::vector<KernelProfile> &kernels, bool onGPU) {
  onGPU ? printDeviceKernels(kernels) : printThreadKernels(kernels);
}

static nlohmann::ordered_json kernelJson(const KernelProfile &kernel) {
  return {{"kernel", kernel.kernel},   {"op", kernel.op},
          {"config", kernel.config},   {"calls", kernel.calls},
          {"seconds", kernel.seconds}, {"floor_seconds", kernel.floorSeconds},
          {"flops", kernel.flops},     {"bytes", kernel.bytes}};
}

static nlohmann::ordered_json deviceJson(const Measurements &r) {
  const DeviceMeasurements &device = r.device;
  return {{"latencies_seconds", device.latencies},
          {"median_latency_seconds", median(device.latencies)},
          {"upload_seconds", device.uploadSeconds},
          {"upload_bytes_per_second", r.uploadRate()},
          {"host_to_device_bytes_per_second", device.rates.hostToDevice},
          {"copy_bytes_per_second", device.rates.copy},
          {"held_bytes", device.heldBytes},
          {"floor_seconds", sumOf(r.kernels).floorSeconds}};
}

const char *flowhn::tools::nameOf(BranchSchedule schedule) {
  constexpr const char *names[] = {"serial", "streams", "grouped"};
  return names[int(schedule)];
}

static nlohmann::ordered_json blockJson(const BlockProfile &block) {
  nlohmann::ordered_json json = {{"block", block.block},
                                 {"seconds", block.seconds},
                                 {"serial_seconds", block.serialSeconds},
                                 {"kernel_seconds", block.kernelSeconds}};
  if (const std::optional<BlockPrediction> &p = block.prediction)
    json["predicted"] = {
        {"batch", p->batch},     {"tokens", p->tokens},   {"attention", p->attention},
        {"ssm", p->ssm},         {"joint", p->joint},     {"serial", p->serial},
        {"streams", p->streams}, {"grouped", p->grouped}, {"schedule", nameOf(p->schedule)}};
  return json;
}

static nlohmann::ordered_json asJson(const Measurements &r) {
  nlohmann::ordered_json json;
  json["model"] = r.manifest.model.name;
  json["dtype"] = r.manifest.model.dtype;
  json["strategy"] = r.manifest.model.strategy;
  json["circulation"] = r.manifest.model.circulation;
  json["attention_tokens"] = r.manifest.model.attentionTokens;
  json["prunes_dead_positions"] = r.manifest.model.prunesDeadPositions;
  json["context_length"] = r.manifest.model.contextLength;
  json["target"] = r.manifest.target.kind;
  json["cpu"] = r.manifest.target.cpu;
  json["chip"] = r.chip;
  json["runs_on"] = r.target;
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
  if (!r.onGPU())
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
  if (r.onGPU())
    json["device"] = deviceJson(r);
  for (const BlockProfile &block : r.blocks)
    json["blocks"].push_back(blockJson(block));
  for (const KernelProfile &kernel : r.kernels)
    json["kernels"].push_back(kernelJson(kernel));
  return json;
}

Status flowhn::tools::writeReport(const std::string &path, const Measurements &result) {
  std::ofstream file(path);
  file << asJson(result).dump(1) << '\n';
  file.close();
  return file ? Status() : notFound("cannot write '" + path + "'");
}
