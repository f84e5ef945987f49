//===- Guard.cpp - From exceptions to statuses ----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Guard.h"

#include <new>
#include <stdexcept>
#include <system_error>

using namespace flowhn;

Status flowhn::statusOfException(std::string_view purpose) {
  std::string what(purpose);
  try {
    throw;
  } catch (const std::bad_alloc &) {
    return resourceExhausted("no memory for " + what);
  } catch (const std::length_error &) {
    return resourceExhausted("no memory for " + what);
  } catch (const std::system_error &error) {
    return resourceExhausted("no resources for " + what + ": " + error.what());
  } catch (const std::exception &error) {
    return internalError("unexpected exception for " + what + ": " + error.what());
  } catch (...) {
    return internalError("unexpected exception for " + what);
  }
}
