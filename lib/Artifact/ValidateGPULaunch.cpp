//===- ValidateGPULaunch.cpp - Checks of how a GPU launches a kernel ------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanChecks.h"
#include "flowhn/Support/DType.h"

using namespace flowhn;

namespace {

constexpr uint32_t maxThreads = 1024;
constexpr uint32_t maxSharedBytes = 256 << 10;
constexpr int64_t maxBlocks = (int64_t(1) << 31) - 1;
constexpr uint32_t maxClusterBlocks = 8;
constexpr int64_t maxExtent = (int64_t(1) << 32) - 1;
constexpr uint32_t maxBox = 256;
constexpr int64_t maxRowBytes = (int64_t(1) << 40) - 1;
constexpr int64_t rowAlignment = 16;
constexpr uint32_t swizzledBytes = 128;
constexpr size_t maxArgumentBytes = 4096;
constexpr size_t tensorMapBytes = 128, tensorMapAlignment = 64;

Status checkTypeAndBox(const fb::TensorMap &map) {
  if (map.dtype() != fb::DType::F32 && map.dtype() != fb::DType::BF16 &&
      map.dtype() != fb::DType::F16)
    return invalidInput("element type " + std::to_string(int(map.dtype())) +
                        ", it must be F32, BF16 or F16");
  if (map.box_columns() < 1 || map.box_columns() > maxBox || map.box_rows() < 1 ||
      map.box_rows() > maxBox)
    return invalidInput("a box of " + std::to_string(map.box_rows()) + " rows of " +
                        std::to_string(map.box_columns()) + " columns, both must be in [1, " +
                        std::to_string(maxBox) + "]");
  if (map.swizzle() != 0 && map.swizzle() != swizzledBytes)
    return invalidInput("swizzle " + std::to_string(map.swizzle()) + ", it must be 0 or 128");
  int64_t boxBytes = map.box_columns() * byteSize(DType(map.dtype()));
  if (boxBytes % rowAlignment != 0 || (map.swizzle() && boxBytes > swizzledBytes))
    return invalidInput("rows of a box of " + std::to_string(boxBytes) + " bytes with swizzle " +
                        std::to_string(map.swizzle()));
  return {};
}

Status checkTensorMap(const fb::TensorMap &map, const fb::Kernel &kernel, size_t numIndices) {
  const auto &isIndex = *kernel.index_args();
  if (map.argument() >= isIndex.size() || isIndex.Get(map.argument()))
    return invalidInput("argument " + std::to_string(map.argument()) + " is not a buffer");
  FLOWHN_RETURN_IF_ERROR(checkTypeAndBox(map));
  if (map.columns() < 1 || map.columns() > maxExtent)
    return invalidInput(std::to_string(map.columns()) + " columns, they must be in [1, " +
                        std::to_string(maxExtent) + "]");
  if (map.row_bytes() < rowAlignment || map.row_bytes() > maxRowBytes ||
      map.row_bytes() % rowAlignment != 0)
    return invalidInput("rows " + std::to_string(map.row_bytes()) +
                        " bytes apart, it must be a multiple of 16 below 2^40");
  return checkExpression(*map.rows(), numIndices);
}

/// Launches that form clusters have as many blocks as can be, whole clusters of them.
Status checkClusters(const fb::GPULaunch &gpu) {
  if (gpu.cluster_grid() == 0)
    return {};
  if (gpu.cluster_blocks() < 1 || gpu.cluster_blocks() > maxClusterBlocks)
    return invalidInput("clusters of " + std::to_string(gpu.cluster_blocks()) +
                        " blocks, it must be 1 to " + std::to_string(maxClusterBlocks));
  if (gpu.max_blocks() % gpu.cluster_blocks() != 0 || gpu.cluster_grid() < gpu.max_blocks() ||
      gpu.max_blocks() == 0)
    return invalidInput("clusters of " + std::to_string(gpu.cluster_blocks()) + " blocks from " +
                        std::to_string(gpu.cluster_grid()) + " on, of which at most " +
                        std::to_string(gpu.max_blocks()) + " are launched");
  return {};
}

std::string label(uint32_t number) { return "tensor map " + std::to_string(number); }

} // namespace

Status flowhn::checkGPULaunch(const fb::Kernel &kernel, size_t numIndices) {
  const fb::GPULaunch &gpu = *kernel.gpu();
  if (gpu.threads() < 1 || gpu.threads() > maxThreads)
    return invalidInput(std::to_string(gpu.threads()) + " threads, it must be 1 to " +
                        std::to_string(maxThreads));
  if (gpu.shared_bytes() > maxSharedBytes)
    return invalidInput("shared memory of " + std::to_string(gpu.shared_bytes()) + " bytes");
  if (gpu.max_blocks() < 0 || gpu.max_blocks() > maxBlocks)
    return invalidInput("at most " + std::to_string(gpu.max_blocks()) + " blocks");
  FLOWHN_RETURN_IF_ERROR(checkClusters(gpu));
  for (const Expression *expression : {gpu.grid_y(), gpu.grid_z()})
    if (expression)
      FLOWHN_RETURN_IF_ERROR(checkExpression(*expression, numIndices));
  size_t numMaps = gpu.tensor_maps() ? gpu.tensor_maps()->size() : 0;
  size_t bytes = kernel.index_args()->size() * 8 + tensorMapAlignment + numMaps * tensorMapBytes;
  if (bytes > maxArgumentBytes)
    return invalidInput(std::to_string(kernel.index_args()->size()) + " arguments and " +
                        std::to_string(numMaps) + " tensor maps, more than " +
                        std::to_string(maxArgumentBytes) + " bytes");
  for (uint32_t i = 0; i < numMaps; ++i)
    FLOWHN_RETURN_IF_ERROR(
        checkTensorMap(*gpu.tensor_maps()->Get(i), kernel, numIndices).withContext(label(i)));
  return {};
}

Status flowhn::checkGPUExtents(const fb::GPULaunch &gpu, std::span<const Range> arguments) {
  for (const Expression *expression : {gpu.grid_y(), gpu.grid_z()})
    if (expression)
      FLOWHN_RETURN_IF_ERROR(rangeOf(*expression, arguments).status());
  for (uint32_t i = 0; gpu.tensor_maps() && i < gpu.tensor_maps()->size(); ++i) {
    Expected<Range> rows = rangeOf(*gpu.tensor_maps()->Get(i)->rows(), arguments);
    FLOWHN_RETURN_IF_ERROR(rows.status().withContext(label(i)));
    if (rows->high > maxExtent)
      return invalidInput(label(i) + ": up to " + std::to_string(rows->high) + " rows, at most " +
                          std::to_string(maxExtent));
  }
  return {};
}
