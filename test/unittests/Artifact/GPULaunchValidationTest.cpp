//===- GPULaunchValidationTest.cpp - Checks of the launches on a GPU ------===//
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
void setClusters(fb::GPULaunchT &launch, uint32_t blocks, int64_t grid, int64_t most) {
  launch.cluster_blocks = blocks;
  launch.cluster_grid = grid;
  launch.max_blocks = most;
}
fb::TensorMapT &tensorMap(fb::PlanT &plan) { return *gpu(plan).tensor_maps[0]; }

TEST(GPULaunchValidationTest, TakesGPUsForGPUsOnly) {
  Status status = validatePlan(planBytes(gpuPlan()), limits, "nvptx");
  EXPECT_TRUE(status.ok()) << status.message();
  expectError(validatePlan(planBytes(gpuPlan()), limits), StatusCode::InvalidInput,
              "kernel 'embed': a GPU launch, the target is a CPU");
  fb::PlanT plan = gpuPlan();
  plan.kernels[1]->gpu.reset();
  expectError(validatePlan(planBytes(plan), limits, "nvptx"), StatusCode::InvalidInput,
              "kernel 'doubled': no GPU launch, the target needs one");
}

TEST(GPULaunchValidationTest, RefusesWrongGPULaunches) {
  for (const Mutation &c : std::initializer_list<Mutation>{
           {[](auto &p) { gpu(p).threads = 0; }, "kernel 'embed': 0 threads, it must be 1 to 1024"},
           {[](auto &p) { gpu(p).threads = 1025; }, "1025 threads"},
           {[](auto &p) { gpu(p).shared_bytes = (256 << 10) + 1; }, "shared memory of 262145"},
           {[](auto &p) { gpu(p).max_blocks = -1; }, "at most -1 blocks"},
           {[](auto &p) { setClusters(gpu(p), 9, 99, 9); },
            "clusters of 9 blocks, it must be 1 to 8"},
           {[](auto &p) { setClusters(gpu(p), 0, 4, 4); }, "clusters of 0 blocks"},
           {[](auto &p) { setClusters(gpu(p), 2, 9, 5); },
            "clusters of 2 blocks from 9 on, of which at most 5 are launched"},
           {[](auto &p) { setClusters(gpu(p), 2, 3, 4); }, "from 3 on, of which at most 4"},
           {[](auto &p) { setClusters(gpu(p), 2, 4, 0); }, "from 4 on, of which at most 0"},
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

TEST(GPULaunchValidationTest, SurvivesEveryDamageOfAGPUPlan) {
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

} // namespace
