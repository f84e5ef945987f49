//===- PTXEmitter.h - From LLVM dialect to PTX and machine code -*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TARGET_NVPTX_PTXEMITTER_H
#define FLOWHN_TARGET_NVPTX_PTXEMITTER_H

#include "flowhn/Support/Status.h"
#include "flowhn/Target/NVPTX/TargetInfo.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace mlir::flowhn {

/// A kernel in the assembly language of NVIDIA's GPUs.
struct PTXKernel {
  std::string name;
  std::string ptx;
};

/// Compiles every kernel of `kernels` (the module `@kernels` in the LLVM dialect) on
/// `threads` threads, each to a text of its own. A function that would have to come
/// from a library is an error that names it.
::flowhn::Expected<std::vector<PTXKernel>> emitPTX(ModuleOp kernels, const GPUTargetInfo &target,
                                                   unsigned threads);

/// Path of ptxas: `requested`, or, where that is "auto", the one of CUDA_HOME, CUDA_PATH,
/// /usr/local/cuda or the search path.
::flowhn::Expected<std::string> findPTXAS(std::string_view requested);

/// Machine code of one kernel.
struct Cubin {
  std::vector<char> bytes;
  int64_t registers = 0; ///< of a thread, at launch
};

/// Assembles a kernel. Spilled registers, serialised wgmma and ignored register limits
/// are errors: they cost a kernel its speed.
::flowhn::Expected<Cubin> assemble(const PTXKernel &kernel, const GPUTargetInfo &target,
                                   const std::string &ptxas);

} // namespace mlir::flowhn

#endif // FLOWHN_TARGET_NVPTX_PTXEMITTER_H
