//===- ConfigProblems.h - Problems found in a model config ------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_IMPORT_CONFIGPROBLEMS_H
#define FLOWHN_LIB_IMPORT_CONFIGPROBLEMS_H

#include "flowhn/Import/ModelConfig.h"

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// Collects every problem of a config and which keys have one, so that a rule
/// about several keys is not checked against a value already refused.
class ConfigProblems {
public:
  void add(StatusCode code, std::string_view key, std::string_view text);
  /// True when none of the keys has a problem so far.
  bool good(std::initializer_list<std::string_view> keys) const;
  /// Everything in one error; Unsupported if nothing is worse than that.
  Status status(std::string_view source) const;

private:
  std::vector<std::string> lines;
  std::set<std::string, std::less<>> badKeys;
  StatusCode worst = StatusCode::Ok;
};

/// Checks ranges and consistency, skipping rules about keys that are bad already.
void checkConfig(const ModelConfig &config, ConfigProblems &problems);

} // namespace flowhn

#endif // FLOWHN_LIB_IMPORT_CONFIGPROBLEMS_H
