//===- Passes.td - Kernels for the GPU ----------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_CONVERSION_KERNTOGPU_PASSES_TD
#define FLOWHN_CONVERSION_KERNTOGPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ChooseGPUConfigsPass : Pass<"kern-choose-gpu-configs", "::mlir::ModuleOp"> {
  let summary = "Choose the GPU configuration of every kernel";
  let description = [{
    Keeps configurations that are there. A kernel that a calibration has times of gets the
    configuration that was fastest in calls with as many rows: of those between the same bounds
    for products, of all for attention. Where times differ by less than 2 %, and without any,
    it gets what is predicted to be fastest: products in the mean over calls of every length that
    the kernel is for, whose tokens branches share as the module's `kern.branch_shares` says, or
    divided by FLOPs and not at all; one by itself has the parts of its `kern.token_shares`, or
    either branch's or all. A configuration that such a kernel cannot have is
    an error; times of kernels that the module has not are passed over.

    A product whose kernel for few or middling rows got the configuration of one for more, or may
    have it and take next to nothing longer, is launched as that one. What calibrations know a
    kernel by is left on it.
  }];
  let options = [Option<"chip", "chip", "std::string", "\"sm_90a\"", "sm_80|sm_90a|…">,
                 Option<"calibration", "calibration", "std::string", "\"\"", "H200, H100 or a file of flowhn-bench --autotune; empty: what is known of the chip">,
                 Option<"candidate", "candidate", "int64_t", "-1", "in place of what was measured, which one of each kernel's configurations, 0 for what is predicted to be fastest, and for kernels that have not so many">];
}

def ConvertKernToGPUPass : Pass<"convert-kern-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Emit the code of every kernel's thread blocks";
  let description = [{
    Replaces the kern op of each kernel function of `@kernels` by scf, arith, nvvm and
    llvm ops and its buffers by pointers to global memory. Tensor maps become further
    arguments, passed by value. How to launch it is kept in the attributes that
    KernToGPU.h lists.

    Numerics: REASSOCIATING: sums are formed in the order of the configuration;
    exponentials, reciprocals and their like are the chip's approximations.
  }];
  let options = [Option<"chip", "chip", "std::string", "\"sm_90a\"", "sm_80|sm_90a|…">];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::LLVM::LLVMDialect"];
}

def GroupKernelsPass : Pass<"flowhn-group-gpu-kernels", "::mlir::ModuleOp"> {
  let summary = "Choose which kernels are compiled together";
  let description = [{
    A start of the assembler takes as long as a small kernel. Each kernel is put beside others, as
    many as take no longer together than the longest one does by itself, and `kern.code` names the
    section that their code goes to. Kernels that use memory of the block are not put beside others
    that do not, which would get some too; otherwise a kernel's code is as it would be alone.

    Numerics: bit-exact.
  }];
}

def LowerGPUKernelsToLLVMPass : Pass<"flowhn-lower-gpu-kernels-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower the emitted kernels to the LLVM dialect";
  let description = [{
    Works on the module `@kernels` alone and leaves the plan as it is. Nothing that
    needs a library (libdevice) may be left.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def EmitPTXPass : Pass<"flowhn-emit-ptx", "::mlir::ModuleOp"> {
  let summary = "Write the PTX of every kernel, for tests and for people to read";
  let description = [{
    Into `directory`, `<kernel>.ptx` and `<kernel>.json`, which says how it is launched;
    with `ptxas`, `<kernel>.cubin` too, and any of its warnings is an error. Without a
    directory, the PTX goes to standard output.
  }];
  let options = [Option<"chip", "chip", "std::string", "\"sm_90a\"", "sm_80|sm_90a|…">,
                 Option<"directory", "directory", "std::string", "\"\"", "where the files go">,
                 Option<"ptxas", "ptxas", "std::string", "\"\"", "path of ptxas; `auto` looks in CUDA_HOME">];
}

#endif // FLOWHN_CONVERSION_KERNTOGPU_PASSES_TD
