//===- CompilerLibrary.h - The compiler, where it is installed --*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_COMMON_COMPILERLIBRARY_H
#define FLOWHN_TOOLS_COMMON_COMPILERLIBRARY_H

#include "flowhn/Engine/CompilerLibrary.h"

namespace flowhn::tools {

/// Opens libFlowHNCompiler, once in a process. NotFound with the loader's reason where it, or
/// what it needs, is not installed; Incompatible when it is of another version.
Expected<const CompilerInterface *> loadCompiler();

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_COMMON_COMPILERLIBRARY_H
