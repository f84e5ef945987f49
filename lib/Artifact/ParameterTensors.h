//===- ParameterTensors.h - What a parameter is made of ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ARTIFACT_PARAMETERTENSORS_H
#define FLOWHN_LIB_ARTIFACT_PARAMETERTENSORS_H

#include "flowhn/Artifact/Plan_generated.h"

#include <vector>

namespace flowhn {

/// The tensors of the checkpoint that a parameter is made of: its sources in order, then
/// the column scale, if it has one.
inline std::vector<const fb::Source *> tensorsOf(const fb::Parameter &parameter) {
  std::vector<const fb::Source *> tensors(parameter.sources()->begin(), parameter.sources()->end());
  if (parameter.column_scale())
    tensors.push_back(parameter.column_scale());
  return tensors;
}

} // namespace flowhn

#endif // FLOWHN_LIB_ARTIFACT_PARAMETERTENSORS_H
