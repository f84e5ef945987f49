//===- CUDAExecutorTest.cpp - Sessions on a GPU that is made up -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../TestFiles.h"
#include "../TestPlan.h"
#include "FakeCUDA.h"
#include "flowhn/Runtime/Device.h"
#include "flowhn/Runtime/Generator.h"
#include "flowhn/Runtime/Session.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <thread>

using namespace flowhn;
using namespace flowhn::test;

namespace {

using Ids = std::vector<int32_t>;
using Log = std::vector<std::string>;

float *row(int64_t memory, int64_t number) {
  return reinterpret_cast<float *>(memory) + number * testWidth;
}
const int32_t *table(int64_t memory) { return reinterpret_cast<const int32_t *>(memory); }

/// A kernel that does something for each of its args[0] rows.
FakeKernel perRow(size_t numArguments, std::function<void(const FakeLaunch &, int64_t row)> run) {
  return {numArguments, 0, [run](const FakeLaunch &launch) {
            for (int64_t i = 0; i < launch.arguments[0]; ++i)
              run(launch, i);
          }};
}

auto scaled(size_t index, size_t x, float factor) {
  return [=](const FakeLaunch &l, int64_t i) {
    for (int64_t c = 0; c < testWidth; ++c)
      row(l.arguments[x], table(l.arguments[index])[i])[c] *= factor;
  };
}

/// What TestKernels.c does, with rows of the head that are not in panels.
void installKernels() {
  FakeCUDA &fake = FakeCUDA::get();
  fake.reset();
  fake.kernels["embed"] = perRow(4, [](const FakeLaunch &l, int64_t i) {
    auto *from = reinterpret_cast<const float *>(l.maps[0].words[0]);
    int64_t rowFloats = int64_t(l.maps[0].words[3]) / 4;
    std::memcpy(row(l.arguments[3], i), from + table(l.arguments[1])[i] * rowFloats, 16);
  });
  fake.kernels["embed"].numMaps = 1;
  fake.kernels["doubled"] = perRow(4, scaled(2, 3, 2));
  fake.kernels["times_minus_three"] = perRow(3, scaled(1, 2, -3));
  fake.kernels["add_one"] = perRow(3, [](const FakeLaunch &l, int64_t i) {
    for (int64_t c = 0; c < testWidth; ++c)
      row(l.arguments[2], i)[c] = row(l.arguments[1], i)[c] + 1;
  });
  fake.kernels["add_twice"] = perRow(3, [](const FakeLaunch &l, int64_t i) {
    for (int64_t c = 0; c < testWidth; ++c)
      row(l.arguments[2], i)[c] += 2 * row(l.arguments[1], i)[c];
  });
  fake.kernels["head"] = perRow(5, [](const FakeLaunch &l, int64_t i) {
    const float *x = row(l.arguments[2], table(l.arguments[1])[i]);
    auto *logits = reinterpret_cast<float *>(l.arguments[4]) + i * testVocab;
    for (int64_t v = 0; v < testVocab; ++v) {
      logits[v] = 0;
      for (int64_t c = 0; c < testWidth; ++c)
        logits[v] += x[c] * reinterpret_cast<float *>(l.arguments[3])[v * 2 * testWidth + c];
    }
  });
  fake.kernels["argmax"] = perRow(3, [](const FakeLaunch &l, int64_t i) {
    auto *logits = reinterpret_cast<const float *>(l.arguments[1]) + i * testVocab;
    reinterpret_cast<int32_t *>(l.arguments[2])[i] = argmax({logits, size_t(testVocab)});
  });
}

/// testPlan for a GPU: the table is read through a tensor map, the rows of the head are
/// padded to 8, argmax gives tokens.
fb::PlanT gpuPlan() {
  fb::PlanT plan = testPlan();
  plan.parameters[1]->layout = fb::Layout::Padded;
  plan.parameters[1]->panel = 2 * testWidth;
  plan.parameters[1]->shape = {testVocab, 2 * testWidth};
  plan.kernels.push_back(kernel("argmax", {1, 0, 0}));
  for (auto &kernel : plan.kernels) {
    kernel->gpu = std::make_unique<fb::GPULaunchT>();
    kernel->gpu->threads = 32;
    kernel->scratch_bytes = 0;
  }
  plan.kernels[0]->gpu->shared_bytes = 70000;
  plan.kernels[0]->gpu->max_blocks = 4;
  plan.kernels[0]->config = "blocks=4";
  plan.kernels[0]->byte_rate = 16;
  plan.kernels[0]->flop_rate = 2;
  auto map = std::make_unique<fb::TensorMapT>();
  map->argument = 2;
  map->columns = testWidth;
  map->rows = {constant(testVocab)};
  map->row_bytes = 16;
  map->box_columns = testWidth;
  map->box_rows = 1;
  plan.kernels[0]->gpu->tensor_maps.push_back(std::move(map));
  plan.procedures[1]->commands.push_back(command(launch(6, {4, 5, 6})));
  return plan;
}

ArtifactContents gpuContents(const fb::PlanT &plan = gpuPlan(), const char *code = "code") {
  std::string text = code + std::string(1, '\0');
  std::span<const std::byte> bytes = asBytes(text);
  ArtifactContents contents{testManifest(), {{chipPlanSection("sm_90a"), planBytes(plan)}}};
  contents.manifest.target = {
      .kind = "nvptx", .chips = {"sm_90a"}, .triple = "nvptx64-nvidia-cuda"};
  for (size_t i = 0; i < plan.kernels.size(); ++i)
    contents.sections.push_back(
        {kernelSection("sm_90a", plan.kernels[i]->symbol, i % 2 ? "cubin" : "ptx"),
         {bytes.begin(), bytes.end()}});
  return contents;
}

/// With the code of all kernels in one section.
ArtifactContents oneSection() {
  fb::PlanT plan = gpuPlan();
  for (auto &kernel : plan.kernels)
    kernel->code = "all";
  ArtifactContents contents = gpuContents(plan);
  contents.sections.resize(2);
  contents.sections[1].name = kernelSection("sm_90a", "all", "cubin");
  return contents;
}

/// With a second chip, whose plan is another one and whose kernels come in both forms.
ArtifactContents twoChips() {
  ArtifactContents contents = gpuContents();
  contents.manifest.target.chips.push_back("sm_80");
  fb::PlanT plan = gpuPlan();
  plan.kernels[0]->config = "blocks=2";
  contents.sections.push_back({chipPlanSection("sm_80"), planBytes(plan)});
  for (const auto &kernel : plan.kernels)
    for (std::string form : {"ptx", "cubin"}) {
      std::string text = form + " of sm_80" + '\0';
      std::span<const std::byte> bytes = asBytes(text);
      contents.sections.push_back(
          {kernelSection("sm_80", kernel->symbol, form), {bytes.begin(), bytes.end()}});
    }
  return contents;
}

std::unique_ptr<ParameterSource> testParameters() {
  return randomParameters(
      {{"table", DType::F32, {testVocab, testWidth}}, {"head", DType::F32, {testVocab, testWidth}}},
      /*seed=*/3);
}

Expected<Session> tryCreate(ArtifactContents contents = gpuContents(),
                            SessionOptions options = {.threads = 2}) {
  Expected<Artifact> artifact = Artifact::create(std::move(contents));
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  return Session::create(std::make_shared<const Artifact>(std::move(*artifact)), testParameters(),
                         options);
}

std::vector<float> numbers(const char *name) {
  auto source = testParameters();
  Expected<TensorView> view = source->find(name);
  std::vector<float> result(view->bytes / 4);
  std::memcpy(result.data(), view->data, view->bytes);
  return result;
}

/// The logits of one token.
std::vector<float> reference(int32_t id, int64_t position) {
  std::vector<float> table = numbers("table"), head = numbers("head"), x(testWidth),
                     logits(testVocab);
  for (int64_t c = 0; c < testWidth; ++c) {
    x[c] = table[id * testWidth + c] * (position >= 13 || position < 3 ? 2 : -3);
    for (int block = 0; block < 2; ++block)
      x[c] += 2 * (x[c] + 1);
  }
  for (int64_t v = 0; v < testVocab; ++v)
    for (int64_t c = 0; c < testWidth; ++c)
      logits[v] += x[c] * head[v * testWidth + c];
  return logits;
}

void expectLogits(const Expected<CallResult> &result, const Ids &ids, const Ids &lengths) {
  ASSERT_TRUE(result.ok()) << result.status().message();
  ASSERT_EQ(result->logits.size(), ids.size() * testVocab);
  size_t i = 0, token = 0;
  for (int32_t length : lengths)
    for (int32_t position = 0; position < length; ++position)
      for (float expected : reference(ids[token++], position))
        EXPECT_FLOAT_EQ(result->logits[i++], expected);
}

Call all(const Ids &ids, const Ids &lengths) {
  return {.ids = ids, .lengths = lengths, .logits = LogitsMode::All};
}

Log takeLog() { return std::exchange(FakeCUDA::get().log, {}); }

size_t count(const Log &log, const std::string &line) {
  return size_t(std::count(log.begin(), log.end(), line));
}

class CUDAExecutorTest : public testing::Test {
protected:
  void SetUp() override { installKernels(); }
  void TearDown() override {
    EXPECT_EQ(FakeCUDA::get().liveObjects, 0);
    EXPECT_EQ(FakeCUDA::get().liveBytes, 0);
    EXPECT_EQ(FakeCUDA::get().contexts, 0);
  }
};

TEST_F(CUDAExecutorTest, ListsDevices) {
  Expected<std::vector<DeviceInfo>> devices = listDevices();
  ASSERT_TRUE(devices.ok()) << devices.status().message();
  ASSERT_EQ(devices->size(), 2u);
  EXPECT_EQ(devices->at(1).number, 1);
  EXPECT_EQ(devices->at(1).name, "Fake GPU");
  EXPECT_EQ(devices->at(1).multiprocessors, 132);
  FakeCUDA::get().devices.clear();
  expectError(listDevices().status(), StatusCode::NotFound, "the NVIDIA driver has no device");
}

TEST_F(CUDAExecutorTest, RefusesAnOldDriver) {
  GTEST_FLAG_SET(death_test_style, "threadsafe"); // in a process that has not opened it yet
  auto list = [] {
    FakeCUDA::get().version = 11080;
    Status status = listDevices().status();
    std::fputs(status.message().c_str(), stderr);
    std::exit(status.code() == StatusCode::Unsupported ? 0 : 1);
  };
  EXPECT_EXIT(list(), testing::ExitedWithCode(0), "supports CUDA 11.8, it must support 12.0");
}

TEST_F(CUDAExecutorTest, MeasuresCopies) {
  Expected<DeviceRates> rates = measureDevice(1);
  ASSERT_TRUE(rates.ok()) << rates.status().message();
  EXPECT_GT(rates->hostToDevice, 0);
  EXPECT_GT(rates->copy, 0);
  expectError(measureDevice(2).status(), StatusCode::NotFound, "no device 2, the driver has 2");
  EXPECT_EQ(findDevice(1)->number, 1);
  expectError(findDevice(-1).status(), StatusCode::NotFound, "no device -1, the driver has 2");
}

TEST_F(CUDAExecutorTest, ComputesWhatThePlanSays) {
  Expected<Session> session = tryCreate();
  ASSERT_TRUE(session.ok()) << session.status().message();
  EXPECT_EQ(session->target(), "Fake GPU (device 0), sm_90a");
  EXPECT_EQ(session->chip(), "sm_90a");
  EXPECT_EQ(session->parameterBytes(), 4 * (24 + 48));
  EXPECT_EQ(FakeCUDA::get().sharedBytes, 70000);
  EXPECT_GT(session->uploadSeconds(), 0);
  Ids lengths{3, 2};
  for (const Ids &ids : {Ids{1, 2, 3, 0, 5}, Ids{5, 4, 0, 1, 1}, Ids{2, 2, 2, 3, 0}}) {
    Call call = all(ids, lengths);
    call.tokens = true;
    Expected<CallResult> result = session->run(call);
    expectLogits(result, ids, lengths);
    for (size_t i = 0; i < ids.size(); ++i)
      EXPECT_EQ(result->tokens[i],
                argmax(std::span(result->logits).subspan(i * testVocab, testVocab)));
    EXPECT_GT(result->deviceSeconds, 0);
  }
  EXPECT_EQ(session->deviceBytes(), FakeCUDA::get().liveBytes);
}

TEST_F(CUDAExecutorTest, OrdersStreamsAndCopies) {
  Expected<Session> session = tryCreate();
  ASSERT_TRUE(session.ok());
  Ids ids{1, 2, 3, 0, 5}, lengths{5};
  takeLog();
  ASSERT_TRUE(session->run({.ids = ids, .lengths = lengths}).ok());
  // Positions 0 to 2 are attention's. The grid of embed has at most 4 blocks, that of
  // argmax is empty.
  Log log = takeLog();
  ASSERT_FALSE(log.empty());
  EXPECT_TRUE(log.front().starts_with("upload "));
  log.erase(log.begin());
  EXPECT_EQ(log,
            (Log{"embed s0 4x1x1", "s1 after s0", "doubled s0 3x1x1", "times_minus_three s1 2x1x1",
                 "s0 after s1", "add_one s0 5x1x1", "add_twice s0 5x1x1", "add_one s0 5x1x1",
                 "add_twice s0 5x1x1", "head s0 1x1x1", "download 24"}));
}

/// Blocks form clusters from so many on as the grid would have without its limit.
TEST_F(CUDAExecutorTest, FormsClustersInLongLaunches) {
  fb::PlanT plan = gpuPlan();
  plan.kernels[0]->gpu->cluster_blocks = 2;
  plan.kernels[0]->gpu->cluster_grid = 5;
  Expected<Session> session = tryCreate(gpuContents(plan));
  ASSERT_TRUE(session.ok()) << session.status().message();
  for (auto [tokens, expected] :
       {std::pair(5, "embed s0 4x1x1 by 2"), std::pair(4, "embed s0 4x1x1")}) {
    Ids ids(tokens, 1), lengths{tokens};
    for (int run = 0; run < 2; ++run) { // handed over, recorded
      takeLog();
      ASSERT_TRUE(session->run({.ids = ids, .lengths = lengths}).ok());
      Log log = takeLog();
      EXPECT_EQ(count(log, expected), 1u);
    }
  }
}

/// The plan whose kernels but one wait for the one in front of them.
fb::PlanT waitingPlan() {
  fb::PlanT plan = gpuPlan();
  for (auto &kernel : plan.kernels)
    kernel->gpu->waits = kernel->symbol != "head";
  return plan;
}

/// A kernel starts early behind another one in its stream, if it waits for that itself, and in a
/// graph behind one of another stream, which signals: not behind an upload.
TEST_F(CUDAExecutorTest, StartsKernelsEarly) {
  Expected<Session> session = tryCreate(gpuContents(waitingPlan()));
  ASSERT_TRUE(session.ok()) << session.status().message();
  Ids ids{1, 2, 3, 0, 5}, lengths{5};
  Call call{.ids = ids, .lengths = lengths, .tokens = true};
  Log kernels{"embed s0 4x1x1",
              "s1 after s0",
              "doubled s0 3x1x1 early",
              "times_minus_three s1 2x1x1",
              "s0 after s1",
              "add_one s0 5x1x1",
              "add_twice s0 5x1x1 early",
              "add_one s0 5x1x1 early",
              "add_twice s0 5x1x1 early",
              "head s0 1x1x1",
              "argmax s0 1x1x1 early"};
  for (int run = 0; run < 3; ++run) { // handed over, recorded, replayed
    if (run == 1) {
      kernels[0] += " signals"; // where the branches fork
      kernels[3] += " signals"; // where they join
    }
    takeLog();
    ASSERT_TRUE(session->run(call).ok());
    Log log = takeLog();
    auto first = std::find(log.begin(), log.end(), kernels[0]);
    ASSERT_GE(log.end() - first, std::ssize(kernels));
    EXPECT_EQ(Log(first, first + std::ssize(kernels)), kernels);
  }
  // Events for times come between the kernels.
  takeLog();
  ASSERT_TRUE(session->trace(call).ok());
  session->enableProfile(true);
  ASSERT_TRUE(session->run(call).ok());
  for (const std::string &line : takeLog())
    EXPECT_TRUE(line.find("add_one s0 5x1x1 early") == line.npos) << line;
}

/// In calls of more tokens blocks do not crowd on the multiprocessors that are free first: shared
/// memory that they need not keeps them apart, but for clusters. In long calls products of both
/// branches in one launch start in turn.
TEST_F(CUDAExecutorTest, StartsEvenLaunchesEarly) {
  constexpr int roomFor = 4;
  fb::PlanT plan = waitingPlan();
  auto earlyLaunches = [&](int tokens) {
    ArtifactContents contents = gpuContents(plan);
    contents.manifest.limits.maxTokens = 8192;
    contents.manifest.model.contextLength = 0;
    Expected<Session> session = tryCreate(contents);
    Ids ids(tokens, 1), lengths{tokens};
    takeLog();
    EXPECT_TRUE(session.ok()) << session.status().message();
    if (!session.ok())
      return size_t(0);
    Expected<CallResult> result = session->run({.ids = ids, .lengths = lengths});
    EXPECT_TRUE(result.ok()) << result.status().message();
    return count(takeLog(), "add_twice s0 " + std::to_string(tokens) + "x1x1 early");
  };
  EXPECT_EQ(earlyLaunches(65), 2u); // a multiprocessor has room for one
  FakeCUDA::get().blocksPerMultiprocessor = roomFor;
  EXPECT_EQ(earlyLaunches(64), 2u);
  EXPECT_EQ(FakeCUDA::get().earlyBytes, 0u); // what the kernels need
  EXPECT_EQ(earlyLaunches(65), 2u);
  EXPECT_EQ(FakeCUDA::get().earlyBytes, 115840u); // two do not fit in 233472
  FakeCUDA::get().earlyBytes = 0;
  FakeCUDA::get().clusterWidth = 2;
  EXPECT_EQ(earlyLaunches(65), 2u);
  EXPECT_EQ(FakeCUDA::get().earlyBytes, 0u);
  EXPECT_EQ(earlyLaunches(4097), 2u);
  for (auto &kernel : plan.kernels)
    kernel->op = "kern.grouped_matmul";
  EXPECT_EQ(earlyLaunches(4096), 2u);
  EXPECT_EQ(earlyLaunches(4097), 0u);
}

/// No kernel signals for one that does not wait.
TEST_F(CUDAExecutorTest, SignalsForKernelsThatWait) {
  fb::PlanT plan = waitingPlan();
  for (auto &kernel : plan.kernels)
    if (kernel->symbol == "times_minus_three")
      kernel->gpu->waits = false;
  Expected<Session> session = tryCreate(gpuContents(plan));
  ASSERT_TRUE(session.ok()) << session.status().message();
  Ids ids{1, 2, 3, 0, 5}, lengths{5};
  for (int run = 0; run < 2; ++run) {
    takeLog();
    ASSERT_TRUE(session->run({.ids = ids, .lengths = lengths}).ok());
  }
  Log log = takeLog();
  EXPECT_EQ(count(log, "embed s0 4x1x1"), 1u);
  EXPECT_EQ(count(log, "times_minus_three s1 2x1x1 signals"), 1u);
}

/// Graphs of older drivers do not keep it.
TEST_F(CUDAExecutorTest, StartsKernelsInTurnOnAnOldDriver) {
  GTEST_FLAG_SET(death_test_style, "threadsafe"); // in a process that has not opened it yet
  auto startsInTurn = [] {
    FakeCUDA::get().version = 12020;
    Expected<Session> session = tryCreate(gpuContents(waitingPlan()));
    Ids ids{1, 2, 3, 0, 5}, lengths{5};
    if (!session.ok() || !session->run({.ids = ids, .lengths = lengths}).ok())
      return false;
    return count(takeLog(), "add_twice s0 5x1x1") == 2;
  };
  EXPECT_EXIT(std::exit(startsInTurn() ? 0 : 1), testing::ExitedWithCode(0), "");
}

/// Where only one branch has tokens, its kernels are in one stream with all others.
TEST_F(CUDAExecutorTest, ForksForNoSingleBranch) {
  Expected<Session> session = tryCreate(gpuContents(waitingPlan()));
  ASSERT_TRUE(session.ok()) << session.status().message();
  Ids ids{1, 2}, lengths{2}; // positions 0 to 2 are attention's
  takeLog();
  ASSERT_TRUE(session->run({.ids = ids, .lengths = lengths}).ok());
  Log log = takeLog();
  EXPECT_EQ(count(log, "s1 after s0") + count(log, "s0 after s1"), 0u);
  EXPECT_EQ(count(log, "doubled s0 2x1x1 early"), 1u);
}

TEST_F(CUDAExecutorTest, ReplaysCallsThatRepeat) {
  Expected<Session> session = tryCreate();
  ASSERT_TRUE(session.ok());
  Ids lengths{5}, other{2, 1};
  auto run = [&](const Ids &ids, const Ids &lengths) {
    expectLogits(session->run(all(ids, lengths)), ids, lengths);
    return takeLog();
  };
  Log first = run({1, 2, 3, 0, 5}, lengths), second = run({0, 2, 4, 0, 5}, lengths),
      third = run({5, 4, 3, 2, 1}, lengths);
  EXPECT_EQ(count(first, "capture") + count(first, "graph"), 0u);
  EXPECT_EQ(count(second, "capture"), 1u);
  EXPECT_EQ(count(second, "graph"), 1u);
  EXPECT_EQ(count(third, "capture"), 0u);
  EXPECT_EQ(count(third, "graph"), 1u);
  EXPECT_EQ(count(third, "s1 after s0"), 1u);
  // A shorter call leaves everything where it is, but overwrites the tables.
  EXPECT_EQ(count(run({1, 2, 3}, other), "graph"), 0u);
  EXPECT_EQ(count(run({1, 1, 1, 2, 1}, lengths), "graph"), 1u);
  // Others of the same lengths are another call.
  Ids ids{1, 2, 3, 4, 5};
  ASSERT_TRUE(session->run({.ids = ids, .lengths = lengths}).ok());
  EXPECT_EQ(count(takeLog(), "graph"), 0u);
}

/// A plan whose step writes 100 + r to row r of the cache for each of its tokens.
class CUDAStepTest : public CUDAExecutorTest {
protected:
  void SetUp() override {
    CUDAExecutorTest::SetUp();
    FakeCUDA::get().kernels["add_one"] = perRow(3, [this](const FakeLaunch &l, int64_t i) {
      cache = reinterpret_cast<int64_t *>(l.arguments[1]);
      rows.push_back(table(l.arguments[2])[i]);
      cache[rows.back()] = 100 + rows.back();
    });
    fb::PlanT plan = gpuPlan();
    addTestStep(plan, /*window=*/nullptr);
    session = tryCreate(gpuContents(plan));
    ASSERT_TRUE(session.ok()) << session.status().message();
  }
  void TearDown() override {
    session = internalError("closed");
    CUDAExecutorTest::TearDown();
  }

