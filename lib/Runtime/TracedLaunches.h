//===- TracedLaunches.h - What a trace says of launches ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_TRACEDLAUNCHES_H
#define FLOWHN_LIB_RUNTIME_TRACEDLAUNCHES_H

#include "PlanWalk.h"

namespace flowhn {

/// The launches of a call that are not empty, in the order of the plan, without their times.
Expected<std::vector<TracedLaunch>> describeLaunches(const fb::Plan &plan,
                                                     const EntryArguments &arguments);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_TRACEDLAUNCHES_H
