//===- MemorySupport.cpp - Buffers, extras and regions on the GPU ---------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

Type nvptx::elementType(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

int64_t nvptx::rowWidth(Value memref) {
  return cast<MemRefType>(memref.getType()).getStridesAndOffset().first.front();
}

Buffer GPUKernelBuilder::buffer(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  // convert-kern-to-gpu makes the pointer of the argument and drops the cast.
  Value address = choose(memref, [&](Value operand) {
    return UnrealizedConversionCastOp::create(builder, loc, pointer(1), operand).getResult(0);
  });
  if (offset != 0)
    address = at(address, i64(offset), type.getElementType());
  return {address, type.getElementType(), strides.front()};
}

Value GPUKernelBuilder::at(Value pointer, Value offset, Type elementType) {
  return LLVM::GEPOp::create(builder, loc, pointer.getType(), elementType, pointer,
                             ArrayRef<LLVM::GEPArg>(offset));
}

Value GPUKernelBuilder::rowOffset(const Buffer &buffer, Value row, Value column) {
  return add(mul(widen(row), buffer.stride), widen(column));
}

Value GPUKernelBuilder::load(const Buffer &buffer, Value offset) {
  return extend(loadRaw(buffer.elementType, at(buffer.pointer, offset, buffer.elementType)));
}

void GPUKernelBuilder::store(Value value, const Buffer &buffer, Value offset) {
  storeRaw(truncate(value, buffer.elementType), at(buffer.pointer, offset, buffer.elementType));
}

SmallVector<Value> GPUKernelBuilder::loadVector(const Buffer &buffer, Value offset, int64_t count) {
  if (count == 1)
    return {load(buffer, offset)};
  // A register holds two of 16 bits, and an access moves up to four registers.
  int64_t bytes = buffer.elementType.getIntOrFloatBitWidth() / 8;
  auto type = VectorType::get(count, buffer.elementType);
  Value vector = loadRaw(type, at(buffer.pointer, offset, buffer.elementType), count * bytes);
  return llvm::map_to_vector(elementsOf(vector), [&](Value value) { return extend(value); });
}

void GPUKernelBuilder::storeVector(ValueRange values, const Buffer &buffer, Value offset) {
  int64_t count = values.size();
  if (count == 1)
    return store(values.front(), buffer, offset);
  SmallVector<Value> registers(values);
  if (buffer.elementType != f32()) {
    registers.clear();
    for (int64_t i = 0; i < count; i += 2)
      registers.push_back(packPair(values[i], values[i + 1], buffer.elementType));
  }
  storeRaw(vectorOf(registers), at(buffer.pointer, offset, buffer.elementType),
           registers.size() * 4);
}

void GPUKernelBuilder::prefetch(const Buffer &buffer, Value offset) {
  auto level =
      NVVM::PrefetchCacheLevelAttr::get(builder.getContext(), NVVM::PrefetchCacheLevel::L2);
  NVVM::PrefetchOp::create(builder, loc, level, NVVM::CacheEvictionPriorityAttr(),
                           at(buffer.pointer, offset, buffer.elementType), Value());
}

Value GPUKernelBuilder::lookUp(Value tableMemref, Value position) {
  if (!tableMemref)
    return position;
  Buffer table = buffer(tableMemref);
  return loadRaw(i32(), at(table.pointer, widen(position), i32()));
}

Value GPUKernelBuilder::loadRaw(Type type, Value pointer, int64_t alignment) {
  return LLVM::LoadOp::create(builder, loc, type, pointer, alignment);
}

void GPUKernelBuilder::storeRaw(Value value, Value pointer, int64_t alignment) {
  LLVM::StoreOp::create(builder, loc, value, pointer, alignment);
}

//===----------------------------------------------------------------------===//
// Shared memory and tensor maps
//===----------------------------------------------------------------------===//

Value GPUKernelBuilder::sharedBase() {
  static constexpr llvm::StringLiteral name = "kernel_shared";
  auto module = op->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    // External: the code generator would shrink an internal one to its declared size.
    // 1024 bytes are the period of the 128-byte swizzle.
    LLVM::GlobalOp::create(builder, loc, LLVM::LLVMArrayType::get(builder.getI8Type(), 0),
                           /*isConstant=*/false, LLVM::Linkage::External, name, Attribute(),
                           /*alignment=*/1024, /*addrSpace=*/3);
  }
  return LLVM::AddressOfOp::create(builder, loc, pointer(3), name);
}

Value GPUKernelBuilder::shared(Value base, Value byteOffset) {
  return at(base, byteOffset, builder.getI8Type());
}

Value GPUKernelBuilder::shared(Value base, int64_t byteOffset) {
  return byteOffset ? shared(base, i32(byteOffset)) : base;
}

