//===- ObjectEmitter.cpp - Optimise and select instructions ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Target/CPU/ObjectEmitter.h"

#include "Linker.h"
#include "flowhn/Support/Parallel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Triple.h"

#include <chrono>
#include <memory>
#include <mutex>

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::Expected;
using ::flowhn::internalError;
using ::flowhn::Status;

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One kernel as LLVM IR, in a context of its own so that kernels can be compiled
/// side by side.
struct KernelModule {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
};

void initializeTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
}

Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const CPUTargetInfo &target) {
  llvm::Triple triple(target.triple);
  std::string error;
  const llvm::Target *llvmTarget = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!llvmTarget)
    return ::flowhn::unsupported("no code generator for '" + target.triple + "': " + error);
  std::unique_ptr<llvm::TargetMachine> machine(llvmTarget->createTargetMachine(
      triple, target.cpu, /*Features=*/"", llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return ::flowhn::unsupported("no code generator for cpu '" + target.cpu + "'");
  return machine;
}

/// Clones `function` and the functions that it calls.
void cloneWithCallees(LLVM::LLVMFuncOp function, OpBuilder &builder) {
  builder.clone(*function);
  llvm::SmallPtrSet<Operation *, 4> cloned;
  function.walk([&](LLVM::CallOp call) {
    auto callee =
        SymbolTable::lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(call, call.getCalleeAttr());
    if (callee && cloned.insert(callee).second)
      cloneWithCallees(callee, builder);
  });
}

/// Translates every kernel of `kernels`, with what it calls, to an LLVM module of
/// its own.
Expected<std::vector<KernelModule>> translate(ModuleOp kernels) {
  std::vector<KernelModule> result;
  for (auto function : kernels.getOps<LLVM::LLVMFuncOp>()) {
    if (function.getLinkage() == LLVM::Linkage::Internal)
      continue;
    OpBuilder builder(kernels.getContext());
    OwningOpRef<ModuleOp> single = ModuleOp::create(builder, function.getLoc());
    builder.setInsertionPointToStart(single->getBody());
    for (auto global : kernels.getOps<LLVM::GlobalOp>())
      builder.clone(*global);
    cloneWithCallees(function, builder);
    KernelModule kernel{std::make_unique<llvm::LLVMContext>(), nullptr};
    kernel.module = translateModuleToLLVMIR(*single, *kernel.context, function.getName(),
                                            /*disableVerification=*/false);
    if (!kernel.module)
      return internalError("kernel '" + function.getName().str() +
                           "' does not translate to LLVM IR");
    result.push_back(std::move(kernel));
  }
  return result;
}

void prepareForTarget(llvm::Module &module, llvm::TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  // The emitters have chosen vectors and unrolling; LLVM's own would only grow
  // the code and the time spent here.
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

Expected<ObjectFile> compile(KernelModule &kernel, const CPUTargetInfo &target) {
  auto machine = createTargetMachine(target);
  if (!machine.ok())
    return machine.status();
  prepareForTarget(*kernel.module, **machine);
  optimize(*kernel.module, **machine);
  ObjectFile object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return internalError("the code generator cannot write object files");
  passes.run(*kernel.module);
  return object;
}

} // namespace

Expected<SharedObject> mlir::flowhn::emitSharedObject(ModuleOp kernels, const CPUTargetInfo &target,
                                                      unsigned threads) {
  initializeTarget();
  Clock::time_point start = Clock::now();
  auto modules = translate(kernels);
  if (!modules.ok())
    return modules.status();

  std::vector<ObjectFile> objects(modules->size());
  auto work = [&](size_t i) -> Status {
    auto object = compile((*modules)[i], target);
    if (!object.ok())
      return object.status().withContext("kernel '" + (*modules)[i].module->getName().str() + "'");
    objects[i] = std::move(*object);
    return Status();
  };
  FLOWHN_RETURN_IF_ERROR(
      ::flowhn::forEachInParallel(objects.size(), threads, "the code generator", work));

  SharedObject result;
  result.optimizeSeconds = secondsSince(start);
  start = Clock::now();
  auto linked = linkSharedObject(objects);
  if (!linked.ok())
    return linked.status();
  result.bytes = std::move(*linked);
  result.linkSeconds = secondsSince(start);
  return result;
}

Expected<std::string> mlir::flowhn::emitLLVMIR(ModuleOp kernels, const CPUTargetInfo &target) {
  initializeTarget();
  auto modules = translate(kernels);
  if (!modules.ok())
    return modules.status();
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (KernelModule &kernel : *modules) {
    auto machine = createTargetMachine(target);
    if (!machine.ok())
      return machine.status();
    prepareForTarget(*kernel.module, **machine);
    optimize(*kernel.module, **machine);
    kernel.module->print(stream, nullptr);
  }
  return text;
}
