//===- ReferenceFile.h - Reference results in a file ------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_RUN_REFERENCEFILE_H
#define FLOWHN_TOOLS_RUN_REFERENCEFILE_H

#include "flowhn/Support/SafeTensors.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace flowhn::tools {

/// A matrix of token ids.
struct IdMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<int32_t> values;
};

/// A safetensors file with `input_ids.L`, `logits.L`, `hidden.L.i` and `greedy`.
/// Everything it hands out has been checked for presence, type and shape.
class ReferenceFile {
public:
  static Expected<ReferenceFile> open(const std::string &path);

  /// Every L that the file has inputs for, ascending.
  const std::vector<int64_t> &lengths() const { return inputLengths; }
  bool has(const std::string &name) const { return tensors.find(name) != nullptr; }
  /// Whether there is any `hidden.L.i`.
  bool hasHidden(int64_t length) const;

  /// [sequences, tokens] of I32 or I64.
  Expected<IdMatrix> ids(const std::string &name) const;
  /// Of F32 or F64, in this shape.
  Expected<std::vector<float>> floats(const std::string &name,
                                      std::span<const int64_t> shape) const;

private:
  ReferenceFile(std::string path, SafeTensors tensors)
      : path(std::move(path)), tensors(std::move(tensors)) {}

  Status findLengths();
  Expected<const TensorView *> get(const std::string &name) const;
  Status wrongType(const std::string &name, DType type, const char *expected) const;

  std::string path;
  SafeTensors tensors;
  std::vector<int64_t> inputLengths;
};

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_RUN_REFERENCEFILE_H
