//===- ScanEmitter.cpp - The recurrence of a scan for the GPU -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <numbers>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Rows of a tile at most, and elements of b that a thread stages for it.
static constexpr int64_t maxTileRows = 16, stagedElements = 8;

DictionaryAttr nvptx::chooseScanConfig(MLIRContext *context, int64_t states, int64_t rowValues,
                                       bool movesStates, const flowhn::GPUTargetInfo &target) {
  int64_t threads = target.scanThreads, lanes = target.scanLanes(states);
  int64_t channels = target.scanLaneChannels(states), roundRows = lanes / channels;
  int64_t perRow = llvm::divideCeil(states, threads);
  int64_t rows = llvm::bit_floor<uint64_t>(
      std::clamp<int64_t>(stagedElements * threads / states, perRow, maxTileRows));
  rows = std::max(rows, roundRows);
  int64_t laneStates = channels * llvm::divideCeil(states, lanes);
  int64_t steps = roundRows * target.scanRounds(laneStates, rowValues, movesStates);
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
  return {
      {b.add(whole.begin, begin), length}, begin, b.add(begin, chunkRows), whole.length, position};
}

ScanEmitter::ScanEmitter(GPUKernelBuilder &b, const ScanShape &shape, Inputs inputs,
                         bool endsExactly, bool sumsDelta)
    : b(b), shape(shape), inputs(std::move(inputs)),
      rowInputs({this->inputs.u, this->inputs.delta}), lanes(b, shape), endsExactly(endsExactly),
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

/// The loops: over tiles, which carry the states, the inputs of the next rows, the
/// staged elements of the next tile and the side of shared memory it goes to.
SmallVector<Value> ScanEmitter::emitRows(const Sequence &sequence, ArrayRef<Value> start) {
  ScanTiles tiles(b, inputs.projections, shape, sequence, lanes.part());
  tiles.clear();
  SmallVector<Value> inits(start);
  llvm::append_range(inits, loadFirstRows(sequence));
  size_t numStepValues = inits.size();
  llvm::append_range(inits, tiles.fetch(b.i32(0)));
  inits.push_back(b.i32(0));
  SmallVector<Value> end = b.forLoop(
      b.i32(0), sequence.length, b.i32(shape.rows), inits, [&](Value begin, ValueRange carried) {
        tiles.publish(carried.drop_front(numStepValues).drop_back(), carried.back());
        b.barrier();
        SmallVector<Value> staged = tiles.fetch(b.add(begin, shape.rows));
        Value count = b.min(b.sub(sequence.length, begin), b.i32(shape.rows));
        SmallVector<Value> next =
            b.forLoop(b.i32(0), count, b.i32(shape.steps), carried.take_front(numStepValues),
                      [&](Value step, ValueRange values) {
                        return emitSteps(tiles, sequence, begin, step, values);
                      });
        llvm::append_range(next, staged);
        next.push_back(tiles.otherSide(carried.back()));
        return next;
      });
  end.truncate(carriedStates());
  if (sumsDelta)
    end.back() = lanes.sumRows(end.back());
  return end;
}

/// Advances the states by `steps` rows from row `step` of the tile. `carried` holds the
/// states and the own rows' inputs; those of the next rows take their place.
SmallVector<Value> ScanEmitter::emitSteps(ScanTiles &tiles, const Sequence &sequence,
                                          Value tileBegin, Value step, ValueRange carried) {
  Value own = b.add(b.add(tileBegin, step), lanes.row());
  Value first = b.add(sequence.begin, own), rest = b.sub(sequence.length, own);
  SmallVector<Value> states(carried.take_front(carriedStates()));
  SmallVector<Value> raw(carried.drop_front(carriedStates()));
  SmallVector<Value> ahead =
      loadRows(b.add(first, shape.steps), b.sub(rest, b.i32(shape.steps)), raw);
  SmallVector<Round> rounds;
  SmallVector<Row> rows;
  // Exponentials are one row ahead of the states that wait for them.
  Decays next = emitDecays(rounds, raw, rest, 0);
  for (int64_t row = 0; row < shape.steps; ++row) {
    Decays decays = std::move(next);
    if (row + 1 < shape.steps)
      next = emitDecays(rounds, raw, rest, row + 1);
    Round &round = rounds[row / shape.roundRows()];
    emitRow(tiles.load(step, row), decays, round.shares, states);
    if ((row + 1) % shape.roundRows() == 0)
      rows.push_back(finishRound(round, states));
  }
  storeRows(rows, first, rest);
  llvm::append_range(states, ahead);
  return states;
}

