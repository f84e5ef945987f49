//===- HopperSupport.cpp - Bulk copies and warpgroup products -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HopperSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Nanoseconds that a waiting thread may sleep before it looks again.
static constexpr int64_t waitTicks = 10000000;

//===----------------------------------------------------------------------===//
// Barriers and copies
//===----------------------------------------------------------------------===//

void nvptx::initBarrier(GPUKernelBuilder &b, Value barrier, int64_t arrivals) {
  initBarrier(b, barrier, b.i32(arrivals));
}

void nvptx::initBarrier(GPUKernelBuilder &b, Value barrier, Value arrivals) {
  NVVM::MBarrierInitOp::create(b.builder, b.loc, barrier, arrivals, Value());
}

void nvptx::fenceBarrierInit(GPUKernelBuilder &b) {
  NVVM::FenceMbarrierInitOp::create(b.builder, b.loc);
}

void nvptx::waitBarrier(GPUKernelBuilder &b, Value barrier, Value phase) {
  NVVM::MBarrierTryWaitParityOp::create(b.builder, b.loc, barrier, phase, b.i32(waitTicks));
}

void nvptx::arrive(GPUKernelBuilder &b, Value barrier) {
  NVVM::MBarrierArriveOp::create(b.builder, b.loc, b.i64(), barrier, Value());
}

void nvptx::arriveInCluster(GPUKernelBuilder &b, Value barrier, Value block) {
  NVVM::MBarrierArriveOp::create(b.builder, b.loc, Type(), inCluster(b, barrier, block), Value(),
                                 NVVM::MemScopeKind::CTA, /*relaxed=*/false);
}

void nvptx::arriveExpecting(GPUKernelBuilder &b, Value barrier, Value bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(b.builder, b.loc, Type(), barrier, bytes,
                                         NVVM::MemScopeKind::CTA, /*relaxed=*/false, Value());
}

void nvptx::prefetchMap(GPUKernelBuilder &b, Value map) {
  NVVM::PrefetchOp::create(b.builder, b.loc, NVVM::PrefetchCacheLevelAttr(),
                           NVVM::CacheEvictionPriorityAttr(), map, Value(),
                           b.builder.getUnitAttr());
}

void nvptx::copyToShared(GPUKernelBuilder &b, Value shared, Value map, Value column, Value row,
                         Value barrier, Value receivers) {
  Value target = LLVM::AddrSpaceCastOp::create(b.builder, b.loc, b.pointer(7), shared);
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b.builder, b.loc, target, map, ValueRange{column, row}, barrier, ValueRange(), receivers,
      Value(), NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(), Value());
}

void nvptx::copyToGlobal(GPUKernelBuilder &b, Value map, Value shared, Value column, Value row) {
  NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(b.builder, b.loc, map, shared,
                                                     ValueRange{column, row}, Value(),
                                                     NVVM::TMAStoreMode::TILE, Value());
  NVVM::CpAsyncBulkCommitGroupOp::create(b.builder, b.loc);
}

void nvptx::waitCopiesRead(GPUKernelBuilder &b, int64_t pending) {
  NVVM::CpAsyncBulkWaitGroupOp::create(b.builder, b.loc, static_cast<uint32_t>(pending),
                                       b.builder.getUnitAttr());
}

void nvptx::fenceShared(GPUKernelBuilder &b) {
  auto space = NVVM::SharedSpaceAttr::get(b.builder.getContext(), NVVM::SharedSpace::shared_cta);
  NVVM::FenceProxyOp::create(b.builder, b.loc, NVVM::ProxyKind::async_shared, space);
}

void nvptx::storeMatrices(GPUKernelBuilder &b, Value address, ValueRange registers) {
  auto shape = NVVM::LdStMatrixShapeAttr::get(b.builder.getContext(), 8, 8);
  NVVM::StMatrixOp::create(b.builder, b.loc, address, registers, NVVM::MMALayout::row, shape,
                           NVVM::LdStMatrixEltType::B16);
}

//===----------------------------------------------------------------------===//
// Other blocks
//===----------------------------------------------------------------------===//

void nvptx::startNextGrid(GPUKernelBuilder &b) {
  NVVM::GriddepcontrolOp::create(b.builder, b.loc, NVVM::GridDepActionKind::launch_dependents);
}

void nvptx::waitForGrids(GPUKernelBuilder &b) {
  NVVM::GriddepcontrolOp::create(b.builder, b.loc, NVVM::GridDepActionKind::wait);
}

void nvptx::syncCluster(GPUKernelBuilder &b, int64_t blocks) {
  if (blocks == 1)
    return b.barrier();
  arriveCluster(b);
  waitCluster(b);
}

