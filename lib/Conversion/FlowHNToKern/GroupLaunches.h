//===- GroupLaunches.h - Ops of both branches in one launch -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to lib/Conversion/FlowHNToKern.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_GROUPLAUNCHES_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_GROUPLAUNCHES_H

#include "OpConversions.h"

namespace mlir::flowhn {

template <typename Group> using Members = ArrayRef<typename Group::Member>;

/// Launches `members`, built on this procedure's values, as one kernel.
template <typename Group>
void launchGroup(ProcedureBuilder &procedure, Members<Group> members, StringRef name) {
  SmallVector<Value> operands;
  for (auto member : members)
    llvm::append_range(operands, member->getOperands());
  auto group = Group::create(procedure.builder, members.front()->getLoc(), operands,
                             /*config=*/nullptr);
  Block &body = group.getMembers().emplaceBlock();
  for (auto member : members) {
    member->moveBefore(&body, body.end());
    for (OpOperand &operand : member->getOpOperands())
      operand.set(body.addArgument(operand.get().getType(), member->getLoc()));
  }
  procedure.launch(group, name);
}

/// A group of those that are for calls of the same rows.
template <typename Group>
void launchByRows(ProcedureBuilder &procedure, Members<Group> members,
                  function_ref<std::string(Members<Group>)> nameOf) {
  llvm::MapVector<Attribute, SmallVector<typename Group::Member, 2>> groups;
  for (auto member : members)
    groups[member.getMaxRowsAttr()].push_back(member);
  for (const auto &[maxRows, group] : groups)
    launchGroup<Group>(procedure, group, "grouped_" + nameOf(group));
}

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_GROUPLAUNCHES_H
