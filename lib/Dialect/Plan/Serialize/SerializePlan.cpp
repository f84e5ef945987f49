//===- SerializePlan.cpp - The plan as bytes ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Plan/Serialize.h"

#include "KernelSerializer.h"
#include "ProcedureSerializer.h"

#include "flowhn/Dialect/Kern/IR/KernOps.h"

using namespace mlir;
using namespace mlir::plan;
using ::flowhn::Expected;
using ::flowhn::internalError;
namespace fb = ::flowhn::fb;

static FailureOr<std::unique_ptr<fb::SourceT>> serializeSource(ParameterOp op, SourceAttr source) {
  std::optional<fb::DType> stored = getDType(source.getType().getElementType());
  if (!stored)
    return op.emitOpError("has a source of a type that no plan can hold: ") << source.getType();
  auto result = std::make_unique<fb::SourceT>();
  result->name = source.getName().str();
  result->dtype = *stored;
  result->shape.assign(source.getType().getShape().begin(), source.getType().getShape().end());
  return result;
}

static LogicalResult serializeParameter(ParameterOp op, fb::ParameterT &result) {
  auto type = cast<MemRefType>(op.getType());
  std::optional<fb::DType> dtype = getDType(type.getElementType());
  if (!dtype)
    return op.emitOpError("has an element type that no plan can hold: ") << type.getElementType();
  result.name = op.getSymName().str();
  result.layout = static_cast<fb::Layout>(op.getLayout());
  result.panel = op.getPanel();
  result.groups = op.getGroups();
  result.transform = static_cast<fb::Transform>(op.getTransform());
  result.rounds = op.getRounds();
  result.dtype = *dtype;
  result.shape.assign(type.getShape().begin(), type.getShape().end());
  for (auto source : op.getSources().getAsRange<SourceAttr>()) {
    auto serialized = serializeSource(op, source);
    if (failed(serialized))
      return failure();
    result.sources.push_back(std::move(*serialized));
  }
  if (std::optional<SourceAttr> scale = op.getColumnScale()) {
    auto serialized = serializeSource(op, *scale);
    if (failed(serialized))
      return failure();
    result.column_scale = std::move(*serialized);
  }
  return success();
}

static LogicalResult serializeState(StateOp op, fb::StateT &result) {
  auto type = cast<MemRefType>(op.getType());
  std::optional<fb::DType> dtype = getDType(type.getElementType());
  std::optional<int64_t> rowBytes = getRowBytes(type);
  if (!dtype || !rowBytes)
    return op.emitOpError("has rows that no plan can hold: ") << type;
  result.name = op.getSymName().str();
  result.kind = static_cast<fb::StateKind>(op.getKind());
  result.dtype = *dtype;
  result.row_bytes = *rowBytes;
  if (op.getWindow())
    result.window = serializeWindow(*op.getWindow());
  result.block = op.getBlock().value_or(-1);
  return success();
}

/// Appends a table made by `serialize` and remembers its number by name.
template <typename Op, typename Table>
static LogicalResult append(Op op, StringRef name, LogicalResult (*serialize)(Op, Table &),
                            std::vector<std::unique_ptr<Table>> &tables,
                            llvm::StringMap<uint32_t> &numbers) {
  numbers[name] = tables.size();
  return serialize(op, *tables.emplace_back(std::make_unique<Table>()));
}

/// Appends `procedure` behind the procedures that it calls; `callers` are those that
/// wait for it.
static LogicalResult appendProcedure(func::FuncOp procedure, ModuleOp module, PlanIndex &index,
                                     fb::PlanT &plan, llvm::SmallPtrSetImpl<Operation *> &callers) {
  if (index.procedures.contains(procedure.getName()))
    return success();
  callers.insert(procedure);
  WalkResult result = procedure.walk([&](func::CallOp call) {
    auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
    if (!callee || callers.contains(callee) || callee.isExternal()) {
      call.emitOpError("calls '") << call.getCallee()
                                  << "', which is no other procedure of the module, or recursive";
      return WalkResult::interrupt();
    }
    return WalkResult(appendProcedure(callee, module, index, plan, callers));
  });
  if (result.wasInterrupted())
    return failure();
  callers.erase(procedure);
  auto serialized = std::make_unique<fb::ProcedureT>();
  if (failed(ProcedureSerializer(index, *serialized).serialize(procedure)))
    return failure();
  index.procedures[procedure.getName()] = plan.procedures.size();
  if (procedure->hasAttr(entryAttrName))
    plan.entry = plan.procedures.size();
  if (procedure->hasAttr(stepAttrName))
    plan.step = plan.procedures.size();
  plan.procedures.push_back(std::move(serialized));
  return success();
}

static LogicalResult buildPlan(ModuleOp module, fb::PlanT &plan) {
  PlanIndex index;
  for (auto parameter : module.getOps<ParameterOp>())
    if (failed(append(parameter, parameter.getSymName(), serializeParameter, plan.parameters,
                      index.parameters)))
      return failure();
  for (auto state : module.getOps<StateOp>())
    if (failed(append(state, state.getSymName(), serializeState, plan.states, index.states)))
      return failure();
  auto kernels = module.lookupSymbol<ModuleOp>(kern::kernelModuleName);
  if (!kernels)
    return module.emitOpError("has no module @") << kern::kernelModuleName;
  for (auto kernel : kernels.getOps<func::FuncOp>())
    if (failed(append(kernel, kernel.getName(), serializeKernel, plan.kernels, index.kernels)))
      return failure();
  llvm::SmallPtrSet<Operation *, 8> callers;
  for (auto procedure : module.getOps<func::FuncOp>())
    if (failed(appendProcedure(procedure, module, index, plan, callers)))
      return failure();
  if (llvm::none_of(module.getOps<func::FuncOp>(),
                    [](func::FuncOp op) { return op->hasAttr(entryAttrName); }))
    return module.emitOpError("has no procedure with the attribute ") << entryAttrName;
  return success();
}

Expected<std::vector<char>> mlir::plan::serializePlan(ModuleOp module) {
  fb::PlanT plan;
  if (failed(buildPlan(module, plan)))
    return internalError("the plan does not serialise");
  flatbuffers::FlatBufferBuilder builder;
  fb::FinishPlanBuffer(builder, fb::Plan::Pack(builder, &plan));
  auto *bytes = reinterpret_cast<const char *>(builder.GetBufferPointer());
  return std::vector<char>(bytes, bytes + builder.GetSize());
}
