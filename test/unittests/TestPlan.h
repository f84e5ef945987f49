//===- TestPlan.h - A small plan for the unit tests -------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_UNITTESTS_TESTPLAN_H
#define FLOWHN_TEST_UNITTESTS_TESTPLAN_H

#include "flowhn/Artifact/Artifact.h"
#include "flowhn/Artifact/Plan_generated.h"

#include <cstring>
#include <memory>

namespace flowhn::test {

inline fb::Instruction constant(int64_t value) { return {fb::Opcode::Constant, value}; }
inline fb::Instruction value(int64_t index) { return {fb::Opcode::Value, index}; }
inline fb::Instruction apply(fb::Opcode op) { return {op, 0}; }

template <typename T> fb::CommandUnion command(T table) {
  fb::CommandUnion result;
  result.Set(std::move(table));
  return result;
}

inline std::unique_ptr<fb::ParameterT> parameter(std::string name, std::vector<int64_t> source,
                                                 fb::Layout layout, std::vector<int64_t> shape,
                                                 int64_t panel = 0, int64_t groups = 1) {
  auto result = std::make_unique<fb::ParameterT>();
  result->name = name;
  result->sources.emplace_back(new fb::SourceT);
  result->sources[0]->name = std::move(name);
  result->sources[0]->shape = std::move(source);
  result->layout = layout;
  result->shape = std::move(shape);
  result->panel = panel;
  result->groups = groups;
  return result;
}

/// A kernel whose grid is its first index argument.
inline std::unique_ptr<fb::KernelT> kernel(std::string symbol, std::vector<uint8_t> indexArgs,
                                           int64_t scratchBytes = 0) {
  auto result = std::make_unique<fb::KernelT>();
  result->name = result->symbol = std::move(symbol);
  result->op = "test.op";
  result->index_args = std::move(indexArgs);
  result->grid = {value(0)};
  result->flops = {value(0), constant(8), apply(fb::Opcode::Mul)};
  result->bytes = {value(0), constant(32), apply(fb::Opcode::Mul)};
  result->scratch_bytes = scratchBytes;
  return result;
}

inline fb::LaunchT launch(uint32_t kernel, std::vector<uint32_t> operands, uint32_t stream = 0) {
  fb::LaunchT result;
  result.kernel = kernel;
  result.operands = std::move(operands);
  result.stream = stream;
  return result;
}

inline fb::ArenaT arena(uint32_t units, int64_t bytesPerUnit) {
  fb::ArenaT result;
  result.name = "rows";
  result.units = units;
  result.bytes_per_unit = bytesPerUnit;
  return result;
}

inline fb::ViewT view(uint32_t arena, int64_t offset, int64_t rowBytes) {
  fb::ViewT result;
  result.arena = arena;
  result.offset = offset;
  result.row_bytes = rowBytes;
  return result;
}

inline fb::TapT tap(std::string name, uint32_t rows, uint32_t memory, int64_t elements) {
  fb::TapT result;
  result.name = std::move(name);
  result.rows = rows;
  result.memory = memory;
  result.row_elements = elements;
  return result;
}

inline fb::Window fixedWindow(int64_t start, int64_t count, int64_t period) {
  return {start, count, period, 0, 0, false, false, false};
}

inline fb::Window windowByCall(bool last, bool ceil, int64_t numerator, int64_t denominator) {
  return {0, 0, 0, numerator, denominator, true, last, ceil};
}

template <typename T> T streams(std::vector<uint32_t> numbers) {
  T result;
  result.streams = std::move(numbers);
  return result;
}

/// A step that hands a state and the rows of the call in it to kernel 2: procedure 2 of the
/// test plan.
inline void addTestStep(fb::PlanT &plan, std::unique_ptr<fb::Window> window) {
  plan.states.emplace_back(new fb::StateT);
  plan.states[0]->name = "blocks.0.kv";
  plan.states[0]->row_bytes = 8;
  if (window)
    plan.states[0]->window = std::make_unique<fb::Window>(*window);
  auto step = std::make_unique<fb::ProcedureT>();
  step->name = "step";
  step->index_args = 6;   // the entry's, and drawn
  step->memory_args = 10; // the entry's, slots, draws and history
  fb::CacheRowsT rows;
  rows.begin = 1;
  rows.length = 2;
  rows.slots = 7;
  rows.window = std::move(window);
  step->commands.push_back(command(fb::GetStateT())); // memory 10
  step->commands.push_back(command(std::move(rows))); // memory 11 to 13
  step->commands.push_back(command(launch(2, {1, 10, 13})));
  plan.step = int32_t(plan.procedures.size());
  plan.procedures.push_back(std::move(step));
}

inline constexpr int64_t testVocab = 6;
inline constexpr int64_t testWidth = 4;
inline constexpr int64_t testContext = 16;

/// Procedure 0: block(rows; x): y = x + 1; x = x + 2 · y, y in an arena of its own,
/// as large as 2 · rows to make it more than its caller's.
inline std::unique_ptr<fb::ProcedureT> testBlock() {
  auto block = std::make_unique<fb::ProcedureT>();
  block->name = "block";
  block->index_args = 1;
  block->memory_args = 1;
  fb::ComputeT twice;
  twice.expression = {value(0), constant(2), apply(fb::Opcode::Mul)};
  block->commands.push_back(command(twice)); // index 1
  block->commands.push_back(command(arena(1, 64)));
  block->commands.push_back(command(view(0, 0, 16))); // memory 1
  block->commands.push_back(command(launch(2, {0, 0, 1})));
  block->commands.push_back(command(launch(3, {0, 1, 0})));
  return block;
}

/// Procedure 1, the entry: x = table[ids]; attention rows · 2, SSM rows · -3, at the
/// same time; block twice; logits = x[select] · headᵀ.
inline std::unique_ptr<fb::ProcedureT> testEntry() {
  auto entry = std::make_unique<fb::ProcedureT>();
  entry->name = "main";
  entry->index_args = 5;  // batch, rows, max_length, selected, chosen
  entry->memory_args = 7; // ids, begin, length, offsets, select, logits, tokens
  auto add = [&](auto table) { entry->commands.push_back(command(std::move(table))); };
  fb::PartitionT partition;
  partition.begin = 1;
  partition.length = 2;
  partition.window = std::make_unique<fb::Window>(fixedWindow(testContext - 3, 6, testContext));
  fb::CallT call;
  call.index_operands = {1};
  call.memory_operands = {13};
  add(fb::GetParameterT{}); // memory 7: table
  fb::GetParameterT head;
  head.parameter = 1;
  add(head);                 // memory 8
  add(std::move(partition)); // index 5..8, memory 9..12
  add(arena(1, 128));
  add(view(0, 64, 16)); // memory 13: x
  add(launch(0, {1, 0, 7, 13}));
  add(streams<fb::ForkT>({0, 1}));
  add(launch(1, {5, 0, 10, 13}));
  add(launch(4, {7, 12, 13}, 1));
  add(streams<fb::JoinT>({0, 1}));
  add(tap("branches", 1, 13, testWidth));
  add(call);
  add(call);
  add(tap("blocks", 1, 13, testWidth));
  add(launch(5, {3, 4, 13, 8, 5}));
  return entry;
}

/// A plan whose kernels are those of Runtime/TestKernels.c.
inline fb::PlanT testPlan() {
  fb::PlanT plan;
  plan.parameters.push_back(
      parameter("table", {testVocab, testWidth}, fb::Layout::RowMajor, {testVocab, testWidth}));
  plan.parameters.push_back(parameter("head", {testVocab, testWidth}, fb::Layout::Panels,
                                      {2, testWidth, 4}, /*panel=*/4));
  plan.kernels.push_back(kernel("embed", {1, 0, 0, 0}));
  plan.kernels.push_back(kernel("doubled", {1, 0, 0, 0}));
  plan.kernels.push_back(kernel("add_one", {1, 0, 0}, /*scratchBytes=*/100));
  plan.kernels.push_back(kernel("add_twice", {1, 0, 0}));
  plan.kernels.push_back(kernel("times_minus_three", {1, 0, 0}));
  plan.kernels.push_back(kernel("head", {1, 0, 0, 0, 0}));
  // doubled(rows, unused, index, x) shows that operands are matched by position.
  plan.procedures.push_back(testBlock());
  plan.procedures.push_back(testEntry());
  plan.entry = 1;
  return plan;
}

/// The same, as far as it goes, for a GPU.
inline fb::PlanT gpuTestPlan() {
  fb::PlanT plan = testPlan();
  plan.parameters[1]->layout = fb::Layout::RowMajor;
  plan.parameters[1]->panel = 0;
  plan.parameters[1]->shape = {testVocab, testWidth};
  for (auto &kernel : plan.kernels) {
    kernel->gpu = std::make_unique<fb::GPULaunchT>();
    kernel->gpu->threads = 32;
  }
  return plan;
}

inline std::vector<std::byte> planBytes(const fb::PlanT &plan) {
  flatbuffers::FlatBufferBuilder builder;
  fb::FinishPlanBuffer(builder, fb::Plan::Pack(builder, &plan));
  std::vector<std::byte> bytes(builder.GetSize());
  std::memcpy(bytes.data(), builder.GetBufferPointer(), bytes.size());
  return bytes;
}

inline Manifest testManifest() {
  Manifest manifest;
  manifest.target = {.kind = "cpu", .cpu = "x86-64", .triple = "x86_64-unknown-linux-gnu"};
  manifest.model.name = "test";
  manifest.model.dtype = "float32";
  manifest.model.vocabSize = testVocab;
  manifest.model.hiddenSize = testWidth;
  manifest.model.numLayers = 2;
  manifest.model.contextLength = testContext;
  manifest.model.strategy = "fac";
  manifest.model.circulation = "rotate";
  manifest.model.attentionTokens = {6};
  manifest.model.tokenizer = "bytes";
  manifest.model.windows = {"start = 13, count = 6, period = 16"};
  manifest.limits = {/*maxBatch=*/4, /*maxTokens=*/16};
  return manifest;
}

inline ArtifactContents testContents(const fb::PlanT &plan, std::vector<std::byte> code) {
  return {testManifest(),
          {{std::string(planSection), planBytes(plan)}, {codeSection("x86-64"), std::move(code)}}};
}

} // namespace flowhn::test

#endif // FLOWHN_TEST_UNITTESTS_TESTPLAN_H
