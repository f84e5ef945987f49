//===- PlanContents.h - What calls may ask of a plan ------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_PLANCONTENTS_H
#define FLOWHN_LIB_RUNTIME_PLANCONTENTS_H

#include "flowhn/Artifact/Plan_generated.h"

#include <set>
#include <string>

namespace flowhn {

/// The names of all taps.
std::set<std::string> collectTaps(const fb::Plan &plan);

/// Whether the entry hands its argument `tokens` to anyone.
bool computesTokens(const fb::Plan &plan);
/// Whether its step draws tokens where it runs.
bool drawsTokens(const fb::Plan &plan);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_PLANCONTENTS_H
