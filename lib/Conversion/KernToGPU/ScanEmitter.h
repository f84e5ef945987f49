//===- ScanEmitter.h - The recurrence of a scan for the GPU -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A channel belongs to one thread, or some channels to a group of neighbouring threads that
// share their states (ScanLanes.h); states never leave the registers. Time goes in tiles of
// `rows`, which are copied to shared memory one tile ahead: b and c, which all channels read, as
// float32 (ScanTiles.h), and what belongs to a channel (u, Δ and the extras' rows), which its
// owner reads (ScanRows.h). A thread computes `steps` rows without a branch between them, the last
// ones of a sequence round by round.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANEMITTER_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANEMITTER_H

#include "ScanRows.h"

namespace mlir::kern::nvptx {

/// The lanes, channels, rows, steps and threads of a scan of so many states, which may start from
/// states or store them, and whose sequences may be few.
DictionaryAttr chooseScanConfig(MLIRContext *context, int64_t states, bool movesStates, bool areFew,
                                const flowhn::GPUTargetInfo &target);

/// One chunk of a sequence, in a kernel whose launch has `chunk_rows`. All i32.
struct ScanChunk {
  Sequence rows;  ///< of the chunk; the length is negative behind the sequence's end
  Value begin;    ///< rows of the sequence before the chunk
  Value end;      ///< the same, and those of a full chunk
  Value length;   ///< of the whole sequence
  Value index;    ///< of the chunk in its sequence
  Value position; ///< of the chunk's states among those of all chunks

  static ScanChunk load(GPUKernelBuilder &b, Value offsets, Value sequence, Value chunk,
                        Value chunkRows);
};

/// Where the states of a channel lie in a buffer [any number, states, channels].
struct StatePlace {
  Buffer buffer; ///< its rows are channels: row r · states + s
  Value row;
};

/// Emits the code of one thread, which takes its channels through the rows of a sequence.
class ScanEmitter {
public:
  /// What the recurrence reads, and c where y is wanted.
  struct Inputs {
    Buffer a;
    SmallVector<ScanInput> rows; ///< u, Δ and extras
    SmallVector<ScanInput> projections;
  };
  /// One row of the thread's own channel, done.
  struct Row {
    Value u, y;
    SmallVector<Value> extras;
  };

  virtual ~ScanEmitter() = default;

protected:
  /// With `endsExactly`, the rows that fill up the last step leave the states alone; with
  /// `sumsDelta`, ΣΔ is carried behind the states.
  ScanEmitter(GPUKernelBuilder &b, const ScanShape &shape, Inputs inputs, bool endsExactly,
              bool sumsDelta);

  /// Makes the states that rows begin with.
  using StartStates = llvm::function_ref<SmallVector<Value>()>;

  /// Takes the states of `start`, made while the first rows are on their way, over the rows of
  /// `sequence`, of which there are some, and returns what they are then.
  SmallVector<Value> emitRows(const Sequence &sequence, StartStates start);
  /// Uses the results of the thread's own rows. They lie `roundRows` apart in the buffers, from
  /// `first` on; those less than `rest` behind it are the sequence's.
  virtual void storeRows(ArrayRef<Row> rows, Value first, Value rest) {}

  /// By slot, then by the lane's states; behind them ΣΔ.
  SmallVector<Value> zeroStates() { return SmallVector<Value>(carriedStates(), b.f32(0)); }
  SmallVector<Value> loadStates(const StatePlace &place);
  void storeStates(ArrayRef<Value> states, const StatePlace &place);
  /// Takes `states` over the `count` chunks in front of `place`, one at least, by the states there
  /// and the sums of Δ at the same rows of `sums`.
  SmallVector<Value> foldStates(ArrayRef<Value> states, const StatePlace &place, Value sums,
                                Value count);
  StatePlace stateAt(Value memref, Value row) { return {b.buffer(memref), row}; }

  GPUKernelBuilder &b;
  ScanShape shape;
  Inputs inputs;
  Value channel; ///< the own one, clamped: threads behind the last one repeat its work
  Value exists;  ///< whether the thread's own channel does
  ScanLanes lanes;

private:
  bool endsExactly, sumsDelta;
  SmallVector<Value> rates; ///< a · log2(e), so that a step costs exp2 alone

  /// A round under way: what the thread's own row in it has, and the shares of y.
  struct Round {
    SmallVector<Value> values; ///< of the rows that are read
    Value delta, input;        ///< Δ, Δ · u
    SmallVector<Value> shares;
  };
  /// Of one row: exp(Δ · a) of the lane's states and, by slot, Δ · u.
  struct Decays {
    SmallVector<Value> factors, inputs;
  };

  void loadRates();
  SmallVector<Value> loadSums(const Buffer &sums, Value row);
  SmallVector<Value> foldChunks(ValueRange states, const StatePlace &place, Value sums, Value count,
                                Value begin);
  int64_t laneStates() const { return shape.laneChannels * shape.threadStates; }
  int64_t carriedStates() const { return laneStates() + sumsDelta; }
  /// State `index` of the thread's share.
  Value stateNumber(int64_t index) { return b.add(b.mul(lanes.part(), shape.threadStates), index); }
  Value clampedChannel(int64_t slot);
  Value channelExists(int64_t slot);
  Value stateOffset(const StatePlace &place, Value state, Value channel);
  Value isState(Value state);
  SmallVector<Value> emitTile(ScanTiles &tiles, ScanRows &rows, Value side, Value first, Value rest,
                              ValueRange states);
  SmallVector<Value> emitSteps(ScanTiles &tiles, ScanRows &rows, Value side, Value first,
                               Value rest, Value step, int64_t count, ValueRange states);
  Round beginRound(ArrayRef<Value> values, Value isInside);
  /// 2^exponent for state `index` of the lane's share.
  Value decay(Value exponent, int64_t index);
  Decays emitDecays(const Round &round, int64_t inRound);
  void emitRow(const ScanTiles::Row &row, const Decays &decays, SmallVectorImpl<Value> &shares,
               MutableArrayRef<Value> states);
  Row finishRound(const Round &round, MutableArrayRef<Value> states);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANEMITTER_H
