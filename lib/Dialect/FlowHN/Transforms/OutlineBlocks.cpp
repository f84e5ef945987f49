//===- OutlineBlocks.cpp - One function per kind of block -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/FoldingSet.h"

#include <unordered_map>

namespace mlir::flowhn {
#define GEN_PASS_DEF_OUTLINEBLOCKSPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

namespace {

//===----------------------------------------------------------------------===//
// What a block computes
//===----------------------------------------------------------------------===//

/// Describes a block up to the names of its parameters, the values it captures
/// and its locations. Values go by number: those from outside in the order of
/// their first use, those from inside in the order of their definition. Two
/// blocks compute the same exactly when their keys are equal, so a hash table of
/// keys finds equal blocks without comparing each with each.
class BlockSummary {
public:
  explicit BlockSummary(BlockOp block);

  llvm::FoldingSetNodeID key;
  /// What the block's function takes: the input, captured values, parameters.
  SmallVector<Value> arguments() const;

private:
  void addRegion(Region &region);
  void addOperation(Operation &op);
  void addOperand(Value value);
  void addReference(const void *valueOrBlock);
  void define(const void *valueOrBlock) { numbers.try_emplace(valueOrBlock, numbers.size()); }

  DenseMap<const void *, unsigned> numbers;
  SmallVector<Value> captured;
  SmallVector<Value> parameters;
};

} // namespace

BlockSummary::BlockSummary(BlockOp block) {
  captured.push_back(block.getInput());
  define(block.getInput().getAsOpaquePointer());
  key.AddPointer(block.getInput().getType().getAsOpaquePointer());
  addRegion(block.getBody());
}

SmallVector<Value> BlockSummary::arguments() const {
  SmallVector<Value> all = captured;
  llvm::append_range(all, parameters);
  return all;
}

void BlockSummary::addRegion(Region &region) {
  key.AddInteger(region.getBlocks().size());
  for (Block &block : region)
    define(&block);
  for (Block &block : region) {
    key.AddInteger(block.getNumArguments());
    for (BlockArgument argument : block.getArguments()) {
      key.AddPointer(argument.getType().getAsOpaquePointer());
      define(argument.getAsOpaquePointer());
    }
    key.AddInteger(block.getOperations().size());
    for (Operation &op : block)
      addOperation(op);
  }
}

void BlockSummary::addOperation(Operation &op) {
  key.AddPointer(op.getName().getAsOpaquePointer());
  key.AddPointer(op.getAttrDictionary().getAsOpaquePointer());
  key.AddInteger(op.getNumOperands());
  for (Value operand : op.getOperands())
    addOperand(operand);
  key.AddInteger(op.getNumResults());
  for (Value result : op.getResults()) {
    key.AddPointer(result.getType().getAsOpaquePointer());
    define(result.getAsOpaquePointer());
  }
  for (Block *successor : op.getSuccessors())
    addReference(successor);
  key.AddInteger(op.getNumRegions());
  for (Region &region : op.getRegions())
    addRegion(region);
}

void BlockSummary::addOperand(Value value) {
  const void *identity = value.getAsOpaquePointer();
  if (!numbers.contains(identity)) {
    // Parameters and other values go to different places of the signature.
    bool isParameter = value.getDefiningOp<GetParameterOp>() != nullptr;
    key.AddBoolean(isParameter);
    key.AddPointer(value.getType().getAsOpaquePointer());
    (isParameter ? parameters : captured).push_back(value);
    define(identity);
  }
  addReference(identity);
}

void BlockSummary::addReference(const void *valueOrBlock) {
  key.AddInteger(numbers.lookup(valueOrBlock));
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Replaces the path of the block in every location inside `function`, and in
/// those of its arguments, by the function's name: "model.layers.3.final_proj"
/// becomes "block_0.final_proj".
static void makeLocationsGeneric(func::FuncOp function, Location blockLoc) {
  auto blockName = dyn_cast<NameLoc>(blockLoc);
  if (!blockName)
    return;
  StringRef path = blockName.getName();
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](NameLoc loc) -> std::optional<Attribute> {
    StringRef rest = loc.getName();
    if (!rest.consume_front(path) || !(rest.empty() || rest.starts_with(".")))
      return std::nullopt;
    auto name = StringAttr::get(loc.getContext(), function.getSymName() + rest);
    return NameLoc::get(name, loc.getChildLoc());
  });
  replacer.recursivelyReplaceElementsIn(function, /*replaceAttrs=*/false, /*replaceLocs=*/true);
}