  Generator generate() {
    Expected<Generator> generator = Generator::create(*session, {.sequences = 3});
    EXPECT_TRUE(generator.ok()) << generator.status().message();
    return std::move(*generator);
  }

  /// The rows of the cache that a step of `count` tokens for each sequence is given.
  Ids step(Generator &generator, const Ids &sequences, size_t count = 1) {
    Ids ids(count, 1);
    std::vector<SequenceTokens> tokens;
    for (int32_t sequence : sequences)
      tokens.push_back({sequence, ids});
    rows.clear();
    takeLog();
    Expected<CallResult> result =
        generator.step(tokens, {.logits = LogitsMode::None, .returnLogits = false});
    EXPECT_TRUE(result.ok()) << result.status().message();
    return rows;
  }
  size_t numOf(const char *line) { return count(FakeCUDA::get().log, line); }

  Expected<Session> session = internalError("not created");
  int64_t *cache = nullptr;
  Ids rows;
};

TEST_F(CUDAStepTest, ReplaysOneGraphAtAnyPosition) {
  Generator generator = generate();
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(generator.add().ok());
  EXPECT_EQ(step(generator, {1, 0}, 3), (Ids{16, 17, 18, 0, 1, 2}));
  EXPECT_EQ(step(generator, {0, 1}), (Ids{3, 19}));
  EXPECT_EQ(numOf("graph"), 0u);
  EXPECT_EQ(step(generator, {1, 0}), (Ids{20, 4}));
  EXPECT_EQ(numOf("capture"), 1u);
  EXPECT_EQ(step(generator, {0, 1}), (Ids{5, 21}));
  EXPECT_EQ(numOf("graph"), 1u);
  EXPECT_EQ(numOf("capture"), 0u);
  // Fewer sequences are another step, states elsewhere too.
  EXPECT_EQ(step(generator, {0}), (Ids{6}));
  EXPECT_EQ(numOf("graph"), 0u);
  Generator other = generate();
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(other.add().ok());
  EXPECT_EQ(step(other, {0, 1}), (Ids{0, 16}));
  EXPECT_EQ(numOf("graph"), 0u);
}

TEST_F(CUDAStepTest, ReplaysOneGraphForABucket) {
  Expected<Generator> generator = Generator::create(*session, {.sequences = 4});
  ASSERT_TRUE(generator.ok()) << generator.status().message();
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(generator->add().ok());
  // Row 64 is that of no sequence.
  EXPECT_EQ(step(*generator, {0, 1, 3}), (Ids{0, 16, 48, 64}));
  EXPECT_EQ(step(*generator, {3, 2, 1, 0}), (Ids{49, 32, 17, 1}));
  EXPECT_EQ(numOf("capture"), 1u);
  EXPECT_EQ(step(*generator, {2, 1, 0}), (Ids{33, 18, 2, 64}));
  EXPECT_EQ(numOf("capture"), 0u);
  EXPECT_EQ(numOf("graph"), 1u);
}

TEST_F(CUDAStepTest, CopiesAndKeepsStates) {
  Generator generator = generate();
  ASSERT_TRUE(generator.add().ok());
  step(generator, {0}, 2);
  EXPECT_EQ(cache[16], 0); // nothing is there before
  EXPECT_EQ(*generator.fork(0), 1);
  EXPECT_EQ(cache[17], 101);
  Expected<std::vector<std::byte>> snapshot = generator.snapshot(1);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
  Expected<int64_t> restored = generator.restore(*snapshot);
  ASSERT_TRUE(restored.ok()) << restored.status().message();
  EXPECT_EQ(cache[33], 101);
  EXPECT_EQ(step(generator, {int32_t(*restored)}), (Ids{34}));
}

TEST_F(CUDAStepTest, RefusesMoreStateThanThereIsMemory) {
  expectError(Generator::create(*session, {.sequences = int64_t(1) << 26}).status(),
              StatusCode::ResourceExhausted, "takes 8589934656 bytes, 128 each");
}

TEST_F(CUDAStepTest, ProfilesAStepOnce) {
  Generator generator = generate();
  ASSERT_TRUE(generator.add().ok());
  session->enableProfile(true);
  EXPECT_EQ(step(generator, {0}, 2), (Ids{0, 1}));
}

TEST_F(CUDAExecutorTest, ForgetsGraphs) {
  Expected<Session> session = tryCreate();
  ASSERT_TRUE(session.ok());
  auto numGraphs = [&](const Ids &lengths) {
    Ids ids(size_t(std::accumulate(lengths.begin(), lengths.end(), 0)), 1);
    expectLogits(session->run(all(ids, lengths)), ids, lengths);
    return count(takeLog(), "graph");
  };
  EXPECT_EQ(numGraphs({2}) + numGraphs({2}), 1u);
  int64_t bytes = session->workspaceBytes();
  EXPECT_EQ(numGraphs({16, 16}), 0u); // everything moves
  EXPECT_GT(session->workspaceBytes(), bytes);
  EXPECT_EQ(session->deviceBytes(), FakeCUDA::get().liveBytes);
  EXPECT_EQ(numGraphs({2}), 1u); // recorded again
  // The last 32 are remembered.
  auto runOthers = [&](int32_t others) {
    for (int32_t i = 0; i < others; ++i)
      numGraphs({1 + i / 8, 1 + i % 8});
  };
  runOthers(31);
  EXPECT_EQ(numGraphs({2}), 1u);
  runOthers(32);
  EXPECT_EQ(numGraphs({2}), 0u);
}

TEST_F(CUDAExecutorTest, RunsWithoutGraphs) {
  Expected<Session> session = tryCreate(gpuContents(), {.threads = 1, .graphs = false});
  ASSERT_TRUE(session.ok());
  Ids ids{1, 2, 3}, lengths{3};
  for (int i = 0; i < 3; ++i)
    expectLogits(session->run(all(ids, lengths)), ids, lengths);
  EXPECT_EQ(count(takeLog(), "capture"), 0u);
}

TEST_F(CUDAExecutorTest, CopiesTaps) {
  fb::PlanT plan = gpuPlan();
  fb::TapT *strided = plan.procedures[1]->commands[10].AsTap();
  strided->row_elements = 1; // the first column
  strided->row_bytes = 16;
  Expected<Session> session = tryCreate(gpuContents(plan));
  ASSERT_TRUE(session.ok());
  Ids ids{1, 2, 3}, lengths{3};
  std::vector<std::string> taps{"branches", "blocks"};
  Call call = all(ids, lengths);
  call.taps = taps;
  for (int i = 0; i < 3; ++i) {
    Expected<CallResult> result = session->run(call);
    expectLogits(result, ids, lengths);
    EXPECT_EQ(result->taps["blocks"].shape, (std::vector<int64_t>{3, 4}));
    const Tensor &column = result->taps["branches"];
    ASSERT_EQ(column.data.size(), 12u);
    for (size_t k = 0; k < 3; ++k) {
      float value = 0;
      std::memcpy(&value, column.data.data() + 4 * k, 4);
      EXPECT_EQ(value, 2 * numbers("table")[size_t(ids[k]) * testWidth]);
    }
    EXPECT_EQ(count(takeLog(), "graph"), 0u);
  }
}

/// Makes the calls of the entry blocks 0, 1, …
static fb::PlanT withBlocks(fb::PlanT plan) {
  int64_t numBlocks = 0;
  for (fb::CommandUnion &command : plan.procedures[plan.entry]->commands)
    if (fb::CallT *call = command.AsCall())
      call->block = numBlocks++;
  return plan;
}

TEST_F(CUDAExecutorTest, Profiles) {
  Expected<Session> session = tryCreate(gpuContents(withBlocks(gpuPlan())));
  ASSERT_TRUE(session.ok());
  session->enableProfile(true);
  Ids ids{1, 2, 3, 4, 5}, lengths{5};
  Call call{.ids = ids, .lengths = lengths, .logits = LogitsMode::None};
  takeLog();
  ASSERT_TRUE(session->run(call).ok() && session->run(call).ok());
  Log log = takeLog();
  // Each call runs alone and twice in order, on one stream, and twice as scheduled.
  EXPECT_EQ(count(log, "times_minus_three s0 2x1x1"), 6u);
  EXPECT_EQ(count(log, "times_minus_three s1 2x1x1"), 4u);
  EXPECT_EQ(count(log, "graph"), 0u);
  std::vector<KernelProfile> profile = session->profile();
  ASSERT_EQ(profile.size(), 5u);
  for (const KernelProfile &kernel : profile) {
    EXPECT_GT(kernel.seconds, 0);
    EXPECT_EQ(kernel.calls, kernel.kernel.starts_with("add") ? 4 : 2);
    bool isEmbed = kernel.kernel == "embed"; // 5 · 8 FLOPs at 2 a second, 5 · 32 bytes at 16
    EXPECT_EQ(kernel.floorSeconds, isEmbed ? 2 * 20 : 0);
    EXPECT_EQ(kernel.config, isEmbed ? "blocks=4" : "");
  }
}

/// Both streams work between fork and join: what runs there starts at the same time.
TEST_F(CUDAExecutorTest, Traces) {
  fb::PlanT plan = gpuPlan();
  plan.procedures[1]->commands[7].AsLaunch()->branch = fb::Branch::Attention;
  plan.procedures[1]->commands[8].AsLaunch()->branch = fb::Branch::SSM;
  plan.procedures[1]->commands[12].AsCall()->block = 3;
  auto first = std::ranges::find_if(plan.procedures[1]->commands,
                                    [](auto &command) { return command.AsLaunch() != nullptr; });
  first->AsLaunch()->branch = fb::Branch::Both;
  Ids ids{1, 2, 3, 4, 5}, lengths{5};
  Call call = all(ids, lengths);
  for (bool graphs : {true, false}) {
    Expected<Session> session = tryCreate(gpuContents(plan), {.threads = 1, .graphs = graphs});
    ASSERT_TRUE(session.ok()) << session.status().message();
    takeLog();
    Expected<std::vector<TracedLaunch>> trace = session->trace(call);
    ASSERT_TRUE(trace.ok()) << trace.status().message();
    Log log = takeLog();
    EXPECT_EQ(count(log, "graph"), graphs ? 2u : 0u);
    EXPECT_EQ(count(log, "times_minus_three s1 2x1x1"), 2u); // two runs, two streams
    std::vector<std::string> names;
    for (const TracedLaunch &launch : *trace)
      names.push_back(launch.kernel);
    ASSERT_EQ(names, (std::vector<std::string>{"embed", "doubled", "times_minus_three", "add_one",
                                               "add_twice", "add_one", "add_twice", "head"}));
    const TracedLaunch &embed = trace->front(), &a = trace->at(1), &s = trace->at(2),
                       &block = trace->at(5);
    EXPECT_EQ(embed.start, 0);
    EXPECT_EQ(embed.config, "blocks=4");
    EXPECT_EQ(embed.grid, (std::vector<int64_t>{4, 1, 1}));
    EXPECT_EQ(embed.extents, (std::vector<int64_t>{5}));
    EXPECT_EQ(embed.flops, 40);
    EXPECT_EQ(embed.floorSeconds, 20);
    EXPECT_EQ(embed.branch, "attention+ssm");
    EXPECT_EQ(a.start, embed.end);
    EXPECT_EQ(s.start, embed.end);
    EXPECT_GT(s.end, a.end);
    EXPECT_EQ(a.branch + " " + s.branch, "attention ssm");
    EXPECT_EQ(s.stream, 1u);
    EXPECT_EQ(trace->at(3).start, s.end); // waits for both
    EXPECT_EQ(trace->at(3).block, -1);
    EXPECT_EQ(block.block, 3);
    EXPECT_EQ(trace->back().block, -1);
    for (const TracedLaunch &launch : *trace)
      EXPECT_GT(launch.end, launch.start);
    expectLogits(session->run(call), ids, lengths);
    std::vector<std::string> taps{"blocks"};
    call.taps = taps;
    expectError(session->trace(call).status(), StatusCode::InvalidArgument, "1 are asked for");
    call.taps = {};
  }
}

/// A part of a launch that has no rows gets a map all the same.
TEST_F(CUDAExecutorTest, MapsOfNoRows) {
  fb::PlanT plan = gpuPlan();
  plan.kernels[0]->gpu->tensor_maps[0]->rows = {constant(0)};
  Expected<Session> session = tryCreate(gpuContents(plan));
  ASSERT_TRUE(session.ok()) << session.status().message();
  Ids ids{1, 2, 3}, lengths{3};
  expectLogits(session->run({ids, lengths, LogitsMode::All}), ids, lengths);
}

TEST_F(CUDAExecutorTest, ProfilesLaunchesAndBlocks) {
  fb::PlanT plan = withBlocks(gpuPlan());
  plan.kernels[0]->tuning_key = "embed 4 f32";
  for (fb::CommandUnion &command : plan.procedures[plan.entry]->commands)
    if (fb::CallT *call = command.AsCall()) { // the first block alone
      call->times =
          std::make_unique<fb::Times>(1, 5, 100, 200, 300, 600, 500, 400, fb::Schedule::Streams);
      break;
    }
  Expected<Session> session = tryCreate(gpuContents(plan));
  ASSERT_TRUE(session.ok());
  session->enableProfile(true);
  Ids ids{1, 2, 3, 4, 5}, one{5}, two{2, 3};
  ASSERT_TRUE(session->run({ids, two, LogitsMode::None}).ok());
  ASSERT_TRUE(session->run({ids, one, LogitsMode::None}).ok());
  ASSERT_TRUE(session->run({ids, one, LogitsMode::None}).ok());
  std::vector<LaunchProfile> launches = session->launches(); // of the last two
  ASSERT_EQ(launches.size(), 7u);
  EXPECT_EQ(launches[0].op, "test.op");
  EXPECT_EQ(launches[0].extents, (std::vector<int64_t>{5}));
  EXPECT_EQ(launches[0].bytes, 5 * 32);
  EXPECT_EQ(launches[0].kernel, "embed");
  EXPECT_EQ(launches[0].config, "blocks=4");
  EXPECT_EQ(launches[0].tuningKey, "embed 4 f32");
  EXPECT_EQ(launches[1].tuningKey, "");
  std::vector<BlockProfile> blocks = session->blocks();
  ASSERT_EQ(blocks.size(), 2u);
  for (size_t i = 0; i < launches.size(); ++i) {
    EXPECT_EQ(launches[i].block, i < 3 ? -1 : i < 5 ? 0 : 1);
    EXPECT_GT(launches[i].seconds, 0);
  }
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(blocks[i].block, int64_t(i));
    EXPECT_GT(blocks[i].seconds, 0);
    EXPECT_GT(blocks[i].serialSeconds, 0);
    double kernels = launches[2 * i + 3].seconds + launches[2 * i + 4].seconds;
    EXPECT_DOUBLE_EQ(blocks[i].kernelSeconds, kernels);
  }
  EXPECT_FALSE(blocks[1].prediction);
  ASSERT_TRUE(blocks[0].prediction);
  EXPECT_EQ(blocks[0].prediction->tokens, 5);
  EXPECT_DOUBLE_EQ(blocks[0].prediction->ssm, 200e-9);
  EXPECT_DOUBLE_EQ(blocks[0].prediction->seconds(), 500e-9); // of streams
  session->enableProfile(true);
  EXPECT_TRUE(session->launches().empty() && session->blocks().empty());
}

