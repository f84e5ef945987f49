//===- PlanValidationTest.cpp - Checks of a plan from a file --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../TestFiles.h"
#include "../TestPlan.h"
#include "flowhn/Artifact/Validate.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

constexpr ManifestLimits limits{4, 10}; // 40 tokens in all

// Places in testPlan.
enum EntryCommand {
  GetTable,
  GetHead,
  MakePartition,
  MakeArena,
  MakeView,
  Embed,
  Fork,
  Double,
  Negate,
  Join,
  TapBranches,
  FirstCall,
  SecondCall,
  TapBlocks,
  Head
};
enum BlockCommand { Twice, BlockArena, BlockView, AddOne };

fb::CommandUnion &entry(fb::PlanT &plan, EntryCommand i) { return plan.procedures[1]->commands[i]; }
fb::CommandUnion &block(fb::PlanT &plan, BlockCommand i) { return plan.procedures[0]->commands[i]; }
fb::LaunchT &embed(fb::PlanT &plan) { return *entry(plan, Embed).AsLaunch(); }
fb::Window &window(fb::PlanT &plan) { return *entry(plan, MakePartition).AsPartition()->window; }
fb::ParameterT &table(fb::PlanT &plan) { return *plan.parameters[0]; }
fb::ParameterT &head(fb::PlanT &plan) { return *plan.parameters[1]; }
std::vector<fb::Instruction> &twice(fb::PlanT &plan) {
  return block(plan, Twice).AsCompute()->expression;
}

struct Mutation {
  void (*change)(fb::PlanT &);
  const char *message;
};

void expectRefused(std::initializer_list<Mutation> cases) {
  for (const Mutation &c : cases) {
    SCOPED_TRACE(c.message);
    fb::PlanT plan = testPlan();
    c.change(plan);
    expectError(validatePlan(planBytes(plan), limits), StatusCode::InvalidInput, c.message);
  }
}

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

TEST(PlanValidationTest, RefusesWrongParameters) {
  expectRefused({
      {[](auto &p) { table(p).shape = {6, 5}; },
       "parameter 'table': shape [6, 5], its sources give [6, 4]"},
      {[](auto &p) { table(p).sources.clear(); }, "no sources"},
      {[](auto &p) { table(p).sources[0]->shape = {}; }, "extents must be positive"},
      {[](auto &p) { table(p).sources[0]->shape = {0, 4}; }, "extents must be positive"},
      {[](auto &p) { table(p).sources[0]->shape = {int64_t(1) << 40, int64_t(1) << 40}; },
       "is too large"},
      {[](auto &p) { table(p).sources[0]->dtype = fb::DType::I32; }, "must be F32, BF16 or F16"},
      {[](auto &p) { table(p).dtype = fb::DType(77); }, "element type 77"},
      {[](auto &p) { table(p).dtype = fb::DType::BF16; },
       "source 'table' is F32, which does not fit the parameter's BF16"},
      {[](auto &p) { table(p).layout = fb::Layout::Transposed; }, "its sources give [4, 6]"},
      {[](auto &p) { table(p).layout = fb::Layout(4); }, "unknown layout or transform"},
      {[](auto &p) { table(p).transform = fb::Transform(2); }, "unknown layout or transform"},
      {[](auto &p) { table(p).panel = 2; },
       "only the layouts panels and padded take panel and groups"},
      {[](auto &p) {
         table(p).sources[0]->dtype = table(p).dtype = fb::DType::BF16;
         table(p).transform = fb::Transform::NegExp;
       },
       "a transformed parameter must be F32, got BF16"},
      {[](auto &p) { head(p).panel = 0; }, "panels of 0 columns"},
      {[](auto &p) { head(p).groups = 4; }, "in 4 groups of 6 rows"},
      {[](auto &p) { head(p).groups = 0; }, "in 0 groups"},
      {[](auto &p) { head(p).groups = 2; }, "its sources give [1, 4, 8]"},
      {[](auto &p) { head(p).sources[0]->shape = {6}; }, "a vector has no panels"},
      {[](auto &p) {
         head(p).sources[0]->name = "table";
         head(p).sources[0]->shape = {5, 4};
       },
       "source 'table' has two shapes or types"},
      {[](auto &p) {
         head(p).sources.emplace_back(new fb::SourceT(*head(p).sources[0]));
         head(p).sources[1]->shape = {6, 3};
       },
       "has shape [6, 3], the first source has [6, 4]"},
  });
}

