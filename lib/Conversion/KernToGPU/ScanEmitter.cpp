//===- ScanEmitter.cpp - The recurrence of a scan for the GPU -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanEmitter.h"

#include "MmaSupport.h"

#include <numbers>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Rows of a tile at most, and elements of b that a thread stages for it.
static constexpr int64_t maxTileRows = 16, stagedElements = 8;

DictionaryAttr nvptx::chooseScanConfig(MLIRContext *context, int64_t states, bool movesStates,
                                       bool areFew, const flowhn::GPUTargetInfo &target) {
  int64_t threads = target.scanThreads, lanes = target.scanLanes(states, areFew);
  int64_t channels = target.scanLaneChannels(lanes), roundRows = lanes / channels;
  int64_t perRow = llvm::divideCeil(states, threads);
  int64_t rows = llvm::bit_floor<uint64_t>(
      std::clamp<int64_t>(stagedElements * threads / states, perRow, maxTileRows));
  rows = std::max(rows, roundRows);
  int64_t laneStates = channels * llvm::divideCeil(states, lanes);
  int64_t steps = roundRows * target.scanRounds(laneStates, movesStates);
  return makeConfig(context, {{"channels", channels},
                              {"lanes", lanes},
                              {"rows", rows},
                              {"steps", std::min(rows, steps)},
                              {"threads", threads}});
}

ScanChunk ScanChunk::load(GPUKernelBuilder &b, Value offsets, Value sequence, Value chunk,
                          Value chunkRows) {
  Sequence whole = Sequence::load(b, offsets, sequence);
  Value begin = b.mul(chunk, chunkRows);
  Value length = b.min(b.sub(whole.length, begin), chunkRows);
  Value position = b.add(b.add(b.div(whole.begin, chunkRows), sequence), chunk);
  return {{b.add(whole.begin, begin), length},
          begin,
          b.add(begin, chunkRows),
          whole.length,
          chunk,
          position};
}

ScanEmitter::ScanEmitter(GPUKernelBuilder &b, const ScanShape &shape, Inputs inputs,
                         bool endsExactly, bool sumsDelta)
    : b(b), shape(shape), inputs(std::move(inputs)), lanes(b, shape), endsExactly(endsExactly),
      sumsDelta(sumsDelta) {
  channel = clampedChannel(0);
  exists = channelExists(0);
  loadRates();
}

Value ScanEmitter::clampedChannel(int64_t slot) {
  return b.min(lanes.channel(slot), b.i32(shape.channels - 1));
}

Value ScanEmitter::channelExists(int64_t slot) {
  return b.less(lanes.channel(slot), b.i32(shape.channels));
}

/// Whether `state` is one: null where all that the thread has are.
Value ScanEmitter::isState(Value state) {
  if (shape.paddedStates() == shape.states)
    return {};
  return b.less(state, b.i32(shape.states));
}

/// States that only fill up a thread's share have rate 0, and b = c = 0: they stay 0.
void ScanEmitter::loadRates() {
  for (int64_t index = 0; index < laneStates(); ++index) {
    Value state = stateNumber(index % shape.threadStates);
    Value known = b.min(state, b.i32(shape.states - 1));
    Value column = clampedChannel(index / shape.threadStates);
    Value rate =
        b.mulf(b.load(inputs.a, b.rowOffset(inputs.a, known, column)), b.f32(std::numbers::log2e));
    if (Value isKnown = isState(state))
      rate = b.select(isKnown, rate, b.f32(0));
    rates.push_back(rate);
  }
}

/// The place of `state` in a buffer: [row, state, channel].
Value ScanEmitter::stateOffset(const StatePlace &place, Value state, Value channel) {
  Value row = b.mul(b.widen(place.row), place.buffer.stride);
  return b.add(row, b.widen(b.add(b.mul(state, shape.channels), channel)));
}

SmallVector<Value> ScanEmitter::loadStates(const StatePlace &place) {
  SmallVector<Value> states = zeroStates();
  for (int64_t index = 0; index < laneStates(); ++index) {
    Value state = stateNumber(index % shape.threadStates);
    Value known = b.min(state, b.i32(shape.states - 1));
    Value column = clampedChannel(index / shape.threadStates);
    Value loaded = b.load(place.buffer, stateOffset(place, known, column));
    Value isKnown = isState(state);
    states[index] = isKnown ? b.select(isKnown, loaded, b.f32(0)) : loaded;
  }
  return states;
}

