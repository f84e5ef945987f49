//===- FlowHNLayerOps.cpp - Layers of flowhn ------------------------------===//
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
// Shared checks
//===----------------------------------------------------------------------===//

LogicalResult flowhn::verifyMatrix(Operation *op, const Twine &name, Value weight, int64_t in,
                                   StringRef meaning) {
  ArrayRef<int64_t> shape = shapeOf(weight);
  if (shape.size() == 2 && shape[1] == in)
    return success();
  return op->emitOpError() << name << " must be [out, " << in << "], " << in << " being " << meaning
                           << ", got " << weight.getType();
}

LogicalResult flowhn::verifyVector(Operation *op, const Twine &name, Value weight, int64_t size,
                                   StringRef meaning) {
  if (shapeOf(weight) == ArrayRef<int64_t>(size))
    return success();
  return op->emitOpError() << name << " must be [" << size << "], " << size << " being " << meaning
                           << ", got " << weight.getType();
}

/// Checks that `state`, where there is one, is of `kind` with rows of `shape`, of `type` elements.
static LogicalResult verifyState(Operation *op, Value state, StateKind kind,
                                 ArrayRef<int64_t> shape, Type type) {
  if (!state)
    return success();
  auto expected = StateType::get(op->getContext(), kind, RankedTensorType::get(shape, type));
  if (state.getType() != expected)
    return op->emitOpError("state must be ") << expected << ", got " << state.getType();
  return success();
}

/// Checks that each result has the input's leading dimensions.
static LogicalResult verifyLeadingDims(Operation *op, Value input) {
  for (auto [index, result] : llvm::enumerate(op->getResults()))
    if (!sameLeadingDims(input, result))
      return op->emitOpError("result #")
             << index << " must have the leading dimensions of the input " << input.getType()
             << ", got " << result.getType();
  return success();
}

//===----------------------------------------------------------------------===//
// EmbeddingOp, SelectTokensOp
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  // embedding_c1
  return verifyMatrix(*this, "table", getTable(), featuresOf(getResult()),
                      "the result's feature size");
}

/// Checks that tokens were picked out of the batch, and nothing else done to them.
static LogicalResult verifyTokenRows(Operation *op, RankedTensorType input,
                                     RankedTensorType result) {
  if (input.getShape().back() == result.getShape().back() &&
      input.getElementType() == result.getElementType())
    return success();
  return op->emitOpError("result must have the features and element type of the input ")
         << input << ", got " << result;
}

LogicalResult SelectTokensOp::verify() {
  // select_tokens_c1
  return verifyTokenRows(*this, getInput().getType(), getResult().getType());
}

LogicalResult PackTokensOp::verify() {
  // pack_tokens_c1
  return verifyTokenRows(*this, getInput().getType(), getResult().getType());
}

//===----------------------------------------------------------------------===//
// RMSNormOp
//===----------------------------------------------------------------------===//

