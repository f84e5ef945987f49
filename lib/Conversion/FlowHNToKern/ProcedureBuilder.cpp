//===- ProcedureBuilder.cpp - A procedure while it is built ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProcedureBuilder.h"

#include "OpConversions.h"
#include "flowhn/Dialect/Kern/IR/KernSamplingOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::flowhn;

MemRefType ProcedureBuilder::getRowsType(int64_t width, Type elementType) const {
  int64_t elements = context.target.rowElements(width, elementType);
  return MemRefType::get({ShapedType::kDynamic, elements}, elementType);
}

ProcedureBuilder::ProcedureBuilder(ConversionContext &context, func::FuncOp source,
                                   func::FuncOp procedure, bool isEntry)
    : context(context), builder(procedure.getContext()), isEntry(isEntry), source(source),
      procedure(procedure) {
  builder.setInsertionPointToEnd(&procedure.getBody().front());
}

Value ProcedureBuilder::addArgument(Type type, Location loc) {
  unsigned number = procedure.getNumArguments();
  LogicalResult inserted = procedure.insertArgument(number, type, DictionaryAttr(), loc);
  assert(succeeded(inserted) && "a function with a body takes an argument");
  (void)inserted;
  return procedure.getArgument(number);
}

/// Chooses the most likely token of each row of logits, where the call wants them.
void ProcedureBuilder::launchArgmax(Location loc) {
  Value logits = results.front();
  int64_t vocabulary = cast<MemRefType>(logits.getType()).getDimSize(1);
  auto argmax = kern::ArgmaxOp::create(builder, loc, chosen, logits, tokens, vocabulary,
                                       /*in_column=*/0, /*config=*/nullptr);
  launch(argmax, "argmax_" + std::to_string(vocabulary));
}

/// Draws tokens in place of that. On the CPU the runtime does it.
void ProcedureBuilder::launchSample(Location loc) {
  Value logits = results.front();
  int64_t vocabulary = cast<MemRefType>(logits.getType()).getDimSize(1);
  auto sample = kern::SampleOp::create(builder, loc, drawn, logits, draws, history, tokens,
                                       vocabulary, /*config=*/nullptr);
  launch(sample, "sample_" + std::to_string(vocabulary));
}

LogicalResult ProcedureBuilder::convertReturn() {
  auto terminator = cast<func::ReturnOp>(source.getBody().front().getTerminator());
  for (auto [value, buffer] : llvm::zip(terminator.getOperands(), results)) {
    FailureOr<Tokens> tokens = getTokens(value, terminator);
    if (failed(tokens))
      return failure();
    const TokenSpace *space = isEntry ? spaceOf.at(source.getArgument(3)) : callSpace;
    if (tokens->space != space)
      return terminator.emitOpError("needs to return ")
             << (isEntry ? "the selected tokens" : "the tokens of the call");
    copyTokens(*this, terminator.getLoc(), cast<RankedTensorType>(value.getType()), *tokens,
               {buffer, 0, space, {}});
  }
  if (isEntry)
    launchArgmax(terminator.getLoc());
  if (drawn && context.target.gpu)
    launchSample(terminator.getLoc());
  func::ReturnOp::create(builder, terminator.getLoc());
  return success();
}

LogicalResult ProcedureBuilder::convertFunction() {
  if (!source.getBody().hasOneBlock())
    return source.emitOpError("needs a body of one block");
  if (failed(isEntry ? convertEntrySignature() : convertSignature()))
    return failure();
  Block &body = source.getBody().front();
  const TokenSpace *space = isEntry ? spaceOf.at(source.getArgument(3)) : callSpace;
  for (auto [value, buffer] : llvm::zip(body.getTerminator()->getOperands(), results))
    wanted.try_emplace(value, Tokens{buffer, 0, space, {}});
  if (failed(convertBlock(body)))
    return failure();
  return convertReturn();
}

LogicalResult ProcedureBuilder::convertBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(convert(&op)))
      return failure();
  return success();
}

