//===- Scan.cpp - kern.scan for the GPU -----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block is some channels × a sequence, or × one of its chunks, each of which starts
// from states that other kernels have left (ScanStates.cpp).
//
//===----------------------------------------------------------------------===//

#include "ScanEmitter.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// FLOPs that a state's step counts for, one of them an exponential.
static constexpr int64_t flopsPerExponential = 9;

/// u, Δ and the extras' rows.
static SmallVector<ScanInput> rowInputsOf(ScanOp op) {
  SmallVector<ScanInput> inputs = {{op.getU(), int64_t(op.getUColumn())},
                                   {op.getDelta(), int64_t(op.getDeltaColumn())}};
  for (auto [extra, access, column] : llvm::zip_equal(
           op.getExtras(), op.getAccesses().getAsRange<AccessAttr>(), op.getExtraColumns()))
    if (access.getValue() != Access::Column)
      inputs.push_back({extra, column});
  return inputs;
}

static SmallVector<ScanInput> projectionsOf(ScanOp op) {
  return {{op.getB(), int64_t(op.getBColumn())}, {op.getC(), int64_t(op.getCColumn())}};
}

static ScanShape shapeOf(ScanOp op) {
  return ScanShape(op, op.getA().getType(), projectionsOf(op), rowInputsOf(op));
}

namespace {
/// The recurrence, y and the epilogue.
class OutputEmitter : public ScanEmitter {
public:
  OutputEmitter(GPUKernelBuilder &b, ScanOp op)
      : ScanEmitter(b, shapeOf(op), {b.buffer(op.getA()), rowInputsOf(op), projectionsOf(op)},
                    /*endsExactly=*/op.getFinal() != nullptr, /*sumsDelta=*/false),
        op(op), out(b.buffer(op.getOut())) {
    loadColumnExtras();
  }

  void emit();

private:
  ScanOp op;
  Buffer out;
  SmallVector<Value> columnExtras; ///< null for extras read row by row

  void loadColumnExtras();
  void emitSequence();
  void emitChunk();
  SmallVector<Value> initialStates(Value number);
  SmallVector<Value> chunkStates(const ScanChunk &chunk, Value number);
  void emitFrom(const Sequence &sequence, Value number, StartStates start, Value isLast);
  void storeRows(ArrayRef<Row> rows, Value first, Value rest) override;
  Value evaluate(const Row &row);
};
} // namespace

void OutputEmitter::loadColumnExtras() {
  Extras extras = b.extras(op);
  for (auto [buffer, access, column] :
       llvm::zip_equal(extras.buffers, extras.accesses, extras.columns)) {
    bool isColumn = access == Access::Column;
    columnExtras.push_back(isColumn ? b.load(buffer, b.widen(b.add(channel, column))) : Value());
  }
}

void OutputEmitter::emit() {
  if (op.getChunks())
    emitChunk();
  else
    emitSequence();
}

/// Whether the states of a sequence without rows are where they end.
static bool endsInPlace(ScanOp op) { return op.getFinal() && op.getFinal() == op.getInitial(); }

SmallVector<Value> OutputEmitter::initialStates(Value number) {
  if (!op.getInitial())
    return zeroStates();
  return loadStates(stateAt(op.getInitial(), b.lookUp(op.getSlots(), number)));
}

void OutputEmitter::emitSequence() {
  Value number = b.blockId(1);
  Sequence sequence = Sequence::load(b, op.getOffsets(), number);
  emitFrom(sequence, number, [&] { return initialStates(number); }, /*isLast=*/{});
}

/// The chunks behind the sequence's end have nothing to do, but a sequence without rows
/// has its first one where states move.
void OutputEmitter::emitChunk() {
  Value number = b.blockId(2);
  ScanChunk chunk =
      ScanChunk::load(b, op.getOffsets(), number, b.blockId(1), b.extent(op.getChunkRows()));
  Value length = endsInPlace(op) ? chunk.length : b.max(chunk.length, b.i32(1));
  b.ifThen(b.less(chunk.begin, length), [&] {
    emitFrom(
        chunk.rows, number, [&] { return chunkStates(chunk, number); },
        b.less(chunk.length, b.add(chunk.end, 1)));
  });
}

/// What a chunk of sequence `number` starts from.
SmallVector<Value> OutputEmitter::chunkStates(const ScanChunk &chunk, Value number) {
  StatePlace states = stateAt(op.getChunkStates(), chunk.position);
  int64_t folded = op.getFoldedChunks().value_or(1);
  auto fold = [&] {
    SmallVector<Value> initial = initialStates(number);
    if (folded == 1)
      return initial;
    return b.ifElseMany(
        b.less(b.i32(0), chunk.index),
        [&] { return foldStates(initial, states, op.getChunkSums(), chunk.index); },
        [&] { return initial; });
  };
  return b.ifElseMany(
      b.less(b.i32(folded), b.extent(op.getChunks())), [&] { return loadStates(states); }, fold);
}

