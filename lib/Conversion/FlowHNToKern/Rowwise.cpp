//===- Rowwise.cpp - Norms, elementwise ops and copies of rows ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GroupLaunches.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::flowhn;

//===----------------------------------------------------------------------===//
// Regions and their extras
//===----------------------------------------------------------------------===//

void mlir::flowhn::buildRegion(Region &region, Location loc, size_t numArguments, ScalarBody body) {
  OpBuilder builder(region.getContext());
  SmallVector<Type> types(numArguments, builder.getF32Type());
  Block *block =
      builder.createBlock(&region, region.end(), types, SmallVector<Location>(numArguments, loc));
  kern::YieldOp::create(builder, loc, body(builder, loc, block->getArguments()));
}

static Value createConstant(OpBuilder &builder, Location loc, float value) {
  return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value));
}

Value mlir::flowhn::buildSiLU(OpBuilder &builder, Location loc, Value x) {
  Value exponential = math::ExpOp::create(builder, loc, arith::NegFOp::create(builder, loc, x));
  Value one = createConstant(builder, loc, 1.0f);
  return arith::DivFOp::create(builder, loc, x,
                               arith::AddFOp::create(builder, loc, exponential, one));
}

void Extras::add(Value value, int64_t column, kern::Access access) {
  values.push_back(value);
  columns.push_back(column);
  accesses.push_back(access);
}

LogicalResult Extras::addVector(ParameterUse use, Operation *user) {
  FailureOr<Value> vector = procedure.getParameter(use, user);
  if (failed(vector))
    return failure();
  add(*vector, 0, kern::Access::Column);
  return success();
}

LogicalResult Extras::addRows(Value value, const TokenSpace *space, Operation *user,
                              bool canGather) {
  FailureOr<Tokens> tokens = procedure.getTokens(value, user);
  if (failed(tokens))
    return failure();
  if (tokens->space != space)
    return user->emitOpError("needs operands that are the same tokens of the call");
  bool gathers = tokens->index && canGather && (!gather || gather == tokens->index);
  if (gathers)
    gather = tokens->index;
  else
    tokens = procedure.getDenseTokens(value, user);
  add(tokens->buffer, tokens->column, gathers ? kern::Access::Gathered : kern::Access::Row);
  return success();
}

ArrayAttr Extras::getAccesses() const {
  MLIRContext *context = procedure.builder.getContext();
  return ArrayAttr::get(context, llvm::map_to_vector(accesses, [&](kern::Access access) {
                          return Attribute(kern::AccessAttr::get(context, access));
                        }));
}

//===----------------------------------------------------------------------===//
// Copies and elementwise ops
//===----------------------------------------------------------------------===//

/// "rows64_512": the width, where there are at most so many rows.
static std::string getRowsName(IntegerAttr maxRows, int64_t width) {
  return (maxRows ? "rows" + std::to_string(maxRows.getInt()) + "_" : "") + std::to_string(width);
}

static void launchCopy(ProcedureBuilder &procedure, Location loc, int64_t width, const Tokens &from,
                       const Tokens &to, const RowBucket &bucket) {
  auto copy = kern::RowwiseOp::create(
      procedure.builder, loc, bucket.rows, from.buffer, to.buffer, /*extras=*/ValueRange(),
      from.index, to.index, /*sections=*/{0, width}, kern::Reduction::None, from.column, to.column,
      bucket.maxRows, procedure.builder.getArrayAttr({}), /*extra_columns=*/{},
      /*config=*/nullptr);
  buildRegion(copy.getBody(), loc, 1,
              [](OpBuilder &, Location, ValueRange values) { return values[0]; });
  procedure.launch(copy, "copy_" + getRowsName(bucket.maxRows, width));
}

void mlir::flowhn::copyTokens(ProcedureBuilder &procedure, Location loc, RankedTensorType type,
                              const Tokens &from, const Tokens &to) {
  if (from != to)
    launchCopy(procedure, loc, type.getShape().back(), from, to, {to.space->rows, IntegerAttr()});
}