void nvptx::arriveCluster(GPUKernelBuilder &b) {
  NVVM::ClusterArriveOp::create(b.builder, b.loc, UnitAttr());
}

void nvptx::waitCluster(GPUKernelBuilder &b) {
  NVVM::ClusterWaitOp::create(b.builder, b.loc, UnitAttr());
}

void nvptx::leaveCluster(GPUKernelBuilder &b) {
  NVVM::ClusterArriveRelaxedOp::create(b.builder, b.loc, UnitAttr());
  waitCluster(b);
}

Value nvptx::blocksOfCluster(GPUKernelBuilder &b) {
  return NVVM::ClusterDimBlocksXOp::create(b.builder, b.loc, b.i32());
}

Value nvptx::rankInCluster(GPUKernelBuilder &b, int64_t blocks) {
  return b.rem(b.blockId(), blocks);
}

Value nvptx::inCluster(GPUKernelBuilder &b, Value shared, Value block) {
  return NVVM::MapaOp::create(b.builder, b.loc, b.pointer(7), shared, block);
}

//===----------------------------------------------------------------------===//
// Warpgroups
//===----------------------------------------------------------------------===//

void nvptx::arriveNamed(GPUKernelBuilder &b, Value id, Value threads) {
  NVVM::BarrierArriveOp::create(b.builder, b.loc, id, threads);
}

void nvptx::syncNamed(GPUKernelBuilder &b, Value id, Value threads) {
  NVVM::BarrierOp::create(b.builder, b.loc, Type(), id, threads, {}, {});
}

void nvptx::decreaseRegisters(GPUKernelBuilder &b, int64_t count) {
  NVVM::SetMaxRegisterOp::create(b.builder, b.loc, static_cast<uint32_t>(count),
                                 NVVM::SetMaxRegisterAction::decrease);
}

void nvptx::increaseRegisters(GPUKernelBuilder &b, int64_t count) {
  NVVM::SetMaxRegisterOp::create(b.builder, b.loc, static_cast<uint32_t>(count),
                                 NVVM::SetMaxRegisterAction::increase);
}

Value nvptx::matrixDescriptor(GPUKernelBuilder &b, Value address, int64_t chunkBytes) {
  // Swizzle of 128 bytes (bits 62-63), 1024 bytes between groups of 8 rows (bits 32-45),
  // chunks (bits 16-29) and the address in units of 16 bytes.
  int64_t layout = (int64_t(1) << 62) | (int64_t(64) << 32) | (chunkBytes / 16 << 16);
  Value units = b.widen(b.div(b.bitAnd(address, 0x3ffff), 16));
  return arith::OrIOp::create(b.builder, b.loc, units, b.i64(layout));
}

Value nvptx::advanceDescriptor(GPUKernelBuilder &b, Value descriptor, int64_t units) {
  // Only the low half changes: the other one stays in its uniform register.
  Value low = LLVM::TruncOp::create(b.builder, b.loc, b.i32(), descriptor);
  Value high = arith::AndIOp::create(b.builder, b.loc, descriptor, b.i64(-(int64_t(1) << 32)));
  return arith::OrIOp::create(b.builder, b.loc, b.widen(b.add(low, units)), high);
}

Type nvptx::sumsType(GPUKernelBuilder &b, int64_t columns) {
  return LLVM::LLVMStructType::getLiteral(b.builder.getContext(),
                                          SmallVector<Type>(columns / 2, b.f32()));
}

Value nvptx::startStep(GPUKernelBuilder &b, Type type, Value sums, Value descriptorA,
                       Value descriptorB, int64_t columns, bool addsSums) {
  auto element = type.isF16() ? NVVM::WGMMATypes::f16 : NVVM::WGMMATypes::bf16;
  return NVVM::WgmmaMmaAsyncOp::create(
      b.builder, b.loc, sums.getType(), sums, descriptorA, descriptorB,
      NVVM::MMAShapeAttr::get(b.builder.getContext(), 64, columns, 16), element, element,
      NVVM::WGMMATypes::f32, addsSums ? NVVM::WGMMAScaleOut::one : NVVM::WGMMAScaleOut::zero,
      NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one, NVVM::MMALayout::row, NVVM::MMALayout::col,
      NVVM::MMAIntOverflowAttr());
}

/// The elements of sums, which are those of `columns`.
static SmallVector<Value> elementsOf(GPUKernelBuilder &b, Value sums, int64_t columns) {
  SmallVector<Value> elements;
  for (int64_t i = 0; i < columns / 2; ++i)
    elements.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, sums, i));
  return elements;
}

