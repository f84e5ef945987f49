//===- Target.h - What to compile for, by default ---------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_COMMON_TARGET_H
#define FLOWHN_TOOLS_COMMON_TARGET_H

#include <string>
#include <vector>

namespace flowhn::tools {

/// What --target=auto stands for: nvptx where this machine has a GPU that runs code for one
/// of `chips`, else cpu.
std::string targetOfMachine(const std::vector<std::string> &chips);

/// The first of `chips` that the GPU `device` runs; all of them where there is none.
std::vector<std::string> chipsForDevice(const std::vector<std::string> &chips, int device);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_COMMON_TARGET_H
