//===- PTXEmitter.cpp - From LLVM dialect to PTX --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Target/NVPTX/PTXEmitter.h"

#include "flowhn/Support/Parallel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::Expected;
using ::flowhn::internalError;
using ::flowhn::Status;

namespace {

/// One kernel as LLVM IR, in a context of its own so that kernels can be compiled
/// side by side.
struct KernelModule {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
};

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

/// Translates every kernel, with the globals it may use, to an LLVM module of its own.
Expected<std::vector<KernelModule>> translate(ModuleOp kernels) {
  std::vector<KernelModule> result;
  for (auto function : kernels.getOps<LLVM::LLVMFuncOp>()) {
    OpBuilder builder(kernels.getContext());
    OwningOpRef<ModuleOp> single = ModuleOp::create(builder, function.getLoc());
    builder.setInsertionPointToStart(single->getBody());
    for (auto global : kernels.getOps<LLVM::GlobalOp>())
      builder.clone(*global);
    builder.clone(*function);
    KernelModule kernel{std::make_unique<llvm::LLVMContext>(), nullptr};
    kernel.module = translateModuleToLLVMIR(*single, *kernel.context, function.getName());
    if (!kernel.module)
      return internalError("kernel '" + function.getName().str() +
                           "' does not translate to LLVM IR");
    result.push_back(std::move(kernel));
  }
  return result;
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
Status checkSelfContained(const std::string &name, llvm::StringRef ptx) {
  size_t place = ptx.find(".extern .func");
  if (place == llvm::StringRef::npos)
    return Status();
  return internalError("kernel '" + name + "' calls a function that it does not have: " +
                       ptx.substr(place).take_until([](char c) { return c == ';'; }).str());
}

Expected<PTXKernel> compile(KernelModule &kernel, const GPUTargetInfo &target) {
  auto machine = createTargetMachine(target);
  if (!machine.ok())
    return machine.status();
  optimize(*kernel.module, **machine);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return internalError("the code generator cannot write PTX");
  passes.run(*kernel.module);
  PTXKernel result{kernel.module->getName().str(), text.str().str()};
  FLOWHN_RETURN_IF_ERROR(checkSelfContained(result.name, result.ptx));
  return result;
}

} // namespace

Expected<std::vector<PTXKernel>>
mlir::flowhn::emitPTX(ModuleOp kernels, const GPUTargetInfo &target, unsigned threads) {
  initializeTarget();
  auto modules = translate(kernels);
  if (!modules.ok())
    return modules.status();
  std::vector<PTXKernel> results(modules->size());
  FLOWHN_RETURN_IF_ERROR(::flowhn::forEachInParallel(
      results.size(), threads, "PTX", [&](size_t i) -> Status {
        auto compiled = compile((*modules)[i], target);
        FLOWHN_RETURN_IF_ERROR(compiled.status());
        results[i] = std::move(*compiled);
        return Status();
      }));
  return results;
}
