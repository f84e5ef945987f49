//===- LaunchProgram.cpp - What the workers run in a call -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchProgram.h"

#include <algorithm>

using namespace flowhn;

bool LaunchProgram::addLaunch(unsigned stream, KernelFunction function, int64_t items,
                              uint32_t kernel) {
  if (items <= 0)
    return false;
  if (!open) {
    list.emplace_back();
    streamNumbers.clear();
    open = true;
  }
  auto found = std::find(streamNumbers.begin(), streamNumbers.end(), stream);
  size_t index = size_t(found - streamNumbers.begin());
  if (found == streamNumbers.end()) {
    streamNumbers.push_back(stream);
    list.back().streams.emplace_back();
  }
  list.back().streams[index].push_back({function, items, args.size(), kernel, launches++});
  return true;
}

void LaunchProgram::addWorkspaceOffset(int64_t offset) {
  workspaceArgs.push_back(args.size());
  args.push_back(offset);
}

void LaunchProgram::place(std::byte *workspace) {
  for (size_t position : workspaceArgs)
    args[position] = int64_t(workspace + args[position]);
}
