//===- PlanEnums.td - Enumerations of plan --------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_IR_PLANENUMS_TD
#define FLOWHN_DIALECT_PLAN_IR_PLANENUMS_TD

include "flowhn/Dialect/Plan/IR/PlanDialect.td"
include "mlir/IR/EnumAttr.td"

def Plan_Layout : I32Enum<"Layout", "how a prepared parameter lies in memory", [
    I32EnumCase<"RowMajor", 0, "row_major">, I32EnumCase<"Transposed", 1, "transposed">,
    I32EnumCase<"Panels", 2, "panels">, I32EnumCase<"Padded", 3, "padded">]> {
  let cppNamespace = "::mlir::plan";
}
def Plan_LayoutAttr : EnumAttr<Plan_Dialect, Plan_Layout, "layout"> { let assemblyFormat = "$value"; }

def Plan_Transform : I32Enum<"Transform", "what is computed from a parameter once, at load", [
    I32EnumCase<"None", 0, "none">, I32EnumCase<"NegExp", 1, "neg_exp">]> {
  let cppNamespace = "::mlir::plan";
}
def Plan_TransformAttr : EnumAttr<Plan_Dialect, Plan_Transform, "transform"> { let assemblyFormat = "$value"; }

def Plan_Branches : I32BitEnum<"Branches", "which branches of a block a kernel computes", [
    I32BitEnumCaseBit<"Attention", 0, "attention">, I32BitEnumCaseBit<"SSM", 1, "ssm">]> {
  let cppNamespace = "::mlir::plan";
}
def Plan_BranchesAttr : EnumAttr<Plan_Dialect, Plan_Branches, "branches"> { let assemblyFormat = "`<` $value `>`"; }

#endif // FLOWHN_DIALECT_PLAN_IR_PLANENUMS_TD
