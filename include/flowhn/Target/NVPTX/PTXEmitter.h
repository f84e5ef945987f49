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
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

#include <mutex>
#include <string>
#include <vector>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace mlir::flowhn {

/// What a kernel's section of code is named by, where other kernels are in it as well (string).
inline constexpr llvm::StringLiteral gpuCodeAttrName = "kern.code";

/// Kernels that are compiled together, in the assembly language of NVIDIA's GPUs.
struct PTXModule {
  std::string name; ///< `kern.code`, or that of its one kernel
  std::vector<std::string> kernels;
  std::string ptx;

  /// "kernel 'a'" or "kernels 'a', 'b'", for messages.
  std::string describe() const;
};

/// Compiles the kernels of the module `@kernels` in the LLVM dialect: those of one `kern.code`
/// together, any other by itself.
class PTXEmitter {
public:
  PTXEmitter(ModuleOp kernels, GPUTargetInfo target);

  /// Modules, in the order of their first kernels.
  size_t size() const { return modules.size(); }
  /// Their numbers, what takes longest first.
  std::vector<size_t> longestFirst() const;
  /// Compiles one; threads may compile others meanwhile. A function that would have to come from
  /// a library is an error that names it.
  ::flowhn::Expected<PTXModule> emit(size_t number);

private:
  ::flowhn::Expected<std::unique_ptr<llvm::Module>> translate(size_t number,
                                                              llvm::LLVMContext &context);

  struct Kernels {
    std::string name;
    std::vector<LLVM::LLVMFuncOp> functions;
    int64_t operations = 0;
  };
  ModuleOp kernels;
  GPUTargetInfo target;
  std::vector<Kernels> modules;
  std::mutex translating; ///< the kernels' MLIR, whose context is not for several threads
};

/// Path of ptxas: `requested`, or, where that is "auto", the one of CUDA_HOME, CUDA_PATH,
/// /usr/local/cuda or the search path.
::flowhn::Expected<std::string> findPTXAS(std::string_view requested);

/// Machine code of kernels.
struct Cubin {
  std::vector<char> bytes;
  int64_t registers = 0; ///< of a thread, at launch, of the kernel that has most
};

/// Assembles kernels. Spilled registers, serialised wgmma and ignored register limits
/// are errors: they cost a kernel its speed.
::flowhn::Expected<Cubin> assemble(const PTXModule &module, const GPUTargetInfo &target,
                                   const std::string &ptxas);

} // namespace mlir::flowhn

#endif // FLOWHN_TARGET_NVPTX_PTXEMITTER_H
