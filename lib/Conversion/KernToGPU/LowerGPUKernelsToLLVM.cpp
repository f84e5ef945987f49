//===- LowerGPUKernelsToLLVM.cpp - Emitted kernels in the LLVM dialect ----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../KernToCPU/KernelModule.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_LOWERGPUKERNELSTOLLVMPASS
#include "flowhn/Conversion/KernToGPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::kern;

namespace {
/// What the lowering of functions would drop.
struct KernelSummary {
  std::string name;
  SmallVector<NamedAttribute> attributes; ///< kern.*
};

/// The bodies of kernels, whose types and those of their blocks change: one conversion for all
/// dialects, since each goes through all ops of a kernel.
struct ConvertBodyToLLVMPass : PassWrapper<ConvertBodyToLLVMPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ConvertBodyToLLVMPass)

  StringRef getName() const override { return "ConvertBodyToLLVM"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<LLVM::LLVMDialect>();
  }

  void runOnOperation() override {
    LLVMTypeConverter converter(&getContext());
    RewritePatternSet patterns(&getContext());
    populateMathToLLVMConversionPatterns(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(getContext());
    // Nothing is left to fold, and behind a failure, which is an error, kernels may stay halfway.
    ConversionConfig config;
    config.foldingMode = DialectConversionFoldingMode::Never;
    config.allowPatternRollback = false;
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace

/// Kernels side by side, as far as passes take one at a time. LLVM folds what is left: one round
/// over the ops of a kernel, without the blocks, gives it as little to do as all would.
static void buildLoweringPipeline(OpPassManager &pm) {
  OpPassManager &kernels = pm.nest<func::FuncOp>();
  GreedyRewriteConfig once;
  once.setMaxIterations(1).setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  kernels.addPass(createCanonicalizerPass(once));
  kernels.addPass(createCSEPass());
  kernels.addPass(createSCFToControlFlowPass({.allowPatternRollback = false}));
  kernels.addPass(std::make_unique<ConvertBodyToLLVMPass>());
  pm.addPass(createConvertFuncToLLVMPass());
  OpPassManager &entries = pm.nest<LLVM::LLVMFuncOp>();
  entries.addPass(createConvertNVVMToLLVMPass());
  entries.addPass(createReconcileUnrealizedCastsPass());
}

/// Marks a function as an entry point of the GPU and bounds its launch: the blocks that a
/// multiprocessor is to have, one where nothing else is said, may have all its registers.
static void makeEntry(LLVM::LLVMFuncOp function, const KernelSummary &summary) {
  for (const NamedAttribute &attribute : summary.attributes)
    function->setAttr(attribute.getName(), attribute.getValue());
  Builder builder(function.getContext());
  auto threads = function->getAttrOfType<IntegerAttr>(gpuThreadsAttrName).getInt();
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), builder.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                    builder.getDenseI32ArrayAttr({static_cast<int32_t>(threads), 1, 1}));
  auto residents = function->getAttrOfType<IntegerAttr>(gpuResidentBlocksAttrName);
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    builder.getI32IntegerAttr(residents ? residents.getInt() : 1));
  auto blocks = function->getAttrOfType<IntegerAttr>(gpuClusterBlocksAttrName);
  if (blocks && !function->hasAttr(gpuClusterGridAttrName))
    function->setAttr(NVVM::NVVMDialect::getClusterDimAttrName(),
                      builder.getDenseI32ArrayAttr({static_cast<int32_t>(blocks.getInt()), 1, 1}));
  // Tensor maps stay where the launch has put them: the copy engine reads them there.
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (function.getArgAttr(i, LLVM::LLVMDialect::getByValAttrName()))
      function.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(), builder.getUnitAttr());
}

/// Nothing may be left that would need libdevice.
static LogicalResult verifySelfContained(LLVM::LLVMFuncOp function) {
  if (function.isExternal())
    return function.emitOpError("is called by a kernel and has no body");
  WalkResult result = function.walk([&](Operation *op) {
    if (isa<LLVM::ExpOp, LLVM::Exp2Op, LLVM::Exp10Op, LLVM::LogOp, LLVM::Log2Op, LLVM::Log10Op,
            LLVM::PowOp, LLVM::PowIOp, LLVM::SinOp, LLVM::CosOp, LLVM::FRemOp>(op)) {
      op->emitOpError("needs a library, and a kernel has none, in '") << function.getName() << "'";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct LowerGPUKernelsToLLVMPass
    : mlir::flowhn::impl::LowerGPUKernelsToLLVMPassBase<LowerGPUKernelsToLLVMPass> {
  using LowerGPUKernelsToLLVMPassBase::LowerGPUKernelsToLLVMPassBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    LowerGPUKernelsToLLVMPassBase::getDependentDialects(registry);
    OpPassManager pipeline(ModuleOp::getOperationName());
    buildLoweringPipeline(pipeline);
    pipeline.getDependentDialects(registry);
  }

  void runOnOperation() override {
    ModuleOp module = findKernelModule(getOperation());
    if (module && failed(lower(module)))
      signalPassFailure();
  }

private:
  LogicalResult lower(ModuleOp module) {
    SmallVector<KernelSummary> summaries;
    for (func::FuncOp kernel : findKernels(module)) {
      if (!kernel->hasAttr(gpuThreadsAttrName))
        return kernel.emitOpError("has not been emitted: run convert-kern-to-gpu first");
      KernelSummary &summary = summaries.emplace_back(KernelSummary{kernel.getName().str(), {}});
      for (NamedAttribute attribute : kernel->getDiscardableAttrs())
        if (attribute.getName().strref().starts_with("kern."))
          summary.attributes.push_back(attribute);
    }
    OpPassManager pipeline(ModuleOp::getOperationName());
    buildLoweringPipeline(pipeline);
    if (failed(runPipeline(pipeline, module)))
      return failure();
    for (const KernelSummary &summary : summaries)
      makeEntry(module.lookupSymbol<LLVM::LLVMFuncOp>(summary.name), summary);
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (failed(verifySelfContained(function)))
        return failure();
    return success();
  }
};
} // namespace
