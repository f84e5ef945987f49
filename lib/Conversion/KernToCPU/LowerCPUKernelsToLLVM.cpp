//===- LowerCPUKernelsToLLVM.cpp - The calling convention of kernels ------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"
#include "flowhn/Conversion/KernToCPU/KernToCPU.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_LOWERCPUKERNELSTOLLVMPASS
#include "flowhn/Conversion/KernToCPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::kern;

namespace {
/// What is read off a kernel before its types are lowered.
struct KernelSummary {
  std::string name;
  SmallVector<NamedAttribute> attributes; ///< kern.*
  int64_t vectorBits = 128;               ///< the widest vector it computes with
};
} // namespace

static KernelSummary summarise(func::FuncOp kernel) {
  KernelSummary summary{kernel.getName().str(), {}};
  for (NamedAttribute attribute : kernel->getDiscardableAttrs())
    if (attribute.getName().strref().starts_with("kern."))
      summary.attributes.push_back(attribute);
  kernel.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto vector = dyn_cast<VectorType>(type))
        summary.vectorBits = std::max<int64_t>(
            summary.vectorBits, vector.getNumElements() * vector.getElementTypeBitWidth());
  });
  return summary;
}

/// `type` with 16-bit integers in place of 16-bit floats.
static Type asInteger(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (!element.isBF16() && !element.isF16())
    return type;
  Type integer = IntegerType::get(type.getContext(), 16);
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? Type(shaped.clone(integer)) : integer;
}

static Value bitcastAt(OpBuilder &builder, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return arith::BitcastOp::create(builder, value.getLoc(), type, value);
}

/// Makes memory hold 16-bit integers where it held 16-bit floats. LLVM takes a
/// masked access of such floats through float32 and back, the way back in a library.
static void accessAsIntegers(func::FuncOp kernel) {
  for (BlockArgument argument : kernel.getArguments())
    argument.setType(asInteger(argument.getType()));
  kernel.walk([](Operation *op) {
    OpBuilder builder(op);
    for (Value result : op->getResults())
      if (isa<MemRefType>(result.getType()))
        result.setType(asInteger(result.getType()));
    if (isa<vector::StoreOp, vector::MaskedStoreOp, memref::StoreOp, vector::MaskedLoadOp>(op))
      for (OpOperand &operand : op->getOpOperands())
        operand.set(bitcastAt(builder, operand.get(), asInteger(operand.get().getType())));
    if (!isa<vector::LoadOp, vector::MaskedLoadOp, memref::LoadOp>(op))
      return;
    Value result = op->getResult(0);
    Type type = result.getType();
    result.setType(asInteger(type));
    builder.setInsertionPointAfter(op);
    Value loaded = bitcastAt(builder, result, type);
    if (loaded != result)
      result.replaceAllUsesExcept(loaded, loaded.getDefiningOp());
  });
}

/// Builds a memref over `pointer`. All but the first size is static; nothing reads
/// the first one, so it stays poison.
static FailureOr<Value> makeMemRef(OpBuilder &builder, Location loc,
                                   const LLVMTypeConverter &converter, MemRefType type,
                                   Value pointer) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) || ShapedType::isDynamic(offset) ||
      llvm::any_of(strides, ShapedType::isDynamic))
    return emitError(loc) << "a kernel takes buffers of static strides, not " << type;
  auto descriptor = MemRefDescriptor::poison(builder, loc, converter.convertType(type));
  descriptor.setAllocatedPtr(builder, loc, pointer);
  descriptor.setAlignedPtr(builder, loc, pointer);
  descriptor.setConstantOffset(builder, loc, offset);
  for (auto [position, size, stride] : llvm::enumerate(type.getShape(), strides)) {
    if (ShapedType::isStatic(size))
      descriptor.setConstantSize(builder, loc, position, size);
    descriptor.setConstantStride(builder, loc, position, stride);
  }
  Value memref =
      UnrealizedConversionCastOp::create(builder, loc, type, Value(descriptor)).getResult(0);
  return memref;
}

/// Turns the buffers among the arguments into bare pointers that do not overlap.
static LogicalResult usePointers(func::FuncOp kernel, const LLVMTypeConverter &converter) {
  OpBuilder builder = OpBuilder::atBlockBegin(&kernel.getBody().front());
  auto pointerType = LLVM::LLVMPointerType::get(kernel.getContext());
  for (BlockArgument argument : kernel.getArguments()) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type)
      continue;
    argument.setType(pointerType);
    FailureOr<Value> memref = makeMemRef(builder, kernel.getLoc(), converter, type, argument);
    if (failed(memref))
      return failure();
    // The memref's own descriptor is what is still made of the pointer.
    argument.replaceUsesWithIf(
        *memref, [](OpOperand &use) { return !isa<LLVM::InsertValueOp>(use.getOwner()); });
    for (StringRef attribute :
         {LLVM::LLVMDialect::getNoAliasAttrName(), LLVM::LLVMDialect::getNonNullAttrName(),
          LLVM::LLVMDialect::getNoUndefAttrName()})
      kernel.setArgAttr(argument.getArgNumber(), attribute, builder.getUnitAttr());
  }
  kernel.setType(builder.getFunctionType(kernel.getBody().front().getArgumentTypes(), {}));
  return success();
}