/// Makes a private function of `block` that takes `arguments`, in front of the
/// function the block stands in.
static func::FuncOp createBlockFunction(BlockOp block, ArrayRef<Value> arguments,
                                        SymbolTable &symbols, unsigned number) {
  OpBuilder builder(block.getContext());
  auto type = builder.getFunctionType(TypeRange(ValueRange(arguments)), block.getType());
  auto function = func::FuncOp::create(block.getLoc(), ("block_" + Twine(number)).str(), type);
  function.setPrivate();
  function->setAttr(blockFunctionAttrName, builder.getUnitAttr());
  auto caller = block->getParentOfType<func::FuncOp>();
  symbols.insert(function, caller ? caller->getIterator() : Block::iterator());

  Block *entry = function.addEntryBlock();
  IRMapping mapping;
  for (auto [value, argument] : llvm::zip_equal(arguments, entry->getArguments())) {
    argument.setLoc(value == block.getInput() ? block.getLoc() : value.getLoc());
    mapping.map(value, argument);
  }
  builder.setInsertionPointToEnd(entry);
  Block &body = block.getBody().front();
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  Operation *yield = body.getTerminator();
  func::ReturnOp::create(builder, yield->getLoc(), mapping.lookupOrDefault(yield->getOperand(0)));
  makeLocationsGeneric(function, block.getLoc());
  return function;
}

/// Moves the `get_parameter`s of `block` in front of it: which parameters a block
/// uses is its caller's business.
static void hoistParameters(BlockOp block) {
  SmallVector<GetParameterOp> parameters;
  block.getBody().walk([&](GetParameterOp op) { parameters.push_back(op); });
  for (GetParameterOp op : parameters)
    op->moveBefore(block);
}

static void replaceByCall(BlockOp block, func::FuncOp function, ArrayRef<Value> arguments) {
  OpBuilder builder(block);
  auto call = func::CallOp::create(builder, block.getLoc(), function, arguments);
  call->setAttr(blockIndexAttrName, block.getIndexAttr());
  block.getResult().replaceAllUsesWith(call.getResult(0));
  block.erase();
}

namespace {

struct KeyHash {
  size_t operator()(const llvm::FoldingSetNodeID &key) const { return key.ComputeHash(); }
};

struct OutlineBlocksPass : flowhn::impl::OutlineBlocksPassBase<OutlineBlocksPass> {
  void runOnOperation() override {
    for (auto model : getOperation().getOps<ModelOp>())
      outlineBlocks(model);
  }

  void outlineBlocks(ModelOp model) {
    SymbolTable symbols(model);
    // Keys hold addresses; the table is searched, never iterated over.
    std::unordered_map<llvm::FoldingSetNodeID, func::FuncOp, KeyHash> functions;
    SmallVector<BlockOp> blocks;
    model.walk([&](BlockOp block) { blocks.push_back(block); });
    for (BlockOp block : blocks) {
      hoistParameters(block);
      BlockSummary summary(block);
      SmallVector<Value> arguments = summary.arguments();
      func::FuncOp &function = functions[summary.key];
      if (!function)
        function = createBlockFunction(block, arguments, symbols, functions.size() - 1);
      replaceByCall(block, function, arguments);
    }
  }
};

} // namespace