/// The rows of `sequence`, and the states of sequence `number` behind its last one.
void OutputEmitter::emitFrom(const Sequence &sequence, Value number, StartStates start,
                             Value isLast) {
  auto store = [&](ArrayRef<Value> states) {
    auto storeFinal = [&] {
      storeStates(states, stateAt(op.getFinal(), b.lookUp(op.getSlots(), number)));
    };
    if (isLast)
      b.ifThen(isLast, storeFinal);
    else
      storeFinal();
  };
  Value hasRows = b.less(b.i32(0), sequence.length);
  auto emitAll = [&] {
    SmallVector<Value> end = emitRows(sequence, start);
    if (op.getFinal())
      store(end);
  };
  if (op.getFinal() && !endsInPlace(op))
    b.ifThenElse(hasRows, emitAll, [&] { store(start()); });
  else
    b.ifThen(hasRows, emitAll);
}

/// What is stored for a row.
Value OutputEmitter::evaluate(const Row &row) {
  SmallVector<Value> arguments = {row.y, row.u};
  ArrayRef<Value> rest = row.extras;
  for (Value constant : columnExtras) {
    arguments.push_back(constant ? constant : rest.front());
    if (!constant)
      rest = rest.drop_front();
  }
  return b.inlineRegion(op.getEpilogue(), arguments);
}

/// Stores an element where `condition` holds. Around a branch the compiler would move what the
/// element is made of into it, and rows would wait for each other.
static void storeWhere(GPUKernelBuilder &b, Value condition, Value element, Value pointer) {
  bool isFloat = element.getType() == b.f32();
  Value stored =
      isFloat
          ? element
          : LLVM::BitcastOp::create(b.builder, b.loc, b.builder.getI16Type(), element).getResult();
  LLVM::InlineAsmOp::create(b.builder, b.loc, TypeRange(), {condition, pointer, stored},
                            isFloat ? "@$0 st.global.b32 [$1], $2;" : "@$0 st.global.b16 [$1], $2;",
                            isFloat ? "b,l,f,~{memory}" : "b,l,h,~{memory}",
                            /*has_side_effects=*/true, /*is_align_stack=*/false,
                            LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr());
}

void OutputEmitter::storeRows(ArrayRef<Row> rows, Value first, Value rest) {
  Value offset = b.rowOffset(out, first, b.add(channel, op.getOutColumn()));
  Value place = b.at(out.pointer, offset, out.elementType);
  Value stored = b.select(exists, rest, b.i32(0));
  for (auto [index, row] : llvm::enumerate(rows)) {
    Value result = b.truncate(evaluate(row), out.elementType);
    int64_t distance = index * shape.roundRows();
    storeWhere(b, b.less(b.i32(distance), stored), result,
               b.at(place, b.i64(distance * out.stride), out.elementType));
  }
}

namespace {
struct ScanModel : GPUKernelInterface::ExternalModel<ScanModel, ScanOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    auto scan = cast<ScanOp>(op);
    return chooseScanConfig(op->getContext(), scan.getA().getType().getDimSize(0),
                            scan.getInitial() || scan.getFinal(), scan.getFewSequences(), target);
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto scan = cast<ScanOp>(op);
    if (failed(checkScanConfig(op)))
      return failure();
    ScanShape shape = shapeOf(scan);
    if (failed(checkSharedBytes(op, shape.sharedBytes(), target)))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    OutputEmitter(b, scan).emit();

    GPULaunch launch;
    AffineExpr channelBlocks = builder.getAffineConstantExpr(shape.channelBlocks());
    AffineExpr batch = builder.getAffineDimExpr(0), chunks = builder.getAffineDimExpr(2);
    // Where no sequence has rows, there is something to do only where states move.
    if (!scan.getFinal() || endsInPlace(scan))
      batch = batch * isPositive(builder.getAffineDimExpr(1));
    launch.grid = scan.getChunks()
                      ? AffineMap::get(4, 0, {channelBlocks, chunks, batch}, op->getContext())
                      : AffineMap::get(2, 0, {channelBlocks, batch}, op->getContext());
    launch.threads = shape.threads;
    launch.sharedBytes = shape.sharedBytes();
    launch.flopRate = flopsPerExponential * target.exponentialRate;
    return launch;
  }
};
} // namespace

void nvptx::attachScanModel(MLIRContext &context) { ScanOp::attachInterface<ScanModel>(context); }