/// One call in which the device is slow says nothing of the others.
TEST_F(CUDAExecutorTest, ProfilesAreMedians) {
  Expected<Session> session = tryCreate(gpuContents(withBlocks(gpuPlan())));
  ASSERT_TRUE(session.ok());
  constexpr auto delay = std::chrono::milliseconds(100);
  bool isSlow = false;
  auto &embed = FakeCUDA::get().kernels.at("embed").run;
  embed = [&isSlow, delay, run = embed](const FakeLaunch &launch) {
    if (isSlow)
      std::this_thread::sleep_for(delay);
    run(launch);
  };
  session->enableProfile(true);
  Ids ids{1, 2, 3, 4, 5}, lengths{5};
  for (bool slow : {true, false, false}) {
    isSlow = slow;
    ASSERT_TRUE(session->run({ids, lengths, LogitsMode::None}).ok());
  }
  EXPECT_GT(session->launches()[0].seconds, 0);
  EXPECT_LT(session->launches()[0].seconds, std::chrono::duration<double>(delay).count() / 4);
}

TEST_F(CUDAExecutorTest, Generates) {
  Expected<Session> session = tryCreate();
  ASSERT_TRUE(session.ok());
  Ids expected{2, 3};
  for (int i = 0; i < 4; ++i)
    expected.push_back(argmax(reference(expected.back(), int64_t(expected.size()) - 1)));
  takeLog();
  Expected<Generation> result = generateGreedy(*session, Ids{2, 3}, 4);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->ids, Ids(expected.begin() + 2, expected.end()));
  Log log = takeLog();
  EXPECT_EQ(count(log, "download 4"), 4u); // tokens, no logits
  EXPECT_EQ(count(log, "download 24"), 0u);
}

