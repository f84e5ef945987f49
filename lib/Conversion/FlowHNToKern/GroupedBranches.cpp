//===- GroupedBranches.cpp - Branches whose products share launches -------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpConversions.h"
#include "flowhn/Analysis/BranchStretches.h"

using namespace mlir;
using namespace mlir::flowhn;

namespace {
/// Converts two branches in step. Each has a scope of its own, with its stream between forks
/// and joins alone: the launches that the branches share are behind all that was before.
class GroupedBranches {
public:
  GroupedBranches(ProcedureBuilder &procedure, ParallelOp op, ArrayRef<std::string> arenas);

  LogicalResult convert(ArrayRef<BranchStretch> stretches);

private:
  LogicalResult convertStretch(const BranchStretch &stretch);
  LogicalResult convertProducts(const BranchStretch &stretch);
  /// Launches kernels of both branches, which `held` has.
  template <typename Member> void launchHeld(std::optional<SmallVector<Member, 2>> &held);
  LogicalResult convertOps(unsigned branch, ArrayRef<Operation *> ops, int64_t stream);
  LogicalResult setResult(unsigned branch);

  ProcedureBuilder &procedure;
  ParallelOp op;
  std::array<ProcedureBuilder::Scope, 2> scopes;
};
} // namespace

/// The tokens that a branch mixes, or null.
static const TokenSpace *getSpace(ProcedureBuilder &procedure, Region &branch) {
  for (Operation &op : branch.front())
    if (isa<AttentionOp, SelectiveScanOp>(op)) {
      auto attention = dyn_cast<AttentionOp>(op);
      return procedure.spaceOf.lookup(attention ? attention.getLength()
                                                : cast<SelectiveScanOp>(op).getLength());
    }
  return nullptr;
}

GroupedBranches::GroupedBranches(ProcedureBuilder &procedure, ParallelOp op,
                                 ArrayRef<std::string> arenas)
    : procedure(procedure), op(op), scopes{procedure.scope, procedure.scope} {
  for (unsigned branch : {0, 1}) {
    scopes[branch].arena = arenas[branch];
    scopes[branch].isConcurrent = true;
    scopes[branch].branch = getBranches(op, branch);
  }
}

LogicalResult GroupedBranches::convertOps(unsigned branch, ArrayRef<Operation *> ops,
                                          int64_t stream) {
  scopes[branch].stream = stream;
  std::swap(procedure.scope, scopes[branch]);
  bool converted =
      llvm::all_of(ops, [&](Operation *op) { return succeeded(procedure.convert(op)); });
  std::swap(procedure.scope, scopes[branch]);
  return success(converted);
}

template <typename Member>
void GroupedBranches::launchHeld(std::optional<SmallVector<Member, 2>> &held) {
  plan::BranchesAttr both = plan::BranchesAttr::get(
      op.getContext(), scopes[0].branch.getValue() | scopes[1].branch.getValue());
  std::swap(procedure.scope.branch, both);
  launchGroups(procedure, *std::exchange(held, std::nullopt));
  std::swap(procedure.scope.branch, both);
}

LogicalResult GroupedBranches::convertStretch(const BranchStretch &stretch) {
  constexpr std::array<int64_t, 2> streams = {0, 1};
  bool forks = stretch.forks();
  if (forks)
    plan::ForkOp::create(procedure.builder, op.getLoc(), streams);
  if (stretch.areNorms())
    procedure.heldNorms.emplace();
  for (unsigned branch : {0, 1})
    if (failed(convertOps(branch, stretch.ops[branch], forks ? streams[branch] : 0)))
      return failure();
  if (forks)
    plan::JoinOp::create(procedure.builder, op.getLoc(), streams);
  if (procedure.heldNorms)
    launchHeld(procedure.heldNorms);
  return success();
}

LogicalResult GroupedBranches::convertProducts(const BranchStretch &stretch) {
  procedure.heldProducts.emplace();
  for (auto [branch, product] : llvm::enumerate(stretch.products)) {
    Operation *op = product;
    if (failed(convertOps(branch, op, /*stream=*/0)))
      return failure();
  }
  launchHeld(procedure.heldProducts);
  return success();
}

LogicalResult GroupedBranches::setResult(unsigned branch) {
  Operation *yield = op.getBranches()[branch].front().getTerminator();
  FailureOr<Tokens> tokens = procedure.getTokens(yield->getOperand(0), op);
  if (succeeded(tokens))
    procedure.setTokens(op.getResult(branch), *tokens);
  return tokens;
}

LogicalResult GroupedBranches::convert(ArrayRef<BranchStretch> stretches) {
  procedure.groupedSpaces = {getSpace(procedure, op.getBranches()[0]),
                             getSpace(procedure, op.getBranches()[1])};
  for (const BranchStretch &stretch : stretches) {
    if (failed(convertStretch(stretch)))
      return failure();
    if (stretch.products[0] && failed(convertProducts(stretch)))
      return failure();
  }
  return success(succeeded(setResult(0)) && succeeded(setResult(1)));
}

LogicalResult mlir::flowhn::convertGroupedBranches(ProcedureBuilder &procedure, ParallelOp op,
                                                   ArrayRef<std::string> arenas) {
  const std::optional<GPUTargetInfo> &gpu = procedure.context.target.gpu;
  if (!gpu || !gpu->hasWarpgroupProducts)
    return op.emitError("schedule(grouped) needs a GPU with warpgroup products, got ")
           << (gpu ? gpu->chip : "a CPU");
  SmallVector<BranchStretch> stretches = alignBranches(op);
  if (stretches.empty())
    return op.emitError("schedule(grouped) needs two branches with products of one 16-bit type");
  return GroupedBranches(procedure, op, arenas).convert(stretches);
}
