//===- ParameterLibrary.cpp - The prepared parameters of a model ----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ParameterLibrary.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::flowhn;

static SmallVector<RankedTensorType> getSourceTypes(const ParameterUse &use) {
  return llvm::map_to_vector(use.sources,
                             [](Value source) { return cast<RankedTensorType>(source.getType()); });
}

MemRefType ParameterUse::getType() const {
  SmallVector<RankedTensorType> types = getSourceTypes(*this);
  Type element = types.front().getElementType();
  bool areAlike =
      llvm::all_of(types, [&](RankedTensorType type) { return type.getElementType() == element; });
  if (roundsTo)
    element = roundsTo;
  else if (!areAlike || transform != plan::Transform::None || columnScale)
    element = Float32Type::get(element.getContext());
  return plan::ParameterOp::getPreparedType(types, layout, panel, groups, element);
}

bool ParameterUse::rounds() const {
  if (!roundsTo || roundsTo.isF32())
    return false;
  return columnScale || llvm::any_of(getSourceTypes(*this), [&](RankedTensorType type) {
           return type.getElementType() != roundsTo;
         });
}

SmallVector<Value> ParameterUse::tensors() const {
  SmallVector<Value> tensors(sources);
  if (columnScale)
    tensors.push_back(columnScale);
  return tensors;
}

/// One name for tensors that are prepared together: the parts in which dotted
/// names differ are joined by `+`, so q, k and v become `….q_proj+k_proj+v_proj.weight`.
static std::string joinNames(ArrayRef<StringRef> names) {
  SmallVector<SmallVector<StringRef>> parts;
  for (StringRef name : names)
    name.split(parts.emplace_back(), '.');
  ArrayRef<StringRef> first = parts.front();
  bool areAlike =
      llvm::all_of(parts, [&](ArrayRef<StringRef> other) { return other.size() == first.size(); });
  if (!areAlike)
    return llvm::join(names, "+");
  SmallVector<std::string> joined;
  for (size_t i = 0; i < first.size(); ++i) {
    SmallVector<StringRef> column =
        llvm::map_to_vector(parts, [&](ArrayRef<StringRef> name) { return name[i]; });
    joined.push_back(llvm::all_equal(column) ? first[i].str() : llvm::join(column, "+"));
  }
  return llvm::join(joined, ".");
}

/// The tensor of the checkpoint that `parameter` is.
static plan::SourceAttr getSource(Value parameter) {
  return plan::SourceAttr::get(parameter.getContext(),
                               parameter.getDefiningOp<GetParameterOp>().getName(),
                               cast<RankedTensorType>(parameter.getType()));
}

plan::ParameterOp ParameterLibrary::getOrCreate(const ParameterUse &use) {
  OpBuilder builder(position);
  SmallVector<Attribute> sources;
  SmallVector<StringRef> names;
  for (Value source : use.sources) {
    sources.push_back(getSource(source));
    names.push_back(cast<plan::SourceAttr>(sources.back()).getName());
  }
  plan::SourceAttr scale = use.columnScale ? getSource(use.columnScale) : plan::SourceAttr();
  auto parameter = plan::ParameterOp::create(builder, modelSymbols.lookup(names[0])->getLoc(),
                                             StringRef(), builder.getArrayAttr(sources), use.layout,
                                             use.panel, use.groups, use.transform, scale,
                                             /*rounds=*/use.rounds(), use.getType());
  plan::ParameterOp &entry = known[parameter->getPropertiesAsAttribute()];
  if (entry) {
    parameter.erase();
    return entry;
  }
  entry = parameter;
  std::string name = joinNames(names);
  if (symbols.lookup(name))
    name += ("." + plan::stringifyLayout(use.layout)).str();
  parameter.setSymName(name);
  parameter->remove();
  symbols.insert(parameter, position->getIterator());
  return parameter;
}
