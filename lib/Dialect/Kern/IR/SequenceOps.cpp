//===- SequenceOps.cpp - Kernels over sequences ---------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelVerifiers.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::kern;

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  // attention_c1
  int64_t heads = getHeads(), kvHeads = getKvHeads(), headSize = getHeadSize();
  if (heads < 1 || kvHeads < 1 || headSize < 1)
    return emitOpError("heads, kv_heads and head_size must be positive, got ")
           << heads << ", " << kvHeads << " and " << headSize;
  if (int64_t(getQueryLimit().value_or(1)) < 1)
    return emitOpError("query_limit must be positive, got ") << getQueryLimitAttr().getInt();
  if (int64_t(getMinBatch()) < 1)
    return emitOpError("min_batch must be positive, got ") << int64_t(getMinBatch());
  if (heads % kvHeads != 0)
    return emitOpError("kv_heads must divide heads, got ") << kvHeads << " and " << heads;
  // attention_c2
  int64_t width;
  if (llvm::MulOverflow(heads, headSize, width))
    return emitOpError("heads times head_size must fit in 64 bits, got ")
           << heads << " and " << headSize;
  int64_t kvWidth = width / heads * kvHeads;
  // attention_c3
  if (bool(getMaxQueries()) != bool(getQueryOffsets()))
    return emitOpError("takes max_queries and query_offsets together");
  // attention_c4
  if (bool(getFirstKeys()) != bool(getKeysBefore()) || (getFirstKeys() && getQueryOffsets()))
    return emitOpError("takes first_keys and keys_before together, and not with query_offsets");
  return success(succeeded(verifyColumns(*this, "query", getQuery(), getQColumn(), width)) &&
                 succeeded(verifyColumns(*this, "key", getKey(), getKColumn(), kvWidth)) &&
                 succeeded(verifyColumns(*this, "value", getValue(), getVColumn(), kvWidth)) &&
                 succeeded(verifyColumns(*this, "out", getOut(), getOutColumn(), width)));
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, &getOutMutable(), effects);
}

//===----------------------------------------------------------------------===//
// Conv1DOp
//===----------------------------------------------------------------------===//

LogicalResult Conv1DOp::verify() {
  // conv1d_c1
  if (failed(verifyStatic(*this, "weight", getWeight(), 2)))
    return failure();
  int64_t channels = typeOf(getWeight()).getDimSize(1);
  if (failed(verifyColumns(*this, "input", getInput(), getInColumn(), channels)) ||
      failed(verifyColumns(*this, "out", getOut(), getOutColumn(), channels)))
    return failure();
  // conv1d_c2
  if (failed(verifySequenceExtras(*this, getExtras(), getAccesses(), getExtraColumns(), channels)))
    return failure();
  // conv1d_c4
  if (bool(getState()) != bool(getSlots()))
    return emitOpError("takes state and slots together");
  int64_t before = typeOf(getWeight()).getDimSize(0) - 1;
  if (getState() &&
      (before < 1 || typeOf(getState()).getElementType() != typeOf(getInput()).getElementType()))
    return emitOpError("state holds the ")
           << before << " inputs before the first one, in the input's element type, got "
           << getState().getType();
  return verifyRows(*this, "state", getState(), {before, channels});
}

LogicalResult Conv1DOp::verifyRegions() {
  // conv1d_c3
  return verifyRegion(*this, getEpilogue(), 1 + getExtras().size());
}

void Conv1DOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  SmallVector<OpOperand *> results = {&getOutMutable()};
  for (OpOperand &operand : getStateMutable()) {
    effects.emplace_back(MemoryEffects::Read::get(), &operand, SideEffects::DefaultResource::get());
    results.push_back(&operand);
  }
  getKernelEffects(*this, results, effects);
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

