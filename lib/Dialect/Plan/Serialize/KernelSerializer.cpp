//===- KernelSerializer.cpp - What a plan says of a kernel ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelSerializer.h"

#include "Expressions.h"
#include "ProcedureSerializer.h"

#include "flowhn/Conversion/KernToCPU/KernToCPU.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "flowhn/Dialect/Kern/IR/KernelSizes.h"
#include "flowhn/Target/NVPTX/PTXEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"

using namespace mlir;
using namespace mlir::plan;
namespace fb = ::flowhn::fb;

/// Result `position` of a map over the kernel's index arguments, whose values in its own
/// expressions are 0, 1, …
static Expression overArguments(AffineMap map, unsigned position = 0) {
  return serializeMap(map, llvm::to_vector(llvm::seq<int64_t>(map.getNumInputs())), position);
}

static int64_t getInteger(DictionaryAttr map, StringRef name) {
  return map.getAs<IntegerAttr>(name).getInt();
}

static double getRate(func::FuncOp kernel, StringRef name) {
  auto rate = kernel->getAttrOfType<FloatAttr>(name);
  return rate ? rate.getValueAsDouble() : 0;
}

//===----------------------------------------------------------------------===//
// GPU
//===----------------------------------------------------------------------===//

static LogicalResult serializeTensorMap(func::FuncOp kernel, DictionaryAttr map,
                                        fb::TensorMapT &result) {
  Type type = map.getAs<TypeAttr>("type").getValue();
  std::optional<fb::DType> dtype = getDType(type);
  if (!dtype)
    return kernel.emitOpError("copies elements of a type that no plan can hold: ") << type;
  result.argument = getInteger(map, "argument");
  result.dtype = *dtype;
  result.columns = getInteger(map, "columns");
  result.rows = overArguments(map.getAs<AffineMapAttr>("rows").getValue());
  result.row_bytes = getInteger(map, "row_bytes");
  auto box = map.getAs<ArrayAttr>("box").getAsValueRange<IntegerAttr>();
  result.box_columns = (*box.begin()).getSExtValue();
  result.box_rows = (*std::next(box.begin())).getSExtValue();
  result.swizzle = getInteger(map, "swizzle");
  return success();
}

/// Arguments are indices and pointers to global memory; tensor maps are generic pointers.
static void serializeGPUArguments(func::FuncOp kernel, fb::KernelT &result) {
  for (Type type : kernel.getArgumentTypes()) {
    auto pointer = dyn_cast<LLVM::LLVMPointerType>(type);
    if (!pointer || pointer.getAddressSpace() == 1)
      result.index_args.push_back(!pointer);
  }
}

static LogicalResult serializeGPULaunch(func::FuncOp kernel, AffineMap grid, fb::KernelT &result) {
  auto getInteger = [&](StringRef name) -> int64_t {
    auto value = kernel->getAttrOfType<IntegerAttr>(name);
    return value ? value.getInt() : 0;
  };
  serializeGPUArguments(kernel, result);
  result.gpu = std::make_unique<fb::GPULaunchT>();
  fb::GPULaunchT &launch = *result.gpu;
  if (grid.getNumResults() > 1)
    launch.grid_y = overArguments(grid, 1);
  if (grid.getNumResults() > 2)
    launch.grid_z = overArguments(grid, 2);
  launch.max_blocks = getInteger(kern::gpuMaxBlocksAttrName);
  launch.cluster_grid = getInteger(kern::gpuClusterGridAttrName);
  if (launch.cluster_grid > 0)
    launch.cluster_blocks = getInteger(kern::gpuClusterBlocksAttrName);
  launch.threads = getInteger(kern::gpuThreadsAttrName);
  launch.shared_bytes = getInteger(kern::gpuSharedBytesAttrName);
  launch.waits = kernel->hasAttr(kern::gpuWaitsAttrName);
  result.flop_rate = getRate(kernel, kern::gpuFlopRateAttrName);
  result.byte_rate = getRate(kernel, kern::gpuByteRateAttrName);
  auto maps = kernel->getAttrOfType<ArrayAttr>(kern::gpuTensorMapsAttrName);
  if (!maps)
    return success();
  for (auto map : maps.getAsRange<DictionaryAttr>())
    if (failed(serializeTensorMap(
            kernel, map, *launch.tensor_maps.emplace_back(std::make_unique<fb::TensorMapT>()))))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Any target
//===----------------------------------------------------------------------===//

/// The last two arguments, work item and scratch memory, are the CPU's own.
static void serializeCPULaunch(func::FuncOp kernel, int64_t scratchBytes, fb::KernelT &result) {
  for (Type type : kernel.getArgumentTypes().drop_back(2))
    result.index_args.push_back(isa<IndexType>(type));
  result.scratch_bytes = scratchBytes;
}

LogicalResult mlir::plan::serializeKernel(func::FuncOp kernel, fb::KernelT &result) {
  auto grid = kernel->getAttrOfType<AffineMapAttr>(kern::gridAttrName);
  auto op = kernel->getAttrOfType<StringAttr>(kern::kernelOpAttrName);
  auto scratch = kernel->getAttrOfType<IntegerAttr>(kern::scratchBytesAttrName);
  bool isForGPU = kernel->hasAttr(kern::gpuThreadsAttrName);
  if (!grid || !op || (!scratch && !isForGPU))
    return kernel.emitOpError("is not emitted yet: it lacks ")
           << kern::gridAttrName << ", " << kern::kernelOpAttrName << ", or one of "
           << kern::scratchBytesAttrName << " and " << kern::gpuThreadsAttrName;
  result.name = kernel.getName().str();
  result.symbol = result.name;
  if (auto code = kernel->getAttrOfType<StringAttr>(mlir::flowhn::gpuCodeAttrName))
    result.code = code.str();
  result.op = op.str();
  if (auto config = kernel->getAttrOfType<DictionaryAttr>(kern::configAttrName))
    result.config = kern::describeConfig(config);
  if (auto key = kernel->getAttrOfType<StringAttr>(kern::gpuTuningKeyAttrName))
    result.tuning_key = key.str();
  result.grid = overArguments(grid.getValue());
  result.flops = serializePolynomial(kernel->getAttrOfType<ArrayAttr>(kern::flopsAttrName));
  result.bytes = serializePolynomial(kernel->getAttrOfType<ArrayAttr>(kern::bytesAttrName));
  if (auto sizes = kernel->getAttrOfType<DenseI64ArrayAttr>(kern::sizesAttrName))
    result.sizes = sizes.asArrayRef().vec();
  if (isForGPU)
    return serializeGPULaunch(kernel, grid.getValue(), result);
  serializeCPULaunch(kernel, scratch.getInt(), result);
  return success();
}
