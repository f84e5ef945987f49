//===- PlanParameters.cpp - What parameters are made of -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanParameters.h"
#include "PackParameter.h"
#include "flowhn/Support/Json.h"

using namespace flowhn;

namespace {

std::vector<int64_t> dims(const flatbuffers::Vector<int64_t> &shape) {
  return {shape.begin(), shape.end()};
}

} // namespace

std::vector<ParameterSpec> flowhn::sourcesOf(const fb::Plan &plan) {
  std::map<std::string, ParameterSpec> specs;
  for (const fb::Parameter *parameter : *plan.parameters())
    for (const fb::Source *part : tensorsOf(*parameter)) {
      std::string name = part->name()->str();
      specs[name] = {name, DType(part->dtype()), dims(*part->shape())};
    }
  std::vector<ParameterSpec> sorted;
  for (auto &[name, spec] : specs)
    sorted.push_back(std::move(spec));
  return sorted;
}

int64_t flowhn::preparedBytes(const fb::Parameter &parameter) {
  return *denseBytes(DType(parameter.dtype()), dims(*parameter.shape()));
}

Status flowhn::checkStoredType(const fb::Parameter &parameter, const ParameterSpec &stored) {
  DType wanted = DType(parameter.dtype());
  if (converts(stored.type, wanted, parameter.rounds()))
    return {};
  return incompatible("parameter " + quote(stored.name) + " is stored as " +
                      std::string(name(stored.type)) + ", the artifact was compiled for " +
                      std::string(name(wanted)) + " and does not narrow");
}

Expected<TensorView> TensorUses::find(const std::string &name) {
  std::lock_guard lock(uses.at(name).mutex);
  return source.find(name);
}

Expected<std::optional<TensorView>> TensorUses::findScale(const fb::Parameter &parameter) {
  if (!parameter.column_scale())
    return std::optional<TensorView>();
  Expected<TensorView> view = find(parameter.column_scale()->name()->str());
  FLOWHN_RETURN_IF_ERROR(view.status());
  return std::optional(std::move(*view));
}

void TensorUses::release(const std::string &name) {
  Use &use = uses.at(name);
  std::lock_guard lock(use.mutex);
  if (--use.left == 0 && !use.isKept)
    source.release(name);
}