LogicalResult ProcedureBuilder::convert(Operation *op) {
  if (converted.contains(op))
    return success();
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<AddOp, AttentionOp, BlockOp, CausalConv1DOp, EmbeddingOp, FuseOp, GetStateOp,
            LastSegmentsOp, LastSelectedOp, LastTokensOp, LinearOp, PackTokensOp, ParallelOp,
            RMSNormOp, SegmentsOp, SelectTokensOp, SelectiveScanOp, SiLUOp, SliceOp, SplitOp,
            SwiGLUOp, func::CallOp>([&](auto known) { return convertOp(*this, known); })
      .Case([](GetParameterOp) { return success(); })
      .Default([](Operation *other) {
        return other->emitOpError("is nothing that a kernel is known for");
      });
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

FailureOr<Tokens> ProcedureBuilder::getTokens(Value value, Operation *user) {
  auto known = tokensOf.find(value);
  if (known == tokensOf.end())
    return user->emitOpError("needs tokens of the call, got a parameter of type ")
           << value.getType();
  return known->second;
}

FailureOr<Tokens> ProcedureBuilder::getDenseTokens(Value value, Operation *user) {
  FailureOr<Tokens> tokens = getTokens(value, user);
  if (failed(tokens) || !tokens->index)
    return tokens;
  return getDenseCopy(value, *tokens, user->getLoc());
}

FailureOr<Tokens> ProcedureBuilder::getFactorTokens(Value value, Operation *user) {
  FailureOr<Tokens> tokens = getDenseTokens(value, user);
  if (failed(tokens) ||
      context.target.startsProducts(tokens->column, mlir::flowhn::getElementType(value)))
    return tokens;
  return getDenseCopy(value, *tokens, user->getLoc());
}

Tokens ProcedureBuilder::getDenseCopy(Value value, const Tokens &tokens, Location loc) {
  Tokens &copy = scope.denseCopies[value];
  if (!copy.buffer) {
    Value buffer =
        createBuffer(loc, tokens.space, getFeatures(value), mlir::flowhn::getElementType(value));
    copy = {buffer, 0, tokens.space, {}};
    copyTokens(*this, loc, cast<RankedTensorType>(value.getType()), tokens, copy);
  }
  return copy;
}

Value ProcedureBuilder::createBuffer(Location loc, const TokenSpace *space, int64_t width,
                                     Type elementType) {
  return plan::AllocOp::create(builder, loc, getRowsType(width, elementType), space->rows,
                               scope.arena);
}

Tokens ProcedureBuilder::createResult(Value result, const TokenSpace *space, bool canScatter) {
  if (auto known = tokensOf.find(result); known != tokensOf.end())
    return known->second;
  std::optional<Tokens> place;
  if (auto want = wanted.find(result); want != wanted.end()) {
    if (auto *slot = std::get_if<FuseSlot>(&want->second)) {
      StringRef arena = std::exchange(scope.arena, slot->arena);
      place = getFuseSlot(*this, slot->fuse, slot->input, space);
      scope.arena = arena;
    } else {
      place = std::get<Tokens>(want->second);
    }
  }
  if (!place || place->space != space || (place->index && !canScatter)) {
    Type elementType = mlir::flowhn::getElementType(result);
    Value buffer = createBuffer(result.getLoc(), space, getFeatures(result), elementType);
    place = Tokens{buffer, 0, space, {}};
  }
  setTokens(result, *place);
  return *place;
}

Type mlir::flowhn::getJoinedElementType(ValueRange tokens) {
  Type first = mlir::flowhn::getElementType(tokens.front());
  bool areAlike = llvm::all_of(
      tokens, [&](Value value) { return mlir::flowhn::getElementType(value) == first; });
  return areAlike ? first : Float32Type::get(first.getContext());
}

Tokens ProcedureBuilder::createResults(ValueRange results, const TokenSpace *space) {
  if (results.size() == 1 || tokensOf.contains(results.front()))
    return createResult(results.front(), space);
  int64_t width = 0;
  for (Value result : results)
    width = saturatingAdd(width, getFeatures(result));
  Value buffer =
      createBuffer(results.front().getLoc(), space, width, getJoinedElementType(results));
  int64_t column = 0;
  for (Value result : results) {
    setTokens(result, {buffer, column, space, {}});
    column = saturatingAdd(column, getFeatures(result));
  }
  return {buffer, 0, space, {}};
}

FailureOr<Value> ProcedureBuilder::getParameter(const ParameterUse &use, Operation *user) {
  for (Value source : use.tensors()) {
    if (!isParameter(source))
      return user->emitOpError("needs a parameter, got tokens of type ") << source.getType();
    if (mlir::flowhn::getElementType(source).isInteger())
      return user->emitError("scaled parameters are not supported yet: ")
             << user->getName() << " reads " << source.getType();
  }
  MemRefType type = use.getType();
  if (!type)
    return user->emitOpError("reads a parameter of more elements than 64 bits can count");
  bool areNamed = llvm::all_of(use.tensors(),
                               [](Value source) { return source.getDefiningOp<GetParameterOp>(); });
  if (areNamed) {
    plan::ParameterOp parameter = context.parameters.getOrCreate(use);
    Value &memory = loadedParameters[parameter.getSymNameAttr()];
    if (!memory)
      memory = plan::GetParameterOp::create(builder, user->getLoc(), type, parameter.getSymName());
    return memory;
  }
  Capture capture(use);
  auto known = llvm::find(captures, capture);
  if (known != captures.end())
    return captureValues[known - captures.begin()];
  captures.push_back(std::move(capture));
  return captureValues.emplace_back(addArgument(type, use.sources.front().getLoc()));
}

FailureOr<Value> ProcedureBuilder::getTable(Value value, Operation *user) {
  if (Value table = tables.lookup(value))
    return table;
  auto argument = dyn_cast<BlockArgument>(value);
  if (isEntry || !argument || argument.getOwner()->getParentOp() != source)
    return user->emitOpError("needs a table that the call brings, got one computed in it");
  captures.push_back(argument);
  Value table = addArgument(getTableType(builder.getContext()), argument.getLoc());
  captureValues.push_back(table);
  return tables[argument] = table;
}

LogicalResult ProcedureBuilder::checkLength(Value length, const TokenSpace *space,
                                            Operation *user) {
  if (spaceOf.lookup(length) == space)
    return success();
  return user->emitOpError("needs the lengths of the tokens that it reads, got those of others");
}

void ProcedureBuilder::launch(Operation *kernelOp, StringRef name) {
  Location loc = kernelOp->getLoc();
  KernelLaunch launch = context.kernels.outline(kernelOp, name);
  plan::LaunchOp::create(builder, loc, launch.kernel, launch.operands, scope.stream, scope.branch,
                         scope.block);
}
