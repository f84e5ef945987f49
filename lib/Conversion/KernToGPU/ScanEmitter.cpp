//===- ScanEmitter.cpp - The recurrence of a scan for the GPU -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanEmitter.h"

#include <numbers>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Rows of a tile at most, and elements of b that a thread stages for it.
static constexpr int64_t maxTileRows = 16, stagedElements = 8;

DictionaryAttr nvptx::chooseScanConfig(MLIRContext *context, int64_t states, int64_t rowValues,
                                       bool movesStates, const flowhn::GPUTargetInfo &target) {
  int64_t threads = target.scanThreads, lanes = target.scanLanes(states);
  int64_t perRow = llvm::divideCeil(states, threads);
  int64_t rows = llvm::bit_floor<uint64_t>(
      std::clamp<int64_t>(stagedElements * threads / states, perRow, maxTileRows));
  int64_t steps = target.scanSteps(llvm::divideCeil(states, lanes), rowValues, movesStates);
  return makeConfig(
      context,
      {{"lanes", lanes}, {"rows", rows}, {"steps", std::min(rows, steps)}, {"threads", threads}});
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
    : b(b), shape(shape), inputs(std::move(inputs)), endsExactly(endsExactly),
      sumsDelta(sumsDelta) {
  assignChannel();
  loadRates();
}

void ScanEmitter::assignChannel() {
  Value thread = b.threadId();
  part = b.rem(thread, shape.lanes);
  Value number = b.add(b.mul(b.blockId(0), shape.blockChannels()), b.div(thread, shape.lanes));
  channel = b.min(number, b.i32(shape.channels - 1));
  exists = b.less(number, b.i32(shape.channels));
  isOwner = b.both(exists, b.equal(part, 0));
}

/// Whether `state` is one: null where all that the thread has are.
Value ScanEmitter::isState(Value state) {
  if (shape.paddedStates() == shape.states)
    return {};
  return b.less(state, b.i32(shape.states));
}

/// States that only fill up a thread's share have rate 0, and b = c = 0: they stay 0.
void ScanEmitter::loadRates() {
  for (int64_t index = 0; index < shape.threadStates; ++index) {
    Value state = stateNumber(index);
    Value known = b.min(state, b.i32(shape.states - 1));
    Value rate =
        b.mulf(b.load(inputs.a, b.rowOffset(inputs.a, known, channel)), b.f32(std::numbers::log2e));
    if (Value isKnown = isState(state))
      rate = b.select(isKnown, rate, b.f32(0));
    rates.push_back(rate);
  }
}

/// The place of `state` in a buffer: [row, state, channel].
Value ScanEmitter::stateOffset(const StatePlace &place, Value state) {
  Value row = b.mul(b.widen(place.row), place.buffer.stride);
  return b.add(row, b.widen(b.add(b.mul(state, shape.channels), channel)));
}

SmallVector<Value> ScanEmitter::loadStates(const StatePlace &place) {
  SmallVector<Value> states = zeroStates();
  for (int64_t index = 0; index < shape.threadStates; ++index) {
    Value state = stateNumber(index);
    Value known = b.min(state, b.i32(shape.states - 1));
    Value loaded = b.load(place.buffer, stateOffset(place, known));
    Value isKnown = isState(state);
    states[index] = isKnown ? b.select(isKnown, loaded, b.f32(0)) : loaded;
  }
  return states;
}

void ScanEmitter::storeStates(ArrayRef<Value> states, const StatePlace &place) {
  for (int64_t index = 0; index < shape.threadStates; ++index) {
    Value state = stateNumber(index);
    b.ifThen(b.both(exists, isState(state)),
             [&] { b.store(states[index], place.buffer, stateOffset(place, state)); });
  }
}

/// The loops: over tiles, which carry the states, the inputs of the next rows, the
/// staged elements of the next tile and the side of shared memory it goes to.
SmallVector<Value> ScanEmitter::emitRows(const Sequence &sequence, ArrayRef<Value> start) {
  ScanTiles tiles(b, inputs.projections, shape, sequence, part);
  tiles.clear();
  SmallVector<Value> inits(start);
  llvm::append_range(inits, loadRows(sequence, b.i32(0)));
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
  return end;
}

/// Advances the states by `steps` rows from row `step` of the tile. `carried` holds the
/// states and the rows' inputs; those of the next rows take their place.
SmallVector<Value> ScanEmitter::emitSteps(ScanTiles &tiles, const Sequence &sequence,
                                          Value tileBegin, Value step, ValueRange carried) {
  Value time = b.add(tileBegin, step), rest = b.sub(sequence.length, time);
  SmallVector<Value> states(carried.take_front(carriedStates()));
  SmallVector<Value> raw(carried.drop_front(carriedStates()));
  SmallVector<Value> ahead = loadRows(sequence, b.add(time, shape.steps));
  SmallVector<Row> rows;
  for (int64_t index = 0; index < shape.steps; ++index) {
    // The first row of a step always exists.
    Value isInside = endsExactly && index > 0 ? b.less(b.i32(index), rest) : Value();
    rows.push_back(emitStep(tiles.load(step, index),
                            ArrayRef(raw).slice(index * rawValues(), rawValues()), isInside,
                            states));
  }
  storeRows(rows, sequence, time, rest);
  llvm::append_range(states, ahead);
  return states;
}

/// The inputs of `steps` rows from `time` on. Behind the sequence's end its last row is
/// read again, so that no load waits for a branch.
SmallVector<Value> ScanEmitter::loadRows(const Sequence &sequence, Value time) {
  SmallVector<Value> values;
  Value last = b.sub(sequence.length, b.i32(1));
  for (int64_t index = 0; index < shape.steps; ++index) {
    Value row = b.add(sequence.begin, b.min(b.add(time, index), last));
    values.push_back(loadRaw(inputs.u, row, inputs.uColumn));
    values.push_back(loadRaw(inputs.delta, row, inputs.deltaColumn));
    for (const auto &[buffer, column] : rowExtras)
      values.push_back(loadRaw(buffer, row, column));
  }
  return values;
}

/// The element as it lies in memory: converting it at once would wait for the load.
Value ScanEmitter::loadRaw(const Buffer &buffer, Value row, int64_t column) {
  Value offset = b.rowOffset(buffer, row, b.add(channel, column));
  return b.loadRaw(buffer.elementType, b.at(buffer.pointer, offset, buffer.elementType));
}

/// Advances the states by one row, unless `isInside` is there and false.
ScanEmitter::Row ScanEmitter::emitStep(const ScanTiles::Row &row, ArrayRef<Value> raw,
                                       Value isInside, SmallVectorImpl<Value> &states) {
  Value x = b.extend(raw[0]), step = b.softplus(b.extend(raw[1]));
  if (isInside)
    step = b.select(isInside, step, b.f32(0));
  Value input = b.mulf(step, x);
  if (sumsDelta)
    states.back() = b.addf(states.back(), step);
  bool wantsY = !row.c.empty();
  // Two sums, so that one addition need not wait for the other.
  Value sums[] = {b.f32(0), b.f32(0)};
  for (auto [index, rate] : llvm::enumerate(rates)) {
    Value &state = states[index];
    Value decay = b.exp2(b.mulf(step, rate));
    state = b.fma(decay, state, b.mulf(input, row.b[index]));
    if (wantsY)
      sums[index % 2] = b.fma(state, row.c[index], sums[index % 2]);
  }
  if (!wantsY)
    return {x, {}, raw.drop_front(2)};
  Value y = b.addf(sums[0], sums[1]);
  for (int64_t distance = 1; distance < shape.lanes; distance *= 2)
    y = b.addf(y, b.shuffleXor(y, distance));
  return {x, y, raw.drop_front(2)};
}
