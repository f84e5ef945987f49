//===- AttentionTiles.cpp - Tiles of kern.attention on the CPU ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTiles.h"
#include "KernelConfig.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>
#include <numbers>

using namespace mlir;
using namespace mlir::kern;

AttentionShape::AttentionShape(AttentionOp op)
    : headSize(op.getHeadSize()), lanes(configValue(*op.getConfig(), "lanes")),
      heads(configValue(*op.getConfig(), "heads")), rows(configValue(*op.getConfig(), "rows")),
      keys(configValue(*op.getConfig(), "keys")), keyTile(configValue(*op.getConfig(), "key_tile")),
      features(configValue(*op.getConfig(), "features")) {}

AttentionTiles::AttentionTiles(KernelBuilder &b, AttentionOp op, const AttentionItem &item,
                               Value scratch)
    : b(b), op(op), shape(op), item(item) {
  queries = b.scratchView(scratch, 0, {shape.headSize, shape.width()});
  results = b.scratchView(scratch, shape.queryBytes(), {shape.headSize, shape.width()});
  scores = b.scratchView(scratch, 2 * shape.queryBytes(), {shape.keys, shape.width()});
}

Value AttentionTiles::mul(Value lhs, Value rhs) {
  return arith::MulFOp::create(b.builder, b.loc, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Queries and results
//===----------------------------------------------------------------------===//

/// Calls `body` for each query of the item that exists: its row in the buffers,
/// its head, and its position among the lanes of the item.
void AttentionTiles::forEachQuery(
    llvm::function_ref<void(Value row, Value head, Value position)> body) {
  Value count = b.sub(item.limit, item.position);
  b.forLoop(b.index(0), count, 1, [&](Value offset) {
    Value row = b.add(item.queries.begin, b.add(item.begin, offset));
    for (int64_t head = 0; head < shape.heads; ++head)
      body(row, b.add(item.firstHead, head), b.add(offset, head * shape.rows));
  });
}

void AttentionTiles::loadQueries() {
  // Lanes without a query compute with zeros.
  b.forLoop(b.index(0), b.index(shape.headSize), 1, [&](Value feature) {
    for (int64_t vector = 0; vector < shape.vectors(); ++vector) {
      b.store(b.splat(0), queries, {feature, column(vector)});
      b.store(b.splat(0), results, {feature, column(vector)});
    }
  });
  double scale = op.getScale().convertToDouble() * std::numbers::log2e;
  Value factor = arith::ConstantOp::create(b.builder, b.loc, b.builder.getF32FloatAttr(scale));
  forEachQuery([&](Value row, Value head, Value position) {
    Value first = b.add(b.mul(head, shape.headSize), op.getQColumn());
    b.forLoop(b.index(0), b.index(shape.headSize), 1, [&](Value feature) {
      Value query = b.loadScalar(op.getQuery(), {row, b.add(first, feature)});
      b.storeScalar(mul(query, factor), queries, {feature, position});
    });
  });
}

void AttentionTiles::storeResults(ValueRange sums) {
  SmallVector<Value> scales;
  for (Value sum : sums)
    scales.push_back(arith::DivFOp::create(b.builder, b.loc, b.splat(1), sum));
  b.forLoop(b.index(0), b.index(shape.headSize), 1, [&](Value feature) {
    for (auto [vector, scale] : llvm::enumerate(scales)) {
      Value result = b.load(results, {feature, column(vector)});
      b.store(mul(result, scale), results, {feature, column(vector)});
    }
  });
  forEachQuery([&](Value row, Value head, Value position) {
    Value first = b.add(b.mul(head, shape.headSize), op.getOutColumn());
    b.forLoop(b.index(0), b.index(shape.headSize), 1, [&](Value feature) {
      Value result = b.loadScalar(results, {feature, position});
      b.storeScalar(result, op.getOut(), {row, b.add(first, feature)});
    });
  });
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

SoftmaxState AttentionTiles::attend(Value firstKey, bool causal, const SoftmaxState &state) {
  Value count = b.index(shape.keys);
  if (causal)
    count = b.min(count, b.sub(item.limit, firstKey));
  SoftmaxState next;
  next.maxima = emitScores(firstKey, count, causal, state.maxima);
  // What was added up under the old maximum counts less under the new one.
  SmallVector<Value> differences, sums;
  for (auto [old, max] : llvm::zip_equal(state.maxima, next.maxima))
    differences.push_back(arith::SubFOp::create(b.builder, b.loc, old, max));
  SmallVector<Value> decays = exp2OfNegative(b, differences);
  for (auto [decay, sum] : llvm::zip_equal(decays, state.sums))
    sums.push_back(mul(sum, decay));
  next.sums = emitWeights(firstKey, count, causal, next.maxima, sums);
  emitValues(firstKey, count, decays);
  return next;
}

/// Which lanes of a query vector see `key`.
Value AttentionTiles::isVisible(Value key, int64_t vector) {
  Type i32 = b.builder.getI32Type();
  SmallVector<int32_t> offsets;
  for (int64_t lane = 0; lane < b.lanes; ++lane)
    offsets.push_back(vector % shape.rowVectors() * b.lanes + lane);
  Value rows = arith::ConstantOp::create(b.builder, b.loc, b.builder.getI32VectorAttr(offsets));
  Value distance = arith::IndexCastOp::create(b.builder, b.loc, i32, b.sub(key, item.position));
  return arith::CmpIOp::create(b.builder, b.loc, arith::CmpIPredicate::sge, rows,
                               b.broadcast(distance));
}

/// Sums the products of a tile of keys with all queries, features in order:
/// vectors of scores, key by key.
SmallVector<Value> AttentionTiles::emitScoreTile(Value firstKey, Value key, bool causal) {
  SmallVector<Value> rows;
  for (int64_t index = 0; index < shape.keyTile; ++index) {
    Value position = b.add(b.add(firstKey, key), index);
    // A tile may reach beyond the last key: it computes with that one again.
    if (causal)
      position = b.min(position, b.add(item.limit, -1));
    rows.push_back(b.add(item.sequence.begin, position));
  }
  Value first = b.add(b.mul(item.kvHead, shape.headSize), op.getKColumn());
  SmallVector<Value> zeros(shape.keyTile * shape.vectors(), b.splat(0));
  return b.forLoop(b.index(0), b.index(shape.headSize), 1, zeros,
                   [&](Value feature, ValueRange carried) {
                     SmallVector<Value> query, next;
                     for (int64_t vector = 0; vector < shape.vectors(); ++vector)
                       query.push_back(b.load(queries, {feature, column(vector)}));
                     for (auto [index, row] : llvm::enumerate(rows)) {
                       Value scalar = b.loadScalar(op.getKey(), {row, b.add(first, feature)});
                       Value spread = b.broadcast(scalar);
                       for (auto [vector, q] : llvm::enumerate(query))
                         next.push_back(b.fma(q, spread, carried[index * query.size() + vector]));
                     }
                     return next;
                   });
}

/// Stores the scores of the block and returns the maxima with them.
SmallVector<Value> AttentionTiles::emitScores(Value firstKey, Value count, bool causal,
                                              ValueRange maxima) {
  Value hidden = b.splat(-std::numeric_limits<float>::infinity());
  return b.forLoop(b.index(0), count, shape.keyTile, maxima, [&](Value key, ValueRange carried) {
    SmallVector<Value> tile = emitScoreTile(firstKey, key, causal);
    SmallVector<Value> next(carried);
    for (int64_t index = 0; index < shape.keyTile; ++index) {
      Value position = b.add(key, index);
      for (int64_t vector = 0; vector < shape.vectors(); ++vector) {
        Value score = tile[index * shape.vectors() + vector];
        if (causal)
          score = arith::SelectOp::create(
              b.builder, b.loc, isVisible(b.add(firstKey, position), vector), score, hidden);
        next[vector] = larger(b, score, next[vector]);
        b.store(score, scores, {position, column(vector)});
      }
    }
    return next;
  });
}

/// Turns the scores into their exponentials and returns the sums with them.
SmallVector<Value> AttentionTiles::emitWeights(Value firstKey, Value count, bool causal,
                                               ValueRange maxima, ValueRange sums) {
  return b.forLoop(b.index(0), count, 1, sums, [&](Value key, ValueRange carried) {
    SmallVector<Value> exponents, next;
    for (int64_t vector = 0; vector < shape.vectors(); ++vector) {
      Value score = b.load(scores, {key, column(vector)});
      exponents.push_back(arith::SubFOp::create(b.builder, b.loc, score, maxima[vector]));
    }
    for (auto [vector, weight] : llvm::enumerate(exp2OfNegative(b, exponents))) {
      if (causal)
        weight = arith::SelectOp::create(b.builder, b.loc, isVisible(b.add(firstKey, key), vector),
                                         weight, b.splat(0));
      b.store(weight, scores, {key, column(vector)});
      next.push_back(arith::AddFOp::create(b.builder, b.loc, carried[vector], weight));
    }
    return next;
  });
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// results = results * decay + weights · values, a few features at a time.
void AttentionTiles::emitValues(Value firstKey, Value count, ValueRange decays) {
  int64_t full = shape.headSize / shape.features * shape.features;
  b.forLoop(b.index(0), b.index(full), shape.features, [&](Value feature) {
    emitValueTile(firstKey, count, decays, feature, shape.features);
  });
  if (full < shape.headSize)
    emitValueTile(firstKey, count, decays, b.index(full), shape.headSize - full);
}

void AttentionTiles::emitValueTile(Value firstKey, Value count, ValueRange decays, Value feature,
                                   int64_t size) {
  SmallVector<Value> start;
  for (int64_t index = 0; index < size; ++index)
    for (auto [vector, decay] : llvm::enumerate(decays)) {
      Value result = b.load(results, {b.add(feature, index), column(vector)});
      start.push_back(mul(result, decay));
    }
  Value firstRow = b.add(item.sequence.begin, firstKey);
  Value first = b.add(b.add(b.mul(item.kvHead, shape.headSize), op.getVColumn()), feature);
  SmallVector<Value> end =
      b.forLoop(b.index(0), count, 1, start, [&](Value key, ValueRange carried) {
        SmallVector<Value> weights, next;
        for (int64_t vector = 0; vector < shape.vectors(); ++vector)
          weights.push_back(b.load(scores, {key, column(vector)}));
        for (int64_t index = 0; index < size; ++index) {
          Value scalar = b.loadScalar(op.getValue(), {b.add(firstRow, key), b.add(first, index)});
          Value spread = b.broadcast(scalar);
          for (auto [vector, weight] : llvm::enumerate(weights))
            next.push_back(b.fma(weight, spread, carried[index * weights.size() + vector]));
        }
        return next;
      });
  for (auto [position, result] : llvm::enumerate(end)) {
    int64_t index = position / shape.vectors(), vector = position % shape.vectors();
    b.store(result, results, {b.add(feature, index), column(vector)});
  }
}
