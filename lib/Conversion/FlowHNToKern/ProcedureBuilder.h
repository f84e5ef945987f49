//===- ProcedureBuilder.h - A procedure while it is built -------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to lib/Conversion/FlowHNToKern.
//
// Tokens are packed: a buffer holds the rows of all sequences one after the
// other. What the model moves around, its split, its fuse, its slices, is not
// moved here: a value is a range of columns of a buffer, read or written through
// a table of row numbers, and the kernels on either side of it take both.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_PROCEDUREBUILDER_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_PROCEDUREBUILDER_H

#include "KernelLibrary.h"
#include "KernelTarget.h"
#include "ParameterLibrary.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"

#include <deque>
#include <functional>
#include <map>
#include <variant>

namespace mlir::flowhn {

/// A set of tokens of the call: all of them, those of a branch, or those that
/// logits are wanted for (which have `rows` alone).
struct TokenSpace {
  Value batch;
  Value rows;
  Value maxLength;
  Value offsets;
  int64_t minRows = 0; ///< in calls that have any
};

/// Where the rows of a value lie: row i in row i, or `index[i]` where there is an
/// index, of `buffer`, from `column` on.
struct Tokens {
  Value buffer;
  int64_t column = 0;
  const TokenSpace *space = nullptr;
  Value index;

  friend bool operator==(const Tokens &, const Tokens &) = default;
};

/// The tokens of one branch of a split, and their rows in the call.
struct Segment {
  const TokenSpace *space = nullptr;
  Value index;
};

/// The state of a layer, and where in it the sequences of the call are.
struct State {
  Value memory;
  Value slots;               ///< the row of each sequence; of keys and values there are instead:
  Value first, before, rows; ///< what plan.cache_rows defines

  /// What a procedure takes for it, in order.
  SmallVector<Value> operands() const;
};

/// How the sequences of a space fall into chunks of a scan, all of them index values.
struct ScanChunks {
  Value maxLength;     ///< of the call, or 0 where its sequences are few
  Value fewLength;     ///< of the call where they are, or 0
  Value count;         ///< of a sequence, one at least
  Value combinedCount; ///< the same where a kernel of its own combines them, or 1; null: unused
  Value rows;          ///< of a chunk
  Value total;         ///< an upper bound of all sequences' chunks; 0 where `count` is sure to be 1
};

/// A kernel by the rows of a call.
struct RowBucket {
  Value rows;          ///< those of the call, or 0 where another kernel has them
  IntegerAttr maxRows; ///< null: none
};

/// The place that a fuse wants one of its inputs in.
struct FuseSlot {
  FuseOp fuse;
  unsigned input;
  StringRef arena;
};

/// What a procedure takes behind its tokens: a parameter, or the table that an
/// argument of the model's function stands for.
using Capture = std::variant<ParameterUse, BlockArgument>;

/// A function of the model, converted.
struct Procedure {
  func::FuncOp function;
  SmallVector<Capture> captures;
};

/// What all procedures of a model share.
struct ConversionContext {
  ModelOp model;
  const KernelTarget &target;
  ParameterLibrary &parameters;
  KernelLibrary &kernels;
  /// The procedure for a function of the model, which callees precede.
  std::function<FailureOr<const Procedure *>(func::FuncOp, Operation *user)> getProcedure;
  /// By the names of the model's states.
  DenseMap<Attribute, plan::StateOp> states = DenseMap<Attribute, plan::StateOp>();
};

/// How an argument of a model's function arrives in its procedure.
enum class ArgumentKind {
  Tokens,    ///< a buffer
  Segment,   ///< rows, max_length, offsets and index of a branch
  Table,     ///< a table, passed only where it is read
  State,     ///< memory, and tables of where the sequences are in it
  Parameter, ///< memory, passed once for each way of reading it
};
ArgumentKind getArgumentKind(Type type);

/// Converts the body of one function. The ops are converted by the overloads of
/// `convertOp` (OpConversions.h), one file per op family.
class ProcedureBuilder {
public:
  ProcedureBuilder(ConversionContext &context, func::FuncOp source, func::FuncOp procedure,
                   bool isEntry);

  /// Converts the function, its signature first.
  LogicalResult convertFunction();
  /// Converts the ops of `block` but its terminator, which is the caller's to read.
  LogicalResult convertBlock(Block &block);
  LogicalResult convert(Operation *op);
  SmallVector<Capture> takeCaptures() { return std::move(captures); }

  /// Where the rows of `value` lie. Fails with a diagnostic on `user` when it is not
  /// tokens of the call.
  FailureOr<Tokens> getTokens(Value value, Operation *user);
  /// The same, copied where they lie scattered.
  FailureOr<Tokens> getDenseTokens(Value value, Operation *user);
  /// The same, copied also where a product cannot start to read.
  FailureOr<Tokens> getFactorTokens(Value value, Operation *user);
  void setTokens(Value value, const Tokens &tokens) { tokensOf[value] = tokens; }
  /// Where a kernel is to store `result`: where another one does that has other calls, where its
  /// consumer wants it, or a new buffer. Some kernels cannot store scattered rows.
  Tokens createResult(Value result, const TokenSpace *space, bool canScatter = true);
  /// The same for all results of an op: several are ranges of columns of one buffer.
  Tokens createResults(ValueRange results, const TokenSpace *space);
  /// Packed rows of at least `width` elements, as far apart as the target wants them.
  MemRefType getRowsType(int64_t width, Type elementType) const;
  /// A buffer of rows for the tokens of `space`, in the current arena.
  Value createBuffer(Location loc, const TokenSpace *space, int64_t width, Type elementType);
  /// The memory of a parameter; fails with a diagnostic on `user`.
  FailureOr<Value> getParameter(const ParameterUse &use, Operation *user);
  /// The table that `value`, a tensor of integers, stands for.
  FailureOr<Value> getTable(Value value, Operation *user);
  /// Launches `kernelOp`, built on this procedure's values, as a kernel.
  void launch(Operation *kernelOp, StringRef name);

