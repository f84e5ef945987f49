//===- ArtifactFuzzer.cpp - Artifacts and plans from anywhere -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../lib/Runtime/CPU/PlanProgram.h"
#include "../unittests/TestPlan.h"
#include "flowhn/Artifact/Validate.h"

#include <cstdlib>

using namespace flowhn;
using namespace flowhn::test;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {

void check(bool rule) {
  if (!rule)
    std::abort();
}

/// Parameters that take more are not made up for an interpretation.
constexpr int64_t maxParameterBytes = 1 << 20;

bool isSmall(const fb::Plan &plan) {
  int64_t bytes = 0;
  for (const fb::Parameter *parameter : *plan.parameters()) {
    std::vector<int64_t> shape(parameter->shape()->begin(), parameter->shape()->end());
    bytes += *denseBytes(DType(parameter->dtype()), shape);
    for (const fb::Source *source : tensorsOf(*parameter)) {
      shape.assign(source->shape()->begin(), source->shape()->end());
      bytes += *denseBytes(DType(source->dtype()), shape);
      if (bytes > maxParameterBytes || source->dtype() == fb::DType::F16)
        return false;
    }
  }
  return bytes <= maxParameterBytes;
}

Expected<std::byte *> noTap(std::string_view, DType, int64_t, int64_t) { return nullptr; }

constexpr int32_t ids[] = {0, 1, 2, 3, 4}, begin[] = {0, 0}, length[] = {2, 3},
                  offsets[] = {0, 2, 5}, select[] = {1, 4};
float logits[2 * testVocab];
int32_t tokens[2];
const EntryArguments arguments{3, testVocab, ids, begin, length, offsets, select, logits, tokens};

/// What the validator lets through can be worked out for a call. The launches that
/// come out are not run.
void interpret(const fb::Plan &plan) {
  auto parameters = PreparedParameters::prepare(plan, randomParameters(sourcesOf(plan), 1), {});
  check(parameters.ok());
  PlanProgram program(plan, std::vector<KernelFunction>(plan.kernels()->size()), *parameters);
  std::vector<LaunchCounts> counts(plan.kernels()->size());
  auto launches = program.instantiate(arguments, noTap, counts);
  check(launches.ok() || !launches.status().message().empty());
}

class IgnoringSink : public PlanSink {
  void addTable(std::vector<int32_t>) override {}
  Status addLaunch(const PlannedLaunch &) override { return {}; }
  void fork(std::span<const uint32_t>) override {}
  void join(std::span<const uint32_t>) override {}
  void addTap(const PlannedTap &) override {}
};

void checkPlan(std::span<const std::byte> bytes) {
  std::vector<std::byte> aligned(bytes.begin(), bytes.end());
  for (const char *target : {"cpu", "nvptx"}) {
    Status status = validatePlan(aligned, testManifest().limits, target);
    check(status.ok() || !status.message().empty());
    if (!status.ok())
      continue;
    const fb::Plan &plan = *fb::GetPlan(aligned.data());
    IgnoringSink sink;
    Expected<int64_t> walked = walkPlan(plan, arguments, noTap, {}, sink);
    check(walked.ok() || !walked.status().message().empty());
    if (target == std::string_view("cpu") && isSmall(plan))
      interpret(plan);
  }
}

} // namespace

/// Inputs that do not look like either are replaced by a good one to start from.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize,
                                          unsigned seed) {
  if (size < 64) {
    ArtifactContents contents = testContents(testPlan(), {});
    std::vector<std::byte> start = seed % 2 ? contents.sections[0].bytes : *serialize(contents);
    size = std::min(start.size(), maxSize);
    std::memcpy(data, start.data(), size);
  }
  return LLVMFuzzerMutate(data, size, maxSize);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::span<const std::byte> bytes(reinterpret_cast<const std::byte *>(data), size);
  Expected<Artifact> artifact = Artifact::parse(bytes, "fuzz");
  check(artifact.ok() || !artifact.status().message().empty());
  checkPlan(bytes);
  return 0;
}
