//===- PlanWalkTest.cpp - What a plan does in one call --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Runtime/PlanWalk.h"
#include "../../../lib/Runtime/PlanContents.h"
#include "../TestFiles.h"
#include "../TestPlan.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

using Log = std::vector<std::string>;

std::string text(const Place &place) {
  static constexpr const char *names[] = {"w", "p", "a", "t", "s"};
  int64_t number = place.space == Place::Workspace ? place.offset : place.number;
  return names[place.space] + std::to_string(number);
}

/// Writes down what it is told.
class LogSink : public PlanSink {
public:
  explicit LogSink(const fb::PlanT &plan) : plan(plan) {}

  void addTable(std::vector<int32_t> table) override {
    std::string line = "table";
    for (int32_t value : table)
      line += " " + std::to_string(value);
    log.push_back(line);
  }
  Status addLaunch(const PlannedLaunch &launch) override {
    std::string line = plan.kernels[launch.kernel]->name + " s" + std::to_string(launch.stream) +
                       " " + std::to_string(launch.grid.x) + "x" + std::to_string(launch.grid.y);
    for (int64_t index : launch.indices)
      line += " " + std::to_string(index);
    for (const Place &place : launch.memories)
      line += " " + text(place);
    if (launch.block >= 0)
      line += " [" + std::to_string(launch.block) + "]";
    log.push_back(line);
    return refused.empty() ? Status() : resourceExhausted(refused);
  }
  void fork(std::span<const uint32_t> streams) override {
    log.push_back("fork " + std::to_string(streams.size()));
  }
  void join(std::span<const uint32_t> streams) override {
    log.push_back("join " + std::to_string(streams.size()));
  }
  void beginBlock(int64_t block) override { log.push_back("block " + std::to_string(block)); }
  void endBlock() override { log.push_back("end"); }
  void addTap(const PlannedTap &tap) override {
    log.push_back("tap " + text(tap.from) + " " + std::to_string(tap.rows) + " rows of " +
                  std::to_string(tap.rowBytes) + ", " + std::to_string(tap.stride) + " apart");
  }

  const fb::PlanT &plan;
  Log log;
  std::string refused;
};

struct Walked {
  Status status;
  Log log;
  int64_t bytes = 0;
  std::vector<LaunchCounts> counts;
};

/// A call of two rows, of 4 and 1 tokens, with both last logits.
Walked walk(const fb::PlanT &plan, bool taps = false, const std::string &refused = {}) {
  const int32_t ids[] = {0, 1, 2, 3, 4}, begin[] = {0, 0}, length[] = {4, 1}, offsets[] = {0, 4, 5},
                select[] = {3, 4};
  std::vector<std::byte> bytes = planBytes(plan);
  LogSink sink(plan);
  sink.refused = refused;
  Walked result;
  result.counts.resize(plan.kernels.size());
  std::byte memory[256];
  TapTarget target = [&](std::string_view name, DType, int64_t, int64_t) -> Expected<std::byte *> {
    return name == "blocks" ? memory : nullptr;
  };
  Expected<int64_t> walked =
      walkPlan(*fb::GetPlan(bytes.data()), {4, testVocab, ids, begin, length, offsets, select},
               taps ? target : TapTarget(), result.counts, sink);
  result.status = walked.status();
  result.bytes = walked.ok() ? *walked : 0;
  result.log = sink.log;
  return result;
}

TEST(PlanWalkTest, TellsWhatHappens) {
  Walked walked = walk(testPlan());
  ASSERT_TRUE(walked.status.ok()) << walked.status.message();
  // x is in the second half of an arena of 5 · 128 bytes, rounded up to 768, and y above it.
  EXPECT_EQ(walked.log,
            (Log{"table 0 3 4", "table 0 1 2 4", "table 0 1 1", "table 3",
                 "embed s0 5x1 5 a0 p0 w320", "fork 2", "doubled s0 4x1 4 a0 t1 w320",
                 "times_minus_three s1 1x1 1 t3 w320", "join 2", "add_one s0 5x1 5 w320 w768",
                 "add_twice s0 5x1 5 w768 w320", "add_one s0 5x1 5 w320 w768",
                 "add_twice s0 5x1 5 w768 w320", "head s0 2x1 2 a4 w320 p1 a5"}));
  EXPECT_EQ(walked.bytes, 768 + 768 + 256);
  EXPECT_EQ(walked.counts[2].calls, 2);
  EXPECT_EQ(walked.counts[2].flops, 2 * 5 * 8);
  EXPECT_EQ(walked.counts[2].floorSeconds, 0);
}

TEST(PlanWalkTest, StepsThroughSequences) {
  fb::PlanT plan = testPlan();
  addTestStep(plan, std::make_unique<fb::Window>(fixedWindow(13, 6, 16)));
  std::vector<std::byte> bytes = planBytes(plan);
  const fb::Plan &packed = *fb::GetPlan(bytes.data());
  Expected<StateLayout> layout = StateLayout::create(packed, /*slots=*/4, /*context=*/16);
  ASSERT_TRUE(layout.ok()) << layout.status().message();
  // Of 16 positions 13, 14, 15, 0, 1 and 2 are attention's: six rows of 8 bytes a slot, in
  // whole cache lines; and a spare one.
  EXPECT_EQ(layout->bytes(), 256);
  EXPECT_EQ(layout->spareRow(packed.states()->Get(0)->window()), 24);
  EXPECT_EQ(layout->rangesOf(3, 14)[0].offset, 3 * 6 * 8);
  EXPECT_EQ(layout->rangesOf(3, 14)[0].bytes, 4 * 8);
  EXPECT_EQ(layout->startOf(3)[0].bytes, 0);
  const int32_t ids[] = {0, 1, 2, 3, 4}, begin[] = {12, 1}, length[] = {3, 2}, slots[] = {3, 0},
                offsets[] = {0, 3, 5}, select[] = {2, 4};
  StepArguments step;
  step.slots = slots;
  step.layout = &*layout;
  LogSink sink(plan);
  EntryArguments arguments = {3, testVocab, ids, begin, length, offsets, select};
  arguments.step = &step;
  ASSERT_TRUE(walkPlan(packed, arguments, {}, {}, sink).ok());
  EXPECT_EQ(sink.log,
            (Log{"table 18 0", "table 3 1", "table 21 22 1 2", "add_one s0 5x1 5 s0 t2"}));
}