/// The inputs of the own rows among the first `steps`. Behind the sequence's end its last
/// row is read again.
SmallVector<Value> ScanEmitter::loadFirstRows(const Sequence &sequence) {
  SmallVector<Value> values;
  Value last = b.sub(sequence.length, b.i32(1));
  for (int64_t begin = 0; begin < shape.steps; begin += shape.roundRows()) {
    Value row = b.min(b.add(lanes.row(), begin), last);
    llvm::append_range(values, loadRow(rowPlaces(b.add(sequence.begin, row)), 0));
  }
  return values;
}

/// The inputs of the own rows from `row` on, of which those less than `rest` behind it are
/// read; in place of the others the `previous` ones stay.
SmallVector<Value> ScanEmitter::loadRows(Value row, Value rest, ValueRange previous) {
  SmallVector<Value> values, places = rowPlaces(row);
  for (int64_t begin = 0; begin < shape.steps; begin += shape.roundRows()) {
    ValueRange kept = previous.slice(values.size(), rowInputs.size());
    llvm::append_range(values,
                       b.ifElseMany(
                           b.less(b.i32(begin), rest), [&] { return loadRow(places, begin); },
                           [&] { return SmallVector<Value>(kept); }));
  }
  return values;
}

/// The places of the row's inputs in their buffers.
SmallVector<Value> ScanEmitter::rowPlaces(Value row) {
  return llvm::map_to_vector(rowInputs, [&](const auto &input) {
    const auto &[buffer, column] = input;
    Value offset = b.rowOffset(buffer, row, b.add(channel, column));
    return b.at(buffer.pointer, offset, buffer.elementType);
  });
}

/// The inputs of the row that lies `distance` behind the one at `places`, as they lie in
/// memory: converting them at once would wait for the load. Elements of 16 bits are carried
/// in whole registers, since ptxas copies halves.
SmallVector<Value> ScanEmitter::loadRow(ArrayRef<Value> places, int64_t distance) {
  SmallVector<Value> values;
  for (auto [input, first] : llvm::zip_equal(rowInputs, places)) {
    const Buffer &buffer = input.first;
    Value place = b.at(first, b.i64(distance * buffer.stride), buffer.elementType);
    if (buffer.elementType == b.f32())
      values.push_back(b.loadRaw(b.f32(), place));
    else
      values.push_back(arith::ExtUIOp::create(b.builder, b.loc, b.i32(),
                                              b.loadRaw(b.builder.getI16Type(), place)));
  }
  return values;
}

/// What `loadRow` has read as float32.
SmallVector<Value> ScanEmitter::extendRow(ArrayRef<Value> raw) {
  SmallVector<Value> values(raw);
  for (auto [input, value] : llvm::zip_equal(rowInputs, values)) {
    Type type = input.first.elementType;
    if (type == b.f32())
      continue;
    value = arith::TruncIOp::create(b.builder, b.loc, b.builder.getI16Type(), value);
    value = b.extend(LLVM::BitcastOp::create(b.builder, b.loc, type, value));
  }
  return values;
}

/// What the thread's own row among those of a round needs and gives.
ScanEmitter::Round ScanEmitter::beginRound(ArrayRef<Value> raw, Value isInside) {
  SmallVector<Value> values = extendRow(raw);
  Value delta = b.softplus(values[1]);
  if (isInside)
    delta = b.select(isInside, delta, b.f32(0));
  return {values, delta, b.mulf(delta, values[0]), {}};
}

/// How the lane's states decay in row `row` of a step, by slot, and what is added to them;
/// begins the row's round where it is the first one.
ScanEmitter::Decays ScanEmitter::emitDecays(SmallVectorImpl<Round> &rounds, ArrayRef<Value> raw,
                                            Value rest, int64_t row) {
  int64_t inRound = row % shape.roundRows(), values = rowInputs.size();
  if (inRound == 0) {
    // Where a round is one row, the first one of a step always exists.
    bool isKnown = row == 0 && shape.roundRows() == 1;
    Value isInside = endsExactly && !isKnown ? b.less(b.i32(row), rest) : Value();
    rounds.push_back(beginRound(raw.slice(rounds.size() * values, values), isInside));
  }
  Decays result;
  for (int64_t slot = 0; slot < shape.laneChannels; ++slot) {
    Value delta = lanes.gather(rounds.back().delta, inRound, slot);
    result.inputs.push_back(lanes.gather(rounds.back().input, inRound, slot));
    for (int64_t index = 0; index < shape.threadStates; ++index)
      result.factors.push_back(b.exp2(b.mulf(delta, rates[slot * shape.threadStates + index])));
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
