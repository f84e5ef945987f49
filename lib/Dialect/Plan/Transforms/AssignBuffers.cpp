//===- AssignBuffers.cpp - Buffers to places in arenas --------------------===//
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

namespace mlir::plan {
#define GEN_PASS_DEF_ASSIGNBUFFERSPASS
#include "flowhn/Dialect/Plan/Transforms/Passes.h.inc"
} // namespace mlir::plan

using namespace mlir;
using namespace mlir::plan;

namespace {

/// Buffers that may share memory: one arena name, one number of units.
using ArenaKey = std::pair<StringAttr, Value>;

/// From a fork to its join: what runs between them on different streams has no
/// order, whatever the program's is.
struct Section {
  int64_t first = 0;
  int64_t last = 0;
  /// Streams that touch an arena in the section.
  DenseMap<ArenaKey, llvm::SmallDenseSet<int64_t, 2>> streams;
};

/// The ops of one procedure, numbered, and its sections.
class Timeline {
public:
  static FailureOr<Timeline> create(func::FuncOp procedure);

  /// The positions that a buffer of `key` is live at.
  Lifetime getLifetime(AllocOp alloc) const;

private:
  LogicalResult addOp(Operation &op);
  LogicalResult addLaunch(LaunchOp launch);
  const Section *findSection(int64_t position) const;

  DenseMap<Operation *, int64_t> positions;
  SmallVector<Section> sections; ///< in program order
  bool isForked = false;
};

struct AssignBuffersPass : public plan::impl::AssignBuffersPassBase<AssignBuffersPass> {
  void runOnOperation() override;
};

} // namespace

static ArenaKey getKey(AllocOp alloc) { return {alloc.getArenaAttr(), alloc.getUnits()}; }

//===----------------------------------------------------------------------===//
// Lifetimes
//===----------------------------------------------------------------------===//

LogicalResult Timeline::addLaunch(LaunchOp launch) {
  int64_t stream = launch.getStream();
  if (!isForked && stream != 0)
    return launch.emitOpError("needs a plan.fork of stream ") << stream << " before it";
  if (!isForked)
    return success();
  for (Value operand : launch.getOperands())
    if (auto alloc = operand.getDefiningOp<AllocOp>())
      sections.back().streams[getKey(alloc)].insert(stream);
  return success();
}

LogicalResult Timeline::addOp(Operation &op) {
  int64_t position = positions.size();
  positions[&op] = position;
  if (auto launch = dyn_cast<LaunchOp>(op))
    return addLaunch(launch);
  if (isa<ForkOp>(op)) {
    if (isForked)
      return op.emitOpError("needs the plan.join of the fork before it");
    isForked = true;
    sections.emplace_back().first = position;
  } else if (isa<JoinOp>(op)) {
    if (!isForked)
      return op.emitOpError("needs a plan.fork before it");
    isForked = false;
    sections.back().last = position;
  } else if (isForked && isa<func::CallOp, TapOp>(op)) {
    return op.emitOpError("needs to come before the plan.fork or behind its plan.join");
  }
  return success();
}

FailureOr<Timeline> Timeline::create(func::FuncOp procedure) {
  Timeline timeline;
  for (Operation &op : procedure.getBody().front())
    if (failed(timeline.addOp(op)))
      return failure();
  if (timeline.isForked)
    return procedure.emitOpError("has a plan.fork without a plan.join");
  return timeline;
}

const Section *Timeline::findSection(int64_t position) const {
  auto behind = llvm::upper_bound(
      sections, position, [](int64_t at, const Section &section) { return at < section.first; });
  if (behind == sections.begin() || std::prev(behind)->last < position)
    return nullptr;
  return std::prev(behind);
}

Lifetime Timeline::getLifetime(AllocOp alloc) const {
  Lifetime lifetime{positions.at(alloc), positions.at(alloc), 0};
  bool isFirst = true;
  for (Operation *user : alloc->getUsers()) {
    int64_t first = positions.at(user), last = first;
    const Section *section = findSection(first);
    if (section && section->streams.lookup(getKey(alloc)).size() > 1) {
      first = section->first;
      last = section->last;
    }
    lifetime.first = isFirst ? first : std::min(lifetime.first, first);
    lifetime.last = isFirst ? last : std::max(lifetime.last, last);
    isFirst = false;
  }
  return lifetime;
}

//===----------------------------------------------------------------------===//
// Placement
//===----------------------------------------------------------------------===//

/// Places the buffers of one arena, which starts at the first of them: what is called before
/// does not lie on top of it.
static void placeInArena(ArenaKey key, MutableArrayRef<AllocOp> allocs,
                         const Placement &placement) {
  auto [name, units] = key;
  OpBuilder builder(allocs.front());
  auto arena = ArenaOp::create(builder, allocs.front().getLoc(), ArenaType::get(name.getContext()),
                               name.getValue(), units, placement.size);
  for (auto [alloc, offset] : llvm::zip(allocs, placement.offsets)) {
    builder.setInsertionPoint(alloc);
    auto view = ViewOp::create(builder, alloc.getLoc(), alloc.getResult().getType(), arena, offset);
    alloc.getResult().replaceAllUsesWith(view);
    alloc.erase();
  }
}

static LogicalResult assignBuffers(func::FuncOp procedure) {
  FailureOr<Timeline> timeline = Timeline::create(procedure);
  if (failed(timeline))
    return failure();
  llvm::MapVector<ArenaKey, SmallVector<AllocOp>> arenas;
  for (auto alloc : procedure.getOps<AllocOp>())
    arenas[getKey(alloc)].push_back(alloc);
  SmallVector<Placement> placements;
  for (auto &[key, allocs] : arenas) {
    SmallVector<Lifetime> lifetimes;
    for (AllocOp alloc : allocs) {
      std::optional<int64_t> bytes = getRowBytes(cast<MemRefType>(alloc.getResult().getType()));
      if (!bytes)
        return alloc.emitOpError("needs rows of a known number of bytes, got ")
               << alloc.getResult().getType();
      Lifetime &lifetime = lifetimes.emplace_back(timeline->getLifetime(alloc));
      lifetime.size = llvm::alignTo(std::max<int64_t>(*bytes, 1), bufferAlignment);
    }
    placements.push_back(placeBuffers(lifetimes));
  }
  for (auto [arena, placement] : llvm::zip(arenas, placements))
    placeInArena(arena.first, arena.second, placement);
  return success();
}

void AssignBuffersPass::runOnOperation() {
  for (auto procedure : getOperation().getOps<func::FuncOp>())
    if (procedure.getBody().hasOneBlock() && failed(assignBuffers(procedure)))
      return signalPassFailure();
}