/// testPlan as a GPU could run it; the kernel of embed has a tensor map.
fb::PlanT gpuPlan() {
  fb::PlanT plan = testPlan();
  head(plan).layout = fb::Layout::Padded;
  head(plan).panel = 16;
  head(plan).shape = {6, 16};
  for (auto &kernel : plan.kernels) {
    kernel->gpu = std::make_unique<fb::GPULaunchT>();
    kernel->gpu->threads = 128;
  }
  auto map = std::make_unique<fb::TensorMapT>();
  map->argument = 2;
  map->dtype = fb::DType::BF16;
  map->columns = 64;
  map->rows = {value(0)};
  map->row_bytes = 128;
  map->box_columns = 64;
  map->box_rows = 256;
  map->swizzle = 128;
  plan.kernels[0]->gpu->tensor_maps.push_back(std::move(map));
  return plan;
}

fb::GPULaunchT &gpu(fb::PlanT &plan) { return *plan.kernels[0]->gpu; }
fb::TensorMapT &tensorMap(fb::PlanT &plan) { return *gpu(plan).tensor_maps[0]; }

TEST(PlanValidationTest, TakesGPUsForGPUsOnly) {
  Status status = validatePlan(planBytes(gpuPlan()), limits, "nvptx");
  EXPECT_TRUE(status.ok()) << status.message();
  expectError(validatePlan(planBytes(gpuPlan()), limits), StatusCode::InvalidInput,
              "kernel 'embed': a GPU launch, the target is a CPU");
  fb::PlanT plan = gpuPlan();
  plan.kernels[1]->gpu.reset();
  expectError(validatePlan(planBytes(plan), limits, "nvptx"), StatusCode::InvalidInput,
              "kernel 'doubled': no GPU launch, the target needs one");
}

TEST(PlanValidationTest, RefusesWrongGPULaunches) {
  for (const Mutation &c : std::initializer_list<Mutation>{
           {[](auto &p) { gpu(p).threads = 0; }, "kernel 'embed': 0 threads, it must be 1 to 1024"},
           {[](auto &p) { gpu(p).threads = 1025; }, "1025 threads"},
           {[](auto &p) { gpu(p).shared_bytes = (256 << 10) + 1; }, "shared memory of 262145"},
           {[](auto &p) { gpu(p).max_blocks = -1; }, "at most -1 blocks"},
           {[](auto &p) { gpu(p).grid_y = {value(1)}; }, "index value 1 of 1"},
           {[](auto &p) {
              gpu(p).grid_z = {value(0), constant(int64_t(1) << 60), apply(fb::Opcode::Mul)};
            },
            "command 5 (Launch): an index expression overflows"},
           {[](auto &p) {
              for (int i = 0; i < 40; ++i)
                gpu(p).tensor_maps.emplace_back(new fb::TensorMapT(tensorMap(p)));
            },
            "4 arguments and 41 tensor maps, more than 4096 bytes"},
           {[](auto &p) { tensorMap(p).argument = 0; }, "tensor map 0: argument 0 is not a buffer"},
           {[](auto &p) { tensorMap(p).argument = 4; }, "argument 4 is not a buffer"},
           {[](auto &p) { tensorMap(p).dtype = fb::DType::I64; }, "element type 5"},
           {[](auto &p) { tensorMap(p).box_rows = 257; }, "a box of 257 rows of 64 columns"},
           {[](auto &p) { tensorMap(p).box_columns = 0; }, "a box of 256 rows of 0 columns"},
           {[](auto &p) { tensorMap(p).box_columns = 65; }, "rows of a box of 130 bytes"},
           {[](auto &p) { tensorMap(p).box_columns = 128; }, "of 256 bytes with swizzle 128"},
           {[](auto &p) { tensorMap(p).swizzle = 64; }, "swizzle 64, it must be 0 or 128"},
           {[](auto &p) { tensorMap(p).columns = 0; }, "0 columns"},
           {[](auto &p) { tensorMap(p).columns = int64_t(1) << 32; }, "4294967296 columns"},
           {[](auto &p) { tensorMap(p).row_bytes = 8; }, "rows 8 bytes apart"},
           {[](auto &p) { tensorMap(p).row_bytes = int64_t(1) << 40; }, "1099511627776 bytes"},
           {[](auto &p) { tensorMap(p).rows = {value(0), value(0)}; },
            "tensor map 0: an expression with 2 results"},
           {[](auto &p) {
              tensorMap(p).rows = {value(0), constant(int64_t(1) << 30), apply(fb::Opcode::Mul)};
            },
            "tensor map 0: up to 42949672960 rows, at most 4294967295"},
           {[](auto &p) {
              head(p).layout = fb::Layout::Panels;
              head(p).panel = 4;
              head(p).shape = {2, 4, 4};
            },
            "parameter 'head': a GPU reads no panels"},
       }) {
    SCOPED_TRACE(c.message);
    fb::PlanT plan = gpuPlan();
    c.change(plan);
    expectError(validatePlan(planBytes(plan), limits, "nvptx"), StatusCode::InvalidInput,
                c.message);
  }
}