LogicalResult RMSNormOp::verify() {
  // rms_norm_c1
  if (getWeights().empty() || getWeights().size() != getNumResults())
    return emitOpError("must have as many results as weights, at least one, got ")
           << getNumResults() << " results and " << getWeights().size() << " weights";
  // rms_norm_c2
  int64_t sections = 0;
  for (auto [index, weight, output] : llvm::enumerate(getWeights(), getOutputs())) {
    if (failed(verifyVector(*this, "weight #" + Twine(index), weight, featuresOf(output),
                            "the result's feature size")))
      return failure();
    sections = saturatingAdd(sections, featuresOf(output));
  }
  // rms_norm_c3
  if (sections != featuresOf(getInput()))
    return emitOpError("results must share the input's ")
           << featuresOf(getInput()) << " features, got " << sections << " in total";
  // rms_norm_c4
  if (!isPositiveFinite(getEps()))
    return emitOpError("eps must be positive and finite, got ") << getEpsAttr();
  // rms_norm_c5
  return verifyLeadingDims(*this, getInput());
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

/// One result per weight, or one of the gate and up product.
static LogicalResult verifyLinearResults(LinearOp op) {
  bool isSwiGLU = op.getActivation() == Activation::SwiGLU;
  ValueRange weights = op.getWeights();
  if (isSwiGLU && (weights.size() != 2 || shapeOf(weights[0]) != shapeOf(weights[1])))
    return op.emitOpError("swiglu takes two weights of one shape, got ") << weights.getTypes();
  size_t expected = isSwiGLU ? 1 : weights.size();
  if (op.getNumResults() != expected)
    return op.emitOpError("must have ") << expected << " results for " << weights.size()
                                        << " weights, got " << op.getNumResults();
  for (auto [index, output] : llvm::enumerate(op.getOutputs()))
    if (featuresOf(output) != shapeOf(weights[index])[0])
      return op.emitOpError("result #")
             << index << " must have the weight's " << shapeOf(weights[index])[0]
             << " features, got " << output.getType();
  return success();
}

/// What is added needs one result to be added to.
static LogicalResult verifyLinearAddends(LinearOp op) {
  if (!op.getBias() && !op.getResidual())
    return success();
  if (op.getNumResults() != 1)
    return op.emitOpError("bias and residual need a single result, got ") << op.getNumResults();
  Value result = op.getOutputs().front();
  if (op.getResidual() && shapeOf(op.getResidual()) != shapeOf(result))
    return op.emitOpError("residual must have the shape of the result ")
           << result.getType() << ", got " << op.getResidual().getType();
  if (!op.getBias())
    return success();
  return verifyVector(op, "bias", op.getBias(), featuresOf(result), "the result's feature size");
}

LogicalResult LinearOp::verify() {
  // linear_c1
  int64_t in = featuresOf(getInput());
  if (getWeights().empty())
    return emitOpError("needs a weight");
  for (auto [index, weight] : llvm::enumerate(getWeights()))
    if (failed(
            verifyMatrix(*this, "weight #" + Twine(index), weight, in, "the input's feature size")))
      return failure();
  // linear_c2, linear_c3
  if (failed(verifyLinearResults(*this)) || failed(verifyLinearAddends(*this)))
    return failure();
  // linear_c4
  if (bool(getNorm()) != getEps().has_value())
    return emitOpError("norm and eps come together, got only ") << (getNorm() ? "norm" : "eps");
  if (getNorm() && failed(verifyVector(*this, "norm", getNorm(), in, "the input's feature size")))
    return failure();
  if (getEps() && !isPositiveFinite(*getEps()))
    return emitOpError("eps must be positive and finite, got ") << getEpsAttr();
  // linear_c5
  return verifyLeadingDims(*this, getInput());
}

//===----------------------------------------------------------------------===//
// SliceOp
//===----------------------------------------------------------------------===//

LogicalResult SliceOp::verify() {
  int64_t offset = getOffset(), size = featuresOf(getResult()), features = featuresOf(getInput());
  // slice_c1
  if (offset < 0 || size > features || offset > features - size)
    return emitOpError("must lie in the input's ")
           << features << " features, got " << size << " from " << offset;
  // slice_c2
  if (!sameLeadingDims(getInput(), getResult()) ||
      getInput().getType().getElementType() != getResult().getType().getElementType())
    return emitOpError("result must have the batch, tokens and element type of the input ")
           << getInput().getType() << ", got " << getResult().getType();
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  if (getInput().getType() == getResult().getType())
    return getInput();
  auto outer = getInput().getDefiningOp<SliceOp>();
  if (!outer || outer == *this)
    return {};
  setOffset(outer.getOffset() + getOffset());
  getInputMutable().assign(outer.getInput());
  return getResult();
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  int64_t heads = getHeads(), kvHeads = getKvHeads(), features = featuresOf(getQuery());
  // attention_c1
  if (heads <= 0 || kvHeads <= 0 || features % heads != 0 || heads % kvHeads != 0)
    return emitOpError("heads must divide the query's features and kv_heads the heads, got ")
           << features << " features, " << heads << " heads and " << kvHeads << " kv_heads";
  // attention_c2
  int64_t kvFeatures = features / heads * kvHeads;
  if (getKey().getType() != getValue().getType() || featuresOf(getKey()) != kvFeatures)
    return emitOpError("key and value must have one type, of ")
           << kvFeatures << " features, got " << getKey().getType() << " and "
           << getValue().getType();
  // attention_c3
  if (getState() && getQueries())
    return emitOpError("takes no queries with a state");
  return verifyState(*this, getState(), StateKind::KV, {saturatingProduct({2, kvFeatures})},
                     getKey().getType().getElementType());
}

//===----------------------------------------------------------------------===//
// CausalConv1DOp
//===----------------------------------------------------------------------===//

LogicalResult CausalConv1DOp::verify() {
  ArrayRef<int64_t> shape = shapeOf(getWeight());
  int64_t channels = featuresOf(getInput());
  // causal_conv1d_c1
  if (shape.size() != 3 || shape[0] != channels || shape[1] != 1 || shape[2] < 1)
    return emitOpError("weight must be [")
           << channels << ", 1, k], " << channels << " being the input's feature size, got "
           << getWeight().getType();
  // causal_conv1d_c2
  if (getBias() &&
      failed(verifyVector(*this, "bias", getBias(), channels, "the input's feature size")))
    return failure();
  // causal_conv1d_c3
  if (failed(verifyState(*this, getState(), StateKind::Conv, {shape[2] - 1, channels},
                         getInput().getType().getElementType())))
    return failure();
  // causal_conv1d_c4
  if (getActivation() && *getActivation() != Activation::SiLU)
    return emitOpError("activation must be silu, got ") << stringifyActivation(*getActivation());
  return success();
}

//===----------------------------------------------------------------------===//
// SelectiveScanOp
//===----------------------------------------------------------------------===//

LogicalResult SelectiveScanOp::verify() {
  ArrayRef<int64_t> shape = shapeOf(getALog());
  int64_t channels = featuresOf(getInput());
  // selective_scan_c1
  if (shape.size() != 2 || shape[0] != channels)
    return emitOpError("a_log must be [")
           << channels << ", N], " << channels << " being the input's feature size, got "
           << getALog().getType();
  // selective_scan_c2
  if (featuresOf(getB()) != shape[1] || featuresOf(getC()) != shape[1])
    return emitOpError("b and c must have N = ")
           << shape[1] << " features, got " << getB().getType() << " and " << getC().getType();
  // selective_scan_c3
  if (failed(verifyVector(*this, "d", getD(), channels, "the input's feature size")))
    return failure();
  // selective_scan_c4
  if (getGate() && getGate().getType() != getInput().getType())
    return emitOpError("gate must have the input's type ")
           << getInput().getType() << ", got " << getGate().getType();
  // selective_scan_c5
  return verifyState(*this, getState(), StateKind::Scan, {channels, shape[1]},
                     Float32Type::get(getContext()));
}
