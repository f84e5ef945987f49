//===- BundleModels.h - The models of a GPU bundle --------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_UNITTESTS_DEVICE_BUNDLEMODELS_H
#define FLOWHN_TEST_UNITTESTS_DEVICE_BUNDLEMODELS_H

#include "flowhn/Runtime/Session.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

namespace flowhn::test {

/// Skips, with the reason, where there is no GPU or no bundle with models for it.
class BundleTest : public ::testing::Test {
protected:
  void SetUp() override;
};

/// A session of models/nvptx/NAME.fhn: kjv models have the weights of their input, others
/// made-up ones of seed 1.
Expected<Session> createSession(const std::string &name, SessionOptions options = {});

/// `createSession`, which must not fail.
Session openSession(const std::string &name, SessionOptions options = {});

/// Rows of these lengths with made-up tokens.
struct Rows {
  Rows(const Session &session, std::vector<int32_t> lengths, uint32_t seed = 1);
  Call call(LogitsMode logits = LogitsMode::Last) const {
    return {.ids = ids, .lengths = lengths, .logits = logits};
  }

  std::vector<int32_t> lengths, ids;
};

/// The logits of a call that must not fail.
std::vector<float> logitsOf(Session &session, const Call &call);

/// Whether the bits are the same.
bool sameBits(const std::vector<float> &a, const std::vector<float> &b);

/// ‖a − b‖ / ‖b‖
double relativeError(std::span<const float> a, std::span<const float> b);

} // namespace flowhn::test

#endif // FLOWHN_TEST_UNITTESTS_DEVICE_BUNDLEMODELS_H
