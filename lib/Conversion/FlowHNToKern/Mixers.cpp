//===- Mixers.cpp - Attention, convolution and scan -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanInputs.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <array>
#include <cmath>

using namespace mlir;
using namespace mlir::flowhn;

/// The rows of `value`, whole sequences whose lengths are `length`.
static FailureOr<Tokens> getSequences(ProcedureBuilder &procedure, Value value, Value length,
                                      Operation *op) {
  FailureOr<Tokens> tokens = procedure.getDenseTokens(value, op);
  if (failed(tokens) || failed(procedure.checkLength(length, tokens->space, op)))
    return failure();
  return tokens;
}

/// Keys and values where a kernel reads them.
struct KeysAndValues {
  Tokens key, value;
};

/// Appends the tokens' keys and values to those that `state` holds, in one copy where they lie
/// side by side.
static KeysAndValues appendToState(ProcedureBuilder &procedure, AttentionOp op, const State &state,
                                   const KeysAndValues &tokens) {
  RankedTensorType type = op.getKey().getType();
  int64_t width = getFeatures(op.getKey());
  const auto &[key, value] = tokens;
  KeysAndValues kept = {{state.memory, 0, key.space, state.rows},
                        {state.memory, width, key.space, state.rows}};
  if (key.buffer == value.buffer && value.column == key.column + width) {
    SmallVector<int64_t> both(type.getShape());
    both.back() = 2 * width;
    copyTokens(procedure, op.getLoc(), type.clone(both), key, kept.key);
    return kept;
  }
  copyTokens(procedure, op.getLoc(), type, key, kept.key);
  copyTokens(procedure, op.getLoc(), type, value, kept.value);
  return kept;
}

namespace {
/// A kernel of attention by the queries and sequences of a call.
struct QueryBucket {
  Value maxLength;        ///< of the call, or 0 where another kernel has it
  IntegerAttr queryLimit; ///< null: none
  int64_t minBatch = 1;

  std::string suffix() const {
    if (!queryLimit)
      return {};
    std::string text = "_queries" + std::to_string(queryLimit.getInt());
    return minBatch == 1 ? text : text + "_batch" + std::to_string(minBatch);
  }
};
} // namespace

/// Positions that a sequence can have, or 0 where nothing bounds them.
static int64_t getContextLength(AttentionOp op) {
  auto model = op->getParentOfType<ModelOp>();
  return model ? model.getSplit().getContextLength() : 0;
}

/// Queries of a sequence up to which its attention has kernels of its own, or 0.
static int64_t getQueryLimit(AttentionOp op, const GPUTargetInfo &gpu) {
  if (op.getState())
    return gpu.splitAttentionQueries(int64_t(op.getHeads()) / int64_t(op.getKvHeads()));
  if (op.getQueries() || !getElementType(op.getQuery()).isBF16())
    return 0;
  return gpu.halvedAttentionQueries(getFeatures(op.getQuery()) / int64_t(op.getHeads()));
}

/// The kernels that an attention over `space` is launched as, of which a call runs one: the
/// others have no blocks, and are skipped.
static SmallVector<QueryBucket, 3> getQueryBuckets(ProcedureBuilder &procedure, AttentionOp op,
                                                   const TokenSpace &space) {
  const std::optional<GPUTargetInfo> &gpu = procedure.context.target.gpu;
  int64_t limit = gpu ? getQueryLimit(op, *gpu) : 0;
  if (limit == 0)
    return {{space.maxLength, {}}};
  OpBuilder &builder = procedure.builder;
  if (int64_t context = getContextLength(op); context && context <= limit)
    return {{space.maxLength, builder.getI64IntegerAttr(limit)}};
  int64_t minBatch = gpu->fullAttentionSequences(op.getKvHeads());
  Value operands[] = {space.maxLength, createExceeds(builder, op.getLoc(), space.maxLength, limit),
                      createExceeds(builder, op.getLoc(), space.batch, minBatch - 1)};
  AffineExpr length = builder.getAffineSymbolExpr(0), isLong = builder.getAffineSymbolExpr(1),
             areMany = builder.getAffineSymbolExpr(2);
  auto where = [&](AffineExpr share) -> Value {
    return affine::AffineApplyOp::create(builder, op.getLoc(), AffineMap::get(0, 3, length * share),
                                         ValueRange(operands));
  };
  IntegerAttr few = builder.getI64IntegerAttr(limit);
  if (!op.getState())
    return {{where(1 - isLong), few}, {where(isLong), {}}};
  return {{where((1 - isLong) * (1 - areMany)), few},
          {where((1 - isLong) * areMany), few, minBatch},
          {where(isLong), {}}};
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, AttentionOp op) {
  Value queryLength = op.getQueries() ? op.getQueries() : op.getLength();
  FailureOr<Tokens> query = getSequences(procedure, op.getQuery(), queryLength, op);
  FailureOr<Tokens> key = getSequences(procedure, op.getKey(), op.getLength(), op);
  FailureOr<Tokens> value = getSequences(procedure, op.getValue(), op.getLength(), op);
  if (failed(query) || failed(key) || failed(value))
    return failure();
  const TokenSpace &space = *key->space;
  State state = procedure.states.lookup(op.getState());
  KeysAndValues read = {*key, *value};
  if (op.getState())
    read = appendToState(procedure, op, state, read);
  Tokens out = procedure.createResult(op.getResult(), query->space, /*canScatter=*/false);
  int64_t heads = op.getHeads(), kvHeads = op.getKvHeads();
  int64_t headSize = getFeatures(op.getQuery()) / heads;
  // The copy engine of a GPU is told how many rows there are.
  Value rows = procedure.context.target.gpu ? space.rows : Value();
  Value maxQueries = op.getQueries() ? query->space->maxLength : Value();
  Value queryOffsets = op.getQueries() ? query->space->offsets : Value();
  std::string name = op.getQueries() ? "attention_last_"
                     : op.getState() ? "attention_cached_"
                                     : "attention_";
  name += std::to_string(heads) + "x" + std::to_string(kvHeads) + "x" + std::to_string(headSize);
  for (QueryBucket bucket : getQueryBuckets(procedure, op, space)) {
    auto attention = kern::AttentionOp::create(
        procedure.builder, op.getLoc(), space.batch, bucket.maxLength, rows, maxQueries,
        query->buffer, read.key.buffer, read.value.buffer, space.offsets, queryOffsets, state.first,
        state.before, out.buffer, heads, kvHeads, headSize,
        APFloat(float(1 / std::sqrt(double(headSize)))), query->column, read.key.column,
        read.value.column, out.column, bucket.queryLimit, bucket.minBatch, /*config=*/nullptr);
    procedure.launch(attention, name + bucket.suffix());
  }
  return success();
}