static void buildLoweringPipeline(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

/// Tells LLVM to use the vectors the kernel was emitted with: tuned for the level
/// x86-64-v4, it would halve those of 512 bits.
static void setVectorWidth(LLVM::LLVMFuncOp function, int64_t bits) {
  Builder builder(function.getContext());
  StringAttr width = builder.getStringAttr(std::to_string(bits));
  function.setPreferVectorWidthAttr(width);
  function.setPassthroughAttr(builder.getArrayAttr(
      builder.getArrayAttr({builder.getStringAttr("min-legal-vector-width"), width})));
}

/// Makes `body` internal and gives its name to a function of the runtime's calling
/// convention. The body is not inlined: its arguments carry the facts on aliasing.
static void addEntry(LLVM::LLVMFuncOp body, const KernelSummary &summary) {
  MLIRContext *context = body.getContext();
  Location loc = body.getLoc();
  OpBuilder builder(body);
  builder.setInsertionPointAfter(body);

  body.setName((summary.name + ".body"));
  body.setLinkage(LLVM::Linkage::Internal);
  body.setNoInline(true);
  body.setNoUnwind(true);
  for (const NamedAttribute &attribute : summary.attributes)
    body->removeAttr(attribute.getName());
  setVectorWidth(body, summary.vectorBits);

  auto pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = builder.getI64Type();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer, i64, pointer});
  auto entry = LLVM::LLVMFuncOp::create(builder, loc, summary.name, type);
  entry.setNoUnwind(true);
  setVectorWidth(entry, summary.vectorBits);
  for (const NamedAttribute &attribute : summary.attributes)
    entry->setAttr(attribute.getName(), attribute.getValue());

  Block *block = entry.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  SmallVector<Value> arguments;
  ArrayRef<Type> types = body.getArgumentTypes();
  for (auto [position, type] : llvm::enumerate(types.drop_back(2))) {
    Value address = LLVM::GEPOp::create(builder, loc, pointer, i64, block->getArgument(0),
                                        ArrayRef<LLVM::GEPArg>(static_cast<int32_t>(position)));
    arguments.push_back(LLVM::LoadOp::create(builder, loc, type, address));
  }
  arguments.append({block->getArgument(1), block->getArgument(2)});
  LLVM::CallOp::create(builder, loc, body, arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

/// Nothing may be left that LLVM would turn into a call of a library.
static LogicalResult verifySelfContained(LLVM::LLVMFuncOp function) {
  WalkResult result = function.walk([&](Operation *op) {
    if (isa<LLVM::ExpOp, LLVM::Exp2Op, LLVM::Exp10Op, LLVM::LogOp, LLVM::Log2Op, LLVM::Log10Op,
            LLVM::PowOp, LLVM::PowIOp, LLVM::SinOp, LLVM::CosOp, LLVM::FRemOp>(op)) {
      op->emitOpError("needs a library, and a kernel has none, in '") << function.getName() << "'";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (function.isExternal())
    return function.emitOpError("is called by a kernel and has no body");
  return success();
}

static LogicalResult verifyConverted(ModuleOp module) {
  for (Operation &op : *module.getBody()) {
    auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
    if (function && failed(verifySelfContained(function)))
      return failure();
  }
  return success();
}

namespace {
struct LowerCPUKernelsToLLVMPass
    : mlir::flowhn::impl::LowerCPUKernelsToLLVMPassBase<LowerCPUKernelsToLLVMPass> {
  using LowerCPUKernelsToLLVMPassBase::LowerCPUKernelsToLLVMPassBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    LowerCPUKernelsToLLVMPassBase::getDependentDialects(registry);
    // Dialects the nested pipeline passes through.
    OpPassManager pipeline(ModuleOp::getOperationName());
    buildLoweringPipeline(pipeline);
    pipeline.getDependentDialects(registry);
  }

  void runOnOperation() override {
    ModuleOp module = findKernelModule(getOperation());
    if (!module || failed(lower(module)))
      return module ? signalPassFailure() : void();
  }

private:
  LogicalResult lower(ModuleOp module) {
    LLVMTypeConverter converter(&getContext());
    SmallVector<KernelSummary> summaries;
    for (func::FuncOp kernel : findKernels(module)) {
      summaries.push_back(summarise(kernel));
      accessAsIntegers(kernel);
      if (failed(usePointers(kernel, converter)))
        return failure();
    }
    OpPassManager pipeline(ModuleOp::getOperationName());
    buildLoweringPipeline(pipeline);
    if (failed(runPipeline(pipeline, module)))
      return failure();
    for (const KernelSummary &summary : summaries)
      addEntry(module.lookupSymbol<LLVM::LLVMFuncOp>(summary.name), summary);
    return verifyConverted(module);
  }
};
} // namespace