TEST_F(CUDAExecutorTest, SessionsLiveSideBySide) {
  Expected<Session> a = tryCreate(), b = tryCreate(gpuContents(), {.threads = 1, .device = 1});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(b->target(), "Fake GPU (device 1), sm_90a");
  Ids ids{1, 2, 3}, lengths{3};
  for (Session *session : {&*a, &*b, &*a, &*b})
    expectLogits(session->run(all(ids, lengths)), ids, lengths);
  *a = std::move(*b);
  expectLogits(a->run(all(ids, lengths)), ids, lengths);
}

TEST_F(CUDAExecutorTest, SessionsRunAtTheSameTime) {
  std::vector<std::thread> threads;
  for (int device : {0, 0, 1, 1})
    threads.emplace_back([=] {
      Expected<Session> session = tryCreate(gpuContents(), {.threads = 2, .device = device});
      ASSERT_TRUE(session.ok()) << session.status().message();
      for (int32_t i = 0; i < 20; ++i) {
        Ids ids{1, i % 6, 3, 4}, lengths = i % 2 ? Ids{3, 1} : Ids{4};
        expectLogits(session->run(all(ids, lengths)), ids, lengths);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(CUDAExecutorTest, EachDeviceRunsTheBestChipThatItCan) {
  FakeCUDA &fake = FakeCUDA::get();
  fake.devices[1] = {"Small GPU", 8, 6};
  struct {
    SessionOptions options;
    const char *target, *config, *image;
  } cases[] = {
      {{.device = 0}, "Fake GPU (device 0), sm_90a", "blocks=4", "code"},
      {{.device = 1}, "Small GPU (device 1), sm_80", "blocks=2", "cubin of sm_80"},
      {{.device = 0, .chip = "sm_80"}, "Fake GPU (device 0), sm_80", "blocks=2", "ptx of sm_80"}};
  std::vector<Session> sessions;
  for (const auto &[options, target, config, image] : cases) {
    fake.images.clear();
    Expected<Session> session = tryCreate(twoChips(), options);
    ASSERT_TRUE(session.ok()) << session.status().message();
    EXPECT_EQ(session->target(), target);
    EXPECT_EQ(fake.images, std::set<std::string>{image});
    sessions.push_back(std::move(*session));
  }
  Ids ids{1, 2, 3}, lengths{3};
  for (size_t i = 0; i < sessions.size(); ++i) {
    sessions[i].enableProfile(true);
    expectLogits(sessions[i].run(all(ids, lengths)), ids, lengths);
    std::vector<KernelProfile> profile = sessions[i].profile();
    EXPECT_TRUE(std::ranges::any_of(
        profile, [&](const auto &kernel) { return kernel.config == cases[i].config; }));
  }
  auto refused = [](StatusCode code, const char *part, SessionOptions options) {
    expectError(tryCreate(twoChips(), options).status(), code, part);
  };
  refused(StatusCode::NotFound, "no code for 'sm_89', there is some for sm_90a, sm_80",
          {.chip = "sm_89"});
  refused(StatusCode::Incompatible,
          "the code is for sm_90a; device 1, Small GPU, has compute capability 8.6",
          {.device = 1, .chip = "sm_90a"});
  fake.devices[1] = {"Old GPU", 7, 5};
  refused(StatusCode::Incompatible,
          "the code is for sm_90a, sm_80; device 1, Old GPU, has compute capability 7.5",
          {.device = 1});
}

TEST_F(CUDAExecutorTest, KernelsShareSections) {
  Expected<Session> session = tryCreate(oneSection());
  ASSERT_TRUE(session.ok()) << session.status().message();
  Ids ids{1, 2, 3}, lengths{3};
  expectLogits(session->run(all(ids, lengths)), ids, lengths);
  ArtifactContents lacking = oneSection();
  lacking.sections.pop_back();
  expectError(tryCreate(lacking).status(), StatusCode::NotFound,
              "no section 'code/sm_90a/all.cubin' or 'code/sm_90a/all.ptx'");
}

TEST_F(CUDAExecutorTest, RefusesWhatDoesNotFit) {
  auto refused = [](StatusCode code, const char *part, ArtifactContents contents = gpuContents(),
                    SessionOptions options = {.threads = 2}) {
    expectError(tryCreate(std::move(contents), options).status(), code, part);
  };
  FakeCUDA::get().devices[1].name = "Other GPU";
  refused(StatusCode::NotFound, "no device 2, the driver has 2: 0 Fake GPU, 1 Other GPU",
          gpuContents(), {.device = 2});
  refused(StatusCode::Incompatible,
          "kernel 'add_one': cannot load the code: CUDA_ERROR_INVALID_PTX"
          "\nptxas error: line 3",
          [] {
            ArtifactContents contents = gpuContents();
            contents.sections[3].bytes = {std::byte('b'), std::byte('a'), std::byte('d')};
            return contents;
          }());
  ArtifactContents lacking = gpuContents();
  lacking.sections.pop_back();
  refused(StatusCode::NotFound, "kernel 'argmax': no section 'code/sm_90a/argmax.cubin' or",
          lacking);
  FakeCUDA::get().kernels.erase("head");
  refused(StatusCode::Internal, "kernel 'head': the code has no usable symbol 'head'");
  FakeCUDA::get().devices[0].computeMajor = 10;
  refused(StatusCode::Incompatible,
          "the code is for sm_90a; device 0, Fake GPU, has compute capability 10.0");
}

/// Whatever fails, the status says so, everything is given back (TearDown), and a session
/// that is there can be used again.
TEST_F(CUDAExecutorTest, SurvivesEveryFailure) {
  FakeCUDA &fake = FakeCUDA::get();
  Ids ids{1, 2, 3}, lengths{3};
  int failures = 0;
  for (int failing = 1;; ++failing, ++failures) {
    fake.numCalls = 0;
    fake.failingCall = failing;
    Expected<Session> session = tryCreate(gpuContents(), {.threads = 1});
    Status status = session.status();
    for (int i = 0; i < 3 && status.ok(); ++i)
      status = session->run(all(ids, lengths)).status();
    bool hasFailed = fake.numCalls >= failing;
    fake.failingCall = 0;
    if (!hasFailed)
      break;
    if (!status.ok())
      expectError(status, StatusCode::ResourceExhausted, "CUDA_ERROR_OUT_OF_MEMORY");
    if (session.ok())
      expectLogits(session->run(all(ids, lengths)), ids, lengths);
    session = notFound("gone");
    ASSERT_EQ(fake.liveObjects, 0) << failing;
  }
  EXPECT_GT(failures, 100);
}

TEST_F(CUDAExecutorTest, UploadsInPieces) {
  // Matrices of more than one slot, from two sources, with a transposed and a scaled, rounded one.
  constexpr int64_t rows = 3000, columns = 1100;
  fb::PlanT plan = gpuPlan();
  auto large = parameter("large", {rows, columns}, fb::Layout::RowMajor, {2 * rows, columns});
  large->sources.emplace_back(new fb::SourceT(*large->sources[0]));
  large->sources[1]->name = "more";
  auto turned = parameter("large", {rows, columns}, fb::Layout::Transposed, {columns, 2 * rows});
  turned->sources.emplace_back(new fb::SourceT(*large->sources[1]));
  turned->name = "turned";
  auto rounded = parameter("large", {rows, columns}, fb::Layout::Padded, {rows, 1152}, 128);
  rounded->name = "rounded";
  rounded->dtype = fb::DType::BF16;
  rounded->rounds = true;
  rounded->column_scale = std::make_unique<fb::SourceT>();
  rounded->column_scale->name = "scale";
  rounded->column_scale->shape = {columns};
  plan.parameters.push_back(std::move(large));
  plan.parameters.push_back(std::move(turned));
  plan.parameters.push_back(std::move(rounded));
  plan.kernels.push_back(kernel("look", {1, 0, 0, 0}));
  plan.kernels.back()->gpu = std::make_unique<fb::GPULaunchT>();
  plan.kernels.back()->gpu->threads = 32;
  auto &commands = plan.procedures[1]->commands;
  for (uint32_t i = 2; i < 5; ++i) {
    fb::GetParameterT get;
    get.parameter = i;
    commands.push_back(command(get)); // memory 14 to 16
  }
  commands.push_back(command(launch(7, {0, 14, 15, 16})));

  std::vector<float> expected[3];
  std::vector<ParameterSpec> specs{{"table", DType::F32, {testVocab, testWidth}},
                                   {"head", DType::F32, {testVocab, testWidth}},
                                   {"large", DType::F32, {rows, columns}},
                                   {"more", DType::F32, {rows, columns}},
                                   {"scale", DType::F32, {columns}}};
  auto source = randomParameters(specs, 5);
  for (int i = 0; i < 3; ++i) {
    Expected<TensorView> view = source->find(specs[size_t(i + 2)].name);
    expected[i].resize(view->bytes / 4);
    std::memcpy(expected[i].data(), view->data, view->bytes);
  }
  int64_t wrong = -1;
  FakeCUDA::get().kernels["look"] = {
      4, 0, [&](const FakeLaunch &l) {
        auto *large = reinterpret_cast<const float *>(l.arguments[1]);
        auto *turned = reinterpret_cast<const float *>(l.arguments[2]);
        auto *rounded = reinterpret_cast<const uint16_t *>(l.arguments[3]);
        wrong = 0;
        for (int64_t r = 0; r < 2 * rows; ++r)
          for (int64_t c = 0; c < columns; ++c) {
            float value = expected[r / rows][size_t(r % rows * columns + c)];
            wrong += large[r * columns + c] != value;
            wrong += turned[c * 2 * rows + r] != value;
          }
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t c = 0; c < 1152; ++c) {
            uint32_t bits = uint32_t(rounded[r * 1152 + c]) << 16;
            float value =
                c < columns ? expected[0][size_t(r * columns + c)] * expected[2][size_t(c)] : 0;
            wrong += std::abs(std::bit_cast<float>(bits) - value) > std::abs(value) / 256;
          }
      }};
  std::vector<int64_t> progress;
  int64_t total = 0;
  Expected<Artifact> artifact = Artifact::create(gpuContents(plan));
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  Expected<Session> session =
      Session::create(std::make_shared<const Artifact>(std::move(*artifact)), std::move(source),
                      {.threads = 4, .progress = [&](int64_t done, int64_t all) {
                         progress.push_back(done);
                         total = all;
                       }});
  ASSERT_TRUE(session.ok()) << session.status().message();
  EXPECT_GT(progress.size(), 14u);
  EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
  EXPECT_EQ(progress.back(), total);
  EXPECT_EQ(total, session->parameterBytes());
  Ids ids{1}, lengths{1};
  ASSERT_TRUE(session->run({.ids = ids, .lengths = lengths}).ok());
  EXPECT_EQ(wrong, 0);
}

} // namespace
