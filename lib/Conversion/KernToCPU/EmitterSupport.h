//===- EmitterSupport.h - What the CPU emitters share -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOCPU_EMITTERSUPPORT_H
#define FLOWHN_LIB_CONVERSION_KERNTOCPU_EMITTERSUPPORT_H

#include "flowhn/Conversion/KernToCPU/KernToCPU.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir::kern {

/// The values beside its own that a kernel's region reads.
struct Extras {
  SmallVector<Value> values;
  SmallVector<Access> accesses;
  SmallVector<int64_t> columns; ///< column of each that column 0 of the kernel meets
  Value gather;                 ///< row table of `gathered` extras, or null

  /// The extras of an op that has the operands and attributes of that name.
  template <typename OpTy> static Extras of(OpTy op, Value gather = {}) {
    Extras extras{op.getExtras(), {}, SmallVector<int64_t>(op.getExtraColumns()), gather};
    for (AccessAttr access : op.getAccesses().template getAsRange<AccessAttr>())
      extras.accesses.push_back(access.getValue());
    return extras;
  }
};

/// Builds the code of one kernel: index arithmetic, loops and float32 vectors of
/// `lanes` elements. Memory may hold f32, bf16 or f16; every value is f32.
///
/// Transcendental functions are built as `math` ops; convert-kern-to-cpu expands
/// them (see ExpandMath.h), so nothing external is called.
class KernelBuilder {
public:
  KernelBuilder(OpBuilder &builder, Location loc, const flowhn::CPUTargetInfo &target)
      : builder(builder), loc(loc), target(target), lanes(target.lanes()) {}

  OpBuilder &builder;
  Location loc;
  const flowhn::CPUTargetInfo &target;
  /// Elements of the vectors built; the target's register unless an emitter narrows it.
  int64_t lanes;

  // Indices. Operations on constants fold.
  Value index(int64_t value);
  Value add(Value lhs, Value rhs);
  Value add(Value lhs, int64_t rhs);
  Value sub(Value lhs, Value rhs);
  Value mul(Value lhs, Value rhs);
  Value mul(Value lhs, int64_t rhs);
  Value floorDiv(Value lhs, int64_t rhs); ///< lhs ≥ 0
  Value ceilDiv(Value lhs, int64_t rhs);  ///< lhs ≥ 0
  Value floorDiv(Value lhs, Value rhs);   ///< lhs ≥ 0, rhs > 0
  Value mod(Value lhs, int64_t rhs);      ///< lhs ≥ 0
  Value min(Value lhs, Value rhs);
  Value max(Value lhs, Value rhs);
  Value less(Value lhs, Value rhs); ///< signed lhs < rhs, an i1

  // Control flow.
  using Body = llvm::function_ref<void(Value iv)>;
  using CarryBody = llvm::function_ref<SmallVector<Value>(Value iv, ValueRange carried)>;
  void forLoop(Value lower, Value upper, int64_t step, Body body);
  /// A loop that carries values; returns the last ones.
  SmallVector<Value> forLoop(Value lower, Value upper, int64_t step, ValueRange inits,
                             CarryBody body);
  void ifThen(Value condition, llvm::function_ref<void()> body);
  void ifThenElse(Value condition, llvm::function_ref<void()> thenBody,
                  llvm::function_ref<void()> elseBody);
  /// Calls `body` for every `lanes` columns of [0, width): in a loop with a null
  /// mask, then, where `lanes` does not divide width, once with the rest's mask.
  void forEachVector(int64_t width, llvm::function_ref<void(Value column, Value mask)> body);

  // Vectors.
  VectorType vectorType() const;
  Value splat(double value);
  Value broadcast(Value scalar);
  /// a · b + c, fused where the target can (a libm call elsewhere).
  Value fma(Value a, Value b, Value c);
  /// Mask of the first `count` lanes; any count is accepted.
  Value tailMask(Value count);
  Value tailMask(int64_t count);
  /// The sum of all lanes (f32), always in the same order.
  Value sum(Value vector);
  /// log(1 + exp(x)) without overflow; scalar or vector.
  Value softplus(Value x);

  // Memory. Nothing outside the mask is touched; masked-off lanes read 0.
  Value load(Value memref, ValueRange indices, Value mask = {});
  void store(Value vector, Value memref, ValueRange indices, Value mask = {});
  Value loadScalar(Value memref, ValueRange indices);
  void storeScalar(Value scalar, Value memref, ValueRange indices);
  /// table[position] as an index; `position` itself where the table is null.
  Value lookUp(Value table, Value position);
  /// A part of the scratch memory as a static memref.
  Value scratchView(Value scratch, int64_t byteOffset, ArrayRef<int64_t> shape);

  /// f32 vectors of the extras at columns [column, column + lanes) of a row.
  /// `gatheredRow` is lookUp(extras.gather, row), computed once per row.
  SmallVector<Value> loadExtras(const Extras &extras, Value row, Value gatheredRow, Value column,
                                Value mask = {});

  /// Clones a region of scalar float32 ops, on vectors or scalars as `arguments`
  /// are, and returns what it yields. Values from outside are broadcast.
  Value inlineRegion(Region &region, ValueRange arguments);

  // Conversions of storage types, without library calls on any level.
  Value extend(Value value);              ///< bf16, f16 or f32 → f32
  Value truncate(Value value, Type type); ///< f32 → element type `type`, to nearest even
  bool hasFma() const { return target.vectorBits >= 256; }
};

/// Bytes of one element of a buffer.
int64_t elementBytes(Type elementType);
/// `bytes` rounded up to a cache line: where the next part of scratch starts.
inline int64_t alignToLine(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Each emitter's external model, attached by registerCPUKernelModels.
void attachArgmaxCPUModel(MLIRContext &context);
void attachAttentionCPUModel(MLIRContext &context);
void attachConv1DCPUModel(MLIRContext &context);
void attachMatmulCPUModel(MLIRContext &context);
void attachRowwiseCPUModel(MLIRContext &context);
void attachScanCPUModel(MLIRContext &context);

} // namespace mlir::kern

#endif // FLOWHN_LIB_CONVERSION_KERNTOCPU_EMITTERSUPPORT_H
