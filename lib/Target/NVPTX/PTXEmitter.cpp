//===- PTXEmitter.cpp - From LLVM dialect to PTX --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Target/NVPTX/PTXEmitter.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Triple.h"

#include <numeric>

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::Expected;
using ::flowhn::internalError;
using ::flowhn::Status;

namespace {

void initializeTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
}

Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const GPUTargetInfo &target) {
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target *llvmTarget = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!llvmTarget)
    return ::flowhn::unsupported("this build of LLVM has no code generator for NVIDIA: " + error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Fast;
  std::unique_ptr<llvm::TargetMachine> machine(
      llvmTarget->createTargetMachine(triple, target.chip, target.features, options, std::nullopt,
                                      std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return ::flowhn::unsupported("no code generator for the GPU '" + target.chip + "'");
  return machine;
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr("denormal-fp-math-f32", "preserve-sign,preserve-sign");
  // The emitters have chosen vectors and unrolling.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  tuning.LoopInterleaving = false;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

/// The chip has no library to link: a function that is declared only is missing.
Status checkSelfContained(const PTXModule &module) {
  llvm::StringRef ptx = module.ptx;
  size_t place = ptx.find(".extern .func");
  if (place == llvm::StringRef::npos)
    return Status();
  return internalError(module.describe() + ": no code of a function that is called: " +
                       ptx.substr(place).take_until([](char c) { return c == ';'; }).str());
}

Expected<std::string> compile(llvm::Module &module, const GPUTargetInfo &target) {
  auto machine = createTargetMachine(target);
  if (!machine.ok())
    return machine.status();
  optimize(module, **machine);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return internalError("the code generator cannot write PTX");
  passes.run(module);
  return text.str().str();
}

} // namespace

std::string PTXModule::describe() const {
  auto quoted = llvm::map_range(kernels, [](const std::string &name) { return "'" + name + "'"; });
  return (kernels.size() == 1 ? "kernel " : "kernels ") + llvm::join(quoted, ", ");
}

PTXEmitter::PTXEmitter(ModuleOp kernels, GPUTargetInfo target)
    : kernels(kernels), target(std::move(target)) {
  initializeTarget();
  llvm::StringMap<size_t> numbers;
  for (auto function : kernels.getOps<LLVM::LLVMFuncOp>()) {
    auto code = function->getAttrOfType<StringAttr>(gpuCodeAttrName);
    llvm::StringRef name = code ? code.getValue() : function.getName();
    auto [known, isNew] = numbers.try_emplace(name, modules.size());
    if (isNew)
      modules.push_back({name.str(), {}, 0});
    Kernels &module = modules[known->second];
    module.functions.push_back(function);
    function.walk([&](Operation *) { ++module.operations; });
  }
}

std::vector<size_t> PTXEmitter::longestFirst() const {
  std::vector<size_t> order(modules.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::stable_sort(order, [&](size_t lhs, size_t rhs) {
    return modules[lhs].operations > modules[rhs].operations;
  });
  return order;
}

/// With the globals that the kernels may use.
Expected<std::unique_ptr<llvm::Module>> PTXEmitter::translate(size_t number,
                                                              llvm::LLVMContext &context) {
  std::lock_guard lock(translating);
  const Kernels &source = modules[number];
  OpBuilder builder(kernels.getContext());
  OwningOpRef<ModuleOp> copy = ModuleOp::create(builder, kernels.getLoc());
  builder.setInsertionPointToStart(copy->getBody());
  for (auto global : kernels.getOps<LLVM::GlobalOp>())
    builder.clone(*global);
  for (LLVM::LLVMFuncOp function : source.functions)
    builder.clone(*function);
  auto module = translateModuleToLLVMIR(*copy, context, source.name);
  if (!module)
    return internalError("'" + source.name + "' does not translate to LLVM IR");
  return module;
}

Expected<PTXModule> PTXEmitter::emit(size_t number) {
  // A context of its own: modules are compiled side by side.
  llvm::LLVMContext context;
  auto module = translate(number, context);
  FLOWHN_RETURN_IF_ERROR(module.status());
  auto text = compile(**module, target);
  FLOWHN_RETURN_IF_ERROR(text.status());
  PTXModule result{modules[number].name, {}, std::move(*text)};
  for (LLVM::LLVMFuncOp function : modules[number].functions)
    result.kernels.push_back(function.getName().str());
  FLOWHN_RETURN_IF_ERROR(checkSelfContained(result));
  return result;
}