/// Branches that have rows are filled up, buffers have a row for them.
TEST(PlanWalkTest, FillsBranchesUp) {
  fb::PlanT plan = testPlan();
  std::vector<std::byte> bytes = planBytes(plan);
  const int32_t ids[] = {0, 1, 2, 0}, begin[] = {12, 1, 5, 0}, length[] = {1, 1, 1, 0},
                offsets[] = {0, 1, 2, 3, 3};
  LogSink sink(plan);
  EntryArguments arguments = {1, testVocab, ids, begin, length, offsets, {}};
  arguments.bucket = 4;
  Expected<int64_t> needed = walkPlan(*fb::GetPlan(bytes.data()), arguments, {}, {}, sink);
  ASSERT_TRUE(needed.ok()) << needed.status().message();
  // Position 1 is attention's.
  EXPECT_EQ(Log(sink.log.begin(), sink.log.begin() + 4),
            (Log{"table 0 0 1 1 1", "table 1 4 4 4", "table 0 1 1 2 2", "table 0 2 4 4"}));
  EXPECT_EQ(sink.log[4], "embed s0 4x1 4 a0 p0 w320"); // of 5 rows
}

TEST(PlanWalkTest, KnowsGridsAndFloors) {
  fb::PlanT plan = testPlan();
  plan.kernels[0]->gpu = std::make_unique<fb::GPULaunchT>();
  plan.kernels[0]->gpu->grid_y = {constant(3)};
  plan.kernels[0]->flop_rate = 4;  // 40 FLOPs: 10 s
  plan.kernels[0]->byte_rate = 40; // 160 bytes: 4 s
  plan.kernels[1]->gpu = std::make_unique<fb::GPULaunchT>();
  plan.kernels[1]->gpu->grid_z = {constant(0)};
  Walked walked = walk(plan);
  EXPECT_EQ(walked.log[4], "embed s0 5x3 5 a0 p0 w320");
  EXPECT_TRUE(walked.log[6].starts_with("times_minus_three")); // the grid of doubled is empty
  EXPECT_EQ(walked.counts[0].floorSeconds, 10);
  EXPECT_EQ(walked.counts[1].calls, 0);
}

/// A launch is of the block that is called, or of the one that it names.
TEST(PlanWalkTest, TellsBlocks) {
  fb::PlanT plan = testPlan();
  int64_t block = 5;
  for (fb::CommandUnion &command : plan.procedures[plan.entry]->commands)
    if (fb::CallT *call = command.AsCall())
      call->block = block++;
    else if (fb::LaunchT *launch = command.AsLaunch())
      launch->block = block;
  Walked walked = walk(plan);
  ASSERT_GE(walked.log.size(), 9u);
  EXPECT_EQ(Log(walked.log.end() - 9, walked.log.end()),
            (Log{"block 5", "add_one s0 5x1 5 w320 w768 [5]", "add_twice s0 5x1 5 w768 w320 [5]",
                 "end", "block 6", "add_one s0 5x1 5 w320 w768 [6]",
                 "add_twice s0 5x1 5 w768 w320 [6]", "end", "head s0 2x1 2 a4 w320 p1 a5 [7]"}));
}

TEST(PlanWalkTest, TellsTheTapsThatAreWanted) {
  fb::PlanT plan = testPlan();
  plan.procedures[1]->commands[13].AsTap()->row_bytes = 64;
  Walked walked = walk(plan, /*taps=*/true);
  ASSERT_TRUE(walked.status.ok()) << walked.status.message();
  EXPECT_EQ(std::count(walked.log.begin(), walked.log.end(), "tap w320 5 rows of 16, 64 apart"), 1);
  plan.procedures[1]->commands[13].AsTap()->row_bytes = 81; // 4 · 81 + 16 of 320 bytes
  expectError(walk(plan, true).status, StatusCode::InvalidInput,
              "main: tap 'blocks' of 5 rows of 16 bytes is larger than its buffer of 320");
}

TEST(PlanWalkTest, PassesRefusalsOn) {
  Walked walked = walk(testPlan(), false, "no room");
  expectError(walked.status, StatusCode::ResourceExhausted, "main: kernel 'embed': no room");
  EXPECT_EQ(walked.log.size(), 5u); // four tables come before the launch
}

TEST(PlanWalkTest, KnowsWhoComputesTokens) {
  fb::PlanT plan = testPlan();
  auto computes = [&] { return computesTokens(*fb::GetPlan(planBytes(plan).data())); };
  EXPECT_FALSE(computes());
  plan.procedures[1]->commands.push_back(command(launch(5, {3, 4, 13, 8, 6})));
  EXPECT_TRUE(computes());
  plan = testPlan();
  plan.procedures[1]->commands[11].AsCall()->memory_operands = {6};
  EXPECT_TRUE(computes());
}

} // namespace
