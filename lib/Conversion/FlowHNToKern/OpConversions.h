//===- OpConversions.h - One conversion per op of flowhn --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to lib/Conversion/FlowHNToKern. Every overload launches what its op
// computes and says where the results lie, or fails with a diagnostic.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_OPCONVERSIONS_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_OPCONVERSIONS_H

#include "ProcedureBuilder.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"

namespace mlir::flowhn {

// Structure.cpp
LogicalResult convertOp(ProcedureBuilder &procedure, BlockOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, SegmentsOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, SplitOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, GetStateOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, ParallelOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, SelectTokensOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, SliceOp op);
// LastTokens.cpp
LogicalResult convertOp(ProcedureBuilder &procedure, LastSelectedOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, LastSegmentsOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, LastTokensOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, PackTokensOp op);
// Calls.cpp
LogicalResult convertOp(ProcedureBuilder &procedure, func::CallOp op);
// Linear.cpp
LogicalResult convertOp(ProcedureBuilder &procedure, FuseOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, LinearOp op);
// Rowwise.cpp
LogicalResult convertOp(ProcedureBuilder &procedure, AddOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, EmbeddingOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, RMSNormOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, SiLUOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, SwiGLUOp op);
// Mixers.cpp
LogicalResult convertOp(ProcedureBuilder &procedure, AttentionOp op);
LogicalResult convertOp(ProcedureBuilder &procedure, SelectiveScanOp op);
// ScanInputs.cpp
LogicalResult convertOp(ProcedureBuilder &procedure, CausalConv1DOp op);

/// The memory that `state` of the model is.
plan::StateOp declareState(OpBuilder &builder, StateOp state, const KernelTarget &target);

/// What launches of branch `i` of `op` say of it. Structure.cpp
plan::BranchesAttr getBranches(ParallelOp op, unsigned i);

/// Converts branches whose schedule is `grouped`, each in one of `arenas`. GroupedBranches.cpp
LogicalResult convertGroupedBranches(ProcedureBuilder &procedure, ParallelOp op,
                                     ArrayRef<std::string> arenas);

/// Launches products, or norms, of the same calls as one kernel. Linear.cpp, Rowwise.cpp
void launchGroups(ProcedureBuilder &procedure, ArrayRef<kern::MatmulOp> products);
void launchGroups(ProcedureBuilder &procedure, ArrayRef<kern::RowwiseOp> norms);

/// Copies `from` to `to`, tokens of `type`, unless they lie there.
void copyTokens(ProcedureBuilder &procedure, Location loc, RankedTensorType type,
                const Tokens &from, const Tokens &to);

/// Notes for a tap, and nothing else, that `tokens` are `name`, in the entry alone.
void tap(ProcedureBuilder &procedure, Location loc, const Twine &name, const Tokens &tokens,
         int64_t width);

/// Where input `i` of `fuse` is to lie, which holds the tokens of `space`; nothing
/// when the rows of its branch are not known.
std::optional<Tokens> getFuseSlot(ProcedureBuilder &procedure, FuseOp fuse, unsigned i,
                                  const TokenSpace *space);

/// The rows of `input` normed by `weights`, each over its section of the columns, in
/// `out`.
LogicalResult launchNorm(ProcedureBuilder &procedure, Operation *op, Value input,
                         ValueRange weights, double eps, const Tokens &out);

/// 1 / sqrt(mean of squares + eps) of each of the rows of `width` features in `tokens`: a
/// buffer of one float32 per row.
Value launchNormScale(ProcedureBuilder &procedure, Operation *op, const Tokens &tokens,
                      int64_t width, double eps);

/// 1 in calls where `value` exceeds `bound`, else 0. RowBuckets.cpp
Value createExceeds(OpBuilder &builder, Location loc, Value value, int64_t bound);

/// The kernels that an op over the tokens of `space` is launched as, of which a call runs one:
/// for at most as many rows as each of `bounds`, ascending, and for more. Of branches that share
/// launches those of the one with more rows decide. RowBuckets.cpp
ArrayRef<RowBucket> getRowBuckets(ProcedureBuilder &procedure, Location loc,
                                  const TokenSpace &space, ArrayRef<int64_t> bounds);

/// Splits `scan`, over the sequences of `space`, into chunks that the GPU runs side by side
/// in the calls whose sequences alone do not fill it: launches the kernels that make the
/// states between chunks, named with `suffix`, and gives `scan` its chunks. For calls of few
/// sequences launches a kernel of their own, `name` with an end to it. ScanChunks.cpp
void splitScan(ProcedureBuilder &procedure, kern::ScanOp scan, const TokenSpace &space,
               const GPUTargetInfo &gpu, StringRef name, StringRef suffix);

/// What the region of a kernel reads besides the kernel's own values.
class Extras {
public:
  explicit Extras(ProcedureBuilder &procedure) : procedure(procedure) {}

  /// A vector, one element per column.
  LogicalResult addVector(ParameterUse use, Operation *user);
  /// Rows, one per row of the kernel. All that lie scattered, and are not copied,
  /// share one table.
  LogicalResult addRows(Value value, const TokenSpace *space, Operation *user,
                        bool canGather = true);
  /// A buffer of one float32 per row.
  void addScalars(Value buffer) { add(buffer, 0, kern::Access::Scalar); }
  ArrayAttr getAccesses() const;

  SmallVector<Value> values;
  SmallVector<int64_t> columns;
  Value gather;

private:
  void add(Value value, int64_t column, kern::Access access);

  ProcedureBuilder &procedure;
  SmallVector<kern::Access> accesses;
};

/// Builds scalar float32 code in the region of a kernel.
using ScalarBody = function_ref<Value(OpBuilder &, Location, ValueRange)>;
/// Gives `region` one block of `numArguments` float32 arguments that yields `body`.
void buildRegion(Region &region, Location loc, size_t numArguments, ScalarBody body);
/// x / (1 + exp(-x)).
Value buildSiLU(OpBuilder &builder, Location loc, Value x);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_OPCONVERSIONS_H