void ScanEmitter::storeStates(ArrayRef<Value> states, const StatePlace &place) {
  for (int64_t index = 0; index < laneStates(); ++index) {
    int64_t slot = index / shape.threadStates;
    Value state = stateNumber(index % shape.threadStates);
    b.ifThen(b.both(channelExists(slot), isState(state)), [&] {
      b.store(states[index], place.buffer, stateOffset(place, state, clampedChannel(slot)));
    });
  }
}

/// The loop over tiles, which carries the states and the side of shared memory that is read.
SmallVector<Value> ScanEmitter::emitRows(const Sequence &sequence, StartStates start) {
  ScanTiles tiles(b, inputs.projections, shape, sequence, lanes.part());
  ScanRows rows(b, inputs.rows, shape, lanes, sequence);
  auto fetch = [&](Value time, Value side) {
    tiles.fetch(time);
    rows.fetch(time, side);
    commitCopies(b);
  };
  tiles.clear();
  fetch(b.i32(0), b.i32(0));
  SmallVector<Value> inits = start();
  inits.push_back(b.i32(0));
  SmallVector<Value> end = b.forLoop(
      b.i32(0), sequence.length, b.i32(shape.rows), inits, [&](Value begin, ValueRange carried) {
        Value side = carried.back(), other = b.bitXor(side, b.i32(1));
        waitCopies(b, 0);
        tiles.publish(side);
        b.barrier();
        Value nextBegin = b.add(begin, shape.rows);
        b.ifThen(b.less(nextBegin, sequence.length), [&] { fetch(nextBegin, other); });
        SmallVector<Value> next = emitTile(tiles, rows, side, b.add(sequence.begin, begin),
                                           b.sub(sequence.length, begin), carried.drop_back());
        next.push_back(other);
        return next;
      });
  end.truncate(carriedStates());
  if (sumsDelta)
    end.back() = lanes.sumRows(end.back());
  return end;
}

/// Takes the states through a tile, whose first row is row `first` of the buffers, and one of
/// `rest` that the sequence still has. Where the end's states are kept, calls of one row for each
/// of many sequences are the rule: what is no whole step is computed round by round. Elsewhere that
/// would take registers from whole steps.
SmallVector<Value> ScanEmitter::emitTile(ScanTiles &tiles, ScanRows &rows, Value side, Value first,
                                         Value rest, ValueRange carried) {
  auto emitLoop = [&](Value begin, Value end, int64_t count, ValueRange inits) {
    return b.forLoop(begin, end, b.i32(count), inits, [&](Value step, ValueRange states) {
      Value own = b.add(step, lanes.row());
      return emitSteps(tiles, rows, side, b.add(first, own), b.sub(rest, own), step, count, states);
    });
  };
  Value count = b.min(rest, b.i32(shape.rows));
  bool isByRounds = endsExactly && !sumsDelta && shape.steps > shape.roundRows();
  if (!isByRounds)
    return emitLoop(b.i32(0), count, shape.steps, carried);
  Value whole = b.mul(b.div(count, shape.steps), shape.steps);
  SmallVector<Value> states = emitLoop(b.i32(0), whole, shape.steps, carried);
  return emitLoop(whole, count, shape.roundRows(), states);
}

/// Advances the states by `count` rows from row `step` of the tile. Of these the thread's own
/// first row is row `first` of the buffers; those less than `rest` behind it are the sequence's.
SmallVector<Value> ScanEmitter::emitSteps(ScanTiles &tiles, ScanRows &inputRows, Value side,
                                          Value first, Value rest, Value step, int64_t count,
                                          ValueRange carried) {
  SmallVector<Value> states(carried);
  SmallVector<Round> rounds;
  SmallVector<Row> rows;
  Value own = b.add(step, lanes.row());
  auto decaysOf = [&](int64_t row) {
    int64_t inRound = row % shape.roundRows();
    if (inRound == 0) {
      // Where a round is one row, the first one of a step always exists.
      bool isKnown = row == 0 && shape.roundRows() == 1;
      Value isInside = endsExactly && !isKnown ? b.less(b.i32(row), rest) : Value();
      rounds.push_back(beginRound(inputRows.load(side, own, row), isInside));
    }
    return emitDecays(rounds.back(), inRound);
  };
  // Exponentials are one row ahead of the states that wait for them.
  Decays next = decaysOf(0);
  for (int64_t row = 0; row < count; ++row) {
    Decays decays = std::move(next);
    if (row + 1 < count)
      next = decaysOf(row + 1);
    Round &round = rounds[row / shape.roundRows()];
    emitRow(tiles.load(step, row), decays, round.shares, states);
    if ((row + 1) % shape.roundRows() == 0)
      rows.push_back(finishRound(round, states));
  }
  storeRows(rows, first, rest);
  return states;
}

