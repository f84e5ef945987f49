//===- Structure.cpp - Splits, branches and slices, which need no kernels -===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpConversions.h"

using namespace mlir;
using namespace mlir::flowhn;

/// Wants `inner` where `outer`, which it becomes, is wanted.
static void passWanted(ProcedureBuilder &procedure, Value outer, Value inner) {
  auto want = procedure.wanted.find(outer);
  if (want == procedure.wanted.end())
    return;
  auto place = want->second;
  procedure.wanted.try_emplace(inner, place);
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, BlockOp op) {
  Block &body = op.getBody().front();
  Value yielded = body.getTerminator()->getOperand(0);
  FailureOr<Tokens> input = procedure.getTokens(op.getInput(), op);
  if (failed(input))
    return failure();
  tap(procedure, op.getLoc(), "hidden." + Twine(op.getIndex()), *input, getFeatures(op.getInput()));
  passWanted(procedure, op.getResult(), yielded);
  procedure.scope.block = op.getIndexAttr();
  LogicalResult converted = procedure.convertBlock(body);
  procedure.scope.block = {};
  if (failed(converted))
    return failure();
  FailureOr<Tokens> tokens = procedure.getTokens(yielded, op);
  if (failed(tokens))
    return failure();
  procedure.setTokens(op.getResult(), *tokens);
  return success();
}

//===----------------------------------------------------------------------===//
// Splitting
//===----------------------------------------------------------------------===//

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, SegmentsOp op) {
  FailureOr<Value> begin = procedure.getTable(op.getBegin(), op);
  FailureOr<Value> length = procedure.getTable(op.getLength(), op);
  if (failed(begin) || failed(length))
    return failure();
  auto &[attention, ssm] = procedure.partitions[{op.getWindow(), {*begin, *length}}];
  if (!attention.space) {
    auto partition =
        plan::PartitionOp::create(procedure.builder, op.getLoc(), *begin, *length, op.getWindow());
    Value batch = procedure.callSpace->batch;
    attention = {
        procedure.createSpace({batch, partition.getAttentionRows(),
                               partition.getAttentionMaxLength(), partition.getAttentionOffsets()}),
        partition.getAttentionIndex()};
    ssm = {procedure.createSpace({batch, partition.getSsmRows(), partition.getSsmMaxLength(),
                                  partition.getSsmOffsets()}),
           partition.getSsmIndex()};
  }
  procedure.segments[op.getAttention()] = attention;
  procedure.segments[op.getSsm()] = ssm;
  return success();
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, SplitOp op) {
  if (op.getBlock())
    return op.emitOpError("needs its segments, which --flowhn-materialize-split makes");
  FailureOr<Tokens> input = procedure.getDenseTokens(op.getInput(), op);
  if (failed(input) || failed(procedure.checkLength(op.getLength(), input->space, op)))
    return failure();
  auto share = [&](Value segments, Value tokens, Value begin, Value length) {
    Segment segment = procedure.segments.lookup(segments);
    if (!segment.space)
      return failure();
    procedure.setTokens(tokens, {input->buffer, input->column, segment.space, segment.index});
    procedure.spaceOf[begin] = procedure.spaceOf[length] = segment.space;
    return success();
  };
  if (failed(share(op.getAttentionSegments(), op.getAttention(), op.getAttentionBegin(),
                   op.getAttentionLength())) ||
      failed(share(op.getSsmSegments(), op.getSsm(), op.getSsmBegin(), op.getSsmLength())))
    return op.emitOpError("needs segments made by flowhn.segments");
  return success();
}

//===----------------------------------------------------------------------===//
// Branches
//===----------------------------------------------------------------------===//

/// Wants the results of branches where the fuse behind them reads them.
static void wantFuseInputs(ProcedureBuilder &procedure, ParallelOp op) {
  for (auto [result, region] : llvm::zip(op.getOutputs(), op.getBranches())) {
    Value yielded = region.front().getTerminator()->getOperand(0);
    passWanted(procedure, result, yielded);
    for (OpOperand &use : result.getUses()) {
      auto fuse = dyn_cast<FuseOp>(use.getOwner());
      auto inputs = fuse ? fuse.getInputs() : ValueRange();
      if (use.getOperandNumber() < inputs.size())
        procedure.wanted.try_emplace(yielded,
                                     FuseSlot{fuse, use.getOperandNumber(), procedure.scope.arena});
    }
  }
}

