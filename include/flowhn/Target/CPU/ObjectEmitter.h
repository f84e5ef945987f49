//===- ObjectEmitter.h - From LLVM dialect to a shared object --*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TARGET_CPU_OBJECTEMITTER_H
#define FLOWHN_TARGET_CPU_OBJECTEMITTER_H

#include "flowhn/Support/Status.h"
#include "flowhn/Target/CPU/TargetInfo.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace mlir::flowhn {

/// Optimised machine code of kernels.
struct SharedObject {
  std::vector<char> bytes;    ///< an ELF shared object that exports every kernel
  double optimizeSeconds = 0; ///< LLVM passes and instruction selection, wall time
  double linkSeconds = 0;     ///< the linker
};

/// Compiles the kernels of `kernels` (the module `@kernels` in the LLVM dialect:
/// every function that is not internal, with those it calls) for `target`, kernel by kernel on
/// `threads` threads, and links them in process. The result imports nothing but memcpy, memmove and
/// memset; anything else that survived is an error that names it. The bytes depend only on the
/// kernels and the target.
::flowhn::Expected<SharedObject> emitSharedObject(ModuleOp kernels, const CPUTargetInfo &target,
                                                  unsigned threads);

/// The optimised LLVM IR of the kernels as text, for people to read.
::flowhn::Expected<std::string> emitLLVMIR(ModuleOp kernels, const CPUTargetInfo &target);

} // namespace mlir::flowhn

#endif // FLOWHN_TARGET_CPU_OBJECTEMITTER_H
