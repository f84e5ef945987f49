//===- EmitterSupport.h - What the GPU emitters share -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_EMITTERSUPPORT_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_EMITTERSUPPORT_H

#include "../KernToCPU/KernelConfig.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir::kern::nvptx {

/// Bytes in a row of a swizzled tile: its 16-byte pieces are permuted with a period of 8
/// rows, so that 8 rows of one piece lie in different banks of shared memory.
inline constexpr int64_t swizzledRowBytes = 128;

/// A buffer of a kernel: where it is and how its rows lie.
struct Buffer {
  Value pointer;      ///< !llvm.ptr<1>
  Type elementType;   ///< f32, bf16, f16 or i32
  int64_t stride = 1; ///< elements between rows
};

/// The element type of a memref.
Type elementType(Value memref);
/// Elements between the rows of a memref.
int64_t rowWidth(Value memref);

/// The values beside its own that a kernel's region reads.
struct Extras {
  SmallVector<Buffer> buffers;
  SmallVector<Access> accesses;
  SmallVector<int64_t> columns; ///< column of each that column 0 of the kernel meets
};

/// A tensor map parameter, for the copies between global and shared memory.
struct TensorMap {
  Value buffer;    ///< the memref argument
  int64_t columns; ///< inner extent, counted from column 0 of the buffer
  AffineExpr rows; ///< outer extent, over the op's index operands as dimensions
  int64_t boxColumns, boxRows;
  int64_t swizzle = swizzledRowBytes;
};

/// Operands that stand in place of others where `isOther` holds: code of one op that works for a
/// second one too. Null where there is none.
struct OperandChoice {
  Value isOther;
  SmallVector<std::pair<Value, Value>> operands; ///< one's, and the other's
};

/// Builds the code of one kernel: i32 arithmetic (i64 for offsets into global memory),
/// structured control flow, scalar float32 and accesses to global and shared memory.
/// Every value computed with is f32; memory may hold f32, bf16 or f16.
class GPUKernelBuilder {
public:
  GPUKernelBuilder(OpBuilder &builder, Operation *op, const flowhn::GPUTargetInfo &target)
      : builder(builder), loc(op->getLoc()), op(op), target(target) {}

  OpBuilder &builder;
  Location loc;
  Operation *op;
  const flowhn::GPUTargetInfo &target;

  // Types.
  Type i32() { return builder.getI32Type(); }
  Type i64() { return builder.getI64Type(); }
  Type f32() { return builder.getF32Type(); }
  Type pointer(unsigned space) { return LLVM::LLVMPointerType::get(builder.getContext(), space); }

  // Integers (i32 unless the operands are i64). Operations on constants fold; none is
  // negative where it is divided, shifted or widened.
  Value i32(int64_t value);
  Value i64(int64_t value);
  Value add(Value lhs, Value rhs);
  Value add(Value lhs, int64_t rhs);
  Value sub(Value lhs, Value rhs);
  Value mul(Value lhs, Value rhs);
  Value mul(Value lhs, int64_t rhs);
  Value div(Value lhs, Value rhs);
  Value div(Value lhs, int64_t rhs);
  Value ceilDiv(Value lhs, int64_t rhs);
  Value rem(Value lhs, Value rhs);
  Value rem(Value lhs, int64_t rhs);
  Value min(Value lhs, Value rhs);
  Value max(Value lhs, Value rhs);
  Value bitAnd(Value lhs, int64_t rhs);
  Value bitXor(Value lhs, Value rhs);
  Value less(Value lhs, Value rhs); ///< signed lhs < rhs, an i1
  Value equal(Value lhs, int64_t rhs);
  Value both(Value lhs, Value rhs); ///< of i1; a null one counts as true
  Value select(Value condition, Value lhs, Value rhs);
  Value widen(Value value);  ///< i32 → i64
  Value extent(Value index); ///< an index argument as an i32, or the chosen one

  // Floats.
  Value f32(double value);
  Value addf(Value lhs, Value rhs);
  Value subf(Value lhs, Value rhs);
  Value mulf(Value lhs, Value rhs);
  Value fma(Value a, Value b, Value c);
  Value maxf(Value lhs, Value rhs);
  Value exp2(Value x); ///< ex2.approx.ftz
  Value exp(Value x);  ///< by exp2
  Value log2(Value x); ///< lg2.approx.ftz
  Value log(Value x);  ///< by log2
  Value reciprocal(Value x);
  Value sqrt(Value x);
  Value softplus(Value x);   ///< log(1 + exp(x)), relative error below 4e-7 + 8e-8 · |x|
  Value extend(Value value); ///< bf16, f16 or f32 → f32
  Value truncate(Value value, Type type); ///< f32 → `type`, to nearest even
  Value vectorOf(ValueRange values);
  SmallVector<Value> elementsOf(Value vector);
  /// Two f32 as neighbours of 16 bits in an i32, the first one in the low half.
  Value packPair(Value low, Value high, Type type);
  Value intrinsic(StringRef name, Type result, ValueRange arguments);

  // Control flow.
  using Body = llvm::function_ref<void(Value iv)>;
  using CarryBody = llvm::function_ref<SmallVector<Value>(Value iv, ValueRange carried)>;
  void forLoop(Value lower, Value upper, Value step, Body body);
  SmallVector<Value> forLoop(Value lower, Value upper, Value step, ValueRange inits,
                             CarryBody body);
  void ifThen(Value condition, llvm::function_ref<void()> body);
  void ifThenElse(Value condition, llvm::function_ref<void()> thenBody,
                  llvm::function_ref<void()> elseBody);
  /// A value of either side.
  Value ifElse(Value condition, llvm::function_ref<Value()> thenBody,
               llvm::function_ref<Value()> elseBody);
  /// As many values of either side.
  SmallVector<Value> ifElseMany(Value condition, llvm::function_ref<SmallVector<Value>()> thenBody,
                                llvm::function_ref<SmallVector<Value>()> elseBody);

