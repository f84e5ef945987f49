//===- PlanValidationTest.cpp - Checks of a plan from a file --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanMutations.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

TEST(PlanValidationTest, TakesAPlan) {
  Status status = validatePlan(planBytes(testPlan()), limits);
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST(PlanValidationTest, RefusesOtherBytes) {
  expectError(validatePlan({}, limits), StatusCode::InvalidInput, "plan: not a well-formed");
  std::vector<std::byte> bytes = planBytes(testPlan());
  bytes[4] = std::byte('X');
  expectError(validatePlan(bytes, limits), StatusCode::InvalidInput, "identifier 'FHNP'");
  bytes.resize(bytes.size() + 1);
  expectError(validatePlan(std::span(bytes).subspan(1), limits), StatusCode::InvalidInput,
              "not aligned");
}

/// No byte of a FlatBuffer carries a checksum: damage may give another valid plan,
/// but never a crash. Meant to run under sanitizers.
TEST(PlanValidationTest, SurvivesEveryDamage) {
  std::vector<std::byte> bytes = planBytes(testPlan());
  size_t refused = 0;
  for (std::byte &byte : bytes)
    for (unsigned mask : {0x01, 0x04, 0x7f, 0x80, 0xff}) {
      byte ^= std::byte(mask);
      refused += !validatePlan(bytes, limits).ok();
      byte ^= std::byte(mask);
    }
  EXPECT_GT(refused, bytes.size());
}

TEST(PlanValidationTest, RefusesWrongIndices) {
  expectRefused({
      {[](auto &p) { p.entry = 2; }, "entry 2 of 2 procedures"},
      {[](auto &p) { p.entry = 0; }, "the entry takes 1 index and 1 memory arguments, not 5 and 7"},
      {[](auto &p) { entry(p, GetHead).AsGetParameter()->parameter = 2; }, "parameter 2 of 2"},
      {[](auto &p) { entry(p, MakeArena).AsArena()->units = 9; }, "index value 9 of 9"},
      {[](auto &p) { entry(p, MakeView).AsView()->arena = 1; }, "arena 1 of 1"},
      {[](auto &p) { entry(p, MakePartition).AsPartition()->begin = 9; }, "memory value 9 of 9"},
      {[](auto &p) { entry(p, MakePartition).AsPartition()->length = 10; }, "memory value 10 of 9"},
      {[](auto &p) { embed(p).kernel = 6; }, "command 5 (Launch): kernel 6 of 6"},
      {[](auto &p) { embed(p).operands[0] = 9; }, "index value 9 of 9"},
      {[](auto &p) { embed(p).operands[3] = 14; }, "memory value 14 of 14"},
      {[](auto &p) { embed(p).operands.pop_back(); }, "3 operands, kernel 'embed' takes 4"},
      {[](auto &p) { entry(p, TapBlocks).AsTap()->rows = 9; }, "index value 9 of 9"},
      {[](auto &p) { entry(p, TapBlocks).AsTap()->memory = 14; }, "memory value 14 of 14"},
      {[](auto &p) { entry(p, TapBlocks).AsTap()->row_elements = -1; }, "tap 'blocks' of -1"},
  });
}

TEST(PlanValidationTest, RefusesWrongCalls) {
  expectRefused({
      {[](auto &p) { entry(p, FirstCall).AsCall()->procedure = 1; },
       "procedure 'main': command 11 (Call): calls procedure 1, which is not before 1"},
      {[](auto &p) { entry(p, FirstCall).AsCall()->index_operands.push_back(0); },
       "2 index and 1 memory operands for procedure 'block', which takes 1 and 1"},
      {[](auto &p) {
         entry(p, FirstCall).AsCall()->times =
             std::make_unique<fb::Times>(1, 1, 0, 0, 0, 0, 0, 0, fb::Schedule(3));
       },
       "unknown schedule 3"},
      {[](auto &p) { entry(p, FirstCall).AsCall()->memory_operands.clear(); },
       "1 index and 0 memory operands"},
      {[](auto &p) { entry(p, FirstCall).AsCall()->index_operands[0] = 9; }, "index value 9 of 9"},
      {[](auto &p) { entry(p, FirstCall).AsCall()->memory_operands[0] = 14; },
       "memory value 14 of 14"},
      {[](auto &p) { p.procedures[0]->memory_args = 1u << 31; }, "too many arguments"},
  });
}

TEST(PlanValidationTest, RefusesCallsThatMultiply) {
  fb::PlanT plan = testPlan();
  for (int i = 0; i < 40; ++i) {
    auto next = std::make_unique<fb::ProcedureT>();
    next->name = "level";
    fb::CallT call;
    call.procedure = uint32_t(plan.procedures.size() - 1);
    if (i == 0) { // two calls of an empty procedure, and so on, doubling each time
      plan.procedures.push_back(std::make_unique<fb::ProcedureT>());
      call.procedure = uint32_t(plan.procedures.size() - 1);
    }
    next->commands.push_back(command(call));
    next->commands.push_back(command(call));
    plan.procedures.push_back(std::move(next));
  }
  fb::CallT call;
  call.procedure = uint32_t(plan.procedures.size() - 1);
  std::unique_ptr<fb::ProcedureT> main = testEntry();
  main->commands.push_back(command(call));
  plan.procedures.push_back(std::move(main));
  plan.entry = uint32_t(plan.procedures.size() - 1);
  expectError(validatePlan(planBytes(plan), limits), StatusCode::InvalidInput,
              "a call runs more than 1048576 commands");
}

TEST(PlanValidationTest, RefusesWrongExpressions) {
  expectRefused({
      {[](auto &p) { twice(p).clear(); }, "procedure 'block': command 0 (Compute): an expression "
                                          "with 0 results"},
      {[](auto &p) { twice(p).push_back(constant(1)); }, "an expression with 2 results"},
      {[](auto &p) { twice(p).pop_back(); }, "an expression with 2 results"},
      {[](auto &p) { twice(p).push_back(apply(fb::Opcode::Add)); }, "with 1 operands on the stack"},
      {[](auto &p) { twice(p)[0] = value(1); }, "index value 1 of 1"},
      {[](auto &p) { twice(p)[0] = value(-1); }, "index value -1 of 1"},
      {[](auto &p) { twice(p)[2] = apply(fb::Opcode(9)); }, "unknown opcode 9"},
      {[](auto &p) { twice(p).assign(65, constant(1)); }, "deeper than 64"},
      {[](auto &p) { twice(p)[1] = constant(int64_t(1) << 60); }, "overflows"},
      {[](auto &p) { twice(p)[1] = constant(INT64_MIN); }, "overflows"},
      {[](auto &p) {
         twice(p) = {constant(1), value(0), constant(-1), apply(fb::Opcode::Add),
                     apply(fb::Opcode::FloorDiv)};
       },
       "a divisor in [0, 39], it must be positive"},
      {[](auto &p) { twice(p) = {value(0), constant(0), apply(fb::Opcode::Mod)}; },
       "a divisor in [0, 0]"},
      {[](auto &p) { p.kernels[0]->grid = {value(1)}; }, "kernel 'embed': index value 1 of 1"},
      {[](auto &p) { p.kernels[0]->flops = {value(0), value(0)}; }, "with 2 results"},
      {[](auto &p) {
         p.kernels[0]->grid = {value(0), constant(int64_t(1) << 60), apply(fb::Opcode::Mul)};
       },
       "command 5 (Launch): an index expression overflows"},
  });
}

TEST(PlanValidationTest, BoundsWhatCallersPass) {
  fb::PlanT plan = testPlan();
  // The block's argument is at most 40, so 10^17 times it fits and 10^18 does not.
  twice(plan)[1] = constant(100'000'000'000'000'000);
  block(plan, BlockArena).AsArena()->units = 0;
  EXPECT_TRUE(validatePlan(planBytes(plan), limits).ok());
  twice(plan)[1] = constant(1'000'000'000'000'000'000);
  EXPECT_FALSE(validatePlan(planBytes(plan), limits).ok());
}

TEST(PlanValidationTest, RefusesWrongMemory) {
  expectRefused({
      {[](auto &p) { entry(p, MakeArena).AsArena()->bytes_per_unit = int64_t(1) << 55; },
       "arena 'rows' of 1 to 40 units of 36028797018963968 bytes"},
      {[](auto &p) { entry(p, MakeArena).AsArena()->bytes_per_unit = -1; }, "units of -1 bytes"},
      {[](auto &p) { twice(p)[1] = constant(-2); }, "arena 'rows' of -80 to -2 units"},
      {[](auto &p) { entry(p, MakeView).AsView()->offset = -64; }, "bytes at -64"},
      {[](auto &p) { entry(p, MakeView).AsView()->offset = 32; }, "bytes at 32"},
      {[](auto &p) { entry(p, MakeView).AsView()->offset = 192; }, "at 192 of the arena's 128"},
      {[](auto &p) { entry(p, MakeView).AsView()->row_bytes = 65; }, "a view of 65 bytes at 64"},
      {[](auto &p) { entry(p, MakeView).AsView()->row_bytes = -1; }, "a view of -1 bytes"},
      {[](auto &p) { entry(p, MakeView).AsView()->dtype = fb::DType(10); }, "element type 10"},
      {[](auto &p) { p.kernels[2]->scratch_bytes = -1; }, "kernel 'add_one': scratch memory of -1"},
      {[](auto &p) { p.kernels[2]->scratch_bytes = int64_t(1) << 31; }, "scratch memory of 2147"},
      {[](auto &p) { p.kernels[2]->index_args[1] = 2; }, "an argument of kind 2"},
      {[](auto &p) { p.kernels[2]->symbol = ""; }, "no symbol"},
  });
}

TEST(PlanValidationTest, RefusesWrongWindows) {
  expectRefused({
      {[](auto &p) { entry(p, MakePartition).AsPartition()->window.reset(); }, "no window"},
      {[](auto &p) { window(p) = {}; }, "an impossible window: start 0, count 0, period 0"},
      {[](auto &p) { window(p) = fixedWindow(16, 6, 16); }, "start 16, count 6, period 16"},
      {[](auto &p) { window(p) = fixedWindow(-1, 6, 16); }, "start -1"},
      {[](auto &p) { window(p) = fixedWindow(0, 17, 16); }, "count 17"},
      {[](auto &p) { window(p) = fixedWindow(0, -1, 16); }, "count -1"},
      {[](auto &p) { window(p) = fixedWindow(0, 1, int64_t(1) << 31); }, "period 2147483648"},
      {[](auto &p) { window(p) = {0, 1, 16, 0, 0, true, false, false}; }, "an impossible window"},
      {[](auto &p) { window(p) = {0, 1, 16, 0, 0, false, true, false}; }, "an impossible window"},
      {[](auto &p) { window(p) = {0, 1, 16, 0, 2, false, false, false}; }, "fraction 0/2"},
      {[](auto &p) { window(p) = windowByCall(true, false, 3, 2); }, "fraction 3/2"},
      {[](auto &p) { window(p) = windowByCall(true, false, -1, 2); }, "fraction -1/2"},
      {[](auto &p) { window(p) = windowByCall(true, false, 0, 0); }, "fraction 0/0"},
  });
}

TEST(PlanValidationTest, ChecksLastRows) {
  auto planWith = [](uint32_t select, bool hasWindow) {
    fb::PlanT plan = testPlan();
    fb::LastRowsT rows;
    rows.begin = 1;
    rows.length = 2;
    rows.select = select;
    if (hasWindow)
      rows.window = std::make_unique<fb::Window>(fixedWindow(16, 6, 16));
    auto &commands = plan.procedures[1]->commands; // defines index 9 to 12, memory 14 to 19
    commands.push_back(command(std::move(rows)));
    commands.push_back(command(tap("last", 12, 19, 1)));
    return planBytes(plan);
  };
  Status status = validatePlan(planWith(4, false), limits);
  EXPECT_TRUE(status.ok()) << status.message();
  expectError(validatePlan(planWith(14, false), limits), StatusCode::InvalidInput,
              "(LastRows): memory value 14 of 14");
  expectError(validatePlan(planWith(4, true), limits), StatusCode::InvalidInput,
              "an impossible window");
}

TEST(PlanValidationTest, ChecksStepsAndStates) {
  auto planWith = [](void (*change)(fb::PlanT &)) {
    fb::PlanT plan = testPlan();
    addTestStep(plan, std::make_unique<fb::Window>(fixedWindow(13, 6, 16)));
    change(plan);
    return validatePlan(planBytes(plan), limits);
  };
  Status status = planWith([](fb::PlanT &) {});
  EXPECT_TRUE(status.ok()) << status.message();
  auto refused = [&](void (*change)(fb::PlanT &), const char *message) {
    expectError(planWith(change), StatusCode::InvalidInput, message);
  };
  refused([](fb::PlanT &p) { p.step = 3; }, "step 3 of 3 procedures");
  refused([](fb::PlanT &p) { p.step = -2; }, "step 4294967294 of 3 procedures");
  refused([](fb::PlanT &p) { p.step = 1; },
          "the step takes 5 index and 7 memory arguments, not 6 and 10");
  refused([](fb::PlanT &p) { p.states.clear(); }, "(GetState): state 0 of 0");
  refused([](fb::PlanT &p) { p.states[0]->row_bytes = 0; }, "state 'blocks.0.kv': rows of 0 bytes");
  refused([](fb::PlanT &p) { p.states[0]->kind = fb::StateKind(7); }, "unknown kind");
  refused([](fb::PlanT &p) { p.states[0]->kind = fb::StateKind::Scan; }, "a state without tokens");
  refused([](fb::PlanT &p) { *p.states[0]->window = windowByCall(true, false, 1, 2); },
          "a window that follows the call");
  refused([](fb::PlanT &p) { p.procedures[2]->commands[1].AsCacheRows()->slots = 11; },
          "(CacheRows): memory value 11 of 11");
  refused(
      [](fb::PlanT &p) {
        *p.procedures[2]->commands[1].AsCacheRows()->window = windowByCall(true, false, 1, 2);
      },
      "of rows that outlive it");
}

TEST(PlanValidationTest, RefusesWrongStreams) {
  expectRefused({
      {[](auto &p) { embed(p).stream = 1; }, "stream 1 is not running"},
      {[](auto &p) { embed(p).stream = 8; }, "stream 8 is not running"},
      {[](auto &p) { entry(p, Negate).AsLaunch()->stream = 2; }, "stream 2 is not running"},
      {[](auto &p) { embed(p).branch = fb::Branch(4); }, "unknown branch 4"},
      {[](auto &p) { entry(p, Fork).AsFork()->streams = {1, 1}; }, "stream 1 cannot start"},
      {[](auto &p) { entry(p, Fork).AsFork()->streams = {1, 8}; }, "stream 8 cannot start"},
      {[](auto &p) { entry(p, Join).AsJoin()->streams = {2}; }, "stream 2 is not running"},
      {[](auto &p) { entry(p, Join).AsJoin()->streams = {1, 1}; }, "stream 1 is not running"},
      {[](auto &p) { entry(p, Join).AsJoin()->streams = {0}; }, "calls while streams are forked"},
      {[](auto &p) { p.procedures[1]->commands.resize(Join); },
       "it ends with streams that were not joined"},
  });
}

TEST(PlanValidationTest, RefusesTapsThatOverlap) {
  fb::PlanT plan = testPlan();
  entry(plan, TapBlocks).AsTap()->row_bytes = 32;
  EXPECT_TRUE(validatePlan(planBytes(plan), limits).ok());
  entry(plan, TapBlocks).AsTap()->row_bytes = 12;
  expectError(validatePlan(planBytes(plan), limits), StatusCode::InvalidInput,
              "tap 'blocks' of rows of 16 bytes, 12 bytes apart");
}

} // namespace