  /// Fails with a diagnostic unless the rows of `length` are those of `space`.
  LogicalResult checkLength(Value length, const TokenSpace *space, Operation *user);

  ConversionContext &context;
  OpBuilder builder;
  /// Whether this is a procedure that a call of the model runs.
  const bool isEntry;
  /// All tokens of the call.
  const TokenSpace *callSpace = nullptr;
  /// Of the entry: those that logits are wanted for.
  const TokenSpace *selectedSpace = nullptr;
  /// Of the entry: how many of the selected tokens' most likely successors are wanted,
  /// all or none, and the table that they go to.
  Value chosen, tokens;
  /// Of the step: how many tokens are drawn instead, all or none, and the tables of kern.sample.
  Value drawn, draws, history;
  /// Spaces of lengths, and of the tokens a caller selects.
  DenseMap<Value, const TokenSpace *> spaceOf;
  DenseMap<Value, Segment> segments;
  DenseMap<Value, State> states;
  /// The rows of states of keys and values by window.
  DenseMap<Attribute, plan::CacheRowsOp> cacheRows;
  /// The attention and SSM segments by window, begin and length.
  DenseMap<std::pair<Attribute, std::pair<Value, Value>>, std::pair<Segment, Segment>> partitions;
  /// Of spaces of last tokens: for each, its row among all tokens that it is one of.
  DenseMap<const TokenSpace *, Segment> lastTokens;
  /// Where consumers want values that are not computed yet.
  DenseMap<Value, std::variant<Tokens, FuseSlot>> wanted;
  /// The chunks of scans by space and blocks of channels.
  DenseMap<std::pair<const TokenSpace *, int64_t>, ScanChunks> scanChunks;
  /// The kernels by rows: by space, what it shares launches with, and bounds.
  std::map<std::tuple<const TokenSpace *, const TokenSpace *, std::vector<int64_t>>,
           SmallVector<RowBucket, 2>>
      rowBuckets;
  /// While ops are converted that one kernel does together in some calls: instead of their tokens,
  /// those that they are launched for by themselves.
  DenseMap<const TokenSpace *, const TokenSpace *> launchedSpaces;
  const TokenSpace &getLaunchedSpace(const TokenSpace &space) const {
    const TokenSpace *launched = launchedSpaces.lookup(&space);
    return launched ? *launched : space;
  }
  /// Of spaces the tokens of calls with more rows than so many.
  DenseMap<std::pair<const TokenSpace *, int64_t>, const TokenSpace *> remainingSpaces;
  /// What was converted together with ops in front of it.
  DenseSet<Operation *> converted;
  /// While kernels are held: the tokens of the branches whose they are, if known.
  std::array<const TokenSpace *, 2> groupedSpaces = {};
  /// While there is a list: products, and norms, that wait in it to be launched together.
  std::optional<SmallVector<kern::MatmulOp, 2>> heldProducts;
  std::optional<SmallVector<kern::RowwiseOp, 2>> heldNorms;
  /// The joined inputs of a fuse, once one of them is computed.
  DenseMap<Operation *, Value> fuseBuffers;

  /// Where launches and buffers go; a branch has its own.
  struct Scope {
    StringRef arena = "shared";
    int64_t stream = 0;
    bool isConcurrent = false;
    plan::BranchesAttr branch; ///< null outside of branches
    IntegerAttr block;         ///< null outside of a block that is not outlined
    /// Copies of values that lie scattered or misaligned; another branch must not read them.
    DenseMap<Value, Tokens> denseCopies;
  };
  Scope scope;

  const TokenSpace *createSpace(const TokenSpace &space) { return &spaces.emplace_back(space); }
  Value addArgument(Type type, Location loc);

private:
  LogicalResult convertEntrySignature();
  LogicalResult convertSignature();
  void addState(BlockArgument argument);
  LogicalResult convertReturn();
  /// A copy of `value` from column 0 on, made once in a scope.
  Tokens getDenseCopy(Value value, const Tokens &tokens, Location loc);
  void launchArgmax(Location loc);
  void launchSample(Location loc);

  func::FuncOp source, procedure;
  SmallVector<Value> results;
  SmallVector<Capture> captures;
  SmallVector<Value> captureValues;
  DenseMap<Attribute, Value> loadedParameters;
  DenseMap<Value, Tokens> tokensOf;
  DenseMap<Value, Value> tables;
  std::deque<TokenSpace> spaces;
};

/// memref<?xi32>: a number per row, token or sequence.
inline MemRefType getTableType(MLIRContext *context) {
  return MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 32));
}
/// The feature size of tokens.
inline int64_t getFeatures(Value tokens) {
  return cast<RankedTensorType>(tokens.getType()).getShape().back();
}
inline Type getElementType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType();
}
/// The element type of a buffer that holds all of `tokens`: theirs, or float32 where
/// they differ.
Type getJoinedElementType(ValueRange tokens);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_PROCEDUREBUILDER_H
