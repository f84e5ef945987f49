//===- Pipelines.cpp - Passes composed ------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Pipelines/Pipelines.h"

#include "flowhn/Conversion/FlowHNToKern/FlowHNToKern.h"
#include "flowhn/Conversion/KernToCPU/KernToCPU.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "flowhn/Dialect/FlowHN/Transforms/Passes.h"
#include "flowhn/Dialect/Plan/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::flowhn;

void mlir::flowhn::buildSplitPipeline(OpPassManager &passes, const PipelineOptions &options) {
  ChooseSplitPassOptions choose;
  choose.strategy = options.strategy;
  choose.circulation = options.circulation;
  choose.context = options.context;
  choose.attentionTokens.assign(options.attentionTokens.begin(), options.attentionTokens.end());
  passes.addPass(createChooseSplitPass(choose));
  passes.addPass(createMaterializeSplitPass());
}

void mlir::flowhn::buildSchedulePipeline(OpPassManager &passes, const PipelineOptions &options) {
  passes.addPass(createOutlineBlocksPass());
  passes.addPass(createAddStepPass());
  if (options.pruneDeadPositions)
    passes.addPass(createPruneDeadPositionsPass());
  FuseOpsPassOptions fuse;
  fuse.norm = options.norm;
  passes.addPass(createFuseOpsPass(fuse));
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  ScheduleBranchesPassOptions schedule;
  schedule.mode = options.branchSchedule;
  schedule.target = options.target;
  schedule.chip = options.chip;
  schedule.calibration = options.calibration;
  schedule.batch = options.typicalBatch;
  schedule.tokens = options.typicalTokens;
  passes.addPass(createScheduleBranchesPass(schedule));
}

/// Any target but nvptx is left to convert-flowhn-to-kern, which knows the names.
static bool isForGPU(const PipelineOptions &options) { return options.target == "nvptx"; }

void mlir::flowhn::buildKernPipeline(OpPassManager &passes, const PipelineOptions &options) {
  ConvertFlowHNToKernPassOptions convert;
  convert.target = options.target;
  convert.cpu = options.cpu;
  convert.chip = options.chip;
  passes.addPass(createConvertFlowHNToKernPass(convert));
  if (isForGPU(options)) {
    passes.addPass(
        createChooseGPUConfigsPass({options.chip, options.calibration, options.candidate}));
    return;
  }
  ChooseCPUConfigsPassOptions choose;
  choose.cpu = options.cpu;
  passes.addPass(createChooseCPUConfigsPass(choose));
}

void mlir::flowhn::buildPlanPipeline(OpPassManager &passes, const PipelineOptions &) {
  passes.addPass(plan::createAssignBuffersPass());
}

void mlir::flowhn::buildEmitPipeline(OpPassManager &passes, const PipelineOptions &options) {
  if (isForGPU(options)) {
    passes.addPass(createConvertKernToGPUPass({options.chip}));
    passes.addPass(createGroupKernelsPass());
    return;
  }
  ConvertKernToCPUPassOptions convert;
  convert.cpu = options.cpu;
  passes.addPass(createConvertKernToCPUPass(convert));
}

void mlir::flowhn::buildLLVMPipeline(OpPassManager &passes, const PipelineOptions &options) {
  if (isForGPU(options))
    passes.addPass(createLowerGPUKernelsToLLVMPass());
  else
    passes.addPass(createLowerCPUKernelsToLLVMPass());
}

void mlir::flowhn::buildWholePipeline(OpPassManager &passes, const PipelineOptions &options) {
  buildSplitPipeline(passes, options);
  buildSchedulePipeline(passes, options);
  buildKernPipeline(passes, options);
  buildPlanPipeline(passes, options);
  buildEmitPipeline(passes, options);
  buildLLVMPipeline(passes, options);
}

void mlir::flowhn::registerPasses() {
  registerFlowHNPasses();
  registerFlowHNToKernPasses();
  registerKernToCPUPasses();
  plan::registerPlanPasses();
  registerKernToGPUPasses();
}

void mlir::flowhn::registerPipelines() {
  using Registration = PassPipelineRegistration<PipelineOptions>;
  Registration("flowhn-split-pipeline", "choose and materialise the token split",
               buildSplitPipeline);
  Registration("flowhn-schedule-pipeline",
               "outline blocks, prune positions where asked to, fuse ops, schedule branches",
               buildSchedulePipeline);
  Registration("flowhn-kern-pipeline", "convert a scheduled model to kernels and procedures",
               buildKernPipeline);
  Registration("flowhn-plan-pipeline", "place the buffers of the procedures", buildPlanPipeline);
  Registration("flowhn-emit-pipeline", "emit the code of the kernels", buildEmitPipeline);
  Registration("flowhn-llvm-pipeline", "lower the kernels to the LLVM dialect", buildLLVMPipeline);
  Registration("flowhn-pipeline", "everything from the imported model to the LLVM dialect",
               buildWholePipeline);
}
