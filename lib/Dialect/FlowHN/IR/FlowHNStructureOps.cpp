//===- FlowHNStructureOps.cpp - Model, blocks, split and fuse -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpVerification.h"
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::flowhn;

//===----------------------------------------------------------------------===//
// ModelOp
//===----------------------------------------------------------------------===//

/// The index of a block or of the call of an outlined one.
static std::optional<int64_t> getBlockIndex(Operation *op) {
  if (auto block = dyn_cast<BlockOp>(op))
    return static_cast<int64_t>(block.getIndex());
  auto index = op->getAttrOfType<IntegerAttr>(blockIndexAttrName);
  return index ? std::optional(index.getInt()) : std::nullopt;
}

/// Counts the blocks below `root` and checks that they are numbered in order.
static FailureOr<int64_t> countBlocks(Operation *root) {
  int64_t numBlocks = 0;
  WalkResult result = root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    std::optional<int64_t> index = getBlockIndex(op);
    if (!index)
      return WalkResult::advance();
    // model_c4
    if (*index != numBlocks) {
      op->emitOpError("must have index ")
          << numBlocks << ", blocks being numbered in program order, got " << *index;
      return WalkResult::interrupt();
    }
    ++numBlocks;
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return numBlocks;
}

/// The same of each function; a model has as many as the function with the most.
static FailureOr<int64_t> countBlocks(ModelOp model) {
  int64_t most = 0;
  for (Operation &op : model.getBody().front()) {
    FailureOr<int64_t> numBlocks = countBlocks(&op);
    if (failed(numBlocks))
      return failure();
    most = std::max(most, *numBlocks);
  }
  return most;
}

LogicalResult ModelOp::verifyRegions() {
  FailureOr<int64_t> numBlocks = countBlocks(*this);
  if (failed(numBlocks))
    return failure();
  std::optional<ArrayAttr> plan = getPlan();
  // model_c1
  if (plan && *numBlocks != 0 && static_cast<int64_t>(plan->size()) != *numBlocks)
    return emitOpError("plan must have one window per block, got ")
           << plan->size() << " windows for " << *numBlocks << " blocks";
  // model_c2
  if (plan)
    for (auto [index, window] : llvm::enumerate(plan->getAsRange<WindowAttr>()))
      if (window.getPeriod() != 0 && window.getPeriod() != getSplit().getContextLength())
        return emitOpError("window #")
               << index << " of the plan must lie over the split's context "
               << getSplit().getContextLength() << ", got period " << window.getPeriod();
  // model_c3
  int64_t numCounts = getSplit().getAttentionTokens().size();
  if (numCounts > 1 && *numBlocks != 0 && numCounts != *numBlocks)
    return emitOpError("attention_tokens must hold one count, or one per block, got ")
           << numCounts << " counts for " << *numBlocks << " blocks";
  return success();
}

//===----------------------------------------------------------------------===//
// BlockOp
//===----------------------------------------------------------------------===//

/// Checks that a region ends in a yield of one value of `type`.
static LogicalResult verifyYield(Operation *op, const Twine &what, Region &region, Type type) {
  auto yield = dyn_cast<YieldOp>(region.front().back());
  if (!yield)
    return op->emitOpError() << what << " must end in flowhn.yield, got "
                             << region.front().back().getName();
  if (yield.getNumOperands() == 1 && yield.getOperand(0).getType() == type)
    return success();
  return op->emitOpError() << what << " must yield one value of type " << type << ", got "
                           << yield.getOperandTypes();
}

LogicalResult BlockOp::verifyRegions() {
  // block_c1
  if (failed(verifyYield(*this, "region", getBody(), getResult().getType())))
    return failure();
  // block_c2
  if (auto outer = (*this)->getParentOfType<BlockOp>())
    return emitOpError("must not be inside another block, got one inside block ")
           << outer.getIndex();
  return success();
}

LogicalResult flowhn::verifyBlockIndex(Operation *op, int64_t block) {
  if (block < 0)
    return op->emitOpError("block must not be negative, got ") << block;
  auto parent = op->getParentOfType<BlockOp>();
  if (!parent || static_cast<int64_t>(parent.getIndex()) == block)
    return success();
  return op->emitOpError("block must be the index of the flowhn.block around, ")
         << parent.getIndex() << ", got " << block;
}

//===----------------------------------------------------------------------===//
// Split
//===----------------------------------------------------------------------===//

LogicalResult SegmentsOp::verify() {
  // segments_c1
  if (getWindow().isAll())
    return emitOpError("window must not be all, which has no segments");
  // segments_c2
  if (getAttention().getType().getShape().drop_front() != ArrayRef<int64_t>{2, 2})
    return emitOpError("results must be batch x 2 x 2, got ") << getAttention().getType();
  return success();
}

LogicalResult SplitOp::verify() {
  bool hasAttention = bool(getAttentionSegments()), hasSSM = bool(getSsmSegments());
  // split_c1
  if (hasAttention != hasSSM || hasAttention == getBlock().has_value())
    return emitOpError("takes either a block or both segments, got ")
           << (getBlock() ? "a" : "no") << " block and " << (hasAttention + hasSSM)
           << " segment operands";
  // split_c2
  return getBlock() ? verifyBlockIndex(*this, *getBlock()) : success();
}

//===----------------------------------------------------------------------===//
// ParallelOp
//===----------------------------------------------------------------------===//