LogicalResult ScanOp::verify() {
  // scan_c1
  if (failed(verifyStatic(*this, "a", getA(), 2)))
    return failure();
  int64_t states = typeOf(getA()).getDimSize(0), channels = typeOf(getA()).getDimSize(1);
  if (failed(verifyColumns(*this, "u", getU(), getUColumn(), channels)) ||
      failed(verifyColumns(*this, "delta", getDelta(), getDeltaColumn(), channels)) ||
      failed(verifyColumns(*this, "b", getB(), getBColumn(), states)) ||
      failed(verifyColumns(*this, "c", getC(), getCColumn(), states)) ||
      failed(verifyColumns(*this, "out", getOut(), getOutColumn(), channels)))
    return failure();
  // scan_c2
  if (failed(verifySequenceExtras(*this, getExtras(), getAccesses(), getExtraColumns(), channels)))
    return failure();
  // scan_c4
  if (failed(verifyRows(*this, "initial", getInitial(), {states, channels})) ||
      failed(verifyRows(*this, "final", getFinal(), {states, channels})) ||
      failed(verifyRows(*this, "chunk_states", getChunkStates(), {states, channels})) ||
      failed(verifyRows(*this, "chunk_sums", getChunkSums(), {channels})))
    return failure();
  // scan_c5
  bool hasChunks = getChunks() != nullptr;
  if (hasChunks != (getChunkRows() != nullptr) || hasChunks != (getChunkStates() != nullptr))
    return emitOpError("must have chunks, chunk_rows and chunk_states together, or none of them");
  // scan_c6
  if (getSlots() && !(getInitial() && getFinal()))
    return emitOpError("takes slots with initial and final alone");
  // scan_c7
  if ((getChunkSums() != nullptr) != getFoldedChunks().has_value() ||
      (getChunkSums() && !hasChunks))
    return emitOpError("must have chunk_sums and folded_chunks together, and with chunks");
  if (getFoldedChunks() && int64_t(*getFoldedChunks()) < 2)
    return emitOpError("folds 2 chunks at least, got folded_chunks = ") << *getFoldedChunks();
  return success();
}

LogicalResult ScanOp::verifyRegions() {
  // scan_c3
  return verifyRegion(*this, getEpilogue(), 2 + getExtras().size());
}

void ScanOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  SmallVector<OpOperand *> results = {&getOutMutable()};
  for (OpOperand &operand : getFinalMutable())
    results.push_back(&operand);
  getKernelEffects(*this, results, effects);
}

//===----------------------------------------------------------------------===//
// ScanStatesOp
//===----------------------------------------------------------------------===//

LogicalResult ScanStatesOp::verify() {
  // scan_states_c1
  if (failed(verifyStatic(*this, "a", getA(), 2)))
    return failure();
  int64_t states = typeOf(getA()).getDimSize(0), channels = typeOf(getA()).getDimSize(1);
  if (failed(verifyColumns(*this, "u", getU(), getUColumn(), channels)) ||
      failed(verifyColumns(*this, "delta", getDelta(), getDeltaColumn(), channels)) ||
      failed(verifyColumns(*this, "b", getB(), getBColumn(), states)))
    return failure();
  // scan_states_c2
  return success(succeeded(verifyRows(*this, "states", getStates(), {states, channels})) &&
                 succeeded(verifyRows(*this, "sums", getSums(), {channels})));
}

void ScanStatesOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  getKernelEffects(*this, {&getStatesMutable(), &getSumsMutable()}, effects);
}

//===----------------------------------------------------------------------===//
// ScanCombineOp
//===----------------------------------------------------------------------===//

LogicalResult ScanCombineOp::verify() {
  // scan_combine_c1
  if (failed(verifyStatic(*this, "a", getA(), 2)))
    return failure();
  // scan_combine_c2
  ArrayRef<int64_t> shape = typeOf(getA()).getShape();
  if (failed(verifyRows(*this, "states", getStates(), shape)) ||
      failed(verifyRows(*this, "initial", getInitial(), shape)) ||
      failed(verifyRows(*this, "sums", getSums(), shape.drop_front())))
    return failure();
  // scan_combine_c3
  if (getSlots() && !getInitial())
    return emitOpError("takes slots with initial alone");
  return success();
}

void ScanCombineOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getStatesMutable(),
                       SideEffects::DefaultResource::get());
  getKernelEffects(*this, &getStatesMutable(), effects);
}
