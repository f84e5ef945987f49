//===- GroupedOps.cpp - Independent kernels of a kind in one launch -------===//
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

//===----------------------------------------------------------------------===//
// What all groups share
//===----------------------------------------------------------------------===//

template <typename Group> static unsigned extentOf(Group group, typename Group::Member member) {
  unsigned rows = group.getOperandOf(member.getRows()).getOperandNumber();
  return llvm::count_if(group.getArguments().take_front(rows).getTypes(), llvm::IsaPred<IndexType>);
}

/// (C1)
template <typename Group> static LogicalResult verifyMembers(Group group) {
  using Member = typename Group::Member;
  Block &block = group.getMembers().front();
  if (block.getArgumentTypes() != group->getOperandTypes())
    return group.emitOpError("region must have arguments of the operands' types (")
           << group->getOperandTypes() << "), got (" << block.getArgumentTypes() << ")";
  for (Operation &op : block)
    if (!isa<Member>(op))
      return op.emitOpError("is no ")
             << Member::getOperationName() << ", which alone may stand in a "
             << Group::getOperationName();
  if (int64_t count = llvm::range_size(group.getMemberOps()); count < 2)
    return group.emitOpError("must have at least two members, got ") << count;
  return success();
}

/// Whether `member` reads what `group` keeps in `buffer`, one of its operands.
template <typename Group>
static bool reads(Group group, typename Group::Member member, Value buffer) {
  return llvm::any_of(member->getOpOperands(), [&](OpOperand &operand) {
    return operand.get() != member.getOut() && group.getOperandOf(operand.get()).get() == buffer;
  });
}

/// (C2) and (C4), and what `verifyAlike` says of a member and the first one.
template <typename Group>
static LogicalResult verifyIndependent(
    Group group,
    llvm::function_ref<LogicalResult(typename Group::Member, typename Group::Member)> verifyAlike) {
  auto members = llvm::to_vector(group.getMemberOps());
  for (auto member : members) {
    if (failed(verifyAlike(members.front(), member)))
      return failure();
    if (member.getConfig())
      return member.emitOpError("must leave its configuration to the ")
             << Group::getOperationName();
    Value stored = group.getOperandOf(member.getOut()).get();
    for (auto other : members)
      if (other != member && reads(group, other, stored))
        return other.emitOpError("must not read what another member stores, of type ")
               << stored.getType();
  }
  return success();
}

template <typename Group>
static void
addEffects(Group group,
           SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  auto isStored = [&](unsigned operand) {
    Value argument = group.getMembers().getArgument(operand);
    return llvm::any_of(group.getMemberOps(),
                        [&](auto member) { return member.getOut() == argument; });
  };
  for (OpOperand &operand : group.getArgumentsMutable()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    auto *effect = isStored(operand.getOperandNumber())
                       ? static_cast<MemoryEffects::Effect *>(MemoryEffects::Write::get())
                       : MemoryEffects::Read::get();
    effects.emplace_back(effect, &operand, SideEffects::DefaultResource::get());
  }
}

/// Of `cost`, over the members' rows.
template <typename Group, typename Cost>
static int64_t sumOver(Group group, ArrayRef<int64_t> extents, Cost cost) {
  int64_t sum = 0;
  for (auto member : group.getMemberOps())
    sum += cost(member, extents[extentOf(group, member)]);
  return sum;
}

//===----------------------------------------------------------------------===//
// GroupedMatmulOp
//===----------------------------------------------------------------------===//

unsigned GroupedMatmulOp::getExtentOf(MatmulOp member) { return extentOf(*this, member); }

// grouped_matmul_c1
LogicalResult GroupedMatmulOp::verify() { return verifyMembers(*this); }

/// Checks a member against the first one.
static LogicalResult verifyProductsAlike(MatmulOp first, MatmulOp member) {
  // grouped_matmul_c3
  if (member.getGroups() != first.getGroups())
    return member.emitOpError("must have as many groups as the other members, ")
           << int64_t(first.getGroups()) << ", got " << int64_t(member.getGroups());
  Type a = elementTypeOf(first.getA()), b = elementTypeOf(first.getB());
  if (elementTypeOf(member.getA()) != a || elementTypeOf(member.getB()) != b)
    return member.emitOpError("must multiply ")
           << a << " and " << b << " as the other members do, got " << elementTypeOf(member.getA())
           << " and " << elementTypeOf(member.getB());
  return success();
}

// grouped_matmul_c2, grouped_matmul_c4
LogicalResult GroupedMatmulOp::verifyRegions() {
  return verifyIndependent(*this, verifyProductsAlike);
}

void GroupedMatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  addEffects(*this, effects);
}

int64_t GroupedMatmulOp::getFlops(ArrayRef<int64_t> extents) {
  return sumOver(*this, extents,
                 [](MatmulOp member, int64_t rows) { return member.getFlops(rows); });
}

int64_t GroupedMatmulOp::getBytes(ArrayRef<int64_t> extents) {
  return sumOver(*this, extents,
                 [](MatmulOp member, int64_t rows) { return member.getBytes(rows); });
}

//===----------------------------------------------------------------------===//
// GroupedRowwiseOp
//===----------------------------------------------------------------------===//

unsigned GroupedRowwiseOp::getExtentOf(RowwiseOp member) { return extentOf(*this, member); }

// grouped_rowwise_c1
LogicalResult GroupedRowwiseOp::verify() { return verifyMembers(*this); }

/// Checks a member against the first one.
static LogicalResult verifyRowsAlike(RowwiseOp first, RowwiseOp member) {
  // grouped_rowwise_c3
  if (member.getReduction() != first.getReduction())
    return member.emitOpError("must reduce as the other members do, ")
           << stringifyReduction(first.getReduction()) << ", got "
           << stringifyReduction(member.getReduction());
  auto promise = [](RowwiseOp op) {
    return op.getMaxRows() ? std::to_string(*op.getMaxRows()) : "any number";
  };
  if (member.getMaxRows() != first.getMaxRows())
    return member.emitOpError("must promise as many rows as the other members, ")
           << promise(first) << ", got " << promise(member);
  return success();
}

// grouped_rowwise_c2, grouped_rowwise_c4
LogicalResult GroupedRowwiseOp::verifyRegions() {
  return verifyIndependent(*this, verifyRowsAlike);
}

void GroupedRowwiseOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  addEffects(*this, effects);
}

int64_t GroupedRowwiseOp::getFlops(ArrayRef<int64_t> extents) {
  return sumOver(*this, extents,
                 [](RowwiseOp member, int64_t rows) { return member.getFlops(rows); });
}

int64_t GroupedRowwiseOp::getBytes(ArrayRef<int64_t> extents) {
  return sumOver(*this, extents,
                 [](RowwiseOp member, int64_t rows) { return member.getBytes(rows); });
}