/// Parses `schedule(serial)`, where it is given.
static ParseResult parseSchedule(OpAsmParser &parser, OperationState &state) {
  if (failed(parser.parseOptionalKeyword("schedule")))
    return success();
  StringRef name;
  SMLoc loc;
  if (parser.parseLParen() || parser.getCurrentLocation(&loc) || parser.parseKeyword(&name) ||
      parser.parseRParen())
    return failure();
  std::optional<Schedule> schedule = symbolizeSchedule(name);
  if (!schedule)
    return parser.emitError(loc) << "expected a schedule: serial, streams or grouped, got '" << name
                                 << "'";
  state.getOrAddProperties<ParallelOp::Properties>().schedule =
      ScheduleAttr::get(parser.getContext(), *schedule);
  return success();
}

/// Parses `attention { … }`: a branch's kind and region.
static ParseResult parseBranch(OpAsmParser &parser, OperationState &state,
                               SmallVectorImpl<Attribute> &kinds) {
  StringRef name;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&name))
    return failure();
  std::optional<Branch> kind = symbolizeBranch(name);
  if (!kind)
    return parser.emitError(loc) << "expected a branch: attention or ssm, got '" << name << "'";
  kinds.push_back(BranchAttr::get(parser.getContext(), *kind));
  return parser.parseRegion(*state.addRegion());
}

ParseResult ParallelOp::parse(OpAsmParser &parser, OperationState &state) {
  if (parseSchedule(parser, state) || parser.parseOptionalAttrDictWithKeyword(state.attributes) ||
      parser.parseArrow() || parser.parseTypeList(state.types) || parser.parseLBrace())
    return failure();
  SmallVector<Attribute> kinds;
  while (failed(parser.parseOptionalRBrace()))
    if (parseBranch(parser, state, kinds))
      return failure();
  state.getOrAddProperties<Properties>().kinds = parser.getBuilder().getArrayAttr(kinds);
  return success();
}

void ParallelOp::print(OpAsmPrinter &printer) {
  if (std::optional<Schedule> schedule = getSchedule())
    printer << " schedule(" << stringifySchedule(*schedule) << ')';
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {getKindsAttrName(), getScheduleAttrName()});
  printer << " -> ";
  llvm::interleaveComma(getResultTypes(), printer);
  printer << " {";
  printer.increaseIndent();
  for (auto [kind, region] : llvm::zip(getKinds().getAsRange<BranchAttr>(), getBranches())) {
    printer.printNewline();
    printer << stringifyBranch(kind.getValue()) << ' ';
    printer.printRegion(region, /*printEntryBlockArgs=*/false);
  }
  printer.decreaseIndent();
  printer.printNewline();
  printer << '}';
}

LogicalResult ParallelOp::verify() {
  // parallel_c1
  size_t numBranches = getBranches().size();
  if (numBranches == 0 || getKinds().size() != numBranches || getNumResults() != numBranches)
    return emitOpError("must have as many regions, kinds and results, at least one, got ")
           << numBranches << " regions, " << getKinds().size() << " kinds and " << getNumResults()
           << " results";
  return success();
}

LogicalResult ParallelOp::verifyRegions() {
  // parallel_c2
  for (auto [index, region] : llvm::enumerate(getBranches()))
    if (failed(verifyYield(*this, "branch #" + Twine(index), region, getResult(index).getType())))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// FuseOp
//===----------------------------------------------------------------------===//

/// `tokens`: two inputs, where each of their tokens belongs.
static LogicalResult verifyTokens(FuseOp op) {
  ValueRange inputs = op.getInputs();
  if (inputs.size() != 2 || inputs[0].getType() != inputs[1].getType())
    return op.emitOpError("tokens takes two inputs of one type, got ") << inputs.getTypes();
  if (!op.getBegin() || !op.getLength())
    return op.emitOpError("tokens needs begin and length");
  bool hasAttention = bool(op.getAttentionSegments()), hasSSM = bool(op.getSsmSegments());
  if (hasAttention != hasSSM || hasAttention == op.getBlock().has_value())
    return op.emitOpError("tokens takes either a block or both segments, got ")
           << (op.getBlock() ? "a" : "no") << " block and " << (hasAttention + hasSSM)
           << " segment operands";
  return success();
}

/// `features`: at least one input, and no positions.
static LogicalResult verifyFeatures(FuseOp op) {
  if (op.getInputs().empty())
    return op.emitOpError("features needs an input");
  if (op.getBegin() || op.getLength() || op.getAttentionSegments() || op.getSsmSegments() ||
      op.getBlock())
    return op.emitOpError("features takes no begin, length, block or segments");
  return success();
}

LogicalResult FuseOp::verify() {
  bool isTokens = getKind() == FuseKind::Tokens;
  // fuse_c1, fuse_c2
  if (failed(isTokens ? verifyTokens(*this) : verifyFeatures(*this)))
    return failure();
  // fuse_c3
  int64_t in = 0;
  for (Value input : isTokens ? getInputs().take_front() : ValueRange(getInputs()))
    in = saturatingAdd(in, featuresOf(input));
  if (failed(verifyMatrix(*this, "weight", getWeight(), in, "the joined feature size")))
    return failure();
  if (featuresOf(getResult()) != shapeOf(getWeight())[0])
    return emitOpError("result must have the weight's ")
           << shapeOf(getWeight())[0] << " features, got " << getResult().getType();
  // fuse_c4
  if (getResidual() && shapeOf(getResidual()) != shapeOf(getResult()))
    return emitOpError("residual must have the shape of the result ")
           << getResult().getType() << ", got " << getResidual().getType();
  // fuse_c5
  return getBlock() ? verifyBlockIndex(*this, *getBlock()) : success();
}
