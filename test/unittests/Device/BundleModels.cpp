//===- BundleModels.cpp - The models of a GPU bundle ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BundleModels.h"
#include "flowhn/Runtime/Device.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>

using namespace flowhn;
using namespace flowhn::test;

static std::string bundleFolder() {
  const char *folder = std::getenv("FLOWHN_MODELS");
  return folder ? folder : "";
}

void BundleTest::SetUp() {
  if (bundleFolder().empty())
    GTEST_SKIP() << "FLOWHN_MODELS names no GPU bundle";
  if (auto devices = listDevices(); !devices.ok())
    GTEST_SKIP() << devices.status().message();
  Expected<Session> session = createSession("kjv-fac-rotate");
  if (session.status().code() == StatusCode::Incompatible)
    GTEST_SKIP() << session.status().message();
  ASSERT_TRUE(session.ok()) << session.status().message();
}

static Expected<std::unique_ptr<ParameterSource>> openWeights(const std::string &name,
                                                              const Artifact &artifact) {
  if (name.starts_with("kjv"))
    return openCheckpoint(bundleFolder() + "/inputs/kjv-fac-rotate");
  return randomParameters(parametersOf(artifact), /*seed=*/1);
}

Expected<Session> test::createSession(const std::string &name, SessionOptions options) {
  Expected<Artifact> artifact = Artifact::open(bundleFolder() + "/models/nvptx/" + name + ".fhn");
  FLOWHN_RETURN_IF_ERROR(artifact.status());
  auto shared = std::make_shared<const Artifact>(std::move(*artifact));
  auto source = openWeights(name, *shared);
  FLOWHN_RETURN_IF_ERROR(source.status());
  return Session::create(std::move(shared), std::move(*source), std::move(options));
}

Session test::openSession(const std::string &name, SessionOptions options) {
  Expected<Session> session = createSession(name, std::move(options));
  if (!session.ok()) {
    ADD_FAILURE() << session.status().message();
    std::abort();
  }
  return std::move(*session);
}

Rows::Rows(const Session &session, std::vector<int32_t> lengths, uint32_t seed)
    : lengths(std::move(lengths)) {
  std::mt19937 random(seed);
  ids.resize(std::accumulate(this->lengths.begin(), this->lengths.end(), size_t(0)));
  for (int32_t &id : ids)
    id = int32_t(random() % uint32_t(session.vocabSize()));
}

std::vector<float> test::logitsOf(Session &session, const Call &call) {
  Expected<CallResult> result = session.run(call);
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result.ok() ? std::move(result->logits) : std::vector<float>();
}

bool test::sameBits(const std::vector<float> &a, const std::vector<float> &b) {
  return !a.empty() && a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

double test::relativeError(std::span<const float> a, std::span<const float> b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    difference += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
    norm += double(b[i]) * b[i];
  }
  return std::sqrt(difference / norm);
}
