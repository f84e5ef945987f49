//===- Linker.h - lld in process --------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_TARGET_CPU_LINKER_H
#define FLOWHN_LIB_TARGET_CPU_LINKER_H

#include "flowhn/Support/Status.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <vector>

namespace mlir::flowhn {

using ObjectFile = llvm::SmallVector<char, 0>;

/// Links ELF objects into a shared object without build id, symbol names other
/// than the dynamic ones, or dependencies. Calls are serialised: lld keeps global
/// state.
::flowhn::Expected<std::vector<char>> linkSharedObject(llvm::ArrayRef<ObjectFile> objects);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_TARGET_CPU_LINKER_H
