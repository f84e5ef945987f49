//===- KernelText.h - Text of kernels, and ragged batches -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_UNITTESTS_CONVERSION_KERNELTEXT_H
#define FLOWHN_TEST_UNITTESTS_CONVERSION_KERNELTEXT_H

#include "KernelHarness.h"

#include <algorithm>
#include <string>
#include <vector>

namespace flowhn::test {

inline std::string rowsType(int64_t width, Storage storage = Storage::F32) {
  return "memref<?x" + std::to_string(width) + "x" + mlirName(storage) + ">";
}

/// `name = value : i64, `, an attribute of a kern op.
inline std::string attribute(const std::string &name, int64_t value) {
  return name + " = " + std::to_string(value) + " : i64, ";
}

/// A kernel function, put together operand by operand.
class KernelText {
public:
  /// Adds an operand that is an argument of the function, too.
  KernelText &operand(const std::string &name, const std::string &type) {
    parameters += (parameters.empty() ? "%" : ", %") + name + ": " + type;
    types += (types.empty() ? "" : ", ") + type;
    return *this;
  }

  /// The function around `form`, the op up to its attributes.
  std::string function(const std::string &form, const std::string &attributes) const {
    return "func.func @kernel(" + parameters + ") attributes {kern.kernel} {\n" + form + " {" +
           attributes + "} : (" + types + ") -> ()\nreturn\n}\n";
  }

private:
  std::string parameters, types;
};

/// Sequences of the given lengths, their rows one after the other.
struct Batch {
  explicit Batch(std::vector<int64_t> lengths) : lengths(std::move(lengths)) {
    for (int64_t length : this->lengths) {
      offsets.push_back(offsets.back() + static_cast<int32_t>(length));
      maxLength = std::max(maxLength, length);
    }
  }

  int64_t size() const { return static_cast<int64_t>(lengths.size()); }
  int64_t rows() const { return offsets.back(); }

  std::vector<int64_t> lengths;
  std::vector<int32_t> offsets = {0};
  int64_t maxLength = 0;
};

/// The lengths that kernels over sequences are tested with, and a ragged batch.
inline std::vector<Batch> testBatches() {
  std::vector<Batch> batches;
  for (int64_t length : {1, 2, 5, 16, 17, 61, 127, 300})
    batches.push_back(Batch({length}));
  batches.push_back(Batch({0, 17, 1, 0, 130, 64, 3, 0}));
  return batches;
}

} // namespace flowhn::test

#endif // FLOWHN_TEST_UNITTESTS_CONVERSION_KERNELTEXT_H
