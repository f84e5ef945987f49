//===- ReferenceFile.cpp - Reference results in a file --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReferenceFile.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

using namespace flowhn;
using namespace flowhn::tools;

template <typename Source, typename T> static std::vector<T> convert(const TensorView &view) {
  std::vector<T> values(view.bytes / sizeof(Source));
  for (size_t i = 0; i < values.size(); ++i) {
    Source value;
    std::memcpy(&value, view.data + i * sizeof(Source), sizeof(Source));
    values[i] = static_cast<T>(value);
  }
  return values;
}

/// The number behind `prefix`, when the rest of the name is one.
static std::optional<int64_t> numberAfter(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix))
    return std::nullopt;
  int64_t number = 0;
  const char *last = name.data() + name.size();
  auto [end, error] = std::from_chars(name.data() + prefix.size(), last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

Expected<ReferenceFile> ReferenceFile::open(const std::string &path) {
  Expected<SafeTensors> tensors = SafeTensors::open(path);
  if (!tensors.ok())
    return tensors.status();
  ReferenceFile file(path, std::move(*tensors));
  FLOWHN_RETURN_IF_ERROR(file.findLengths());
  return file;
}

Status ReferenceFile::findLengths() {
  for (const NamedTensor &tensor : tensors.tensors()) {
    if (auto length = numberAfter(tensor.name, "input_ids."))
      inputLengths.push_back(*length);
    std::optional<int64_t> logits = numberAfter(tensor.name, "logits.");
    if (logits && !has("input_ids." + std::to_string(*logits)))
      return notFound("'" + path + "' has '" + tensor.name + "' but no 'input_ids." +
                      std::to_string(*logits) + "'");
  }
  if (inputLengths.empty())
    return notFound("'" + path + "' has no 'input_ids.L' for any length L");
  std::ranges::sort(inputLengths);
  return Status();
}

bool ReferenceFile::hasHidden(int64_t length) const {
  std::string prefix = "hidden." + std::to_string(length) + ".";
  return std::ranges::any_of(tensors.tensors(), [&](const NamedTensor &tensor) {
    return tensor.name.starts_with(prefix);
  });
}

Expected<const TensorView *> ReferenceFile::get(const std::string &name) const {
  const TensorView *view = tensors.find(name);
  if (!view)
    return notFound("'" + path + "' has no '" + name + "'");
  return view;
}

Status ReferenceFile::wrongType(const std::string &tensor, DType type, const char *expected) const {
  return invalidInput("'" + tensor + "' in '" + path + "' has type " + std::string(name(type)) +
                      ", expected " + expected);
}

Expected<std::vector<float>> ReferenceFile::floats(const std::string &name,
                                                   std::span<const int64_t> shape) const {
  Expected<const TensorView *> view = get(name);
  if (!view.ok())
    return view.status();
  if (!std::ranges::equal((*view)->shape, shape))
    return invalidInput("'" + name + "' in '" + path + "' has shape " +
                        shapeString((*view)->shape) + ", expected " + shapeString(shape));
  if ((*view)->type == DType::F32)
    return convert<float, float>(**view);
  if ((*view)->type == DType::F64)
    return convert<double, float>(**view);
  return wrongType(name, (*view)->type, "F32 or F64");
}

Expected<IdMatrix> ReferenceFile::ids(const std::string &name) const {
  Expected<const TensorView *> found = get(name);
  if (!found.ok())
    return found.status();
  const TensorView &view = **found;
  if (view.shape.size() != 2 || view.bytes == 0)
    return invalidInput("'" + name + "' in '" + path + "' has shape " + shapeString(view.shape) +
                        ", expected [sequences, tokens]");
  IdMatrix matrix{view.shape[0], view.shape[1], {}};
  if (view.type == DType::I32) {
    matrix.values = convert<int32_t, int32_t>(view);
    return matrix;
  }
  if (view.type != DType::I64)
    return wrongType(name, view.type, "I32 or I64");
  for (int64_t id : convert<int64_t, int64_t>(view)) {
    if (id != static_cast<int32_t>(id))
      return invalidInput("'" + name + "' in '" + path + "' holds the id " + std::to_string(id) +
                          ", which is no 32-bit number");
    matrix.values.push_back(static_cast<int32_t>(id));
  }
  return matrix;
}