TEST(PlanValidationTest, SurvivesEveryDamageOfAGPUPlan) {
  std::vector<std::byte> bytes = planBytes(gpuPlan());
  size_t refused = 0;
  for (std::byte &byte : bytes)
    for (unsigned mask : {0x01, 0x04, 0x7f, 0x80, 0xff}) {
      byte ^= std::byte(mask);
      refused += !validatePlan(bytes, limits, "nvptx").ok();
      byte ^= std::byte(mask);
    }
  EXPECT_GT(refused, bytes.size());
}

TEST(PlanValidationTest, TakesPaddedAndRoundedParameters) {
  fb::PlanT plan = testPlan();
  head(plan).layout = fb::Layout::Padded;
  head(plan).panel = 3;
  head(plan).shape = {6, 6};
  head(plan).dtype = fb::DType::BF16;
  head(plan).rounds = true;
  EXPECT_TRUE(validatePlan(planBytes(plan), limits).ok());
  auto refused = [&](auto change, const char *message) {
    fb::PlanT changed = plan;
    change(head(changed));
    expectError(validatePlan(planBytes(changed), limits), StatusCode::InvalidInput, message);
  };
  refused([](auto &p) { p.shape = {6, 4}; }, "shape [6, 4], its sources give [6, 6]");
  refused([](auto &p) { p.panel = 0; }, "rows padded to 0 columns in 1 groups");
  refused([](auto &p) { p.groups = 2; }, "rows padded to 3 columns in 2 groups");
  refused([](auto &p) { p.sources[0]->shape = {6}; }, "a vector is not padded");
  refused([](auto &p) { p.rounds = false; }, "does not fit the parameter's BF16");
  refused([](auto &p) { p.dtype = fb::DType::F32; },
          "a rounded parameter must be BF16 or F16, got F32");
}

TEST(PlanValidationTest, TakesColumnScales) {
  fb::PlanT plan = testPlan();
  head(plan).column_scale = std::make_unique<fb::SourceT>();
  head(plan).column_scale->name = "norm";
  head(plan).column_scale->shape = {4};
  EXPECT_TRUE(validatePlan(planBytes(plan), limits).ok());
  auto refused = [&](auto change, const char *message) {
    fb::PlanT changed = plan;
    change(head(changed));
    expectError(validatePlan(planBytes(changed), limits), StatusCode::InvalidInput, message);
  };
  refused([](auto &p) { p.column_scale->shape = {6}; },
          "column scale 'norm' has shape [6], the matrix has 4 columns");
  refused([](auto &p) { p.column_scale->shape = {1, 4}; }, "has shape [1, 4]");
  refused([](auto &p) { p.column_scale->shape = {0}; }, "extents must be positive");
  refused([](auto &p) { p.column_scale->dtype = fb::DType::I8; }, "must be F32, BF16 or F16");
  refused([](auto &p) { p.column_scale->name = "table"; }, "has two shapes or types");
  refused([](auto &p) { p.dtype = p.sources[0]->dtype = fb::DType::BF16; },
          "column scale 'norm' makes F32, which does not fit the parameter's BF16");
  refused([](auto &p) { p.sources[0]->shape = {6}; }, "on a vector, or on a transposed");
  refused([](auto &p) { p.layout = fb::Layout::Transposed; }, "on a vector, or on a transposed");
  refused([](auto &p) { p.transform = fb::Transform::NegExp; }, "or transformed matrix");
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
