//===- DiagnosticText.cpp - Diagnostics for people ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DiagnosticText.h"

#include "mlir/IR/Operation.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace mlir::flowhn;

llvm::StringRef mlir::flowhn::severityName(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  return "diagnostic";
}

std::string mlir::flowhn::textOf(Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  Location location = diagnostic.getLocation();
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    stream << file.getFilename().getValue() << ":" << file.getLine() << ":" << file.getColumn()
           << ": ";
  else if (auto name = location->findInstanceOf<NameLoc>())
    stream << name.getName().getValue() << ": ";
  stream << diagnostic.str();
  for (Diagnostic &note : diagnostic.getNotes())
    stream << "\n  note: " << note.str();
  return text;
}

void FailedPass::runAfterPassFailed(Pass *pass, Operation *op) {
  if (text.empty())
    text = "pass '" + pass->getArgument().str() + "' failed on '" +
           op->getName().getStringRef().str() + "'";
}
