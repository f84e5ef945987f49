//===- KernelHarness.cpp - Run emitted CPU kernels in process -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include "flowhn/Conversion/KernToCPU/KernToCPU.h"
#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <sys/mman.h>
#include <utility>

using namespace flowhn::test;

struct CompiledKernel::Code {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::AffineMap grid;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

CompiledKernel::CompiledKernel() : code(std::make_unique<Code>()) {}
CompiledKernel::~CompiledKernel() = default;

/// Seconds since the last call with the same clock.
static double lap(std::chrono::steady_clock::time_point &clock) {
  auto now = std::chrono::steady_clock::now();
  double seconds = std::chrono::duration<double>(now - clock).count();
  clock = now;
  return seconds;
}

static void registerEverything(mlir::MLIRContext &context) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::affine::AffineDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                  mlir::math::MathDialect, mlir::memref::MemRefDialect, mlir::kern::KernDialect>();
  mlir::kern::registerCPUKernelModels(registry);
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

static std::unique_ptr<llvm::TargetMachine> makeTargetMachine(const std::string &level) {
  auto target = mlir::flowhn::CPUTargetInfo::get(level);
  if (!target.ok()) {
    llvm::errs() << target.status().message() << "\n";
    return nullptr;
  }
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::Triple triple(target->triple);
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  return std::unique_ptr<llvm::TargetMachine>(
      found->createTargetMachine(triple, target->cpu, "", {}, llvm::Reloc::PIC_, std::nullopt,
                                 llvm::CodeGenOptLevel::Aggressive));
}

static void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : module)
    function.addFnAttr("target-cpu", machine.getTargetCPU());
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder passes(&machine);
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(callGraph);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, callGraph, modules);
  passes.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

static std::string emit(llvm::Module &module, llvm::TargetMachine &machine,
                        llvm::CodeGenFileType type) {
  llvm::SmallString<0> buffer;
  llvm::raw_svector_ostream stream(buffer);
  llvm::legacy::PassManager codegen;
  machine.addPassesToEmitFile(codegen, stream, nullptr, type);
  codegen.run(module);
  return std::string(buffer);
}

std::unique_ptr<CompiledKernel> CompiledKernel::compile(const std::string &function,
                                                        const std::string &cpu) {
  std::unique_ptr<CompiledKernel> kernel(new CompiledKernel());
  Code &code = *kernel->code;
  registerEverything(code.context);
  std::string source = "module @kernels {\n" + function + "\n}\n";
  code.module = mlir::parseSourceString<mlir::ModuleOp>(source, &code.context);
  if (!code.module)
    return nullptr;

  auto clock = std::chrono::steady_clock::now();
  mlir::PassManager emission(&code.context);
  emission.addPass(mlir::flowhn::createChooseCPUConfigsPass({cpu}));
  emission.addPass(mlir::flowhn::createConvertKernToCPUPass({cpu}));
  if (mlir::failed(emission.run(*code.module)))
    return nullptr;
  kernel->compileTimes.emission = lap(clock);
  mlir::PassManager lowering(&code.context);
  lowering.addPass(mlir::flowhn::createLowerCPUKernelsToLLVMPass());
  if (mlir::failed(lowering.run(*code.module)))
    return nullptr;
  kernel->compileTimes.lowering = lap(clock);

  std::string name;
  for (auto candidate : code.module->getOps<mlir::LLVM::LLVMFuncOp>())
    if (auto grid = candidate->getAttrOfType<mlir::AffineMapAttr>(mlir::kern::gridAttrName)) {
      name = candidate.getName().str();
      code.grid = grid.getValue();
      kernel->scratch =
          candidate->getAttrOfType<mlir::IntegerAttr>(mlir::kern::scratchBytesAttrName).getInt();
    }

  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> module = mlir::translateModuleToLLVMIR(*code.module, *context);
  std::unique_ptr<llvm::TargetMachine> machine = makeTargetMachine(cpu);
  if (!module || !machine)
    return nullptr;
  optimise(*module, *machine);
  kernel->compileTimes.optimisation = lap(clock);
  if (getenv("FLOWHN_KERNEL_ASSEMBLY"))
    kernel->text = emit(*llvm::CloneModule(*module), *machine, llvm::CodeGenFileType::AssemblyFile);
  lap(clock);
  std::string object = emit(*module, *machine, llvm::CodeGenFileType::ObjectFile);
  kernel->compileTimes.code = lap(clock);

  code.jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
  llvm::cantFail(code.jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object, "kernel.o")));
  kernel->entry =
      llvm::cantFail(code.jit->lookup(name)).toPtr<void (*)(const int64_t *, int64_t, void *)>();
  return kernel;
}

