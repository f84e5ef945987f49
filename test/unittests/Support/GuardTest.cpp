//===- GuardTest.cpp - From exceptions to statuses -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Guard.h"
#include "../TestFiles.h"

#include <new>
#include <stdexcept>
#include <system_error>

using namespace flowhn;
using namespace flowhn::test;

namespace {

template <typename Exception> Status statusFor(const Exception &exception) {
  return guarded("a test", [&]() -> Status { throw exception; });
}

TEST(Guard, ReturnsWhatTheBodyReturns) {
  Expected<int> value = guarded("a test", []() -> Expected<int> { return 3; });
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, 3);
  expectError(guarded("a test", [] { return notFound("nothing there"); }), StatusCode::NotFound,
              "nothing there");
}

TEST(Guard, TurnsExceptionsIntoStatuses) {
  expectError(statusFor(std::bad_alloc()), StatusCode::ResourceExhausted, "no memory for a test");
  expectError(statusFor(std::length_error("vector")), StatusCode::ResourceExhausted,
              "no memory for a test");
  expectError(
      statusFor(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again))),
      StatusCode::ResourceExhausted, "no resources for a test: Resource temporarily unavailable");
  expectError(statusFor(std::runtime_error("odd")), StatusCode::Internal,
              "unexpected exception for a test: odd");
  expectError(statusFor(3), StatusCode::Internal, "unexpected exception for a test");
}

} // namespace