/// Branches can run concurrently unless they call procedures, which have streams of their
/// own, or a branch around them runs so.
static bool canRunConcurrently(ProcedureBuilder &procedure, ParallelOp op) {
  if (op.getNumResults() < 2 || procedure.scope.isConcurrent)
    return false;
  return !op.walk([](func::CallOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

plan::BranchesAttr mlir::flowhn::getBranches(ParallelOp op, unsigned i) {
  bool isAttention = cast<BranchAttr>(op.getKinds()[i]).getValue() == Branch::Attention;
  return plan::BranchesAttr::get(op.getContext(),
                                 isAttention ? plan::Branches::Attention : plan::Branches::SSM);
}

static LogicalResult convertBranch(ProcedureBuilder &procedure, ParallelOp op, unsigned i) {
  Block &body = op.getBranches()[i].front();
  if (failed(procedure.convertBlock(body)))
    return failure();
  FailureOr<Tokens> tokens = procedure.getTokens(body.getTerminator()->getOperand(0), op);
  if (failed(tokens))
    return failure();
  procedure.setTokens(op.getResult(i), *tokens);
  return success();
}

/// An arena name per branch: its kind, numbered where a kind comes twice.
static SmallVector<std::string> getArenas(ParallelOp op) {
  SmallVector<std::string> names;
  for (auto kind : op.getKinds().getAsRange<BranchAttr>()) {
    std::string name = stringifyBranch(kind.getValue()).str();
    bool isTaken = llvm::is_contained(names, name);
    names.push_back(isTaken ? name + "." + std::to_string(names.size()) : name);
  }
  return names;
}

/// Streams that the runtime has; more branches than that share them.
static constexpr int64_t maxStreams = 8;

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, ParallelOp op) {
  wantFuseInputs(procedure, op);
  bool canBeConcurrent = canRunConcurrently(procedure, op);
  if (op.getSchedule() == Schedule::Grouped && canBeConcurrent)
    return convertGroupedBranches(procedure, op, getArenas(op));
  ProcedureBuilder::Scope outer = procedure.scope;
  bool isConcurrent = op.getSchedule() == Schedule::Streams && canBeConcurrent;
  int64_t numStreams = std::min<int64_t>(op.getNumResults(), maxStreams);
  SmallVector<int64_t> streams = llvm::to_vector(llvm::seq<int64_t>(0, numStreams));
  SmallVector<std::string> arenas = getArenas(op);
  if (isConcurrent)
    plan::ForkOp::create(procedure.builder, op.getLoc(), streams);
  for (unsigned i = 0; i < op.getNumResults(); ++i) {
    procedure.scope = outer;
    procedure.scope.branch = getBranches(op, i);
    if (isConcurrent) {
      procedure.scope.arena = arenas[i];
      procedure.scope.stream = streams[i % numStreams];
      procedure.scope.isConcurrent = true;
    } else if (!outer.isConcurrent) {
      procedure.scope.arena = "branch";
    }
    if (failed(convertBranch(procedure, op, i)))
      return failure();
  }
  procedure.scope = std::move(outer);
  if (isConcurrent)
    plan::JoinOp::create(procedure.builder, op.getLoc(), streams);
  return success();
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, SelectTokensOp op) {
  FailureOr<Tokens> input = procedure.getDenseTokens(op.getInput(), op);
  if (failed(input) || failed(procedure.checkLength(op.getLength(), input->space, op)))
    return failure();
  const TokenSpace *selected = procedure.spaceOf.lookup(op.getTokens());
  if (!procedure.isEntry || !selected || selected->batch)
    return op.emitOpError("needs the tokens that the call selects");
  FailureOr<Value> index = procedure.getTable(op.getTokens(), op);
  if (failed(index))
    return failure();
  procedure.setTokens(op.getResult(), {input->buffer, input->column, selected, *index});
  return success();
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, SliceOp op) {
  FailureOr<Tokens> tokens = procedure.getTokens(op.getInput(), op);
  if (failed(tokens))
    return failure();
  tokens->column += op.getOffset();
  procedure.setTokens(op.getResult(), *tokens);
  return success();
}