/// What the thread's own row among those of a round needs and gives.
ScanEmitter::Round ScanEmitter::beginRound(ArrayRef<Value> values, Value isInside) {
  Value delta = b.softplus(values[1]);
  if (isInside)
    delta = b.select(isInside, delta, b.f32(0));
  return {SmallVector<Value>(values), delta, b.mulf(delta, values[0]), {}};
}

/// 2^x by products and sums, for x up to 127: relative error 2e-7, and 0 is met exactly.
static Value exp2ByProducts(GPUKernelBuilder &b, Value x) {
  // The lower bits of so large a float count ones.
  Value shift = b.f32(12582912);
  Value bounded = b.maxf(x, b.f32(-126));
  Value sum = b.addf(bounded, shift);
  Value fraction = b.subf(bounded, b.subf(sum, shift));
  // Minimax on [-0.5, 0.5].
  Value power = b.f32(0.0013264726394607072);
  for (double coefficient :
       {0.009671512698324522, 0.05550733745918662, 0.24022242084096126, 0.6931469775973109, 1.0})
    power = b.fma(power, fraction, b.f32(coefficient));
  auto cast = [&](Value value, Type type) {
    return LLVM::BitcastOp::create(b.builder, b.loc, type, value);
  };
  Value exponent = LLVM::ShlOp::create(b.builder, b.loc, cast(sum, b.i32()), b.i32(23));
  return cast(b.add(exponent, cast(power, b.i32())), b.f32());
}

/// Local scans, which carry ΣΔ, have room for products beside their exponentials.
Value ScanEmitter::decay(Value exponent, int64_t index) {
  int64_t period = sumsDelta ? b.target.scanPolynomialPeriod() : 0;
  bool isPolynomial = period && index % period == period - 1;
  return isPolynomial ? exp2ByProducts(b, exponent) : b.exp2(exponent);
}

/// How the lane's states decay in a row of a round, by slot, and what is added to them.
ScanEmitter::Decays ScanEmitter::emitDecays(const Round &round, int64_t inRound) {
  Decays result;
  for (int64_t slot = 0; slot < shape.laneChannels; ++slot) {
    Value delta = lanes.gather(round.delta, inRound, slot);
    result.inputs.push_back(lanes.gather(round.input, inRound, slot));
    for (int64_t index = 0; index < shape.threadStates; ++index)
      result.factors.push_back(
          decay(b.mulf(delta, rates[slot * shape.threadStates + index]), index));
  }
  return result;
}

/// Advances the lane's states by one row, and adds their shares of y where there is c.
void ScanEmitter::emitRow(const ScanTiles::Row &row, const Decays &decays,
                          SmallVectorImpl<Value> &shares, MutableArrayRef<Value> states) {
  for (int64_t slot = 0; slot < shape.laneChannels; ++slot) {
    // Two sums, so that one addition need not wait for the other.
    Value sums[] = {b.f32(0), b.f32(0)};
    for (int64_t index = 0; index < shape.threadStates; ++index) {
      Value &state = states[slot * shape.threadStates + index];
      state = b.fma(decays.factors[slot * shape.threadStates + index], state,
                    b.mulf(decays.inputs[slot], row.b[index]));
      if (!row.c.empty())
        sums[index % 2] = b.fma(state, row.c[index], sums[index % 2]);
    }
    if (!row.c.empty())
      shares.push_back(b.addf(sums[0], sums[1]));
  }
}

/// Brings y to its owner.
ScanEmitter::Row ScanEmitter::finishRound(const Round &round, MutableArrayRef<Value> states) {
  if (sumsDelta)
    states.back() = b.addf(states.back(), round.delta);
  Value y = round.shares.empty() ? Value() : lanes.scatterSum(round.shares);
  return {round.values[0], y, SmallVector<Value>(llvm::drop_begin(round.values, 2))};
}