/// Instructions that make the sums of `columns`, their operands $0 and on, of `sums`, if any, and
/// of `operands`, those behind the sums that are made and read.
static Value makeSums(GPUKernelBuilder &b, StringRef text, int64_t columns, ArrayRef<Value> sums,
                      ArrayRef<Value> operands, StringRef constraints) {
  SmallVector<Value> all(sums);
  llvm::append_range(all, operands);
  std::string list;
  for (int64_t i = 0; i < columns / 2; ++i)
    list += "=f,";
  for (size_t i = 0; i < sums.size(); ++i)
    list += std::to_string(i) + ",";
  list += constraints;
  auto instructions = LLVM::InlineAsmOp::create(
      b.builder, b.loc, sumsType(b, columns), all, text, StringRef(list).rtrim(','),
      /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr(), ArrayAttr());
  return instructions.getResult(0);
}

/// The same, where all sums change.
static SmallVector<Value> changeSums(GPUKernelBuilder &b, StringRef text, ArrayRef<Value> sums,
                                     ArrayRef<Value> operands, StringRef constraints) {
  int64_t columns = 2 * sums.size();
  return elementsOf(b, makeSums(b, text, columns, sums, operands, constraints), columns);
}

/// "{$first, …}" of `count` operands of an instruction.
static std::string operandList(size_t first, size_t count) {
  std::string text;
  for (size_t i = first; i < first + count; ++i)
    text += (text.empty() ? "{$" : ", $") + std::to_string(i);
  return text + "}";
}

Value nvptx::startProducts(GPUKernelBuilder &b, Type type, Value sums,
                           ArrayRef<ProductFactors> factors, int64_t columns) {
  // One op for all steps: each would take and give all of the sums.
  std::string element = type.isF16() ? "f16" : "bf16", text, constraints;
  SmallVector<Value> elements, operands;
  if (sums)
    elements = elementsOf(b, sums, columns);
  size_t first = columns / 2 + elements.size();
  for (const ProductFactors &tile : factors)
    for (int64_t k = 0; k < swizzledColumns; k += 16) {
      std::string pair = "$" + std::to_string(first + operands.size()) + ", $" +
                         std::to_string(first + operands.size() + 1);
      text += "wgmma.mma_async.sync.aligned.m64n" + std::to_string(columns) + "k16.f32." + element +
              "." + element + " " + operandList(0, columns / 2) + ", " + pair +
              (sums || !operands.empty() ? ", 1" : ", 0") + ", 1, 1, 0, 0;\n";
      // 16 columns are 32 bytes, 2 units of a descriptor's address.
      operands.append({b.add(tile.a, k / 8), b.add(tile.b, k / 8)});
      constraints += "l,l,";
    }
  fenceProducts(b);
  Value result = makeSums(b, text, columns, elements, operands, constraints);
  commitProducts(b);
  return result;
}

SmallVector<Value> nvptx::startStep(GPUKernelBuilder &b, ArrayRef<Value> sums, ArrayRef<Value> a,
                                    Value descriptorB, int64_t columns) {
  // No op of NVVM takes factors from registers. Sums are $0 … and again what they were.
  size_t count = sums.size(), first = 2 * count;
  std::string text = "wgmma.mma_async.sync.aligned.m64n" + std::to_string(columns) +
                     "k16.f32.bf16.bf16 " + operandList(0, count) + ", " +
                     operandList(first, a.size()) + ", $" + std::to_string(first + a.size()) +
                     ", 1, 1, 1, 1;";
  SmallVector<Value> operands(a);
  operands.push_back(descriptorB);
  return changeSums(b, text, sums, operands, "r,r,r,r,l");
}

void nvptx::fenceProducts(GPUKernelBuilder &b) {
  NVVM::WgmmaFenceAlignedOp::create(b.builder, b.loc);
}

void nvptx::commitProducts(GPUKernelBuilder &b) {
  NVVM::WgmmaGroupSyncAlignedOp::create(b.builder, b.loc);
}

void nvptx::waitProducts(GPUKernelBuilder &b, int64_t pending) {
  NVVM::WgmmaWaitGroupSyncOp::create(b.builder, b.loc, static_cast<uint64_t>(pending));
}

SmallVector<Value> nvptx::waitProducts(GPUKernelBuilder &b, int64_t pending, ArrayRef<Value> sums,
                                       ArrayRef<Value> factors) {
  std::string constraints;
  for (size_t i = 0; i < factors.size(); ++i)
    constraints += "r,";
  return changeSums(b, "wgmma.wait_group.sync.aligned " + std::to_string(pending) + ";", sums,
                    factors, constraints);
}
