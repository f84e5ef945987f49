//===- ScanEmitter.h - The recurrence of a scan for the GPU -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A channel belongs to one thread, or to `lanes` neighbouring threads that share its
// states; states never leave the registers. Time goes in tiles of `rows`: b and c of a
// tile, which all channels read, are staged in shared memory as float32, one tile ahead.
// What belongs to a channel (u, Δ and the extras' rows) each thread reads for itself,
// `steps` rows ahead, which asks nothing of alignment: a warp's accesses coalesce.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANEMITTER_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANEMITTER_H

#include "ScanTiles.h"

namespace mlir::kern::nvptx {

/// The lanes, rows, steps and threads of a scan of so many states, which reads `rowValues` of
/// a row beside b and c and may start from states or store them.
DictionaryAttr chooseScanConfig(MLIRContext *context, int64_t states, int64_t rowValues,
                                bool movesStates, const flowhn::GPUTargetInfo &target);

/// One chunk of a sequence, in a kernel whose launch has `chunk_rows`. All i32.
struct ScanChunk {
  Sequence rows;  ///< of the chunk; the length is negative behind the sequence's end
  Value begin;    ///< rows of the sequence before the chunk
  Value end;      ///< the same, and those of a full chunk
  Value length;   ///< of the whole sequence
  Value position; ///< of the chunk's states among those of all chunks

  static ScanChunk load(GPUKernelBuilder &b, Value offsets, Value sequence, Value chunk,
                        Value chunkRows);
};

/// Where the states of a thread's channel lie in a buffer [any number, states, channels].
struct StatePlace {
  Buffer buffer; ///< its rows are channels: row r · states + s
  Value row;
};

/// Emits the code of one thread, which takes its channel through the rows of a sequence.
class ScanEmitter {
public:
  /// What the recurrence reads, and c where y is wanted.
  struct Inputs {
    Buffer u, delta, a;
    int64_t uColumn, deltaColumn;
    SmallVector<ScanProjection> projections;
  };
  /// One row of a channel, done.
  struct Row {
    Value u, y;
    ArrayRef<Value> extras; ///< as they lie in memory
  };

  virtual ~ScanEmitter() = default;

protected:
  /// With `endsExactly`, the rows that fill up the last step leave the states alone; with
  /// `sumsDelta`, ΣΔ is carried behind the states.
  ScanEmitter(GPUKernelBuilder &b, const ScanShape &shape, Inputs inputs, bool endsExactly,
              bool sumsDelta);

  /// Takes the states of `start` over the rows of `sequence`, of which there are some, and
  /// returns what they are then.
  SmallVector<Value> emitRows(const Sequence &sequence, ArrayRef<Value> start);
  /// Uses the results of the rows from `time` on, the first `rest` of which exist.
  virtual void storeRows(ArrayRef<Row> rows, const Sequence &sequence, Value time, Value rest) {}

  SmallVector<Value> zeroStates() { return SmallVector<Value>(carriedStates(), b.f32(0)); }
  SmallVector<Value> loadStates(const StatePlace &place);
  void storeStates(ArrayRef<Value> states, const StatePlace &place);
  StatePlace stateAt(Value memref, Value row) { return {b.buffer(memref), row}; }

  GPUKernelBuilder &b;
  ScanShape shape;
  Inputs inputs;
  Value channel; ///< clamped: threads behind the last channel repeat its work
  Value isOwner; ///< whether the thread stores its channel's results
  /// What is read row by row besides u and Δ, and from which column on.
  SmallVector<std::pair<Buffer, int64_t>> rowExtras;

private:
  bool endsExactly, sumsDelta;
  Value exists;             ///< whether the channel does
  Value part;               ///< which of its channel's lanes the thread is
  SmallVector<Value> rates; ///< a · log2(e), so that a step costs exp2 alone

  void assignChannel();
  void loadRates();
  int64_t carriedStates() const { return shape.threadStates + sumsDelta; }
  int64_t rawValues() const { return 2 + rowExtras.size(); }
  /// State `index` of the thread.
  Value stateNumber(int64_t index) { return b.add(b.mul(part, shape.threadStates), index); }
  Value stateOffset(const StatePlace &place, Value state);
  Value isState(Value state);
  SmallVector<Value> emitSteps(ScanTiles &tiles, const Sequence &sequence, Value tileBegin,
                               Value step, ValueRange carried);
  SmallVector<Value> loadRows(const Sequence &sequence, Value time);
  Value loadRaw(const Buffer &buffer, Value row, int64_t column);
  Row emitStep(const ScanTiles::Row &row, ArrayRef<Value> raw, Value isInside,
               SmallVectorImpl<Value> &states);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANEMITTER_H