Value GPUKernelBuilder::tensorMap(const TensorMap &map) {
  auto kernel = op->getParentOfType<func::FuncOp>();
  auto type = cast<MemRefType>(map.buffer.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t elementBytes = type.getElementTypeBitWidth() / 8;

  unsigned extents = llvm::count_if(op->getOperandTypes(), [](Type t) { return t.isIndex(); });
  auto integer = [&](int64_t value) { return builder.getI64IntegerAttr(value); };
  NamedAttribute description[] = {
      builder.getNamedAttr("argument", integer(cast<BlockArgument>(map.buffer).getArgNumber())),
      builder.getNamedAttr("type", TypeAttr::get(type.getElementType())),
      builder.getNamedAttr("columns", integer(map.columns)),
      builder.getNamedAttr("rows", AffineMapAttr::get(AffineMap::get(extents, 0, map.rows))),
      builder.getNamedAttr("row_bytes", integer(strides.front() * elementBytes)),
      builder.getNamedAttr("box", builder.getI64ArrayAttr({map.boxColumns, map.boxRows})),
      builder.getNamedAttr("swizzle", integer(map.swizzle))};
  SmallVector<Attribute> maps;
  if (auto known = kernel->getAttrOfType<ArrayAttr>(gpuTensorMapsAttrName))
    llvm::append_range(maps, known);
  maps.push_back(builder.getDictionaryAttr(description));
  kernel->setAttr(gpuTensorMapsAttrName, builder.getArrayAttr(maps));

  auto bytes = LLVM::LLVMArrayType::get(builder.getI8Type(), 128);
  NamedAttribute attributes[] = {
      builder.getNamedAttr(LLVM::LLVMDialect::getByValAttrName(), TypeAttr::get(bytes)),
      builder.getNamedAttr(LLVM::LLVMDialect::getAlignAttrName(), integer(64))};
  unsigned position = kernel.getNumArguments();
  if (failed(
          kernel.insertArgument(position, pointer(0), builder.getDictionaryAttr(attributes), loc)))
    llvm_unreachable("an argument can be added behind the last one");
  return kernel.getArgument(position);
}

//===----------------------------------------------------------------------===//
// Extras and regions
//===----------------------------------------------------------------------===//

SmallVector<SmallVector<Value>> GPUKernelBuilder::loadExtras(const Extras &extras, Value row,
                                                             Value gatheredRow, Value column,
                                                             int64_t count,
                                                             ArrayRef<Value> scalars) {
  SmallVector<Value> loadedScalars;
  if (scalars.empty())
    scalars = loadedScalars = loadScalars(extras, row);
  SmallVector<SmallVector<Value>> loaded;
  for (auto [buffer, access, offset, scalar] :
       llvm::zip_equal(extras.buffers, extras.accesses, extras.columns, scalars)) {
    if (access == Access::Scalar) {
      loaded.emplace_back(count, scalar);
      continue;
    }
    Value place = widen(add(column, offset));
    bool isAligned = offset % count == 0;
    if (access != Access::Column) {
      Value extraRow = access == Access::Gathered ? gatheredRow : row;
      place = add(mul(widen(extraRow), buffer.stride), place);
      isAligned &= buffer.stride % count == 0;
    }
    if (isAligned) {
      loaded.push_back(loadVector(buffer, place, count));
      continue;
    }
    SmallVector<Value> &values = loaded.emplace_back();
    for (int64_t i = 0; i < count; ++i)
      values.push_back(load(buffer, add(place, i)));
  }
  return loaded;
}

SmallVector<Value> GPUKernelBuilder::loadScalars(const Extras &extras, Value row) {
  SmallVector<Value> scalars;
  for (auto [buffer, access] : llvm::zip_equal(extras.buffers, extras.accesses))
    scalars.push_back(access == Access::Scalar ? load(buffer, widen(row)) : Value());
  return scalars;
}

Value GPUKernelBuilder::inlineRegion(Region &region, ValueRange arguments) {
  Block &block = region.front();
  IRMapping mapping;
  mapping.map(block.getArguments(), arguments);
  auto operand = [&](Operation &op, unsigned position) {
    return mapping.lookupOrDefault(op.getOperand(position));
  };
  for (Operation &op : block.without_terminator()) {
    Value result;
    if (isa<math::ExpOp>(op))
      result = exp(operand(op, 0));
    else if (isa<math::LogOp>(op))
      result = log(operand(op, 0));
    else if (isa<math::SqrtOp>(op))
      result = sqrt(operand(op, 0));
    else if (isa<arith::DivFOp>(op))
      result = mulf(operand(op, 0), reciprocal(operand(op, 1)));
    if (result)
      mapping.map(op.getResult(0), result);
    else
      builder.clone(op, mapping);
  }
  return mapping.lookupOrDefault(cast<YieldOp>(block.getTerminator()).getValue());
}
