//===- TargetInfo.cpp - What is known of a GPU ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Target/NVPTX/TargetInfo.h"

using namespace mlir::flowhn;

::flowhn::Expected<GPUTargetInfo> GPUTargetInfo::get(std::string_view chip) {
  if (chip != "sm_90a")
    return ::flowhn::unsupported("no kernels for the GPU '" + std::string(chip) +
                                 "': the known one is sm_90a");
  GPUTargetInfo target;
  target.chip = chip;
  target.features = "+ptx80";
  target.hasWarpgroupProducts = true;
  return target;
}