  // Threads.
  Value threadId(); ///< 0 … threads - 1
  Value blockId(unsigned dimension = 0);
  Value numBlocks();
  Value broadcastLane0(Value value);            ///< lane 0's i32, known to be the same in the warp
  Value shuffleXor(Value value, int64_t lanes); ///< an f32 or i32 of lane ^ lanes
  void syncWarp();                              ///< of the lanes, and their shared memory
  void barrier();                               ///< of the whole block
  void barrier(Value id, int64_t threads);

  // Memory. Offsets count elements.
  Buffer buffer(Value memref); ///< or that of the chosen one
  Value at(Value pointer, Value offset, Type elementType);
  Value rowOffset(const Buffer &buffer, Value row, Value column); ///< an i64
  Value load(const Buffer &buffer, Value offset);                 ///< an f32
  void store(Value value, const Buffer &buffer, Value offset);
  /// `count` (a power of two) neighbours at an offset that is a multiple of count.
  SmallVector<Value> loadVector(const Buffer &buffer, Value offset, int64_t count);
  void storeVector(ValueRange values, const Buffer &buffer, Value offset);
  /// Brings the line that holds an element to the L2 cache.
  void prefetch(const Buffer &buffer, Value offset);
  /// table[position], an i32; `position` itself where there is no table.
  Value lookUp(Value tableMemref, Value position);
  /// The dynamic shared memory (!llvm.ptr<3>), 1024-byte aligned, and a place in it.
  Value sharedBase();
  Value shared(Value base, Value byteOffset);
  Value shared(Value base, int64_t byteOffset);
  /// Raw accesses: `type` may be a scalar or vector, `alignment` its bytes.
  Value loadRaw(Type type, Value pointer, int64_t alignment = 0);
  void storeRaw(Value value, Value pointer, int64_t alignment = 0);

  // Extras and regions.
  template <typename OpTy> Extras extras(OpTy op) {
    Extras result{{}, {}, SmallVector<int64_t>(op.getExtraColumns())};
    for (Value value : op.getExtras())
      result.buffers.push_back(buffer(value));
    for (AccessAttr access : op.getAccesses().template getAsRange<AccessAttr>())
      result.accesses.push_back(access.getValue());
    return result;
  }
  /// The extras at [row, column … column + count), one vector of `count` values per
  /// extra. Loads are wide where strides and columns allow it, given that `column` is a
  /// multiple of count (a power of two). `scalars`, where given, are loadScalars of the
  /// row, made once for all of its columns.
  SmallVector<SmallVector<Value>> loadExtras(const Extras &extras, Value row, Value gatheredRow,
                                             Value column, int64_t count,
                                             ArrayRef<Value> scalars = {});
  /// The `scalar` extras of a row, null in place of the others.
  SmallVector<Value> loadScalars(const Extras &extras, Value row);
  /// Clones a region of scalar float32 ops and returns what it yields. Divisions and
  /// transcendental functions become the chip's approximations.
  Value inlineRegion(Region &region, ValueRange arguments);

  /// Adds a tensor map to the kernel's parameters: a generic !llvm.ptr to it.
  Value tensorMap(const TensorMap &map);

  /// The code that is emitted while it lives uses the operands of a choice.
  class ChoiceScope {
  public:
    ChoiceScope(GPUKernelBuilder &b, const OperandChoice &choice) : b(b), outer(b.choice) {
      b.choice = &choice;
    }
    ~ChoiceScope() { b.choice = outer; }

  private:
    GPUKernelBuilder &b;
    const OperandChoice *outer;
  };

private:
  const OperandChoice *choice = nullptr;

  /// What `make` makes of an operand, or of what stands in its place.
  Value choose(Value operand, llvm::function_ref<Value(Value)> make);
};

/// A value of the op's `config`.
int64_t configValue(Operation *op, StringRef name);
/// An entry that a configuration need not have.
int64_t configValueOr(Operation *op, StringRef name, int64_t standard);
/// Checks that it holds a positive integer for every name.
inline LogicalResult checkConfig(Operation *op, ArrayRef<StringRef> names) {
  return kern::checkConfig(op, names, "GPU");
}
/// Checks that a block of the chip has `bytes` of shared memory.
LogicalResult checkSharedBytes(Operation *op, int64_t bytes,
                               const mlir::flowhn::GPUTargetInfo &target);

/// Makes the members of a group, which the code is about to replace, name the kernel's arguments.
template <typename Group> void useOperands(Group group) {
  for (auto [argument, operand] :
       llvm::zip_equal(group.getMembers().getArguments(), group.getArguments()))
    argument.replaceAllUsesWith(operand);
}

/// Each emitter's external model, attached by registerGPUKernelModels.
void attachArgmaxModel(MLIRContext &context);
void attachAttentionModel(MLIRContext &context);
void attachConv1DModel(MLIRContext &context);
void attachMatmulModels(MLIRContext &context);
void attachRowwiseModels(MLIRContext &context);
void attachScanModel(MLIRContext &context);
void attachScanStatesModels(MLIRContext &context);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_EMITTERSUPPORT_H
