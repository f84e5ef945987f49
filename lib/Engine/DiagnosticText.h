//===- DiagnosticText.h - Diagnostics for people ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ENGINE_DIAGNOSTICTEXT_H
#define FLOWHN_LIB_ENGINE_DIAGNOSTICTEXT_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassInstrumentation.h"

#include <string>

namespace mlir::flowhn {

/// "error", "warning", …
llvm::StringRef severityName(DiagnosticSeverity severity);

/// A diagnostic as text: its location where that is a file or a name, its text, its notes.
std::string textOf(Diagnostic &diagnostic);

/// Remembers which pass failed on what.
class FailedPass : public PassInstrumentation {
public:
  explicit FailedPass(std::string &text) : text(text) {}
  void runAfterPassFailed(Pass *pass, Operation *op) override;

private:
  std::string &text;
};

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_ENGINE_DIAGNOSTICTEXT_H
