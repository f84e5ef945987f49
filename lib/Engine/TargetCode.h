//===- TargetCode.h - What a target makes of kernels --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ENGINE_TARGETCODE_H
#define FLOWHN_LIB_ENGINE_TARGETCODE_H

#include "flowhn/Artifact/Artifact.h"
#include "flowhn/Engine/Compiler.h"
#include "flowhn/Engine/Model.h"
#include "flowhn/Import/ImportModel.h"
#include "flowhn/Target/CPU/TargetInfo.h"
#include "flowhn/Target/NVPTX/TargetInfo.h"
#include "mlir/IR/BuiltinOps.h"

#include <variant>

namespace mlir::flowhn {

/// The machine that a compile is for.
using CompileTarget = std::variant<CPUTargetInfo, GPUTargetInfo>;

/// Those that the options name, best first; what they ask of another target is an error.
::flowhn::Expected<std::vector<CompileTarget>>
resolveTargets(const ::flowhn::CompileOptions &options);

/// What the manifest says of them.
::flowhn::ManifestTarget describeTargets(llvm::ArrayRef<CompileTarget> targets);

/// The section of its plan.
std::string planSectionOf(const CompileTarget &target);
/// What its phases are told apart by, where several targets are compiled for: " sm_80".
std::string phaseSuffix(const CompileTarget &target, const ::flowhn::CompileOptions &options);

/// How many threads share the work that follows.
unsigned numThreads(const ::flowhn::CompileOptions &options);

/// What activations are held in; Unsupported where the target does not compute in it.
::flowhn::Expected<ActivationTypes> resolveActivations(const ::flowhn::Model &model,
                                                       const ::flowhn::CompileOptions &options);

/// The sections with the code of an artifact. Compiles the module `@kernels`, lowered to the LLVM
/// dialect, adding its phases to `report`. For a CPU one shared object; for a GPU the PTX of the
/// kernels and, where there is a ptxas, their machine code.
::flowhn::Expected<std::vector<::flowhn::ArtifactSection>>
emitCode(ModuleOp kernels, const CompileTarget &target, const ::flowhn::CompileOptions &options,
         ::flowhn::CompileReport &report);

/// The same as one piece, to look at: the shared object, or the PTX of all kernels.
::flowhn::Expected<std::string> emitObject(ModuleOp kernels, const CompileTarget &target,
                                           const ::flowhn::CompileOptions &options,
                                           ::flowhn::CompileReport &report);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_ENGINE_TARGETCODE_H
