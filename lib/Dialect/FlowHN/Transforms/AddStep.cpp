//===- AddStep.cpp - A function that steps through sequences --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_ADDSTEPPASS
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

static bool isLayerWithState(Operation *op) {
  return isa<AttentionOp, CausalConv1DOp, SelectiveScanOp>(op);
}

/// The state that `op` keeps; null for a convolution that reads one token alone.
static StateType getStateType(Operation *op) {
  auto typeOf = [](Value value) { return cast<RankedTensorType>(value.getType()); };
  auto state = [&](StateKind kind, ArrayRef<int64_t> shape, Type element) {
    return StateType::get(op->getContext(), kind, RankedTensorType::get(shape, element));
  };
  if (auto attention = dyn_cast<AttentionOp>(op)) {
    RankedTensorType key = attention.getKey().getType();
    int64_t features = saturatingProduct({2, key.getShape().back()});
    return state(StateKind::KV, {features}, key.getElementType());
  }
  if (auto scan = dyn_cast<SelectiveScanOp>(op))
    return state(StateKind::Scan, typeOf(scan.getALog()).getShape(),
                 Float32Type::get(op->getContext()));
  auto convolution = cast<CausalConv1DOp>(op);
  ArrayRef<int64_t> weight = typeOf(convolution.getWeight()).getShape();
  if (weight[2] == 1)
    return {};
  return state(StateKind::Conv, {weight[2] - 1, weight[0]},
               typeOf(convolution.getInput()).getElementType());
}

static void setState(Operation *op, Value state) {
  if (auto attention = dyn_cast<AttentionOp>(op))
    attention.getStateMutable().assign(state);
  else if (auto scan = dyn_cast<SelectiveScanOp>(op))
    scan.getStateMutable().assign(state);
  else
    cast<CausalConv1DOp>(op).getStateMutable().assign(state);
}

namespace {

/// Builds the step of one model.
class StepBuilder {
public:
  StepBuilder(ModelOp model, func::FuncOp forward) : model(model), forward(forward) {}

  /// Why the model has no step; empty where it can have one.
  std::string findObstacle();
  void build();

private:
  std::string findObstacle(AttentionOp attention, IntegerAttr block);
  std::string findObstacle(Region &region, IntegerAttr block);
  /// The states that layers of the block function `name` take, in order.
  struct Stepping {
    func::FuncOp function;
    SmallVector<StateType> states;
  };
  const Stepping &getStepping(func::FuncOp block);
  void replaceCall(func::CallOp call);
  Value createState(Operation *user, StateType type, IntegerAttr block);
  func::FuncOp getCallee(func::CallOp call) {
    return model.lookupSymbol<func::FuncOp>(call.getCallee());
  }

  ModelOp model;
  func::FuncOp forward, step;
  SymbolTable symbols{model};
  DenseMap<Operation *, Stepping> blocks;
};

} // namespace

// What cannot step

/// Keys are kept by position: which ones a layer sees must be the same in every call.
std::string StepBuilder::findObstacle(AttentionOp attention, IntegerAttr block) {
  if (attention.getQueries())
    return "positions of its last block are pruned";
  auto split = attention.getBegin().getDefiningOp<SplitOp>();
  if (split ? attention.getBegin() != split.getAttentionBegin()
            : !isa<BlockArgument>(attention.getBegin()))
    return "a layer of attention sees other tokens than the model's plan gives to attention";
  ArrayAttr plan = model.getPlanAttr();
  bool isPlanned = plan && block && block.getInt() < int64_t(plan.size());
  bool seesAll = !isPlanned || cast<WindowAttr>(plan[block.getInt()]).isAll();
  return bool(split) == seesAll
             ? "a layer of attention sees other tokens than the model's plan says"
             : "";
}

std::string StepBuilder::findObstacle(Region &region, IntegerAttr block) {
  std::string obstacle;
  region.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto inner = dyn_cast<BlockOp>(op)) {
      obstacle = findObstacle(inner.getBody(), inner.getIndexAttr());
      return obstacle.empty() ? WalkResult::skip() : WalkResult::interrupt();
    }
    if (auto call = dyn_cast<func::CallOp>(op)) {
      func::FuncOp callee = getCallee(call);
      obstacle = callee ? findObstacle(callee.getBody(),
                                       call->getAttrOfType<IntegerAttr>(blockIndexAttrName))
                        : "it calls a function of another model";
    } else if (auto attention = dyn_cast<AttentionOp>(op)) {
      obstacle = findObstacle(attention, block);
    }
    return obstacle.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  return obstacle;
}

