//===- AssignBuffers.cpp - A place in an arena for every buffer -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Plan/IR/PlanOps.h"
#include "flowhn/Dialect/Plan/Transforms/Passes.h"
#include "flowhn/Dialect/Plan/Transforms/Placement.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallSet.h"

namespace mlir::plan {
#define GEN_PASS_DEF_ASSIGNBUFFERSPASS
#include "flowhn/Dialect/Plan/Transforms/Passes.h.inc"
} // namespace mlir::plan

using namespace mlir;
using namespace mlir::plan;

namespace {

/// Ops between a fork and its join, where streams run side by side and the order of
/// the program says nothing about launches of different streams.
struct Section {
  int64_t fork;
  int64_t join;
};

/// The points of a procedure: its ops, in order.
class Timeline {
public:
  explicit Timeline(Block &block) {
    int64_t point = 0;
    for (Operation &op : block) {
      points[&op] = point;
      if (isa<ForkOp>(op))
        sections.push_back({point, std::numeric_limits<int64_t>::max()});
      else if (isa<JoinOp>(op) && !sections.empty())
        sections.back().join = point;
      ++point;
    }
  }

  int64_t point(Operation *op) const { return points.at(op); }

  /// The section that `point` lies in, or null. Sections do not overlap.
  const Section *sectionAt(int64_t point) const {
    auto it = llvm::upper_bound(sections, point,
                                [](int64_t value, const Section &section) { return value < section.fork; });
    if (it == sections.begin())
      return nullptr;
    const Section &section = *std::prev(it);
    return point < section.join ? &section : nullptr;
  }

private:
  DenseMap<Operation *, int64_t> points;
  SmallVector<Section> sections;
};

/// Buffers that may share memory: of one arena, in multiples of one number of units.
using ArenaKey = std::pair<StringAttr, Value>;

/// Streams that touch an arena inside a section.
using SectionStreams = DenseMap<std::pair<StringAttr, const Section *>, llvm::SmallSet<int64_t, 2>>;

} // namespace

static SectionStreams collectStreams(ArrayRef<AllocOp> allocs, const Timeline &timeline) {
  SectionStreams streams;
  for (AllocOp alloc : allocs)
    for (Operation *user : alloc->getUsers())
      if (const Section *section = timeline.sectionAt(timeline.point(user))) {
        auto launch = dyn_cast<LaunchOp>(user);
        streams[{alloc.getArenaAttr(), section}].insert(launch ? int64_t(launch.getStream()) : -1);
      }
  return streams;
}

/// The points at which a buffer holds something. Where several streams use an arena
/// inside a section, a use anywhere in it is a use throughout.
static Lifetime computeLifetime(AllocOp alloc, const Timeline &timeline, const SectionStreams &streams) {
  int64_t start = timeline.point(alloc);
  Lifetime lifetime{std::numeric_limits<int64_t>::max(), start, 0};
  for (Operation *user : alloc->getUsers()) {
    int64_t first = timeline.point(user), last = first;
    const Section *section = timeline.sectionAt(first);
    if (section && streams.at({alloc.getArenaAttr(), section}).size() > 1) {
      first = section->fork;
      last = section->join;
    }
    lifetime.first = std::min(lifetime.first, first);
    lifetime.last = std::max(lifetime.last, last);
  }
  lifetime.first = std::min(lifetime.first, lifetime.last);
  lifetime.size = llvm::alignTo(*getRowBytes(cast<MemRefType>(alloc.getResult().getType())), bufferAlignment);
  return lifetime;
}

/// Replaces buffers of one arena by views of it.
static void placeInArena(ArenaKey key, ArrayRef<AllocOp> allocs, const Timeline &timeline,
                         const SectionStreams &streams) {
  Placement placement = placeBuffers(llvm::map_to_vector(
      allocs, [&](AllocOp alloc) { return computeLifetime(alloc, timeline, streams); }));
  OpBuilder builder(allocs.front());
  auto arena = ArenaOp::create(builder, allocs.front().getLoc(), ArenaType::get(builder.getContext()), key.first,
                               key.second, builder.getI64IntegerAttr(placement.size));
  for (auto [alloc, offset] : llvm::zip_equal(allocs, placement.offsets)) {
    builder.setInsertionPoint(alloc);
    Value view = ViewOp::create(builder, alloc.getLoc(), alloc.getResult().getType(), arena,
                                builder.getI64IntegerAttr(offset));
    alloc.getResult().replaceAllUsesWith(view);
    alloc.erase();
  }
}

static LogicalResult assignBuffers(func::FuncOp procedure) {
  if (procedure.isExternal())
    return success();
  llvm::MapVector<ArenaKey, SmallVector<AllocOp>> arenas;
  SmallVector<AllocOp> allocs;
  Block &block = procedure.getBody().front();
  WalkResult result = procedure.walk([&](AllocOp alloc) {
    if (alloc->getBlock() != &block) {
      alloc.emitOpError("lies in a nested region, and procedures are straight lines");
      return WalkResult::interrupt();
    }
    if (!getRowBytes(cast<MemRefType>(alloc.getResult().getType()))) {
      alloc.emitOpError("needs rows of a static number of bytes, got ") << alloc.getResult().getType();
      return WalkResult::interrupt();
    }
    allocs.push_back(alloc);
    arenas[{alloc.getArenaAttr(), alloc.getUnits()}].push_back(alloc);
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  Timeline timeline(block);
  SectionStreams streams = collectStreams(allocs, timeline);
  for (auto &[key, members] : arenas)
    placeInArena(key, members, timeline, streams);
  return success();
}

namespace {
struct AssignBuffersPass : plan::impl::AssignBuffersPassBase<AssignBuffersPass> {
  void runOnOperation() override {
    for (auto procedure : getOperation().getOps<func::FuncOp>())
      if (failed(assignBuffers(procedure)))
        return signalPassFailure();
  }
};
} // namespace
