//===- AssignBuffersTest.cpp - Buffers that live together never overlap ---===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "flowhn/Dialect/Plan/IR/PlanOps.h"
#include "flowhn/Dialect/Plan/Transforms/Passes.h"
#include "flowhn/Dialect/Plan/Transforms/Placement.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <random>

using namespace mlir;
using namespace mlir::plan;

//===----------------------------------------------------------------------===//
// Placement of lifetimes
//===----------------------------------------------------------------------===//

static bool overlaps(int64_t a, int64_t aSize, int64_t b, int64_t bSize) {
  return a < b + bSize && b < a + aSize;
}

static std::vector<Lifetime> drawLifetimes(std::mt19937 &random, bool areAlike) {
  std::vector<Lifetime> lifetimes(random() % 60);
  for (Lifetime &lifetime : lifetimes) {
    lifetime.first = random() % 40;
    lifetime.last = lifetime.first + random() % 12;
    lifetime.size = areAlike ? 64 : 64 * (1 + random() % 9);
  }
  return lifetimes;
}

/// The most bytes alive at one point: no placement takes less.
static int64_t mostAlive(const std::vector<Lifetime> &lifetimes) {
  int64_t most = 0;
  for (int64_t point = 0; point < 64; ++point) {
    int64_t alive = 0;
    for (const Lifetime &lifetime : lifetimes)
      if (lifetime.first <= point && point <= lifetime.last)
        alive += lifetime.size;
    most = std::max(most, alive);
  }
  return most;
}

TEST(PlaceBuffers, NeverOverlapsWhatLivesTogether) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<Lifetime> lifetimes = drawLifetimes(random, /*areAlike=*/false);
    Placement placement = placeBuffers(lifetimes);
    for (size_t a = 0; a < lifetimes.size(); ++a) {
      EXPECT_LE(placement.offsets[a] + lifetimes[a].size, placement.size);
      for (size_t b = 0; b < a; ++b) {
        bool meet =
            lifetimes[a].first <= lifetimes[b].last && lifetimes[b].first <= lifetimes[a].last;
        EXPECT_FALSE(meet && overlaps(placement.offsets[a], lifetimes[a].size, placement.offsets[b],
                                      lifetimes[b].size))
            << "round " << round << ", buffers " << a << " and " << b;
      }
    }
    EXPECT_GE(placement.size, mostAlive(lifetimes));
  }
}

TEST(PlaceBuffers, IsOptimalForBuffersOfOneSize) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> lifetimes = drawLifetimes(random, /*areAlike=*/true);
    EXPECT_EQ(placeBuffers(lifetimes).size, mostAlive(lifetimes)) << "round " << round;
  }
}

//===----------------------------------------------------------------------===//
// Programs with streams
//===----------------------------------------------------------------------===//

namespace {

/// A program: launches that touch two of its buffers each, some between forks and
/// joins, on any of three streams.
class RandomProgram {
public:
  explicit RandomProgram(std::mt19937 &random) : random(random) {
    text = R"mlir(
      module @kernels {
        func.func @touch(%rows: index, %x: memref<?x16xf32>, %y: memref<?x16xf32>)
            attributes {kern.kernel} { return }
      }
      func.func @program(%rows: index) {)mlir";
    numBuffers = 2 + random() % 10;
    for (unsigned buffer = 0; buffer < numBuffers; ++buffer)
      text += "%b" + std::to_string(buffer) + " = plan.alloc %rows in \"" +
              (random() % 3 == 0 ? "branch" : "shared") + "\" : memref<?x16xf32>\n";
    for (unsigned part = 1 + random() % 4; part > 0; --part) {
      addLaunches(1);
      text += "plan.fork [0, 1, 2]\n";
      addLaunches(3);
      text += "plan.join [0, 1, 2]\n";
    }
    addLaunches(1);
    text += "return }";
  }

  std::string text;

private:
  void addLaunches(unsigned numStreams) {
    for (unsigned i = random() % 7; i > 0; --i)
      text += "plan.launch @kernels::@touch(%rows, %b" + std::to_string(random() % numBuffers) +
              ", %b" + std::to_string(random() % numBuffers) + ") stream " +
              std::to_string(random() % numStreams) +
              " : index, memref<?x16xf32>, memref<?x16xf32>\n";
  }

  std::mt19937 &random;
  unsigned numBuffers;
};

/// One launch: when it runs, as far as that is known.
struct KernelRun {
  int64_t section; ///< counts forks and joins before it
  int64_t position;
  int64_t stream;

  bool isBefore(const KernelRun &other) const {
    if (section != other.section)
      return section < other.section;
    return stream == other.stream && position < other.position;
  }
};

} // namespace

/// The launches that touch each view.
static DenseMap<Operation *, std::vector<KernelRun>> collectRuns(func::FuncOp program) {
  DenseMap<Operation *, std::vector<KernelRun>> runs;
  int64_t section = 0, position = 0;
  for (Operation &op : program.getBody().front()) {
    ++position;
    if (isa<ForkOp, JoinOp>(op))
      ++section;
    if (auto launch = dyn_cast<LaunchOp>(op))
      for (Value operand : launch.getOperands())
        if (auto view = operand.getDefiningOp<ViewOp>())
          runs[view].push_back({section, position, int64_t(launch.getStream())});
  }
  return runs;
}

static bool allBefore(const std::vector<KernelRun> &first, const std::vector<KernelRun> &then) {
  for (const KernelRun &a : first)
    for (const KernelRun &b : then)
      if (!a.isBefore(b))
        return false;
  return true;
}

TEST(AssignBuffers, SharesMemoryOnlyBetweenOrderedUses) {
  MLIRContext context;
  context.loadDialect<func::FuncDialect, kern::KernDialect, PlanDialect>();
  std::mt19937 random(3);
  int64_t numShared = 0;
  for (int round = 0; round < 300; ++round) {
    std::string text = RandomProgram(random).text;
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    PassManager passes(&context);
    passes.addPass(createAssignBuffersPass());
    ASSERT_TRUE(succeeded(passes.run(*module))) << text;

    auto program = module->lookupSymbol<func::FuncOp>("program");
    EXPECT_TRUE(program.getOps<AllocOp>().empty());
    DenseMap<Operation *, std::vector<KernelRun>> runs = collectRuns(program);
    auto views = llvm::to_vector(program.getOps<ViewOp>());
    for (size_t a = 0; a < views.size(); ++a)
      for (size_t b = 0; b < a; ++b) {
        if (views[a].getArena() != views[b].getArena() ||
            !overlaps(views[a].getOffset(), 64, views[b].getOffset(), 64))
          continue;
        ++numShared;
        EXPECT_TRUE(allBefore(runs[views[a]], runs[views[b]]) ||
                    allBefore(runs[views[b]], runs[views[a]]))
            << "round " << round << ", buffers " << a << " and " << b << text;
      }
  }
  EXPECT_GT(numShared, 100) << "the programs are too simple to share anything";
}
