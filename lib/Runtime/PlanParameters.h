//===- PlanParameters.h - What parameters are made of -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_PLANPARAMETERS_H
#define FLOWHN_LIB_RUNTIME_PLANPARAMETERS_H

#include "../Artifact/ParameterTensors.h"
#include "flowhn/Runtime/ParameterSource.h"

#include <map>
#include <mutex>
#include <optional>

namespace flowhn {

/// What the parameters of a plan are made of, sorted by name, each once.
std::vector<ParameterSpec> sourcesOf(const fb::Plan &plan);

/// Bytes of a parameter as kernels read it.
int64_t preparedBytes(const fb::Parameter &parameter);

/// Incompatible when the values of `stored` do not become those of the parameter.
Status checkStoredType(const fb::Parameter &parameter, const ParameterSpec &stored);

/// The tensors of a source while several threads use them: one at a time deals with one
/// name, and the last user's `release` is the source's.
class TensorUses {
public:
  explicit TensorUses(ParameterSource &source) : source(source) {}

  /// Announces `count` releases; not while others use the object.
  void add(const std::string &name, int64_t count = 1) { uses[name].left += count; }
  /// Never releases `name`.
  void keep(const std::string &name) { uses[name].isKept = true; }

  Expected<TensorView> find(const std::string &name);
  /// The column scale of `parameter`, nothing where it has none.
  Expected<std::optional<TensorView>> findScale(const fb::Parameter &parameter);
  void release(const std::string &name);

private:
  struct Use {
    std::mutex mutex;
    int64_t left = 0;
    bool isKept = false;
  };

  ParameterSource &source;
  std::map<std::string, Use> uses;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_PLANPARAMETERS_H
