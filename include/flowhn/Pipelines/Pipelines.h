//===- Pipelines.h - Passes composed ------------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_PIPELINES_PIPELINES_H
#define FLOWHN_PIPELINES_PIPELINES_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <string>

namespace mlir::flowhn {

/// What the named pipelines take; each hands its passes the options that concern
/// them.
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<std::string> strategy{*this, "strategy",
                               llvm::cl::desc("override the split strategy: none|ae|fa|fac"),
                               llvm::cl::init("")};
  Option<std::string> circulation{*this, "circulation",
                                  llvm::cl::desc("override the circulation: alternate|rotate"),
                                  llvm::cl::init("")};
  Option<int64_t> context{*this, "context",
                          llvm::cl::desc("override the context length; 0 keeps the model's"),
                          llvm::cl::init(0)};
  ListOption<int64_t> attentionTokens{
      *this, "attention-tokens",
      llvm::cl::desc("override the count: one for all blocks or one per block")};
  Option<std::string> norm{*this, "norm",
                           llvm::cl::desc("where a norm before a product goes: kernel|prologue"),
                           llvm::cl::init("kernel")};
  Option<std::string> branchSchedule{*this, "branch-schedule",
                                     llvm::cl::desc("auto|grouped|streams|serial"),
                                     llvm::cl::init("auto")};
  Option<bool> pruneDeadPositions{
      *this, "prune-dead-positions",
      llvm::cl::desc("compute of the last block only what the selected tokens read"),
      llvm::cl::init(false)};
  Option<std::string> calibration{
      *this, "calibration",
      llvm::cl::desc(
          "of nvptx: what times are predicted from, and kernels configured by: H200, H100 "
          "or a file; empty: the chip's own"),
      llvm::cl::init("")};
  Option<int64_t> candidate{
      *this, "candidate",
      llvm::cl::desc("of nvptx: which of each kernel's configurations; -1: the fastest"),
      llvm::cl::init(-1)};
  Option<int64_t> typicalBatch{*this, "typical-batch",
                               llvm::cl::desc("of nvptx: rows of the call to predict times for"),
                               llvm::cl::init(8)};
  Option<int64_t> typicalTokens{*this, "typical-tokens",
                                llvm::cl::desc("of nvptx: tokens of each row; 0: the context"),
                                llvm::cl::init(0)};
  Option<std::string> target{*this, "target", llvm::cl::desc("cpu|nvptx"), llvm::cl::init("cpu")};
  Option<std::string> cpu{*this, "cpu",
                          llvm::cl::desc("of cpu: x86-64-v2|x86-64-v3|x86-64-v4|host"),
                          llvm::cl::init("host")};
  Option<std::string> chip{*this, "chip", llvm::cl::desc("of nvptx: sm_80|sm_90a|…"),
                           llvm::cl::init("sm_90a")};
};

/// Imported model → split chosen and materialised.
void buildSplitPipeline(OpPassManager &passes, const PipelineOptions &options);
/// → blocks outlined, ops fused, branches scheduled.
void buildSchedulePipeline(OpPassManager &passes, const PipelineOptions &options);
/// → kernels, with their configurations, and the procedures that launch them.
void buildKernPipeline(OpPassManager &passes, const PipelineOptions &options);
/// → buffers placed.
void buildPlanPipeline(OpPassManager &passes, const PipelineOptions &options);
/// → the code of the kernels. The plan serialises from here on.
void buildEmitPipeline(OpPassManager &passes, const PipelineOptions &options);
/// → kernels in the LLVM dialect.
void buildLLVMPipeline(OpPassManager &passes, const PipelineOptions &options);
/// All of the above, in order.
void buildWholePipeline(OpPassManager &passes, const PipelineOptions &options);

/// Every dialect that the passes read or produce, with the kernel models of all targets
/// and the translation to LLVM IR.
void registerDialects(DialectRegistry &registry);
/// Every pass of the project, by its flag.
void registerPasses();
/// The pipelines above: flowhn-split-pipeline, flowhn-schedule-pipeline,
/// flowhn-kern-pipeline, flowhn-plan-pipeline, flowhn-emit-pipeline,
/// flowhn-llvm-pipeline and flowhn-pipeline.
void registerPipelines();

} // namespace mlir::flowhn

#endif // FLOWHN_PIPELINES_PIPELINES_H