/// Launches `body` over the elements of `inputs`, in their order, for the result of
/// `op`. An operand that lies scattered is the one that the kernel maps, and the
/// others are its extras.
static LogicalResult launchElementwise(ProcedureBuilder &procedure, Operation *op, StringRef name,
                                       ArrayRef<Value> inputs, ScalarBody body) {
  size_t mapped = 0;
  for (size_t i = inputs.size(); i-- > 0;) {
    FailureOr<Tokens> tokens = procedure.getTokens(inputs[i], op);
    if (failed(tokens))
      return failure();
    if (tokens->index)
      mapped = i;
  }
  Tokens input = *procedure.getTokens(inputs[mapped], op);
  Extras extras(procedure);
  extras.gather = input.index;
  for (auto [i, value] : llvm::enumerate(inputs))
    if (i != mapped && failed(extras.addRows(value, input.space, op)))
      return failure();
  Tokens out = procedure.createResult(op->getResult(0), input.space);
  int64_t width = getFeatures(op->getResult(0));
  auto map = kern::RowwiseOp::create(
      procedure.builder, op->getLoc(), out.space->rows, input.buffer, out.buffer, extras.values,
      extras.gather, out.index, /*sections=*/{0, width}, kern::Reduction::None, input.column,
      out.column, /*max_rows=*/nullptr, extras.getAccesses(), extras.columns, /*config=*/nullptr);
  buildRegion(map.getBody(), op->getLoc(), inputs.size(),
              [&](OpBuilder &builder, Location loc, ValueRange values) {
                SmallVector<Value> ordered = llvm::to_vector(values.drop_front());
                ordered.insert(ordered.begin() + mapped, values.front());
                return body(builder, loc, ordered);
              });
  procedure.launch(map, (name + "_" + Twine(width)).str());
  return success();
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, AddOp op) {
  return launchElementwise(procedure, op, "add", {op.getLhs(), op.getRhs()},
                           [](OpBuilder &builder, Location loc, ValueRange values) -> Value {
                             return arith::AddFOp::create(builder, loc, values[0], values[1]);
                           });
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, SiLUOp op) {
  return launchElementwise(procedure, op, "silu", {op.getInput()},
                           [](OpBuilder &builder, Location loc, ValueRange values) {
                             return buildSiLU(builder, loc, values[0]);
                           });
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, SwiGLUOp op) {
  return launchElementwise(procedure, op, "swiglu", {op.getGate(), op.getValue()},
                           [](OpBuilder &builder, Location loc, ValueRange values) -> Value {
                             Value gate = buildSiLU(builder, loc, values[0]);
                             return arith::MulFOp::create(builder, loc, gate, values[1]);
                           });
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, EmbeddingOp op) {
  const TokenSpace *space = procedure.spaceOf.lookup(op.getIds());
  FailureOr<Value> ids = procedure.getTable(op.getIds(), op);
  FailureOr<Value> table = procedure.getParameter({{op.getTable()}}, op);
  if (failed(ids) || failed(table))
    return failure();
  Tokens rows = {*table, 0, space, *ids};
  Tokens out = procedure.createResult(op.getResult(), space);
  // The rows of few tokens leave the memory idle where a warp goes through each.
  for (RowBucket bucket :
       getRowBuckets(procedure, op.getLoc(), *space,
                     procedure.context.target.embeddingRowBounds(op.getContext())))
    launchCopy(procedure, op.getLoc(), getFeatures(op.getResult()), rows, out, bucket);
  return success();
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// 1 / sqrt(mean + eps).
static Value buildNormScale(OpBuilder &builder, Location loc, Value mean, double eps) {
  Value shifted =
      arith::AddFOp::create(builder, loc, mean, createConstant(builder, loc, float(eps)));
  Value root = math::SqrtOp::create(builder, loc, shifted);
  return arith::DivFOp::create(builder, loc, createConstant(builder, loc, 1.0f), root);
}

/// x · (1 / sqrt(mean + eps)) · weight.
static Value buildNorm(OpBuilder &builder, Location loc, ValueRange values, double eps) {
  Value x = values[0], mean = values[1], weight = values[2];
  Value scale = buildNormScale(builder, loc, mean, eps);
  Value scaled = arith::MulFOp::create(builder, loc, x, scale);
  return arith::MulFOp::create(builder, loc, scaled, weight);
}

/// "rms_norm_rows64_512". That of a group is its first member's.
static std::string getNormName(ArrayRef<kern::RowwiseOp> norms) {
  kern::RowwiseOp first = norms.front();
  return "rms_norm_" + getRowsName(first.getMaxRowsAttr(), first.getSections().back());
}

void mlir::flowhn::launchGroups(ProcedureBuilder &procedure, ArrayRef<kern::RowwiseOp> norms) {
  launchByRows<kern::GroupedRowwiseOp>(procedure, norms, getNormName);
}

LogicalResult mlir::flowhn::launchNorm(ProcedureBuilder &procedure, Operation *op, Value input,
                                       ValueRange weights, double eps, const Tokens &out) {
  FailureOr<Tokens> tokens = procedure.getTokens(input, op);
  Extras extras(procedure);
  if (failed(tokens) || failed(extras.addVector({llvm::to_vector(weights)}, op)))
    return failure();
  SmallVector<int64_t> sections = {0};
  for (Value weight : weights)
    sections.push_back(sections.back() + getFeatures(weight));
  Type type = cast<MemRefType>(out.buffer.getType()).getElementType();
  for (RowBucket bucket : getRowBuckets(procedure, op->getLoc(), *out.space,
                                        procedure.context.target.normRowBounds(type))) {
    auto norm = kern::RowwiseOp::create(
        procedure.builder, op->getLoc(), bucket.rows, tokens->buffer, out.buffer, extras.values,
        tokens->index, out.index, sections, kern::Reduction::MeanOfSquares, tokens->column,
        out.column, bucket.maxRows, extras.getAccesses(), extras.columns, /*config=*/nullptr);
    buildRegion(norm.getBody(), op->getLoc(), 3,
                [&](OpBuilder &builder, Location loc, ValueRange values) {
                  return buildNorm(builder, loc, values, eps);
                });
    if (procedure.heldNorms)
      procedure.heldNorms->push_back(norm);
    else
      procedure.launch(norm, getNormName(norm));
  }
  // Selected tokens are normed once, before the head.
  if (!out.space->batch)
    tap(procedure, op->getLoc(), "final", out, sections.back());
  return success();
}

Value mlir::flowhn::launchNormScale(ProcedureBuilder &procedure, Operation *op,
                                    const Tokens &tokens, int64_t width, double eps) {
  OpBuilder &builder = procedure.builder;
  auto type = MemRefType::get({ShapedType::kDynamic}, builder.getF32Type());
  Value out =
      plan::AllocOp::create(builder, op->getLoc(), type, tokens.space->rows, procedure.scope.arena);
  auto scale = kern::RowwiseOp::create(
      builder, op->getLoc(), tokens.space->rows, tokens.buffer, out, /*extras=*/ValueRange(),
      tokens.index, /*scatter=*/Value(), /*sections=*/{0, width}, kern::Reduction::MeanOfSquares,
      tokens.column, /*out_column=*/0, /*max_rows=*/nullptr, builder.getArrayAttr({}),
      /*extra_columns=*/{}, /*config=*/nullptr);
  buildRegion(scale.getBody(), op->getLoc(), 1,
              [&](OpBuilder &builder, Location loc, ValueRange values) {
                return buildNormScale(builder, loc, values[0], eps);
              });
  procedure.launch(scale, "rms_scale_" + std::to_string(width));
  return out;
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, RMSNormOp op) {
  FailureOr<Tokens> tokens = procedure.getTokens(op.getInput(), op);
  if (failed(tokens))
    return failure();
  Tokens out = procedure.createResults(op.getResults(), tokens->space);
  return launchNorm(procedure, op, op.getInput(), op.getWeights(), op.getEps().convertToDouble(),
                    out);
}