std::string StepBuilder::findObstacle() {
  if (ArrayAttr plan = model.getPlanAttr())
    for (auto window : plan.getAsRange<WindowAttr>())
      if (window.getByCall())
        return "its split follows the length of each call";
  if (forward.getNumArguments() != 4)
    return "@forward does not take ids, begin, length and select";
  return findObstacle(forward.getBody(), {});
}

// Building

const StepBuilder::Stepping &StepBuilder::getStepping(func::FuncOp block) {
  auto [known, isNew] = blocks.try_emplace(block);
  if (!isNew)
    return known->second;
  Stepping &stepping = known->second;
  stepping.function = block.clone();
  stepping.function.setSymName((block.getSymName() + "_step").str());
  symbols.insert(stepping.function, std::next(block->getIterator()));
  stepping.function.walk([&](Operation *op) {
    StateType type = isLayerWithState(op) ? getStateType(op) : StateType();
    if (!type)
      return;
    unsigned number = stepping.function.getNumArguments();
    (void)stepping.function.insertArgument(number, type, DictionaryAttr(), op->getLoc());
    setState(op, stepping.function.getArgument(number));
    stepping.states.push_back(type);
  });
  return stepping;
}

/// A state of the model, "blocks.3.kv", and what a call sees of it.
Value StepBuilder::createState(Operation *user, StateType type, IntegerAttr block) {
  OpBuilder builder(forward);
  std::string name = stringifyStateKind(type.getKind()).str();
  if (block)
    name = "blocks." + std::to_string(block.getInt()) + "." + name;
  auto state = StateOp::create(builder, user->getLoc(), name, type, block);
  state->remove();
  symbols.insert(state, forward->getIterator());
  builder.setInsertionPointToStart(&step.getBody().front());
  return GetStateOp::create(builder, user->getLoc(), type, state.getSymName(),
                            step.getArguments().back());
}

void StepBuilder::replaceCall(func::CallOp call) {
  const Stepping &stepping = getStepping(getCallee(call));
  SmallVector<Value> operands(call.getOperands());
  auto block = call->getAttrOfType<IntegerAttr>(blockIndexAttrName);
  for (StateType type : stepping.states)
    operands.push_back(createState(call, type, block));
  OpBuilder builder(call);
  auto stepped = func::CallOp::create(builder, call.getLoc(), stepping.function, operands);
  stepped->setDiscardableAttrs(call->getDiscardableAttrDictionary());
  call.replaceAllUsesWith(stepped.getResults());
  call.erase();
}

void StepBuilder::build() {
  step = forward.clone();
  step.setSymName("step");
  step->setAttr(stepAttrName, UnitAttr::get(model.getContext()));
  symbols.insert(step, std::next(forward->getIterator()));
  auto slots = NameLoc::get(StringAttr::get(model.getContext(), "slots"));
  (void)step.insertArgument(4, step.getArgument(1).getType(), DictionaryAttr(), slots);
  SmallVector<Operation *> users;
  step.walk([&](Operation *op) {
    if (isa<func::CallOp>(op) || isLayerWithState(op))
      users.push_back(op);
  });
  for (Operation *op : users) {
    if (auto call = dyn_cast<func::CallOp>(op)) {
      replaceCall(call);
      continue;
    }
    auto block = op->getParentOfType<BlockOp>();
    if (StateType type = getStateType(op))
      setState(op, createState(op, type, block ? block.getIndexAttr() : IntegerAttr()));
  }
}

namespace {
struct AddStepPass : flowhn::impl::AddStepPassBase<AddStepPass> {
  static bool hasStep(ModelOp model) {
    return llvm::any_of(model.getOps<func::FuncOp>(),
                        [](func::FuncOp function) { return function->hasAttr(stepAttrName); });
  }

  void runOnOperation() override {
    for (ModelOp model : getOperation().getOps<ModelOp>()) {
      if (hasStep(model))
        continue;
      auto forward = model.lookupSymbol<func::FuncOp>("forward");
      if (!forward) {
        model.emitError("needs a function @forward to step through sequences");
        return signalPassFailure();
      }
      StepBuilder builder(model, forward);
      if (std::string obstacle = builder.findObstacle(); !obstacle.empty())
        model.emitRemark("takes whole sequences only: ") << obstacle;
      else
        builder.build();
    }
  }
};
} // namespace
