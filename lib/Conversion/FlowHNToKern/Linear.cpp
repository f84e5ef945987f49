//===- Linear.cpp - Products with weights ---------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GroupLaunches.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::flowhn;

static int64_t getRows(Value weight) {
  return cast<RankedTensorType>(weight.getType()).getDimSize(0);
}

namespace {

/// A product of rows with weights, and where it goes.
struct Product {
  Tokens input;
  int64_t k;
  SmallVector<Value> weights;
  int64_t groups = 1;
  Tokens out;
  Value columnScale; ///< of the weights, or null
};

} // namespace

/// The type of an element, as part of a name.
static std::string getTypeName(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

/// "2x512x192_bf16": the sizes of some products, and the type of their weights.
static std::string describe(ArrayRef<kern::MatmulOp> products) {
  std::string text;
  for (kern::MatmulOp product : products) {
    int64_t groups = product.getGroups(), n = product.getN(), k = product.getK();
    text += (groups == 1 ? "" : std::to_string(groups) + "x") + std::to_string(n) + "x" +
            std::to_string(k) + "_";
  }
  kern::MatmulOp first = products.front();
  return text + getTypeName(cast<MemRefType>(first.getB().getType()).getElementType());
}

/// "matmul_rows64_512x192_bf16", where there are at most so many rows.
static std::string getName(ArrayRef<kern::MatmulOp> products) {
  kern::MatmulOp first = products.front();
  std::optional<uint64_t> maxRows = first.getMaxRows();
  return "matmul_" + (maxRows ? "rows" + std::to_string(*maxRows) + "_" : "") + describe(products);
}

void mlir::flowhn::launchGroups(ProcedureBuilder &procedure, ArrayRef<kern::MatmulOp> products) {
  launchByRows<kern::GroupedMatmulOp>(procedure, products, getName);
}

static LogicalResult launchMatmul(ProcedureBuilder &procedure, Operation *op,
                                  const Product &product, const Extras &extras, ScalarBody body) {
  int64_t n = 0, groups = product.groups;
  for (Value weight : product.weights)
    n += getRows(weight);
  n /= groups;
  Type activation = cast<MemRefType>(product.input.buffer.getType()).getElementType();
  ParameterUse use =
      procedure.context.target.weights(product.weights, n, product.k, groups, activation);
  use.columnScale = product.columnScale;
  FailureOr<Value> weights = procedure.getParameter(use, op);
  if (failed(weights))
    return failure();
  auto buckets = getRowBuckets(procedure, op->getLoc(), *product.out.space,
                               procedure.context.target.productRowBounds(activation));
  for (const RowBucket &bucket : buckets) {
    auto matmul = kern::MatmulOp::create(
        procedure.builder, op->getLoc(), bucket.rows, product.input.buffer, *weights,
        product.out.buffer, extras.values, extras.gather, product.out.index, n, product.k, groups,
        product.input.column, product.out.column, bucket.maxRows, extras.getAccesses(),
        extras.columns, /*config=*/nullptr);
    buildRegion(matmul.getEpilogue(), op->getLoc(), groups + extras.values.size(), body);
    bool isOfFewestRows = buckets.size() > 1 && &bucket == &buckets.front();
    if (procedure.heldProducts && !isOfFewestRows)
      procedure.heldProducts->push_back(matmul);
    else
      procedure.launch(matmul, getName(matmul));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// linear
//===----------------------------------------------------------------------===//

/// Whether the norm of `op` scales the sums of its product: rms(x; w) · Wᵀ =
/// (1 / rms(x)) · (x · (W · diag(w))ᵀ). Rows that lie scattered have to be gathered, and
/// the kernel that does so may as well norm them.
static bool normsSums(LinearOp op, const Tokens &input) { return op.getNorm() && !input.index; }

/// The rows that `op` multiplies: its `input`, or a copy or the norm of it.
static FailureOr<Tokens> getLinearInput(ProcedureBuilder &procedure, LinearOp op,
                                        const Tokens &tokens) {
  Value input = op.getInput();
  if (!op.getNorm() || normsSums(op, tokens))
    return procedure.getFactorTokens(input, op);
  Tokens normed = {
      procedure.createBuffer(op.getLoc(), tokens.space, getFeatures(input), getElementType(input)),
      0,
      tokens.space,
      {}};
  if (failed(
          launchNorm(procedure, op, input, op.getNorm(), op.getEps()->convertToDouble(), normed)))
    return failure();
  return normed;
}

/// The norm's scale, if `scales`, then bias, activation and residual of `op` on the sums of
/// a matmul.
static Value buildEpilogue(LinearOp op, bool scales, OpBuilder &builder, Location loc,
                           ValueRange values) {
  bool isSwiGLU = op.getActivation() == Activation::SwiGLU;
  SmallVector<Value, 2> sums(values.take_front(isSwiGLU ? 2 : 1));
  ValueRange extras = values.drop_front(sums.size());
  if (scales) {
    for (Value &sum : sums)
      sum = arith::MulFOp::create(builder, loc, sum, extras.front());
    extras = extras.drop_front();
  }
  Value sum = sums.front();
  if (op.getBias()) {
    sum = arith::AddFOp::create(builder, loc, sum, extras.front());
    extras = extras.drop_front();
  }
  if (op.getActivation())
    sum = buildSiLU(builder, loc, sum);
  if (isSwiGLU)
    sum = arith::MulFOp::create(builder, loc, sum, sums.back());
  return op.getResidual() ? arith::AddFOp::create(builder, loc, sum, extras.front()) : sum;
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, LinearOp op) {
  bool isSwiGLU = op.getActivation() == Activation::SwiGLU;
  if (isSwiGLU && op.getBias())
    return op.emitError("a bias under swiglu is not supported yet: ") << op->getName();
  FailureOr<Tokens> tokens = procedure.getTokens(op.getInput(), op);
  if (failed(tokens))
    return failure();
  bool scales = normsSums(op, *tokens);
  FailureOr<Tokens> input = getLinearInput(procedure, op, *tokens);
  if (failed(input))
    return failure();
  int64_t k = getFeatures(op.getInput());
  Extras extras(procedure);
  if (scales)
    extras.addScalars(launchNormScale(procedure, op, *input, k, op.getEps()->convertToDouble()));
  if (op.getBias() && failed(extras.addVector({{op.getBias()}}, op)))
    return failure();
  if (op.getResidual() && failed(extras.addRows(op.getResidual(), input->space, op)))
    return failure();
  Product product = {*input,
                     k,
                     llvm::to_vector(op.getWeights()),
                     isSwiGLU ? 2 : 1,
                     procedure.createResults(op.getResults(), input->space),
                     scales ? op.getNorm() : Value()};
  return launchMatmul(procedure, op, product, extras,
                      [&](OpBuilder &builder, Location loc, ValueRange values) {
                        return buildEpilogue(op, scales, builder, loc, values);
                      });
}

//===----------------------------------------------------------------------===//
// fuse
//===----------------------------------------------------------------------===//

/// The buffer that the inputs of `fuse` are joined in, for the tokens of `space`.
static Value getFuseBuffer(ProcedureBuilder &procedure, FuseOp fuse, const TokenSpace *space) {
  Value &buffer = procedure.fuseBuffers[fuse];
  if (!buffer) {
    int64_t width = cast<RankedTensorType>(fuse.getWeight().getType()).getDimSize(1);
    buffer =
        procedure.createBuffer(fuse.getLoc(), space, width, getJoinedElementType(fuse.getInputs()));
  }
  return buffer;
}

std::optional<Tokens> mlir::flowhn::getFuseSlot(ProcedureBuilder &procedure, FuseOp fuse,
                                                unsigned i, const TokenSpace *space) {
  if (fuse.getKind() == FuseKind::Features) {
    int64_t column = 0;
    for (Value before : fuse.getInputs().take_front(i))
      column += getFeatures(before);
    return Tokens{getFuseBuffer(procedure, fuse, space), column, space, {}};
  }
  Value segments = i == 0 ? fuse.getAttentionSegments() : fuse.getSsmSegments();
  Segment segment = procedure.segments.lookup(segments);
  const TokenSpace *joined = procedure.spaceOf.lookup(fuse.getLength());
  if (segment.space != space || !joined)
    return std::nullopt;
  return Tokens{getFuseBuffer(procedure, fuse, joined), 0, space, segment.index};
}

/// Brings the inputs of `op` together in one buffer; most lie there already.
static FailureOr<Tokens> joinInputs(ProcedureBuilder &procedure, FuseOp op) {
  const TokenSpace *joined = op.getLength() ? procedure.spaceOf.lookup(op.getLength()) : nullptr;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    FailureOr<Tokens> tokens = procedure.getTokens(input, op);
    if (failed(tokens))
      return failure();
    if (op.getKind() == FuseKind::Features && joined && joined != tokens->space)
      return op.emitOpError("needs branches over the same tokens to join their features");
    std::optional<Tokens> slot = getFuseSlot(procedure, op, i, tokens->space);
    if (!slot)
      return op.emitOpError("needs branches over the tokens of its segments");
    copyTokens(procedure, op.getLoc(), cast<RankedTensorType>(input.getType()), *tokens, *slot);
    if (!joined)
      joined = tokens->space;
  }
  return Tokens{procedure.fuseBuffers.lookup(op), 0, joined, {}};
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, FuseOp op) {
  if (op.getBlock())
    return op.emitOpError("needs its segments, which --flowhn-materialize-split makes");
  FailureOr<Tokens> joined = joinInputs(procedure, op);
  if (failed(joined))
    return failure();
  Extras extras(procedure);
  if (op.getResidual() && failed(extras.addRows(op.getResidual(), joined->space, op)))
    return failure();
  int64_t k = cast<RankedTensorType>(op.getWeight().getType()).getDimSize(1);
  Product product = {
      *joined, k, {op.getWeight()}, 1, procedure.createResult(op.getResult(), joined->space), {}};
  return launchMatmul(procedure, op, product, extras,
                      [&](OpBuilder &builder, Location loc, ValueRange values) -> Value {
                        if (values.size() == 1)
                          return values[0];
                        return arith::AddFOp::create(builder, loc, values[0], values[1]);
                      });
}