ParameterUse mlir::flowhn::getWeightUse(CausalConv1DOp op) {
  ParameterUse use;
  use.sources = {op.getWeight()};
  use.layout = plan::Layout::Transposed;
  return use;
}

LogicalResult mlir::flowhn::convertConvolution(ProcedureBuilder &procedure, CausalConv1DOp op) {
  FailureOr<Tokens> input = getSequences(procedure, op.getInput(), op.getLength(), op);
  ParameterUse use = getWeightUse(op);
  FailureOr<Value> weight = procedure.getParameter(use, op);
  Extras extras(procedure);
  if (failed(input) || failed(weight) ||
      (op.getBias() && failed(extras.addVector({{op.getBias()}}, op))))
    return failure();
  Tokens out = procedure.createResult(op.getResult(), input->space, /*canScatter=*/false);
  const TokenSpace &space = procedure.getLaunchedSpace(*input->space);
  State state = procedure.states.lookup(op.getState());
  auto convolution = kern::Conv1DOp::create(
      procedure.builder, op.getLoc(), space.batch, space.maxLength, input->buffer, *weight,
      space.offsets, out.buffer, extras.values, state.memory, state.slots, input->column,
      out.column, extras.getAccesses(), extras.columns, /*config=*/nullptr);
  buildRegion(convolution.getEpilogue(), op.getLoc(), 1 + extras.values.size(),
              [&](OpBuilder &builder, Location loc, ValueRange values) {
                Value sum = values[0];
                if (op.getBias())
                  sum = arith::AddFOp::create(builder, loc, sum, values[1]);
                return op.getActivation() ? buildSiLU(builder, loc, sum) : sum;
              });
  ArrayRef<int64_t> shape = use.getType().getShape();
  std::string name = op.getState() ? "conv1d_continued_" : "conv1d_";
  procedure.launch(convolution, name + std::to_string(shape[1]) + "x" + std::to_string(shape[0]));
  return success();
}

/// (y + D · u) · silu(gate), the gate where there is one.
static Value buildScanEpilogue(OpBuilder &builder, Location loc, ValueRange values) {
  Value skipped = arith::MulFOp::create(builder, loc, values[2], values[1]);
  Value sum = arith::AddFOp::create(builder, loc, values[0], skipped);
  if (values.size() == 3)
    return sum;
  return arith::MulFOp::create(builder, loc, sum, buildSiLU(builder, loc, values[3]));
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, SelectiveScanOp op) {
  std::array<Tokens, 4> inputs;
  std::array<Value, 4> operands = {op.getInput(), op.getDelta(), op.getB(), op.getC()};
  for (auto [input, operand] : llvm::zip(inputs, operands)) {
    FailureOr<Tokens> tokens = getSequences(procedure, operand, op.getLength(), op);
    if (failed(tokens))
      return failure();
    input = *tokens;
  }
  const auto &[u, delta, b, c] = inputs;
  ParameterUse use;
  use.sources = {op.getALog()};
  use.layout = plan::Layout::Transposed;
  use.transform = plan::Transform::NegExp;
  FailureOr<Value> a = procedure.getParameter(use, op);
  Extras extras(procedure);
  if (failed(a) || failed(extras.addVector({{op.getD()}}, op)) ||
      (op.getGate() && failed(extras.addRows(op.getGate(), u.space, op, /*canGather=*/false))))
    return failure();
  Tokens out = procedure.createResult(op.getResult(), u.space, /*canScatter=*/false);
  State state = procedure.states.lookup(op.getState());
  auto scan = kern::ScanOp::create(
      procedure.builder, op.getLoc(), u.space->batch, u.space->maxLength, /*chunks=*/Value(),
      /*chunk_rows=*/Value(), u.buffer, delta.buffer, *a, b.buffer, c.buffer, u.space->offsets,
      out.buffer, extras.values, /*chunk_states=*/Value(), /*chunk_sums=*/Value(),
      /*initial=*/state.memory, /*final=*/state.memory, state.slots, u.column, delta.column,
      b.column, c.column, out.column, /*folded_chunks=*/nullptr, /*few_sequences=*/false,
      extras.getAccesses(), extras.columns, /*config=*/nullptr);
  buildRegion(scan.getEpilogue(), op.getLoc(), 2 + extras.values.size(), buildScanEpilogue);
  ArrayRef<int64_t> shape = use.getType().getShape();
  std::string suffix = std::to_string(shape[1]) + "x" + std::to_string(shape[0]);
  std::string name = (op.getState() ? "scan_continued_" : "scan_") + suffix;
  if (const auto &gpu = procedure.context.target.gpu)
    splitScan(procedure, scan, *u.space, *gpu, name, suffix);
  procedure.launch(scan, name);
  return success();
}
