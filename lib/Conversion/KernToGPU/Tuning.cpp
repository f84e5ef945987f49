//===- Tuning.cpp - Configurations that were measured ---------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tuning.h"

#include "MatmulHopper.h"
#include "TypicalCalls.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using ::flowhn::ConfigPoint;
using mlir::flowhn::GPUTargetInfo;

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

static void describe(MatmulOp op, llvm::raw_ostream &os) {
  if (op.getGroups() > 1)
    os << op.getGroups() << 'x';
  os << op.getN() << 'x' << op.getK() << ' ' << elementType(op.getB());
  for (auto [extra, access] : llvm::zip_equal(op.getExtras(), op.getAccesses()))
    os << " + " << stringifyAccess(cast<AccessAttr>(access).getValue()) << ' '
       << elementType(extra);
  os << " -> " << (op.getScatter() ? "scattered " : "") << elementType(op.getOut());
}

std::string nvptx::getTuningKey(Operation *op) {
  std::string key;
  llvm::raw_string_ostream os(key);
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](MatmulOp matmul) {
        os << "matmul ";
        describe(matmul, os);
      })
      .Case([&](GroupedMatmulOp group) {
        os << "grouped_matmul ";
        llvm::interleave(
            group.getMemberOps(), os, [&](MatmulOp member) { describe(member, os); }, " | ");
      })
      .Case([&](AttentionOp attention) {
        os << "attention " << attention.getHeads() << 'x' << attention.getKvHeads() << 'x'
           << attention.getHeadSize() << ' ' << elementType(attention.getQuery());
        if (attention.getQueryLimit())
          os << " queries" << *attention.getQueryLimit();
      });
  return key;
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

namespace {
/// The mean of some times over the least ones of the same calls.
struct RelativeTime {
  double sum = 0;
  int64_t count = 0;

  double mean() const { return sum / double(count); }
};
} // namespace

/// Kernels of attention have keys of their own.
static RowRange rangeOf(Operation *op, const GPUTargetInfo &target) {
  return isa<AttentionOp>(op) ? RowRange() : rangesFrom(productsOf(op).front(), target).front();
}

/// The launches of `points` that the kernel of `op` is for: of a group, some product has rows of
/// its range, and no other one has more.
static SmallVector<const ConfigPoint *> findOwn(Operation *op, ArrayRef<ConfigPoint> points,
                                                const GPUTargetInfo &target) {
  RowRange range = rangeOf(op, target);
  SmallVector<const ConfigPoint *> own;
  for (const ConfigPoint &point : points)
    if (range.contains(*llvm::max_element(point.extents)))
      own.push_back(&point);
  return own;
}

/// The times of each configuration, over the least that any took in the same call.
static std::map<std::string, RelativeTime> compare(ArrayRef<const ConfigPoint *> points) {
  std::map<std::vector<int64_t>, double> least;
  for (const ConfigPoint *point : points) {
    double &time = least.try_emplace(point->extents, point->seconds).first->second;
    time = std::min(time, point->seconds);
  }
  std::map<std::string, RelativeTime> times;
  for (const ConfigPoint *point : points) {
    RelativeTime &time = times[point->config];
    time.sum += point->seconds / least[point->extents];
    ++time.count;
  }
  return times;
}

FailureOr<DictionaryAttr> nvptx::chooseMeasuredConfig(Operation *op,
                                                      ArrayRef<DictionaryAttr> configs,
                                                      ArrayRef<ConfigPoint> points,
                                                      StringRef source,
                                                      const GPUTargetInfo &target) {
  auto names = llvm::map_to_vector(configs, describeConfig);
  SmallVector<const ConfigPoint *> own = findOwn(op, points, target);
  for (const ConfigPoint *point : own)
    if (!llvm::is_contained(names, point->config))
      return op->emitError() << source << ": a configuration of '" << getTuningKey(op)
                             << "' must be '" << llvm::join(names, "' or '") << "', got '"
                             << point->config << "'";
  std::map<std::string, RelativeTime> times = compare(own);
  // What is measured again differs by about as much.
  constexpr double noise = 1.02;
  DictionaryAttr best = configs.front();
  double bestTime = std::numeric_limits<double>::infinity();
  for (auto [config, name] : llvm::zip_equal(configs, names)) {
    auto time = times.find(name);
    if (time == times.end() || time->second.mean() * noise >= bestTime)
      continue;
    best = config;
    bestTime = time->second.mean();
  }
  return best;
}
