//===- SerializePlanTest.cpp - The plan as bytes, read back ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Artifact/Plan_generated.h"
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "flowhn/Dialect/Plan/IR/PlanOps.h"
#include "flowhn/Dialect/Plan/Serialize.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
namespace fb = ::flowhn::fb;

namespace {

constexpr llvm::StringLiteral program = R"mlir(
  plan.parameter @w : memref<2x4x8xf32>
      from [#plan.source<"gate" : tensor<5x4xbf16>>, #plan.source<"up" : tensor<5x4xbf16>>]
      as panels {panel = 4, groups = 2}
  plan.parameter @a : memref<16x6xf32> from [#plan.source<"A_log" : tensor<6x16xf32>>]
      as transposed {transform = #plan<transform neg_exp>}
  plan.parameter @s : memref<6x4xbf16> from [#plan.source<"proj" : tensor<6x4xf32>>]
      as row_major {column_scale = #plan.source<"norm" : tensor<4xbf16>>, rounds}
  module @kernels {
    func.func @mix(%batch: index, %rows: index, %x: memref<?x4xf32>, %w: memref<2x4x8xf32>,
                   %item: index, %scratch: memref<?xi8>)
        attributes {kern.kernel, kern.grid = affine_map<(d0)[s0] -> (d0 * (s0 ceildiv 8))>,
                    kern.scratch_bytes = 4096 : i64, kern.op = "kern.matmul", kern.sizes = array<i64: 10, 4>,
                    kern.config = {rows = 8 : i64, stages = 2 : i64}, kern.code = "all", kern.tuning_key = "matmul 10x4",
                    kern.flops = [array<i64: 3, 1, 2>, array<i64: 5, 0, 0>]} {
      return
    }
  }
  // The callee comes last here and first in the bytes.
  func.func @forward(%batch: index, %rows: index, %begin: memref<?xi32>, %length: memref<?xi32>)
      attributes {plan.entry} {
    %half = affine.apply affine_map<(d0)[s0] -> (d0 floordiv 2 + s0 * 3)>(%rows)[%batch]
    %p:8 = plan.partition <start = 2, count = 3, period = 8> at(%begin, %length)
    %l:10 = plan.last_rows <all> at(%begin, %length) select(%length)
    %arena = plan.arena "shared" units(%half) bytes_per_unit 128
    %view = plan.view %arena at 64 : memref<?x4xf32>
    plan.tap "hidden.0" rows(%p#4) %view width 4 : memref<?x4xf32>
    func.call @block(%batch, %p#4, %view)
        {flowhn.index = 7 : i64,
         flowhn.times = #flowhn.times<schedule = grouped, batch = 8, tokens = 7, attention = 1,
                                      ssm = 2, joint = 3, serial = 6, streams = 5, grouped = 4>}
        : (index, index, memref<?x4xf32>) -> ()
    return
  }
  func.func private @block(%batch: index, %rows: index, %x: memref<?x4xf32>) {
    %w = plan.get_parameter @w : memref<2x4x8xf32>
    plan.fork [0, 1]
    plan.launch @kernels::@mix(%batch, %rows, %x, %w) stream 1 branch<ssm> block 3
        : index, index, memref<?x4xf32>, memref<2x4x8xf32>
    plan.join [0, 1]
    plan.launch @kernels::@mix(%batch, %rows, %x, %w) stream 0 branch<attention|ssm>
        : index, index, memref<?x4xf32>, memref<2x4x8xf32>
    return
  }
)mlir";

class SerializePlan : public ::testing::Test {
protected:
  SerializePlan() {
    context.loadDialect<affine::AffineDialect, arith::ArithDialect, func::FuncDialect,
                        ::mlir::flowhn::FlowHNDialect, kern::KernDialect, plan::PlanDialect>();
  }

  OwningOpRef<ModuleOp> parse(StringRef text) {
    return parseSourceString<ModuleOp>(text, &context);
  }

  /// The plan of `program`, read back.
  std::unique_ptr<fb::PlanT> roundTrip() {
    OwningOpRef<ModuleOp> module = parse(program);
    auto bytes = plan::serializePlan(*module);
    EXPECT_TRUE(bytes.ok()) << bytes.status().message();
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size());
    EXPECT_TRUE(fb::VerifyPlanBuffer(verifier));
    return fb::UnPackPlan(bytes->data());
  }

  MLIRContext context;
};

using Steps = std::vector<std::pair<fb::Opcode, int64_t>>;

Steps steps(const std::vector<fb::Instruction> &expression) {
  Steps result;
  for (const fb::Instruction &step : expression)
    result.emplace_back(step.op(), step.operand());
  return result;
}

} // namespace

TEST_F(SerializePlan, Parameters) {
  auto plan = roundTrip();
  ASSERT_EQ(plan->parameters.size(), 3u);
  const fb::ParameterT &w = *plan->parameters[0], &a = *plan->parameters[1];
  const fb::ParameterT &s = *plan->parameters[2];
  EXPECT_EQ(w.name, "w");
  EXPECT_EQ(w.layout, fb::Layout::Panels);
  EXPECT_EQ(w.panel, 4);
  EXPECT_EQ(w.groups, 2);
  EXPECT_EQ(w.transform, fb::Transform::None);
  EXPECT_EQ(w.dtype, fb::DType::F32);
  EXPECT_EQ(w.shape, (std::vector<int64_t>{2, 4, 8}));
  ASSERT_EQ(w.sources.size(), 2u);
  EXPECT_EQ(w.sources[1]->name, "up");
  EXPECT_EQ(w.sources[1]->dtype, fb::DType::BF16);
  EXPECT_EQ(w.sources[1]->shape, (std::vector<int64_t>{5, 4}));
  EXPECT_EQ(a.layout, fb::Layout::Transposed);
  EXPECT_EQ(a.transform, fb::Transform::NegExp);
  EXPECT_FALSE(a.column_scale);
  EXPECT_TRUE(s.rounds);
  ASSERT_TRUE(s.column_scale);
  EXPECT_EQ(s.column_scale->name, "norm");
  EXPECT_EQ(s.column_scale->dtype, fb::DType::BF16);
  EXPECT_EQ(s.column_scale->shape, (std::vector<int64_t>{4}));
}

TEST_F(SerializePlan, Kernels) {
  auto plan = roundTrip();
  ASSERT_EQ(plan->kernels.size(), 1u);
  const fb::KernelT &kernel = *plan->kernels[0];
  EXPECT_EQ(kernel.symbol, "mix");
  EXPECT_EQ(kernel.code, "all");
  EXPECT_EQ(kernel.op, "kern.matmul");
  EXPECT_EQ(kernel.index_args, (std::vector<uint8_t>{1, 1, 0, 0}));
  EXPECT_EQ(kernel.scratch_bytes, 4096);
  EXPECT_EQ(kernel.sizes, (std::vector<int64_t>{10, 4}));
  EXPECT_EQ(kernel.config, "rows=8 stages=2");
  EXPECT_EQ(kernel.tuning_key, "matmul 10x4");
  using enum fb::Opcode;
  EXPECT_EQ(steps(kernel.grid),
            (Steps{{Value, 0}, {Value, 1}, {Constant, 8}, {CeilDiv, 0}, {Mul, 0}}));
  EXPECT_EQ(steps(kernel.flops), (Steps{{Constant, 3},
                                        {Value, 0},
                                        {Mul, 0},
                                        {Value, 1},
                                        {Mul, 0},
                                        {Value, 1},
                                        {Mul, 0},
                                        {Constant, 5},
                                        {Add, 0}}));
  EXPECT_TRUE(kernel.bytes.empty());
}

TEST_F(SerializePlan, CalleesComeFirst) {
  auto plan = roundTrip();
  ASSERT_EQ(plan->procedures.size(), 2u);
  const fb::ProcedureT &block = *plan->procedures[0];
  EXPECT_EQ(block.name, "block");
  EXPECT_EQ(plan->entry, 1u);
  EXPECT_EQ(block.index_args, 2u);
  EXPECT_EQ(block.memory_args, 1u);
  ASSERT_EQ(block.commands.size(), 5u);
  EXPECT_EQ(block.commands[0].AsGetParameter()->parameter, 0u);
  EXPECT_EQ(block.commands[1].AsFork()->streams, (std::vector<uint32_t>{0, 1}));
  const fb::LaunchT &launch = *block.commands[2].AsLaunch();
  EXPECT_EQ(launch.stream, 1u);
  EXPECT_EQ(launch.branch, fb::Branch::SSM);
  EXPECT_EQ(launch.block, 3);
  // Index values 0 and 1; memory values: the argument, and the parameter behind it.
  EXPECT_EQ(launch.operands, (std::vector<uint32_t>{0, 1, 0, 1}));
  EXPECT_NE(block.commands[3].AsJoin(), nullptr);
  EXPECT_EQ(block.commands[4].AsLaunch()->branch, fb::Branch::Both);
}

TEST_F(SerializePlan, ValuesAreNumberedByKind) {
  auto plan = roundTrip();
  const fb::ProcedureT &forward = *plan->procedures[1];
  ASSERT_EQ(forward.commands.size(), 7u);
  using enum fb::Opcode;
  EXPECT_EQ(steps(forward.commands[0].AsCompute()->expression), (Steps{{Value, 1},
                                                                       {Constant, 2},
                                                                       {FloorDiv, 0},
                                                                       {Value, 0},
                                                                       {Constant, 3},
                                                                       {Mul, 0},
                                                                       {Add, 0}}));
  const fb::PartitionT &partition = *forward.commands[1].AsPartition();
  EXPECT_EQ(partition.begin, 0u);
  EXPECT_EQ(partition.length, 1u);
  EXPECT_EQ(partition.window->start(), 2);
  EXPECT_EQ(partition.window->count(), 3);
  EXPECT_EQ(partition.window->period(), 8);
  EXPECT_FALSE(partition.window->by_call());
  const fb::LastRowsT &last = *forward.commands[2].AsLastRows();
  EXPECT_EQ(last.begin, 0u);
  EXPECT_EQ(last.length, 1u);
  EXPECT_EQ(last.select, 1u);
  EXPECT_FALSE(last.window);
  const fb::ArenaT &arena = *forward.commands[3].AsArena();
  EXPECT_EQ(arena.units, 2u) << "the computed value comes behind the two arguments";
  EXPECT_EQ(arena.bytes_per_unit, 128);
  const fb::ViewT &view = *forward.commands[4].AsView();
  EXPECT_EQ(view.arena, 0u);
  EXPECT_EQ(view.offset, 64);
  EXPECT_EQ(view.row_bytes, 16);
  const fb::TapT &tap = *forward.commands[5].AsTap();
  EXPECT_EQ(tap.name, "hidden.0");
  EXPECT_EQ(tap.rows, 5u) << "3 + two results of the partition";
  EXPECT_EQ(tap.memory, 12u) << "two arguments and ten tables come before the view";
  EXPECT_EQ(tap.row_elements, 4);
  const fb::CallT &call = *forward.commands[6].AsCall();
  EXPECT_EQ(call.procedure, 0u);
  EXPECT_EQ(call.block, 7);
  EXPECT_EQ(call.index_operands, (std::vector<uint32_t>{0, 5}));
  EXPECT_EQ(call.memory_operands, (std::vector<uint32_t>{12}));
  ASSERT_TRUE(call.times);
  EXPECT_EQ(call.times->batch(), 8);
  EXPECT_EQ(call.times->tokens(), 7);
  EXPECT_EQ(call.times->attention(), 1);
  EXPECT_EQ(call.times->ssm(), 2);
  EXPECT_EQ(call.times->joint(), 3);
  EXPECT_EQ(call.times->serial(), 6);
  EXPECT_EQ(call.times->streams(), 5);
  EXPECT_EQ(call.times->grouped(), 4);
  EXPECT_EQ(call.times->schedule(), fb::Schedule::Grouped);
}

TEST_F(SerializePlan, TheSameModuleGivesTheSameBytes) {
  OwningOpRef<ModuleOp> first = parse(program), second = parse(program);
  EXPECT_EQ(*plan::serializePlan(*first), *plan::serializePlan(*second));
}

TEST_F(SerializePlan, RefusesWhatTheSchemaLacks) {
  struct Case {
    StringRef text, message;
  };
  for (const Case &refused :
       {Case{"module @kernels {} func.func @f(%i: index) attributes {plan.entry} {"
             "  %j = arith.addi %i, %i : index return }",
             "'arith.addi' op has no place in a serialised plan"},
        Case{"module @kernels { func.func @k() attributes {kern.kernel} { return } }"
             "func.func @f() attributes {plan.entry} { return }",
             "is not emitted yet"},
        Case{"module @kernels {}"
             "func.func private @f() { call @g() : () -> () return }"
             "func.func @g() attributes {plan.entry} { call @f() : () -> () return }",
             "or recursive"},
        Case{"module @kernels {} func.func @f() { return }", "plan.entry"}}) {
    std::string messages;
    ScopedDiagnosticHandler handler(&context,
                                    [&](Diagnostic &diagnostic) { messages += diagnostic.str(); });
    OwningOpRef<ModuleOp> module = parse(refused.text);
    ASSERT_TRUE(module) << refused.text.str();
    EXPECT_FALSE(plan::serializePlan(*module).ok());
    EXPECT_NE(messages.find(refused.message), std::string::npos) << messages;
  }
}

/// affine.max and affine.min join the results of their map, which may multiply symbols.
TEST_F(SerializePlan, ExtremaJoinTheirResults) {
  OwningOpRef<ModuleOp> module = parse(R"mlir(
    module @kernels {}
    func.func @forward(%batch: index, %rows: index) attributes {plan.entry} {
      %max = affine.max affine_map<()[s0, s1] -> (128, s0 * s1, s0)>()[%batch, %rows]
      %min = affine.min affine_map<(d0) -> (d0, 1)>(%max)
      return
    }
  )mlir");
  ASSERT_TRUE(module);
  auto bytes = plan::serializePlan(*module);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  auto plan = std::unique_ptr<fb::PlanT>(fb::UnPackPlan(bytes->data()));
  const fb::ProcedureT &forward = *plan->procedures.front();
  using enum fb::Opcode;
  EXPECT_EQ(
      steps(forward.commands[0].AsCompute()->expression),
      (Steps{{Constant, 128}, {Value, 0}, {Value, 1}, {Mul, 0}, {Max, 0}, {Value, 0}, {Max, 0}}));
  EXPECT_EQ(steps(forward.commands[1].AsCompute()->expression),
            (Steps{{Value, 2}, {Constant, 1}, {Min, 0}}));
}
