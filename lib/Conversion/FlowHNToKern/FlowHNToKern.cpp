//===- FlowHNToKern.cpp - From a model to kernels and procedures ----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Conversion/FlowHNToKern/FlowHNToKern.h"

#include "OpConversions.h"
#include "TokenShares.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_CONVERTFLOWHNTOKERNPASS
#include "flowhn/Conversion/FlowHNToKern/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::flowhn;

namespace {

/// Converts the functions of one model, callees before callers.
class ModelConverter {
public:
  ModelConverter(ModelOp model, ModuleOp kernelModule, const KernelTarget &target)
      : symbols(model->getParentOp()), parameters(model, symbols, kernelModule),
        kernels(kernelModule),
        context{model, target, parameters, kernels,
                [this](func::FuncOp function, Operation *user) { return get(function, user); }} {}

  LogicalResult convert();

private:
  /// The procedure for `function`, made on first use.
  FailureOr<const Procedure *> get(func::FuncOp function, Operation *user);
  LogicalResult convertFunction(func::FuncOp function, bool isEntry, Procedure &procedure);
  void declareStates();

  SymbolTable symbols;
  ParameterLibrary parameters;
  KernelLibrary kernels;
  ConversionContext context;
  /// Null while a function is being converted.
  DenseMap<Operation *, std::unique_ptr<Procedure>> procedures;
};

/// Replaces the model of a module.
struct ConvertFlowHNToKernPass
    : public ::mlir::flowhn::impl::ConvertFlowHNToKernPassBase<ConvertFlowHNToKernPass> {
  using ConvertFlowHNToKernPassBase::ConvertFlowHNToKernPassBase;
  void runOnOperation() override;
};

} // namespace

LogicalResult ModelConverter::convertFunction(func::FuncOp function, bool isEntry,
                                              Procedure &procedure) {
  MLIRContext *ctx = function.getContext();
  procedure.function = func::FuncOp::create(function.getLoc(), function.getSymName(),
                                            FunctionType::get(ctx, {}, {}));
  procedure.function.addEntryBlock();
  ProcedureBuilder builder(context, function, procedure.function, isEntry);
  if (failed(builder.convertFunction())) {
    procedure.function.erase();
    return failure();
  }
  procedure.captures = builder.takeCaptures();
  bool isStep = function->hasAttr(stepAttrName);
  if (isEntry)
    procedure.function->setAttr(isStep ? plan::stepAttrName : plan::entryAttrName,
                                UnitAttr::get(ctx));
  else
    procedure.function.setPrivate();
  symbols.insert(procedure.function, context.model->getIterator());
  return success();
}

FailureOr<const Procedure *> ModelConverter::get(func::FuncOp function, Operation *user) {
  auto [known, isNew] = procedures.try_emplace(function);
  if (!isNew && !known->second)
    return user->emitOpError("calls a function that is not converted yet, @")
           << function.getSymName() << ": it is recursive";
  if (!isNew)
    return known->second.get();
  auto procedure = std::make_unique<Procedure>();
  if (failed(convertFunction(function, function.isPublic(), *procedure)))
    return failure();
  std::unique_ptr<Procedure> &entry = procedures[function];
  entry = std::move(procedure);
  return entry.get();
}

void ModelConverter::declareStates() {
  OpBuilder builder(context.model);
  for (auto state : context.model.getOps<StateOp>()) {
    plan::StateOp declared = declareState(builder, state, context.target);
    context.states[state.getSymNameAttr()] = declared;
    declared->remove();
    symbols.insert(declared, context.model->getIterator());
  }
}

LogicalResult ModelConverter::convert() {
  declareStates();
  auto functions = llvm::to_vector(context.model.getOps<func::FuncOp>());
  int64_t numPublic = llvm::count_if(
      functions, [](func::FuncOp f) { return f.isPublic() && !f->hasAttr(stepAttrName); });
  if (numPublic > 1)
    return context.model.emitOpError("needs one public function, which a call runs, got ")
           << numPublic;
  for (func::FuncOp function : functions)
    if (failed(get(function, function)))
      return failure();
  return success();
}

void ConvertFlowHNToKernPass::runOnOperation() {
  ModuleOp module = getOperation();
  auto models = llvm::to_vector(module.getOps<ModelOp>());
  if (models.size() != 1) {
    module.emitError("needs one flowhn.model to convert, got ") << models.size();
    return signalPassFailure();
  }
  if (SymbolTable::lookupSymbolIn(module, kern::kernelModuleName)) {
    module.emitError("has a module @") << kern::kernelModuleName << " already";
    return signalPassFailure();
  }
  ::flowhn::Expected<KernelTarget> machine = KernelTarget::get(target, cpu, chip);
  if (!machine.ok()) {
    module.emitError(machine.status().message());
    return signalPassFailure();
  }
  OpBuilder builder(models.front());
  auto kernels = ModuleOp::create(builder, models.front().getLoc(), kern::kernelModuleName);
  if (failed(ModelConverter(models.front(), kernels, *machine).convert()))
    return signalPassFailure();
  if (auto plan = models.front().getPlan(); plan && !plan->empty())
    annotateTokenShares(module, kernels, *plan);
  models.front().erase();
}
