//===- GroupedMatmulOp.cpp - Independent products in one launch -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::kern;

static Type elementTypeOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

unsigned GroupedMatmulOp::getExtentOf(MatmulOp member) {
  unsigned rows = getOperandOf(member.getRows()).getOperandNumber();
  return llvm::count_if(getArguments().take_front(rows).getTypes(), llvm::IsaPred<IndexType>);
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

LogicalResult GroupedMatmulOp::verify() {
  // grouped_matmul_c1
  Block &block = getMembers().front();
  if (block.getArgumentTypes() != getOperandTypes())
    return emitOpError("region must have arguments of the operands' types (")
           << getOperandTypes() << "), got (" << block.getArgumentTypes() << ")";
  for (Operation &op : block)
    if (!isa<MatmulOp>(op))
      return op.emitOpError("is no kern.matmul, which alone may stand in a kern.grouped_matmul");
  if (int64_t count = llvm::range_size(getProducts()); count < 2)
    return emitOpError("must have at least two members, got ") << count;
  return success();
}

/// Whether `member` reads what `group` keeps in `buffer`, one of its operands.
static bool reads(GroupedMatmulOp group, MatmulOp member, Value buffer) {
  return llvm::any_of(member->getOpOperands(), [&](OpOperand &operand) {
    return operand.get() != member.getOut() && group.getOperandOf(operand.get()).get() == buffer;
  });
}

/// Checks a member against the first one.
static LogicalResult verifyAlike(MatmulOp first, MatmulOp member) {
  // grouped_matmul_c3
  if (member.getGroups() != first.getGroups())
    return member.emitOpError("must have as many groups as the other members, ")
           << int64_t(first.getGroups()) << ", got " << int64_t(member.getGroups());
  Type a = elementTypeOf(first.getA()), b = elementTypeOf(first.getB());
  if (elementTypeOf(member.getA()) != a || elementTypeOf(member.getB()) != b)
    return member.emitOpError("must multiply ")
           << a << " and " << b << " as the other members do, got " << elementTypeOf(member.getA())
           << " and " << elementTypeOf(member.getB());
  // grouped_matmul_c4
  if (member.getConfig())
    return member.emitOpError("must leave its configuration to the kern.grouped_matmul");
  return success();
}

LogicalResult GroupedMatmulOp::verifyRegions() {
  auto members = llvm::to_vector(getProducts());
  for (MatmulOp member : members) {
    if (failed(verifyAlike(members.front(), member)))
      return failure();
    // grouped_matmul_c2
    Value stored = getOperandOf(member.getOut()).get();
    for (MatmulOp other : members)
      if (other != member && reads(*this, other, stored))
        return other.emitOpError("must not read what another member stores, of type ")
               << stored.getType();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Effects and costs
//===----------------------------------------------------------------------===//

void GroupedMatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  auto isStored = [&](unsigned operand) {
    Value argument = getMembers().getArgument(operand);
    return llvm::any_of(getProducts(),
                        [&](MatmulOp member) { return member.getOut() == argument; });
  };
  for (OpOperand &operand : getArgumentsMutable()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    auto *effect = isStored(operand.getOperandNumber())
                       ? static_cast<MemoryEffects::Effect *>(MemoryEffects::Write::get())
                       : MemoryEffects::Read::get();
    effects.emplace_back(effect, &operand, SideEffects::DefaultResource::get());
  }
}

int64_t GroupedMatmulOp::getFlops(ArrayRef<int64_t> extents) {
  int64_t flops = 0;
  for (MatmulOp member : getProducts())
    flops += member.getFlops(extents[getExtentOf(member)]);
  return flops;
}

int64_t GroupedMatmulOp::getBytes(ArrayRef<int64_t> extents) {
  int64_t bytes = 0;
  for (MatmulOp member : getProducts())
    bytes += member.getBytes(extents[getExtentOf(member)]);
  return bytes;
}