int64_t CompiledKernel::countItems(std::initializer_list<KernelArgument> arguments) const {
  llvm::SmallVector<mlir::Attribute> extents;
  mlir::Builder builder(&code->context);
  for (const KernelArgument &argument : arguments)
    if (argument.isIndex)
      extents.push_back(builder.getIndexAttr(argument.bits));
  llvm::SmallVector<mlir::Attribute> results;
  if (mlir::failed(code->grid.constantFold(extents, results)))
    return 0;
  return mlir::cast<mlir::IntegerAttr>(results.front()).getInt();
}

void CompiledKernel::run(std::initializer_list<KernelArgument> arguments, bool backwards) const {
  std::vector<int64_t> bits;
  for (const KernelArgument &argument : arguments)
    bits.push_back(argument.bits);
  // Undefined contents: NaN patterns, which would reach the result if read.
  std::unique_ptr<uint8_t[], void (*)(void *)> memory(
      static_cast<uint8_t *>(std::aligned_alloc(64, (scratch + 127) / 64 * 64)), std::free);
  std::fill_n(memory.get(), scratch, 0xff);
  int64_t items = countItems(arguments);
  for (int64_t item = 0; item < items; ++item)
    entry(bits.data(), backwards ? items - 1 - item : item, memory.get());
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

const char *flowhn::test::mlirName(Storage storage) {
  return storage == Storage::F32 ? "f32" : storage == Storage::BF16 ? "bf16" : "f16";
}

static const llvm::fltSemantics &semantics(Storage storage) {
  return storage == Storage::F32    ? llvm::APFloat::IEEEsingle()
         : storage == Storage::BF16 ? llvm::APFloat::BFloat()
                                    : llvm::APFloat::IEEEhalf();
}

static uint32_t toBits(float x, Storage storage) {
  if (storage == Storage::F32)
    return std::bit_cast<uint32_t>(x);
  llvm::APFloat value(x);
  bool losesInfo;
  value.convert(semantics(storage), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return static_cast<uint32_t>(value.bitcastToAPInt().getZExtValue());
}

static float fromBits(uint32_t bits, Storage storage) {
  if (storage == Storage::F32)
    return std::bit_cast<float>(bits);
  llvm::APFloat value(semantics(storage), llvm::APInt(16, bits));
  bool losesInfo;
  value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return value.convertToFloat();
}

float flowhn::test::round(float x, Storage storage) {
  return fromBits(toBits(x, storage), storage);
}

Buffer::Buffer(size_t elements, Storage storage, float fill)
    : count(elements), elementBytes(storage == Storage::F32 ? 4 : 2), storage(storage) {
  const size_t page = 4096;
  size_t used = llvm::alignTo(count * elementBytes, page);
  mappedBytes = used + page;
  mapping = static_cast<uint8_t *>(
      mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(mapping + used, page, PROT_NONE);
  begin = mapping + used - count * elementBytes;
  for (size_t i = 0; i < count; ++i)
    set(i, fill);
}

Buffer::Buffer(Buffer &&other) noexcept
    : count(other.count), elementBytes(other.elementBytes), mappedBytes(other.mappedBytes),
      storage(other.storage), mapping(std::exchange(other.mapping, nullptr)), begin(other.begin) {}

Buffer::~Buffer() {
  if (mapping)
    munmap(mapping, mappedBytes);
}

void Buffer::set(size_t index, float value) {
  uint32_t bits = toBits(value, storage);
  std::memcpy(begin + index * elementBytes, &bits, elementBytes);
}

float Buffer::get(size_t index) const {
  uint32_t bits = 0;
  std::memcpy(&bits, begin + index * elementBytes, elementBytes);
  return fromBits(bits, storage);
}

Buffer Buffer::random(size_t elements, Storage storage, uint32_t seed, float scale) {
  Buffer buffer(elements, storage);
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  for (size_t i = 0; i < elements; ++i)
    buffer.set(i, normal(generator));
  return buffer;
}

Table::Table(const std::vector<int32_t> &entries) : buffer(entries.size(), Storage::F32) {
  std::memcpy(buffer.data(), entries.data(), entries.size() * sizeof(int32_t));
}

bool flowhn::test::hostRuns(const std::string &cpu) {
  auto host = mlir::flowhn::CPUTargetInfo::get("host");
  auto target = mlir::flowhn::CPUTargetInfo::get(cpu);
  return host.ok() && target.ok() && target->vectorBits <= host->vectorBits;
}

double flowhn::test::relativeError(const std::vector<float> &actual,
                                   const std::vector<double> &expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}
